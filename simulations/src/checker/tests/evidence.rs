//! Offences that a node has seen, and what it says of them.

use falaj_consensus::message::{Evidence, Kind};
use falaj_hsm::Place;
use falaj_node::core::{Holdings, VoteSeen};

use super::*;

const LIAR: NodeIndex = NodeIndex::new(3);
const UNTOLD: Option<&str> = Some("evidence");

/// Our process has just begun, and one lies.
fn begun() -> Bench {
    let mut bench = bench_with([LIAR].into());
    let started = Observation::Started {
        height: Height::new(0),
        block: Position::new(0),
        batch: Position::new(0),
        guard: Place::GENESIS,
    };
    assert_eq!(bench.show(ME, started), None);
    bench
}

fn id(byte: u8) -> Option<BlockId> {
    Some(BlockId::new(Hash32::new([byte; 32])))
}

fn at_height(height: u64, statement: Statement) -> Statement {
    let height = Height::new(height);
    match statement {
        Statement::Prevote { round, value, .. } => Statement::Prevote {
            height,
            round,
            value,
        },
        Statement::Proposal { .. } | Statement::Precommit { .. } => unreachable!("prevotes alone"),
    }
}

fn vote(bench: &mut Bench, said: Statement) -> Vote {
    let signature = bench.sign(LIAR.get(), &said);
    Vote::new(ValidatorIndex::new(LIAR.get()), said, signature).expect("it is a vote")
}

/// Our node hears a vote of the liar, and says that it checked it.
fn see(bench: &mut Bench, said: Statement) {
    let vote = vote(bench, said);
    bench.hear(Message::Votes(vec![vote]));
    check(bench, said);
}

fn check(bench: &mut Bench, said: Statement) {
    let seen = VoteSeen {
        height: said.height(),
        round: said.round(),
        validator: validator_of(LIAR),
        kind: said.kind(),
        is_nil: said.block().is_none(),
    };
    let event = Event::Voted(seen);
    assert_eq!(bench.show(ME, Observation::Reported(&event)), None);
}

fn tell(bench: &mut Bench, proof: Evidence) -> Option<&'static str> {
    let event = Event::Evidence(Box::new(proof));
    bench.show(ME, Observation::Reported(&event))
}

fn double(bench: &mut Bench, one: Statement, other: Statement) -> Evidence {
    let (one, other) = (vote(bench, one), vote(bench, other));
    match one.value.kind() {
        Kind::Precommit => Evidence::DoublePrecommit(one, other),
        Kind::Proposal | Kind::Prevote => Evidence::DoublePrevote(one, other),
    }
}

/// What is found once time has gone on.
fn later(bench: &mut Bench) -> Option<&'static str> {
    let when = Moment {
        at: SimTime::new(1),
        clock: bench.clock,
    };
    let seen = Observation::Durable {
        log: LogId::Batch,
        upto: Position::new(0),
    };
    bench.judge.observe(when, ME, &bench.registry, seen);
    bench.judge.violation().map(|violation| violation.oracle)
}

/// Goal: both halves of an offence were heard and checked, and it is told or found, whatever it is.
#[test]
fn an_offence_that_was_seen_is_told() {
    for (one, other) in [
        (prevote(0, id(1), None), prevote(0, None, None)),
        (prevote(0, id(1), None), prevote(0, id(2), None)),
        (prevote(2, id(1), None), prevote(2, id(1), Some(1))),
        (precommit(1, id(1)), precommit(1, None)),
    ] {
        for tells in [false, true] {
            let mut bench = begun();
            see(&mut bench, one);
            see(&mut bench, other);
            if tells {
                let proof = double(&mut bench, one, other);
                assert_eq!(tell(&mut bench, proof), None);
            }
            assert_eq!(later(&mut bench), UNTOLD.filter(|_| !tells), "{one:?}");
        }
    }
}

/// Goal: a prevote that forgot a lock is an offence too, and one that a polka since allows is none.
#[test]
fn amnesia_that_was_seen_is_told() {
    let lock = precommit(1, id(1));
    for (prevote, finding) in [
        (prevote(2, id(2), Some(0)), UNTOLD),
        (prevote(2, id(2), Some(1)), None),
        (prevote(2, id(1), None), None),
        (prevote(1, id(2), None), None),
    ] {
        let mut bench = begun();
        see(&mut bench, prevote);
        see(&mut bench, lock);
        assert_eq!(later(&mut bench), finding, "{prevote:?}");
    }
}

/// Goal: nothing is owed of what was heard and not checked, of what was said twice, or while it cannot be told which was checked.
#[test]
fn what_was_not_seen_is_not_owed() {
    let (one, other) = (prevote(0, id(1), None), prevote(0, id(2), None));
    for heard in [[one, one], [one, other]] {
        let mut bench = begun();
        for said in heard {
            let vote = vote(&mut bench, said);
            bench.hear(Message::Votes(vec![vote]));
        }
        check(&mut bench, one);
        assert_eq!(later(&mut bench), None);
    }
    let mut bench = begun();
    see(&mut bench, one);
    let forged = Vote {
        value: vote(&mut bench, other).value,
        ..vote(&mut bench, one)
    };
    bench.hear(Message::Votes(vec![forged]));
    check(&mut bench, other);
    assert_eq!(later(&mut bench), None);
}

/// Goal: who is heard in more rounds than are kept of it for the next height may lose a half.
#[test]
fn nothing_is_owed_of_who_says_too_much() {
    for (rounds, finding) in [(4, UNTOLD), (5, None)] {
        let mut bench = begun();
        for round in (0..rounds).rev() {
            see(&mut bench, prevote(round, None, None));
        }
        see(&mut bench, prevote(0, id(1), None));
        assert_eq!(later(&mut bench), finding);
    }
}

/// Goal: an offence at the next height is told when that height opens.
#[test]
fn an_offence_at_the_next_height_is_told_when_it_opens() {
    let one = at_height(2, prevote(0, id(1), None));
    let other = at_height(2, prevote(0, None, None));
    for (opens, tells) in [(false, false), (true, false), (true, true)] {
        let mut bench = begun();
        see(&mut bench, one);
        see(&mut bench, other);
        if opens {
            let header = bench.header();
            let block = bench.committed(&header);
            assert_eq!(bench.show(ME, Observation::Committed(&block)), None);
        }
        if tells {
            let proof = double(&mut bench, one, other);
            assert_eq!(tell(&mut bench, proof), None);
        }
        let finding = UNTOLD.filter(|_| opens && !tells);
        assert_eq!(later(&mut bench), finding);
    }
}

/// Goal: one piece a validator, height and kind, with a proof of it; and nobody correct.
#[test]
fn a_proof_is_told_once_and_holds() {
    let (one, other) = (prevote(0, id(1), None), prevote(0, None, None));
    let mut bench = begun();
    let proof = double(&mut bench, one, other);
    assert_eq!(tell(&mut bench, proof.clone()), None);
    assert_eq!(tell(&mut bench, proof), UNTOLD);
    let mut bench = begun();
    let proof = double(&mut bench, one, one);
    assert_eq!(tell(&mut bench, proof), UNTOLD);
    let mut bench = begun();
    let Evidence::DoublePrevote(first, second) = double(&mut bench, one, other) else {
        panic!("two prevotes");
    };
    let unsigned = Vote {
        signature: no_signature(),
        ..second
    };
    let proof = Evidence::DoublePrevote(first, unsigned);
    assert_eq!(tell(&mut bench, proof), UNTOLD);
}

fn look(
    bench: &mut Bench,
    proposals: &[u32],
    offences: usize,
    outputs: u64,
) -> Option<&'static str> {
    let mut holdings = Holdings::default();
    let consensus = &mut holdings.consensus;
    consensus.height = Height::new(1);
    let author = ValidatorIndex::new(LIAR.get());
    consensus.proposals = proposals
        .iter()
        .map(|round| (Round::new(*round), author))
        .collect();
    consensus.offences = offences;
    let under_way = UnderWay {
        outputs,
        ..UnderWay::default()
    };
    let holdings = &holdings;
    let held = Observation::Held {
        holdings,
        under_way,
    };
    bench.show(ME, held)
}

/// Goal: two proposals of a round that are kept were told, and so was all that was given out as proven, once nothing waits to be told.
#[test]
fn what_is_kept_as_proven_was_told() {
    for (proposals, offences, outputs, finding) in [
        (&[0, 1][..], 0, 0, None),
        (&[0, 0], 0, 0, UNTOLD),
        (&[0, 0], 0, 1, None),
        (&[], 1, 0, UNTOLD),
        (&[], 1, 1, None),
    ] {
        let mut bench = begun();
        assert_eq!(look(&mut bench, proposals, offences, outputs), finding);
    }
}
