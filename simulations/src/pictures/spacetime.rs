//! The space-time diagram: a lane for each validator, time downwards, an arrow for each message.
//!
//! Invariant: every arrow is a message that was sent in the window; one that was lost or found nobody is dashed and ends in a cross.
//! Shape: lanes of liars are hatched, a lane is shaded while its node is down or in trouble, a line across is a fault that begins or
//! ends; signs on a lane are a started node, a round, a polka, a lock, a decision.
//! Units: pixels; time is not to scale, see [`axis`].
//! Source: L. Lamport, "Time, clocks, and the ordering of events in a distributed system" (1978), figure 1, turned round.

pub(super) mod arrows;
mod axis;
pub(super) mod bands;
mod lanes;
pub(super) mod signs;
pub(super) mod troubles;

use std::collections::BTreeSet;

use maud::{Markup, PreEscaped, html};

use self::axis::Axis;
use self::lanes::Lanes;
use super::window::{Window, end_of};
use crate::history::History;
use crate::scenario::Scenario;
use crate::types::SimTime;

/// The diagram's own part of the style sheet.
pub(super) const STYLE: &str = include_str!("spacetime/style.css");

/// Above the first moment, and below the last.
const TOP: f64 = 46.0;
const BOTTOM: f64 = 26.0;

/// What a diagram is drawn from.
pub(super) struct Diagram<'a> {
    history: &'a History,
    scenario: &'a Scenario,
    window: Window,
    lanes: Lanes,
    axis: Axis,
}

impl<'a> Diagram<'a> {
    pub(super) fn new(history: &'a History, scenario: &'a Scenario, window: Window) -> Self {
        Self {
            history,
            scenario,
            window,
            lanes: Lanes::of(scenario),
            axis: Axis::new(&times(history, window), TOP),
        }
    }

    /// The drawing.
    pub(super) fn svg(&self) -> Markup {
        let (width, height) = (self.lanes.width(), self.axis.end() + BOTTOM);
        html! {
            svg.spacetime xmlns="http://www.w3.org/2000/svg" role="img"
                aria-label="Space-time diagram: a lane for each validator, an arrow for each message"
                width=(format!("{width:.0}")) height=(format!("{height:.0}"))
                viewBox=(format!("0 0 {width:.0} {height:.0}")) {
                (arrows::heads())
                (self.lanes.draw(self.scenario, height))
                (bands::draw(self))
                (self.axis.draw(&self.lanes))
                (troubles::draw(self))
                (arrows::draw(self))
                (signs::draw(self))
                (self.lanes.names(self.scenario, &self.axis))
            }
        }
    }

    /// The drawing as a file of its own, in light colours.
    pub(super) fn file(&self) -> String {
        let style = super::palette::by_colour(STYLE);
        let style = format!("<style>svg{{background:#fff;font-family:sans-serif}}{style}</style>");
        let svg = self.svg().into_string();
        let (head, rest) = svg.split_once('>').unwrap_or_default();
        PreEscaped(format!("{head}>{style}{rest}\n")).into_string()
    }
}

/// Every time at which something is drawn.
fn times(history: &History, window: Window) -> BTreeSet<SimTime> {
    let messages = window.drawn(history).flat_map(|message| {
        let end = end_of(message).filter(|end| *end <= window.to.at);
        [Some(message.sent.at), end]
    });
    let deeds = history.deeds.iter().map(|deed| deed.when);
    let troubles = history.troubles.iter().map(|trouble| trouble.when);
    let others = deeds.chain(troubles).filter(|when| window.holds(*when));
    let ends = [window.from.at, window.to.at];
    let all = messages.flatten().chain(others.map(|when| when.at));
    all.chain(ends).collect()
}
