//! Fewer validators: the first so many, or all but one with the others counted anew.

use std::collections::{BTreeMap, BTreeSet};

use super::Search;
use crate::fault::Timed;
use crate::scenario::Scenario;
use crate::types::NodeIndex;

impl Search<'_> {
    /// As few validators as possible.
    pub(super) fn nodes(&mut self) {
        let first = |count: u16| move |node: NodeIndex| (node.get() < count).then_some(node);
        for count in 1..self.best.validators {
            if self.keep(&among(&self.best, count, first(count))) {
                break;
            }
        }
        let mut gone = 0;
        while gone < self.best.validators && self.best.validators > 1 {
            let count = self.best.validators - 1;
            if !self.keep(&among(&self.best, count, move |node| all_but(gone, node))) {
                gone += 1;
            }
        }
    }
}

/// The number of a node when one has gone.
fn all_but(gone: u16, node: NodeIndex) -> Option<NodeIndex> {
    let number = node.get();
    (number != gone).then(|| NodeIndex::new(number - u16::from(number > gone)))
}

/// The same scenario among so many validators, with new names; what befell those that are gone is gone with them.
fn among(
    scenario: &Scenario,
    validators: u16,
    name: impl Fn(NodeIndex) -> Option<NodeIndex>,
) -> Scenario {
    let faults = scenario.faults.iter().filter_map(|timed| {
        let fault = timed.fault.renamed(&name)?;
        Some(Timed {
            at: timed.at,
            fault,
        })
    });
    Scenario {
        validators,
        powers: map(&scenario.powers, &name),
        cities: map(&scenario.cities, &name),
        clocks: map(&scenario.clocks, &name),
        slow: map(&scenario.slow, &name),
        byzantine: map(&scenario.byzantine, &name),
        lost: set(&scenario.lost, &name),
        unsound: set(&scenario.unsound, &name),
        faults: faults.collect(),
        ..scenario.clone()
    }
}

fn map<T: Clone>(
    of: &BTreeMap<NodeIndex, T>,
    name: impl Fn(NodeIndex) -> Option<NodeIndex>,
) -> BTreeMap<NodeIndex, T> {
    let pairs = of.iter();
    pairs
        .filter_map(|(node, value)| Some((name(*node)?, value.clone())))
        .collect()
}

fn set(
    of: &BTreeSet<NodeIndex>,
    name: impl Fn(NodeIndex) -> Option<NodeIndex>,
) -> BTreeSet<NodeIndex> {
    of.iter().filter_map(|node| name(*node)).collect()
}
