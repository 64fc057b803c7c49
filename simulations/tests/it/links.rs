//! Connections in trouble: ended all at once, clogged one after the other, or to liars alone.

use falaj_simulations::byzantine::Behaviour;
use falaj_simulations::fault::Fault;
use falaj_simulations::marks::Mark;
use falaj_simulations::scenario::Scenario;

use crate::{SECOND_NS, at_ms, node, run_to, settle, world};

/// Goal: connections that end all at once, again and again, cost time and nothing else.
#[test]
fn a_storm_of_resets_is_borne() {
    let mut world = world(1, Scenario::calm(4));
    for number in 0..8 {
        let side = (0..4).map(node).collect();
        world.add_fault(at_ms(400 + 150 * number), Fault::Reset { side });
    }
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::ConnectionsReset) > 0);
    assert!(world.marks().count(Mark::ConnectionEnded) > 0);
    assert_eq!(world.marks().count(Mark::PeerFault), 0);
    world.stabilise();
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: a node that hears a liar alone, which passes blocks on or spoils them, decides nothing that the others do not.
#[test]
fn an_eclipsed_node_is_not_led_astray() {
    let mut scenario = Scenario::calm(4);
    let lies = vec![
        Behaviour::Equivocate,
        Behaviour::VoteTwice,
        Behaviour::LieInSync,
    ];
    scenario.byzantine.insert(node(1), lies);
    let mut world = world(2, scenario);
    let (victim, by) = (node(2), vec![node(1)]);
    let eclipse = Fault::Eclipse { node: victim, by };
    world.add_fault(at_ms(500), eclipse);
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::Eclipsed) > 0);
    world.stabilise();
    settle(&mut world, 15 * SECOND_NS);
}

/// Goal: what waits on clogged links comes late and in order, and nothing is lost by it.
#[test]
fn clogged_links_lose_nothing() {
    let mut world = world(3, Scenario::calm(4));
    for (index, clogs, frees) in [
        (0, 400, 1_500),
        (1, 600, 1_200),
        (2, 500, 1_400),
        (3, 900, 1_300),
    ] {
        world.add_fault(at_ms(clogs), Fault::Clog(node(index)));
        world.add_fault(at_ms(frees), Fault::Unclog(node(index)));
    }
    run_to(&mut world, at_ms(3_000));
    assert!(world.marks().count(Mark::Clogged) > 0);
    assert_eq!(world.network().tally().lost, 0);
    assert_eq!(world.network().tally().cut, 0);
    settle(&mut world, 15 * SECOND_NS);
}
