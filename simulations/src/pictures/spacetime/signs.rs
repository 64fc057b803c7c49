//! What nodes do, as signs on their lanes, with a few words where there is room.
//!
//! Shape: what a node does at one time stands in one row.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::Diagram;
use super::axis::px;
use crate::history::{Deed, What};
use crate::pictures::words;
use crate::types::NodeIndex;

/// A sign: its letter, its class, and what it means.
pub(in crate::pictures) type Sign = (&'static str, &'static str, &'static str);

/// Every sign.
pub(in crate::pictures) const SIGNS: [Sign; 6] = [
    (
        "P",
        "polka",
        "polka: sees more than two thirds prevote for a block",
    ),
    (
        "L",
        "lock",
        "lock: precommits it, and will prevote for no other without a newer polka",
    ),
    (
        "C",
        "commit",
        "decides: a commit certificate makes the block final here",
    ),
    (
        "E",
        "proof",
        "evidence: holds proof that somebody broke the protocol",
    ),
    ("S", "start", "starts"),
    ("X", "end", "goes down"),
];
const SIZE: f64 = 13.0;
/// Letters beside a sign; whoever points at it reads the rest.
const SAID_MAX: usize = 24;

pub(super) fn draw(diagram: &Diagram<'_>) -> Markup {
    let mut below: BTreeMap<NodeIndex, f64> = BTreeMap::new();
    let rows: Vec<Row<'_>> = rows(diagram);
    html! {
        @for row in &rows {
            @let words_y = diagram.lanes.has_room().then(|| beside(&mut below, row.node, row.y)).flatten();
            @if let Some(y) = words_y { (row.words(diagram.lanes.x(row.node), y)) }
        }
        // Signs stand above words.
        @for row in &rows { (row.signs(diagram.lanes.x(row.node))) }
    }
}

/// Where the words of a row go: below those before it, or nowhere if that is too far down.
fn beside(below: &mut BTreeMap<NodeIndex, f64>, node: NodeIndex, y: f64) -> Option<f64> {
    let last = below.get(&node).map_or(f64::MIN, |last| last + 12.0);
    let words_y = last.max(y + 4.0);
    let near = words_y - y < 34.0;
    if near {
        below.insert(node, words_y);
    }
    near.then_some(words_y)
}

/// What a node does at one time.
struct Row<'a> {
    node: NodeIndex,
    y: f64,
    deeds: Vec<&'a Deed>,
}

/// Everything that is shown, in order of time.
fn rows<'a>(diagram: &Diagram<'a>) -> Vec<Row<'a>> {
    let deeds = diagram.history.deeds.iter();
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut latest: BTreeMap<NodeIndex, usize> = BTreeMap::new();
    for deed in deeds.filter(|deed| diagram.window.holds(deed.when) && is_shown(&deed.what)) {
        let (node, y) = (deed.node, diagram.axis.y(deed.when.at));
        let same = latest.get(&node).and_then(|place| rows.get_mut(*place));
        if let Some(row) = same.filter(|row| row.y == y) {
            row.deeds.push(deed);
            continue;
        }
        latest.insert(node, rows.len());
        let deeds = vec![deed];
        rows.push(Row { node, y, deeds });
    }
    rows
}

const fn is_shown(what: &What) -> bool {
    !matches!(what, What::Signed(_))
}

impl Row<'_> {
    /// Its signs, each with the deed that it stands for.
    fn signed(&self) -> Vec<(Sign, &Deed)> {
        let deeds = self.deeds.iter();
        deeds
            .filter_map(|deed| Some((sign(&deed.what)?, *deed)))
            .collect()
    }

    /// Everything in it in words. Who decides goes on to the next height, which is not said.
    fn said(&self) -> String {
        let deeds = || self.deeds.iter().map(|deed| &deed.what);
        let decides = deeds().any(|what| matches!(what, What::Decided { .. }));
        let told = deeds().filter(|what| !decides || !matches!(what, What::Round { .. }));
        let mut words: Vec<String> = told.map(said).collect();
        words.dedup();
        words.join(", ")
    }

    fn words(&self, x: f64, y: f64) -> Markup {
        let signs = self.signed().len();
        let x = (0..signs).fold(x + 6.0, |x, _| x + SIZE + 1.0);
        let (said, length) = (self.said(), self.said().chars().count());
        let shown: String = said.chars().take(SAID_MAX).collect();
        html! {
            text.said.quiet[signs == 0] x=(px(x)) y=(px(y)) {
                (shown) @if length > SAID_MAX { "…" }
            }
        }
    }

    fn signs(&self, x: f64) -> Markup {
        let (signs, y, said) = (self.signed(), self.y, self.said());
        html! {
            @if signs.is_empty() {
                circle.tick cx=(px(x)) cy=(px(y)) r="2.5" { title { (self.node) ": " (said) } }
            }
            @for (place, ((letter, class, meaning), deed)) in (0_u16..).zip(signs) {
                @let left = x - SIZE / 2.0 + f64::from(place) * (SIZE + 1.0);
                g.sign.(class) {
                    title { (deed.node) ": " (said) "\n" (meaning) "\nevent " (deed.when.event) ", " (words::time(deed.when.at)) }
                    rect x=(px(left)) y=(px(y - SIZE / 2.0)) width=(px(SIZE)) height=(px(SIZE)) rx="3" {}
                    text x=(px(left + SIZE / 2.0)) y=(px(y + 3.6)) text-anchor="middle" { (letter) }
                }
            }
        }
    }
}

const fn sign(what: &What) -> Option<Sign> {
    match what {
        What::Polka { .. } => Some(SIGNS[0]),
        What::Locked { .. } => Some(SIGNS[1]),
        What::Decided { .. } => Some(SIGNS[2]),
        What::Proven { .. } => Some(SIGNS[3]),
        What::Started { .. } => Some(SIGNS[4]),
        What::Ended => Some(SIGNS[5]),
        What::Round { .. } | What::TimedOut { .. } | What::Signed(_) => None,
    }
}

fn said(what: &What) -> String {
    match what {
        What::Started { height } => format!("starts at {height}"),
        What::Ended => "down".to_owned(),
        What::Round { height, round, .. } => format!("round {height}/{round}"),
        What::TimedOut { timer, .. } => {
            let timer = format!("{timer:?}").to_lowercase();
            format!("{timer} timer")
        }
        What::Polka { block, .. } => words::block(*block),
        What::Locked { block, .. } => words::block(*block),
        What::Signed(said) => said.words(),
        What::Decided { height, block, .. } => {
            format!("decides {height}: {}", words::block(*block))
        }
        What::Proven { culprit } => format!("proof v{culprit}"),
    }
}
