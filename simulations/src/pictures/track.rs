//! The track of each validator: what it signed, locked and decided, round by round.
//!
//! Invariant: what a liar said is everything that left it, so that two values in one cell are a lie that can be seen.
//! Shape: a row for each validator, a column for each height/round; blocks have colours in the order in which they appear.

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::message::Kind;
use falaj_consensus::types::{BlockId, Height, Round};
use maud::{Markup, html};

use super::window::Window;
use super::words;
use crate::history::{History, Said, What};
use crate::scenario::Scenario;
use crate::types::NodeIndex;

/// How many columns there are at most: the last ones.
const COLUMNS: usize = 24;
/// How many colours blocks have.
const COLOURS: usize = 6;

type Place = (Height, Round);

/// What is known of a validator in a round.
#[derive(Default)]
struct Cell {
    said: BTreeMap<Kind, BTreeSet<Option<BlockId>>>,
    polka: bool,
    locked: bool,
    decided: bool,
}

/// All tracks of a window.
struct Tracks {
    cells: BTreeMap<Place, BTreeMap<NodeIndex, Cell>>,
    blocks: Vec<BlockId>,
}

pub(super) fn draw(history: &History, scenario: &Scenario, window: Window) -> Markup {
    let tracks = Tracks::of(history, window);
    let left_out = tracks.cells.len().saturating_sub(COLUMNS);
    let columns: Vec<&Place> = tracks.cells.keys().skip(left_out).collect();
    let nodes: Vec<NodeIndex> = (0..scenario.validators).map(NodeIndex::new).collect();
    html! {
        p {
            "A column is height/round. p: proposes, v: prevotes, c: precommits, each with the block or nil; "
            b { "P" } ": saw a polka, " b { "L" } ": locked, " b { "C" } ": decided. A correct validator has one value a kind and round."
            @if left_out > 0 { " Left out: " (left_out) " earlier rounds." }
        }
        div.scroll { table.track {
            tr { th { "" } @for (height, round) in &columns { th { (height) "/" (round) } } }
            @for node in nodes {
                @let lies = scenario.byzantine.contains_key(&node);
                tr.lies[lies] {
                    th { (node) @if lies { " lies" } }
                    @for place in &columns { td { (tracks.cell(place, node)) } }
                }
            }
        } }
    }
}

impl Tracks {
    fn of(history: &History, window: Window) -> Self {
        let mut tracks = Self {
            cells: BTreeMap::new(),
            blocks: Vec::new(),
        };
        let sent = history.messages.iter();
        for message in sent.filter(|message| window.holds(message.sent)) {
            let said = message.content.said.iter();
            // Others' words are passed on too.
            let own = said.filter(|said| said.validator.get() == message.from.get());
            own.for_each(|said| tracks.say(message.from, *said));
        }
        for deed in history.deeds.iter().filter(|deed| window.holds(deed.when)) {
            tracks.take(deed.node, &deed.what);
        }
        tracks
    }

    fn take(&mut self, node: NodeIndex, what: &What) {
        match what {
            What::Signed(said) => self.say(node, *said),
            What::Polka { height, round, .. } => self.at(*height, *round, node).polka = true,
            What::Locked { height, round, .. } => self.at(*height, *round, node).locked = true,
            What::Decided { height, round, .. } => self.at(*height, *round, node).decided = true,
            What::Started { .. }
            | What::Ended
            | What::Round { .. }
            | What::TimedOut { .. }
            | What::Proven { .. } => {}
        }
    }

    fn say(&mut self, node: NodeIndex, said: Said) {
        if let Some(block) = said.block.filter(|block| !self.blocks.contains(block)) {
            self.blocks.push(block);
        }
        let cell = self.at(said.height, said.round, node);
        cell.said.entry(said.kind).or_default().insert(said.block);
    }

    fn at(&mut self, height: Height, round: Round, node: NodeIndex) -> &mut Cell {
        let column = self.cells.entry((height, round)).or_default();
        column.entry(node).or_default()
    }

    fn cell(&self, place: &Place, node: NodeIndex) -> Markup {
        let cell = self.cells.get(place).and_then(|column| column.get(&node));
        html! {
            @if let Some(cell) = cell {
                @for (kind, blocks) in &cell.said {
                    div {
                        span.kind { (letter(*kind)) }
                        @for block in blocks { (self.chip(*block)) }
                    }
                }
                @for (is, mark) in [(cell.polka, "P"), (cell.locked, "L"), (cell.decided, "C")] {
                    @if is { span.mark { (mark) } }
                }
            }
        }
    }

    fn chip(&self, block: Option<BlockId>) -> Markup {
        let Some(block) = block else {
            return html! { span.chip { "nil" } };
        };
        let known = self.blocks.iter().position(|known| *known == block);
        let colour = format!("b{}", known.unwrap_or_default() % COLOURS);
        html! { span.chip.(colour) { (words::block(block)) } }
    }
}

const fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Proposal => "p",
        Kind::Prevote => "v",
        Kind::Precommit => "c",
    }
}
