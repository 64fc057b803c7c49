//! What clients do to the ledger.

use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::types::Ppm;

use crate::{SECOND_NS, at_ms, run_to, settle, world};

/// Goal: on a good day money is issued and redeemed under approvals, vetoed and capped, accounts are opened and paid to, and the books
/// say the same as the ledger about every transaction.
#[test]
fn supply_moves_and_the_books_follow() {
    let mut scenario = Scenario::calm(4);
    scenario.workload.gap_min_ns = 8_000_000;
    scenario.workload.gap_cap_ns = 60_000_000;
    let mut world = world(1, scenario);
    run_to(&mut world, at_ms(8_000));
    settle(&mut world, 15 * SECOND_NS);
    for mark in [
        Mark::Issued,
        Mark::Redeemed,
        Mark::Vetoed,
        Mark::CapReached,
        Mark::TooFewApprovals,
        Mark::AccountOpened,
        Mark::Stranger,
    ] {
        assert!(world.marks().count(mark) > 0, "{}", mark.name());
    }
}

/// Goal: what is sent twice at once is executed once, of two rivals one is, and clients give up what nobody would execute any more.
#[test]
fn duplicates_and_rivals_are_passed_over() {
    let mut scenario = Scenario::calm(4);
    scenario.workload.gap_min_ns = 8_000_000;
    scenario.workload.gap_cap_ns = 60_000_000;
    let mut world = world(2, scenario);
    run_to(&mut world, at_ms(4_000));
    settle(&mut world, 15 * SECOND_NS);
    for mark in [Mark::DuplicatePayment, Mark::Rival] {
        assert!(world.marks().count(mark) > 0, "{}", mark.name());
    }
    assert!(world.workload().given_up() > 0);
}

/// Goal: bursts from hot accounts get their receipts, whether they succeed or not.
#[test]
fn bursts_from_hot_accounts_are_settled() {
    let mut scenario = Scenario::calm(4);
    scenario.workload.burst = 100;
    scenario.workload.hot = Ppm::new(900_000);
    let mut world = world(3, scenario);
    run_to(&mut world, at_ms(6_000));
    settle(&mut world, 15 * SECOND_NS);
    assert!(world.workload().issued() > 200);
    assert!(world.marks().count(Mark::FailedPayment) > 0);
}
