//! Checks the rule table within greater bounds than the tests: `make model ARGS=4` takes four rounds.
//!
//! A line for each exploration with its states and seconds, and one for each property; the exit code is 1 if a property fell.
#![expect(clippy::print_stdout, reason = "printing is all it does")]

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use falaj_simulations::model::{FRAMING, Mistake, Order, Protocol};
use stateright::{Checker, Expectation, HasDiscoveries, Model};

fn main() -> ExitCode {
    let rounds = std::env::args()
        .nth(1)
        .map_or(Ok(3), |rounds| rounds.parse());
    let Some(rounds) = rounds.ok().filter(|rounds| (1..=4).contains(rounds)) else {
        println!("usage: model [ROUNDS], 1 to 4");
        return ExitCode::from(2);
    };
    let all = [
        check("one faulty, asynchronous", unsynchronised(rounds)),
        check(
            "one faulty, synchronous in the end",
            Protocol::tolerated(rounds.min(3)),
        ),
        check("two faulty", Protocol::forking(rounds.min(3))),
        compare_orders("one faulty, every order", unsynchronised(2)),
        compare_orders("two faulty, every order", Protocol::forking(2)),
        frames("one faulty, line 28 as in the paper"),
    ];
    ExitCode::from(u8::from(!all.iter().all(|holds| *holds)))
}

fn unsynchronised(rounds: u8) -> Protocol {
    Protocol {
        synchrony: false,
        ..Protocol::tolerated(rounds)
    }
}

/// Explores everything, and prints each property.
fn check(name: &str, protocol: Protocol) -> bool {
    let (rounds, started) = (protocol.rounds, Instant::now());
    let checker = protocol.checker().threads(threads()).spawn_bfs().join();
    println!(
        "{name}: {rounds} rounds, {} states of {} generated, depth {}, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64(),
    );
    let mut holds = true;
    for property in checker.model().properties() {
        let found = checker.discovery(property.name);
        println!(
            "  {}: {}",
            property.name,
            verdict(&property.expectation, found.is_some())
        );
        if let Some(path) = found.filter(|_| property.expectation != Expectation::Sometimes) {
            println!("  {:?}", path.into_actions());
            holds = false;
        }
    }
    holds
}

const fn verdict(expectation: &Expectation, is_found: bool) -> &'static str {
    match (expectation, is_found) {
        (Expectation::Sometimes, true) => "reached",
        (Expectation::Sometimes, false) => "not reached within these bounds",
        (Expectation::Always | Expectation::Eventually, true) => "BROKEN",
        (Expectation::Always | Expectation::Eventually, false) => "holds everywhere",
    }
}

/// Sees that lockstep and forgetting lose nothing, with the first faulty ones alone.
fn compare_orders(name: &str, mut lockstep: Protocol) -> bool {
    lockstep.faulty.truncate(1);
    let (rounds, started) = (lockstep.rounds, Instant::now());
    let every = Protocol {
        order: Order::Any,
        forgets: false,
        ..lockstep.clone()
    };
    let (all, more) = every.summaries();
    let (reduced, fewer) = lockstep.summaries();
    println!(
        "{name}: {rounds} rounds, {} of {} summaries in {fewer} of {more} states, {:.1} s",
        reduced.len(),
        all.len(),
        started.elapsed().as_secs_f64(),
    );
    reduced == all
}

/// Sees why line 28 is narrower than the paper's: with the paper's a correct validator can be made to look faulty, in four rounds.
fn frames(name: &str) -> bool {
    let (protocol, started) = (
        unsynchronised(4).with(Mistake::SameValueDespiteLock),
        Instant::now(),
    );
    let checker = protocol.checker().threads(threads());
    let checker = checker
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let states = checker.unique_state_count();
    println!(
        "{name}: 4 rounds, {states} states, {:.1} s",
        started.elapsed().as_secs_f64()
    );
    let found = checker.discovery(FRAMING);
    println!(
        "  {FRAMING}: {}",
        found.as_ref().map_or("holds", |_| "falls, as it has to")
    );
    if let Some(path) = &found {
        println!("  {:?}", path.clone().into_actions());
    }
    found.is_some()
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}
