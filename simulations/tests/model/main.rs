//! The model of the rule table: what holds in it, what falls with a rule, what its reductions lose, and that the engine does the same.
//!
//! Bounds are those that a debug build explores in seconds; `make model` goes further.

mod checks;
mod deliveries;
mod mistakes;
mod reductions;
mod replay;
mod replica;

use falaj_simulations::model::{Action, Protocol, State};
use stateright::{Checker, HasDiscoveries, Model};

/// Explores everything within bounds.
fn explore(protocol: Protocol) -> impl Checker<Protocol> {
    protocol.checker().threads(2).spawn_bfs().join()
}

/// Explores until something is wrong.
fn hunt(protocol: Protocol) -> impl Checker<Protocol> {
    let checker = protocol.checker().threads(2);
    let checker = checker.finish_when(HasDiscoveries::AnyFailures);
    checker.spawn_bfs().join()
}

/// The state after an action that must be enabled.
fn next(protocol: &Protocol, state: &State, action: Action) -> State {
    let mut enabled = Vec::new();
    protocol.actions(state, &mut enabled);
    assert!(enabled.contains(&action), "{action:?} is not enabled");
    let next = protocol.next_state(state, action);
    next.expect("every action leads somewhere")
}
