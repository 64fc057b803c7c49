//! What is held back, for how long, and what is not.

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{Polka, PrevoteValue, VoteValue};
use falaj_consensus::types::{BlockId, Hash32};

use super::aim::Aims;
use super::*;

const MS_NS: u64 = 1_000_000;
const HEIGHT: Height = Height::new(5);
const DIALS: ScheduleDials = ScheduleDials {
    hold_ns: 1_000 * MS_NS,
    delta_ns: 10 * MS_NS,
};

fn at_ms(ms: u64) -> SimTime {
    SimTime::new(ms * MS_NS)
}

fn chance() -> Chance {
    Chance::new(7)
}

fn schedule() -> Schedule {
    let mut schedule = Schedule::new(chance(), 4, DIALS, Some(at_ms(5_000)));
    let id = timer(TimerKind::Heartbeat, Round::new(0));
    schedule.timer(NodeIndex::new(0), id, at_ms(9_000));
    schedule
}

fn timer(kind: TimerKind, round: Round) -> TimerId {
    TimerId {
        height: HEIGHT,
        round,
        kind,
    }
}

fn frame(message: Message) -> Frame {
    Frame {
        height: Height::new(4),
        acks: Vec::new(),
        message: Some(message),
    }
}

fn prevotes(voters: &[u32], round: Round, is_nil: bool) -> Frame {
    let value = PrevoteValue {
        id: BlockId::new(Hash32::new([7; 32])),
        valid_round: None,
    };
    let votes = voters.iter().map(|voter| Vote {
        validator: ValidatorIndex::new(u16::try_from(*voter).unwrap()),
        height: HEIGHT,
        round,
        value: VoteValue::Prevote((!is_nil).then_some(value)),
        signature: Signature::new(Vec::new()).unwrap(),
    });
    frame(Message::Votes(votes.collect()))
}

/// A round of the height that hides polkas for so long, and a node that is not granted any.
fn hidden(hides_long: bool) -> (Round, NodeIndex) {
    let aims = Aims::new(chance(), 4);
    let rounds = (0..64).map(Round::new);
    let mut places = rounds.flat_map(|round| (0..4).map(move |node| (round, NodeIndex::new(node))));
    let fits = |(round, node): &(Round, NodeIndex)| {
        let aim = aims.of(HEIGHT, *round);
        !aim.grants(Kind::Prevote, *node) && aim.hides_long() == hides_long
    };
    places.find(fits).unwrap()
}

/// Goal: votes below a quorum, and votes for nil, arrive at once; the one that makes a polka just after the timer that waits for it, and as
/// late as may be where no timer runs.
#[test]
fn the_vote_that_completes_a_quorum_comes_too_late() {
    let (round, to) = hidden(false);
    let (mut schedule, now) = (schedule(), at_ms(100));
    for voter in [0, 1] {
        let vote = prevotes(&[voter], round, false);
        assert_eq!(schedule.arrival(now, to, &vote), Arrival::at_once(now));
        schedule.reaches(to, &vote, now);
    }
    let nil = prevotes(&[3], round, true);
    assert_eq!(schedule.arrival(now, to, &nil), Arrival::at_once(now));
    let third = prevotes(&[2], round, false);
    let chosen = schedule.arrival(now, to, &third);
    assert_eq!(chosen.at, now.after_ns(DIALS.hold_ns));
    schedule.timer(to, timer(TimerKind::Prevote, round), at_ms(250));
    let chosen = schedule.arrival(now, to, &third);
    assert_eq!(chosen.at, at_ms(250).after_ns(TOO_LATE_NS));
    assert!(chosen.keeps_quorum);
}

/// Goal: votes that make a quorum only together are held back together, and what the recipient has a quorum of without them is not.
#[test]
fn a_quorum_that_travels_together_is_held_together() {
    let (round, to) = hidden(true);
    let (mut schedule, now) = (schedule(), at_ms(100));
    let three = prevotes(&[0, 1, 2], round, false);
    assert!(schedule.arrival(now, to, &three).keeps_quorum);
    schedule.reaches(to, &three, now);
    let fourth = prevotes(&[3], round, false);
    assert_eq!(schedule.arrival(now, to, &fourth), Arrival::at_once(now));
}

/// Goal: where the aim is to hide a polka for long, the timer of the step is no bound; who is granted it has it at once.
#[test]
fn a_polka_is_hidden_from_all_but_those_who_are_granted_it() {
    let (round, to) = hidden(true);
    let (mut schedule, now) = (schedule(), at_ms(100));
    schedule.timer(to, timer(TimerKind::Prevote, round), at_ms(250));
    let polka = frame(Message::Polka(Polka {
        height: HEIGHT,
        round,
        id: BlockId::new(Hash32::new([7; 32])),
        valid_round: None,
        signers: falaj_consensus::validator_set::Bitmap::none(4),
        signatures: Vec::new(),
    }));
    let aims = Aims::new(chance(), 4);
    for node in (0..4).map(NodeIndex::new) {
        let granted = aims.of(HEIGHT, round).grants(Kind::Prevote, node);
        let at = if granted { now } else { at_ms(1_100) };
        assert_eq!(schedule.arrival(now, node, &polka).at, at);
    }
}

/// Goal: nothing takes longer than the bound, and what is sent before the network stabilises is there within the shorter bound after it.
#[test]
fn nothing_takes_longer_than_the_bound() {
    let schedule = schedule();
    let asked = frame(Message::GetBlocks {
        from: HEIGHT,
        count: 1,
    });
    let sent_and_due = [(100, 1_100), (4_500, 5_010), (5_000, 5_010), (6_000, 6_010)];
    for (sent, due) in sent_and_due {
        let chosen = schedule.arrival(at_ms(sent), NodeIndex::new(1), &asked);
        assert_eq!(chosen.at, at_ms(due));
    }
}

/// Goal: a lock is alone when one node has precommitted the block and a quorum nil; votes of heights that nobody is near are passed over.
#[test]
fn a_lone_lock_is_seen() {
    let mut schedule = schedule();
    let said = |schedule: &mut Schedule, node: u16, height: Height, locks: bool| {
        let value = locks.then_some(falaj_consensus::message::PrecommitValue {
            id: BlockId::new(Hash32::new([7; 32])),
            outcome: Default::default(),
        });
        let vote = Vote {
            validator: ValidatorIndex::new(node),
            height,
            round: Round::new(0),
            value: VoteValue::Precommit(value),
            signature: Signature::new(Vec::new()).unwrap(),
        };
        let frame = frame(Message::Votes(vec![vote]));
        schedule.said(at_ms(1), NodeIndex::new(node), &frame)
    };
    let far = Height::new(1_000);
    for (node, locks) in [(0, true), (1, false), (2, false)] {
        assert!(!said(&mut schedule, node, HEIGHT, locks));
        assert!(!said(&mut schedule, node, far, locks));
    }
    assert!(!said(&mut schedule, 3, far, false));
    assert!(said(&mut schedule, 3, HEIGHT, false));
    assert!(!said(&mut schedule, 3, HEIGHT, false));
}
