//! Each fault of a link does what its dial says, alone.

use super::*;

const A: NodeIndex = NodeIndex::new(0);
const B: NodeIndex = NodeIndex::new(1);
const C: NodeIndex = NodeIndex::new(2);
const VOTES: Class = Class::new(0);
const MESSAGES: u32 = 20_000;

/// Sends numbered messages, 10 µs apart, and gives (number, arrival) as they arrive.
fn run(network: &mut Network) -> Vec<(u32, SimTime)> {
    let mut arrived = Vec::new();
    for number in 0..MESSAGES {
        let now = SimTime::new(u64::from(number) * 10_000);
        let packet: Packet = number.to_le_bytes().as_slice().into();
        for delivery in network.send(now, A, B, VOTES, packet) {
            assert!(delivery.at > now, "nothing arrives before it was sent");
            arrived.push((
                u32::from_le_bytes((*delivery.packet).try_into().unwrap()),
                delivery.at,
            ));
        }
    }
    arrived.sort_by_key(|(_, at)| *at);
    arrived
}

fn network(dials: LinkDials) -> Network {
    Network::new(Chance::new(1), dials)
}

fn numbers(arrived: &[(u32, SimTime)]) -> Vec<u32> {
    arrived.iter().map(|(number, _)| *number).collect()
}

/// Goal: on a calm link everything arrives once, in order, within the bounds of the delay or behind its predecessor.
#[test]
fn calm_links_deliver_once_and_in_order() {
    let mut network = network(LinkDials::CALM);
    let arrived = run(&mut network);
    assert_eq!(numbers(&arrived), (0..MESSAGES).collect::<Vec<_>>());
    assert_eq!(network.tally().sent_bytes, u64::from(MESSAGES) * 4);
    let slowest = arrived
        .iter()
        .map(|(number, at)| at.get() - u64::from(*number) * 10_000)
        .max();
    assert_eq!(slowest, Some(LinkDials::CALM.delay_cap_ns));
}

/// Goal: loss loses its share and leaves the fates of the rest where they were.
#[test]
fn loss_takes_its_share_and_moves_nothing_else() {
    let reorder_all = LinkDials {
        reorder: Ppm::ALWAYS,
        ..LinkDials::CALM
    };
    let whole = run(&mut network(reorder_all));
    let mut lossy = network(LinkDials {
        loss: Ppm::new(100_000),
        ..reorder_all
    });
    let left = run(&mut lossy);
    assert!(
        (1_800..2_200).contains(&lossy.tally().lost),
        "{}",
        lossy.tally().lost
    );
    assert!(
        left.iter().all(|delivery| whole.contains(delivery)),
        "a message that was not lost has another fate"
    );
}

/// Goal: duplicates arrive twice, at times of their own.
#[test]
fn duplicates_arrive_twice() {
    let mut network = network(LinkDials {
        duplicate: Ppm::new(100_000),
        ..LinkDials::CALM
    });
    let arrived = run(&mut network);
    let duplicated = network.tally().duplicated;
    assert!((1_800..2_200).contains(&duplicated), "{duplicated}");
    assert_eq!(arrived.len() as u64, u64::from(MESSAGES) + duplicated);
}

/// Goal: reordered messages overtake, and nothing is lost by it.
#[test]
fn reordered_messages_overtake() {
    let arrived = numbers(&run(&mut network(LinkDials {
        reorder: Ppm::new(300_000),
        ..LinkDials::CALM
    })));
    let overtaken = arrived.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert!(overtaken > 1_000, "{overtaken}");
    let mut sorted = arrived;
    sorted.sort_unstable();
    assert_eq!(sorted, (0..MESSAGES).collect::<Vec<_>>());
}

/// Goal: a partition cuts both ways, a mute one way, and healing ends both.
#[test]
fn partitions_cut_what_they_name() {
    let mut network = network(LinkDials::CALM);
    network.partition(&[A], &[A, B, C]);
    assert!(!network.is_open(A, B) && !network.is_open(B, A) && network.is_open(B, C));
    assert!(
        network
            .send(SimTime::START, A, B, VOTES, [1].as_slice().into())
            .is_empty()
    );
    assert_eq!(network.tally().cut, 1);
    network.heal_all();
    network.mute(&[A], &[A, B, C]);
    assert!(!network.is_open(A, B) && network.is_open(B, A));
    network.stabilise(LinkDials::CALM);
    assert_eq!(
        network
            .send(SimTime::START, A, B, VOTES, [1].as_slice().into())
            .len(),
        1
    );
}

/// Goal: one link can be worse than the others.
#[test]
fn one_link_can_have_dials_of_its_own() {
    let mut network = network(LinkDials::CALM);
    network.set_link(
        A,
        B,
        LinkDials {
            loss: Ppm::ALWAYS,
            ..LinkDials::CALM
        },
    );
    assert!(
        network
            .send(SimTime::START, A, B, VOTES, [1].as_slice().into())
            .is_empty()
    );
    assert_eq!(
        network
            .send(SimTime::START, A, C, VOTES, [1].as_slice().into())
            .len(),
        1
    );
}

/// Goal: the same seed has the same fates, another has others, and a swarm turns each fault on in some runs and off in others.
#[test]
fn seeds_decide() {
    let dials = LinkDials {
        loss: Ppm::new(50_000),
        reorder: Ppm::new(50_000),
        ..LinkDials::CALM
    };
    assert_eq!(run(&mut network(dials)), run(&mut network(dials)));
    assert_ne!(
        run(&mut network(dials)),
        run(&mut Network::new(Chance::new(2), dials))
    );
    let swarms: Vec<LinkDials> = (0..64)
        .map(|seed| LinkDials::swarm(&Chance::new(seed)))
        .collect();
    let on = |dial: fn(&LinkDials) -> Ppm| {
        swarms
            .iter()
            .filter(|dials| dial(dials) > Ppm::NEVER)
            .count()
    };
    for count in [
        on(|dials| dials.loss),
        on(|dials| dials.duplicate),
        on(|dials| dials.reorder),
    ] {
        assert!((20..45).contains(&count), "{count}");
    }
    assert!(
        swarms
            .iter()
            .all(|dials| dials.delay_min_ns < dials.delay_cap_ns)
    );
}

/// Goal: damage has its share, moves nothing else, and a connection that ends takes what is under way on it.
#[test]
fn damage_has_its_share_and_a_connection_takes_what_is_on_it() {
    let mut network = network(LinkDials {
        damage: Ppm::new(100_000),
        ..LinkDials::CALM
    });
    let packet: Packet = [1].as_slice().into();
    let send = |network: &mut Network| {
        let sent = network.send(SimTime::START, A, B, VOTES, Arc::clone(&packet));
        sent.into_iter().next()
    };
    let arrived: Vec<_> = (0..MESSAGES).filter_map(|_| send(&mut network)).collect();
    let damaged = arrived.iter().filter(|delivery| delivery.damaged).count() as u64;
    assert_eq!(arrived.len(), usize::try_from(MESSAGES).unwrap());
    assert_eq!(damaged, network.tally().damaged);
    assert!((1_800..2_200).contains(&damaged), "{damaged}");
    assert!(network.carries(&arrived[0]));
    assert_eq!(network.disconnect(B, A), Some(0));
    assert_eq!(network.disconnect(A, B), None);
    assert!(!network.carries(&arrived[0]));
    assert_eq!(send(&mut network), None);
    assert!(network.reconnect(A, B) && !network.reconnect(A, B));
    assert!(!network.carries(&arrived[0]));
    let next = send(&mut network).unwrap();
    assert!(network.carries(&next));
}

/// Goal: a link carries so much in a second and no more; what finds no room in the queue is lost.
#[test]
fn a_crowded_link_delays_and_overflows() {
    let mut network = network(LinkDials {
        bandwidth_bytes: 1_000,
        queue_bytes: 2_500,
        delay_min_ns: 1,
        delay_cap_ns: 1,
        ..LinkDials::CALM
    });
    let packet: Packet = [0; 1_000].as_slice().into();
    let mut send = || {
        let sent = network.send(SimTime::START, A, B, VOTES, Arc::clone(&packet));
        sent.first().map(|delivery| delivery.at.get())
    };
    assert_eq!(send(), Some(1_000_000_001));
    assert_eq!(send(), Some(2_000_000_001));
    assert_eq!(send(), None);
    assert_eq!(network.tally().overflowed, 1);
    let later = SimTime::new(1_500_000_000);
    let sent = network.send(later, A, B, VOTES, packet);
    assert_eq!(sent[0].at.get(), 3_000_000_001);
}

/// Goal: a way takes its time on top of what its link's dials say, in its direction alone, in order, and stays when the network stabilises.
#[test]
fn a_way_takes_its_time() {
    let way_ns = 70_000_000;
    let near = run(&mut network(LinkDials::CALM));
    let mut far = network(LinkDials::CALM).over(BTreeMap::from([((A, B), way_ns)]));
    far.stabilise(LinkDials::CALM);
    let later: Vec<_> = near
        .iter()
        .map(|(number, at)| (*number, at.after_ns(way_ns)))
        .collect();
    assert_eq!(run(&mut far), later);
    let back = far.send(SimTime::START, B, A, VOTES, [0_u8].as_slice().into());
    assert!(back[0].at.get() <= LinkDials::CALM.delay_cap_ns);
}

/// Goal: a message whose time somebody has chosen arrives the least delay after it, or as soon as its link lets it, and holds up nobody.
#[test]
fn a_chosen_time_moves_its_message_alone() {
    let mut network = network(LinkDials::CALM);
    let least_ns = LinkDials::CALM.delay_min_ns;
    let (now, packet) = (SimTime::new(7_000), Packet::from([7_u8]));
    let mut arrival = |chosen| {
        let chosen = Some(SimTime::new(chosen));
        let sent = network.send_for(now, (A, B), VOTES, Arc::clone(&packet), chosen);
        sent.into_iter().map(|delivery| delivery.at.get()).collect()
    };
    let arrivals: [Vec<u64>; 3] = [900_000_000, 0, 400_000_000].map(&mut arrival);
    let expected = [900_000_000, 7_000, 400_000_000].map(|left| vec![left + least_ns]);
    assert_eq!(arrivals, expected);
    let next = network.send(now, A, B, VOTES, packet);
    assert!(next[0].at.get() <= now.get() + LinkDials::CALM.delay_cap_ns);
}

/// Goal: nothing is on its way for longer than a network says that it can be, with all that waits before it, and what was sent before the
/// links got better counts.
#[test]
fn nothing_takes_longer_than_the_longest() {
    let dials = LinkDials {
        delay_cap_ns: 50_000_000,
        bandwidth_bytes: 100_000,
        queue_bytes: 10_000,
        ..LinkDials::CALM
    };
    let mut network = network(dials);
    let sent = |number: u32| SimTime::new(u64::from(number) * 10_000);
    let took = |arrived: &[(u32, SimTime)]| {
        let took = arrived
            .iter()
            .map(|(number, at)| at.get() - sent(*number).get());
        took.max().unwrap()
    };
    let longest_ns = network.longest_ns();
    assert_eq!(longest_ns, 150_000_000);
    let took_ns = took(&run(&mut network));
    assert!((100_000_000..=longest_ns).contains(&took_ns), "{took_ns}");
    network.stabilise(LinkDials::CALM);
    assert_eq!(network.longest_ns(), longest_ns);
}

/// Goal: a message that was to take long holds up those behind it, and none that is sent once the network has stabilised.
#[test]
fn what_was_slow_holds_up_nobody_once_links_are_calm() {
    let slow = LinkDials {
        delay_min_ns: 1_000_000_000,
        delay_cap_ns: 1_000_000_000,
        ..LinkDials::CALM
    };
    for (stabilises, least_ns, most_ns) in [
        (
            true,
            LinkDials::CALM.delay_min_ns,
            LinkDials::CALM.delay_cap_ns,
        ),
        (false, slow.delay_min_ns, slow.delay_cap_ns),
    ] {
        let mut network = network(slow);
        let mut sent = || network.send(SimTime::START, A, B, VOTES, [1].as_slice().into());
        assert_eq!(sent()[0].at.get(), slow.delay_cap_ns);
        if stabilises {
            network.stabilise(LinkDials::CALM);
        } else {
            network.set_link(A, B, LinkDials::CALM);
        }
        let second = network.send(SimTime::START, A, B, VOTES, [2].as_slice().into());
        assert!((least_ns..=most_ns).contains(&second[0].at.get()));
    }
}
