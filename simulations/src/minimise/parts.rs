//! Leaving faults out: a whole class at once, then halves of what is left, down to single ones.
//!
//! Source: Zeller, Hildebrandt (2002), algorithm ddmin, without its tests of subsets alone.

use std::mem::discriminant;

use super::Search;
use crate::disk::DiskDials;
use crate::fault::Fault;
use crate::network::LinkDials;
use crate::scenario::{Scenario, Signatures, local_parameters};
use crate::types::NodeIndex;

/// A single thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// An entry of the schedule.
    Fault(usize),
    /// One of the ways in which a node lies.
    Lie(NodeIndex, usize),
    /// A wrong clock.
    Clock(NodeIndex),
    /// A slow processor.
    Slow(NodeIndex),
}

impl Search<'_> {
    /// Leaves out whole classes.
    pub(super) fn classes(&mut self) {
        let classes: [fn(&mut Scenario); 9] = [
            |scenario| scenario.network = LinkDials::CALM,
            |scenario| scenario.disk = DiskDials::CALM,
            |scenario| scenario.parameters = local_parameters(),
            |scenario| scenario.signatures = Signatures::Simulated,
            |scenario| scenario.powers.clear(),
            |scenario| scenario.clocks.clear(),
            |scenario| scenario.slow.clear(),
            |scenario| scenario.byzantine.clear(),
            |scenario| scenario.faults.clear(),
        ];
        for class in classes {
            self.with(class);
        }
        for fault in kinds(&self.best) {
            let is_other = |other: &Fault| discriminant(other) != discriminant(&fault);
            self.with(|scenario| scenario.faults.retain(|timed| is_other(&timed.fault)));
        }
    }

    /// Leaves out parts: all, halves, quarters, and so on to single ones.
    pub(super) fn parts(&mut self) {
        let mut size = parts(&self.best).len();
        while size > 0 {
            let mut begin = 0_usize;
            loop {
                let all = parts(&self.best);
                let end = begin.saturating_add(size).min(all.len());
                if begin >= end {
                    break;
                }
                if !self.keep(&without(&self.best, &all[begin..end])) {
                    begin = end;
                }
            }
            size /= 2;
        }
    }
}

/// A fault of each kind that there is.
fn kinds(scenario: &Scenario) -> Vec<Fault> {
    let mut kinds: Vec<Fault> = Vec::new();
    for timed in &scenario.faults {
        let is_known = |kind: &Fault| discriminant(kind) == discriminant(&timed.fault);
        if !kinds.iter().any(is_known) {
            kinds.push(timed.fault.clone());
        }
    }
    kinds
}

fn parts(scenario: &Scenario) -> Vec<Part> {
    let faults = (0..scenario.faults.len()).map(Part::Fault);
    let lies = scenario
        .byzantine
        .iter()
        .flat_map(|(node, lies)| (0..lies.len()).map(|lie| Part::Lie(*node, lie)));
    let clocks = scenario.clocks.keys().copied().map(Part::Clock);
    let slow = scenario.slow.keys().copied().map(Part::Slow);
    faults.chain(lies).chain(clocks).chain(slow).collect()
}

fn without(scenario: &Scenario, parts: &[Part]) -> Scenario {
    let mut left = scenario.clone();
    let places = (0..).map(Part::Fault).zip(&scenario.faults);
    left.faults = places
        .filter(|(part, _)| !parts.contains(part))
        .map(|(_, timed)| timed.clone())
        .collect();
    for (node, lies) in &mut left.byzantine {
        let mut place = 0..;
        lies.retain(|_| {
            let part = place.next().map(|place| Part::Lie(*node, place));
            !part.is_some_and(|part| parts.contains(&part))
        });
    }
    left.byzantine.retain(|_, lies| !lies.is_empty());
    left.clocks
        .retain(|node, _| !parts.contains(&Part::Clock(*node)));
    left.slow
        .retain(|node, _| !parts.contains(&Part::Slow(*node)));
    left
}
