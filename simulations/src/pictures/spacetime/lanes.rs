//! Where each validator's lane is, and its name.

use maud::{Markup, html};

use super::axis::{Axis, px};
use crate::scenario::Scenario;
use crate::types::NodeIndex;

/// Room for times at the left, and for what is written beside the last lane.
const LEFT: f64 = 140.0;
const RIGHT: f64 = 200.0;
/// How wide all lanes together may be before they become narrow.
const LANES: f64 = 540.0;
/// A lane says whose it is again after so much, at the next quiet stretch, or after so much in any case.
const NAMED_AGAIN: (f64, f64) = (420.0, 800.0);

/// The lanes of a diagram.
pub(super) struct Lanes {
    count: u16,
    apart: f64,
}

impl Lanes {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let count = scenario.validators;
        let gaps = f64::from(count.saturating_sub(1).max(1));
        Self {
            count,
            apart: (LANES / gaps).clamp(26.0, 170.0),
        }
    }

    pub(super) fn x(&self, node: NodeIndex) -> f64 {
        LEFT + self.apart * f64::from(node.get())
    }

    pub(super) fn left(&self) -> f64 {
        LEFT
    }

    pub(super) fn right(&self) -> f64 {
        self.x(NodeIndex::new(self.count.saturating_sub(1)))
    }

    pub(super) fn width(&self) -> f64 {
        self.right() + RIGHT
    }

    /// Whether there is room for words between two lanes.
    pub(super) fn has_room(&self) -> bool {
        self.apart >= 90.0
    }

    /// How wide what belongs to one lane may be.
    pub(super) fn band(&self) -> f64 {
        (self.apart * 0.5).min(34.0)
    }

    fn nodes(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.count).map(NodeIndex::new)
    }

    pub(super) fn draw(&self, scenario: &Scenario, height: f64) -> Markup {
        let (top, bottom, band) = (36.0, height - 8.0, self.band());
        html! {
            @for node in self.nodes() {
                @let x = self.x(node);
                @if scenario.byzantine.contains_key(&node) {
                    rect.liar x=(px(x - band / 2.0)) y=(px(top)) width=(px(band)) height=(px(bottom - top)) {
                        title { "n" (node.get()) " lies" }
                    }
                }
                line.lane x1=(px(x)) x2=(px(x)) y1=(px(top)) y2=(px(bottom)) {}
            }
        }
    }

    /// Whose lane it is, again and again on the way down.
    pub(super) fn names(&self, scenario: &Scenario, axis: &Axis) -> Markup {
        html! {
            @for y in named_at(axis) {
                @for node in self.nodes() {
                    @let lies = scenario.byzantine.contains_key(&node);
                    text.name.lies[lies].narrow[self.apart < 40.0] x=(px(self.x(node))) y=(px(y)) text-anchor="middle" {
                        (node) @if lies && self.has_room() { " lies" }
                    }
                }
            }
        }
    }
}

/// Where names stand: above everything, and where nothing else does.
fn named_at(axis: &Axis) -> Vec<f64> {
    let (soon, late) = NAMED_AGAIN;
    let (mut rows, mut last) = (vec![22.0], 22.0);
    while last + late < axis.end() {
        let mut quiet = axis.quiet().filter(|y| *y >= last + soon);
        last = quiet
            .next()
            .filter(|y| *y <= last + late)
            .map_or(last + late, |y| y + 4.0);
        rows.push(last);
    }
    rows
}
