//! What a property can tell of a state, to compare explorations that keep more or less of the rest.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use stateright::{Checker, Model, Path};

use super::state::{Held, State};
use super::words::{Member, Members, Prevote, Round, Value};
use super::{Action, Protocol};

/// Locks, valid values and precommits of values, by node; every polka and certificate that can be put together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Summary {
    faulty: Members,
    nodes: Vec<Holding>,
    polkas: BTreeSet<(Round, Prevote)>,
    certificates: BTreeSet<(Round, Value)>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Holding {
    member: Member,
    locked: Option<Held>,
    valid: Option<Held>,
    precommits: Vec<Option<Value>>,
}

impl Summary {
    fn of(protocol: &Protocol, state: &State) -> Self {
        let nodes = state.correct_nodes().map(|(member, node)| Holding {
            member,
            locked: node.locked,
            valid: node.valid,
            precommits: node.precommits.iter().map(|vote| vote.value()).collect(),
        });
        let tally = protocol.tally(state);
        let polkas = (0..protocol.rounds).flat_map(|round| {
            let polkas = tally.polkas(round).into_iter();
            polkas.map(move |polka| (round, polka))
        });
        Self {
            faulty: state.faulty,
            nodes: nodes.collect(),
            polkas: polkas.collect(),
            certificates: tally.certificates(),
        }
    }
}

impl Protocol {
    /// Explores everything; gives the summaries that were reached, and how many states there were.
    #[must_use]
    pub fn summaries(self) -> (BTreeSet<Summary>, usize) {
        let found = Arc::new(Mutex::new(BTreeSet::new()));
        let (seen, protocol) = (Arc::clone(&found), self.clone());
        let visitor = move |path: Path<State, Action>| {
            let summary = Summary::of(&protocol, path.last_state());
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(summary);
        };
        let checker = self.checker().visitor(visitor).spawn_dfs().join();
        let states = checker.unique_state_count();
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut *found), states)
    }
}
