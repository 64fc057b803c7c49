//! A guard that is loaded is the guard that was written; what is not whole and ours is not loaded.

use falaj_consensus::crypto::Algorithm;
use falaj_consensus::durable::Position;
use falaj_consensus::message::Statement;
use falaj_consensus::types::{Hash32, Height, Round};

use crate::error::{AgeEvidence, GuardProblem, RecordFault};
use crate::fixture::{
    HashChecker, block, floor, genesis_set, identity, key, outcome, precommit, prevote, proposal,
    request, set_of, sign,
};
use crate::guard::{
    AcceptedOutcome, Floor, Guard, Identity, Latch, Place, Record, SetWindow, Verdict, Witness,
    Written,
};

type Log = Vec<(Position, Vec<u8>)>;

fn put(log: &mut Log, written: Written) {
    log.push((written.position, written.bytes));
}

/// Enters a statement and, unless told otherwise, its signature.
fn say(guard: &mut Guard, log: &mut Log, statement: Statement, signed: bool) {
    let Ok(Verdict::Fresh(fresh)) = guard.judge(&HashChecker, &request(1, statement)) else {
        panic!("{statement:?} is not fresh")
    };
    let (entry, written) = guard.enter(fresh);
    put(log, written);
    if signed {
        let signature = sign(&key(1), entry.sign_bytes.as_slice(), entry.seq);
        put(log, guard.signed(&entry, &signature).unwrap());
    }
}

/// Two heights with a lock, a relock and every kind of record.
fn story() -> (Guard, Log) {
    let (mut guard, first) = Guard::init(identity(), floor());
    let mut log = vec![(first.position, first.bytes)];
    let (a, b) = (block(0xa1), block(0xa2));
    for statement in [
        proposal(1, 0, a, None),
        prevote(1, 0, Some((a, None))),
        precommit(1, 0, Some((a, outcome(1)))),
        prevote(1, 1, None),
        precommit(1, 1, None),
    ] {
        say(&mut guard, &mut log, statement, true);
    }
    let accepted = AcceptedOutcome {
        height: Height::new(1),
        id: a,
        outcome: outcome(2),
    };
    put(&mut log, guard.latch(Latch::Diverged));
    put(&mut log, guard.unlatch());
    put(&mut log, guard.accept(accepted));
    say(
        &mut guard,
        &mut log,
        precommit(1, 2, Some((a, outcome(2)))),
        true,
    );
    say(&mut guard, &mut log, prevote(2, 0, Some((b, None))), true);
    say(
        &mut guard,
        &mut log,
        precommit(2, 0, Some((b, outcome(3)))),
        true,
    );
    say(
        &mut guard,
        &mut log,
        prevote(2, 1, Some((b, Some(0)))),
        false,
    );
    (guard, log)
}

fn load(log: &[(Position, Vec<u8>)]) -> Result<Guard, GuardProblem> {
    Guard::load(identity(), log.to_vec(), &[genesis_set()], None)
}

fn fault_of(log: &[(Position, Vec<u8>)]) -> (u64, RecordFault) {
    let GuardProblem::BadRecord { position, fault } = load(log).unwrap_err() else {
        panic!("the log was to have a bad record")
    };
    (position.get(), fault)
}

// Loading the records gives the guard that wrote them, after each record.
#[test]
fn a_loaded_guard_is_the_one_that_was_written() {
    let (guard, log) = story();
    let mut loaded = load(&log).unwrap();
    assert_eq!(loaded.state, guard.state);
    assert_eq!(loaded.window, guard.window);
    loaded.before = guard.before.clone();
    assert_eq!(loaded, guard);
    for count in 1..log.len() {
        load(&log[..count]).unwrap();
    }
}

// The lock comes back with its polka, the accepted outcome only as long as its height is open.
#[test]
fn a_loaded_guard_knows_its_lock() {
    let (_, log) = story();
    let loaded = load(&log).unwrap();
    let lock = loaded.lock().unwrap();
    assert_eq!(
        (lock.round, lock.value.id, lock.value.outcome),
        (Round::new(0), block(0xa2), outcome(3))
    );
    assert_eq!(lock.polka.id, block(0xa2));
    assert_eq!(loaded.accepted_outcome(), None);
    assert_eq!(
        load(&log[..log.len() - 6])
            .unwrap()
            .accepted_outcome()
            .unwrap()
            .outcome,
        outcome(2)
    );
}

// No record at all is a lost guard, never a fresh start.
#[test]
fn an_empty_log_is_guard_lost() {
    let problem = load(&[]).unwrap_err();
    assert_eq!(problem, GuardProblem::Lost);
    assert_eq!(problem.code(), "guard_lost");
}

// Any changed byte of any record is noticed, in that record or by the one behind it; in the last one by its own rules or not at all.
#[test]
fn every_changed_byte_before_the_last_record_is_guard_damaged() {
    let (_, log) = story();
    for (index, (_, bytes)) in log.iter().enumerate().take(log.len() - 1) {
        for at in 0..bytes.len() {
            let mut bad = log.clone();
            bad[index].1[at] ^= 0x20;
            let problem = load(&bad).unwrap_err();
            assert!(
                matches!(problem.code(), "guard_damaged" | "guard_foreign"),
                "record {index}, byte {at}: {problem}"
            );
        }
    }
}

// A record that is missing, doubled or out of order is refused.
#[test]
fn records_out_of_order_are_guard_damaged() {
    let (_, log) = story();
    for index in 1..log.len() - 1 {
        let renumber = |mut log: Log| {
            for (place, (position, _)) in log.iter_mut().enumerate() {
                *position = Position::new(place as u64 + 1);
            }
            log
        };
        let mut missing = log.clone();
        missing.remove(index);
        assert_eq!(
            fault_of(&renumber(missing)),
            (index as u64 + 1, RecordFault::Number)
        );
        let mut doubled = log.clone();
        doubled.insert(index, log[index].clone());
        assert_eq!(
            fault_of(&renumber(doubled)),
            (index as u64 + 2, RecordFault::Number)
        );
        let mut swapped = log.clone();
        swapped.swap(index, index + 1);
        assert!(matches!(
            load(&swapped).unwrap_err(),
            GuardProblem::BadRecord { .. }
        ));
    }
}

/// Changes the last record in a way that keeps its encoding whole.
fn with_last(change: impl FnOnce(&mut Record)) -> Log {
    let (_, mut log) = story();
    let last = log.last_mut().unwrap();
    let mut record = Record::decode(&last.1).unwrap();
    change(&mut record);
    last.1 = record.encode();
    log
}

// Records that are whole but contradict what they say, or what was said before.
#[test]
fn contradicting_records_are_guard_damaged() {
    let count = story().1.len() as u64;
    let chain = identity().chain;
    let other = prevote(2, 1, None).sign_bytes(&chain);
    let lower = prevote(1, 0, None).sign_bytes(&chain);
    let cases: [(RecordFault, Log); 9] = [
        (
            RecordFault::Chain,
            with_last(|r| r.prev_hash = Hash32::ZERO),
        ),
        (RecordFault::Instance, with_last(|r| r.instance = [1; 16])),
        (RecordFault::Statement, with_last(|r| r.sign_bytes = None)),
        (
            RecordFault::Statement,
            with_last(|r| r.round = Round::new(7)),
        ),
        (
            RecordFault::Statement,
            with_last(|r| r.signature = Some(sign(&key(1), b"x", 0))),
        ),
        (
            RecordFault::Order,
            with_last(|r| {
                (r.height, r.round, r.sign_bytes) = (Height::new(1), Round::new(0), Some(lower));
            }),
        ),
        (
            RecordFault::Lock,
            with_last(|r| r.locked_value = Some(block(0xa1))),
        ),
        (RecordFault::Lock, with_last(|r| r.locked_round = None)),
        (
            RecordFault::Floor,
            with_last(|r| r.kind = crate::guard::RecordKind::Floor),
        ),
    ];
    for (fault, log) in cases {
        assert_eq!(fault_of(&log), (count, fault));
    }
    // The bytes say another value at the same place: whole in itself, and caught only by whoever holds the signature.
    assert!(load(&with_last(|r| r.sign_bytes = Some(other))).is_ok());
    assert_eq!(
        load(&with_last(|r| r.fence_epoch = 3))
            .unwrap()
            .witness()
            .fence_epoch,
        3
    );
}

// A fence epoch never falls.
#[test]
fn a_falling_fence_epoch_is_guard_damaged() {
    let raised = Floor {
        fence_epoch: 5,
        ..floor()
    };
    let (mut guard, first) = Guard::init(identity(), raised);
    let mut log = vec![(first.position, first.bytes)];
    put(&mut log, guard.latch(Latch::Operator));
    let mut record = Record::decode(&log[1].1).unwrap();
    record.fence_epoch = 4;
    log[1].1 = record.encode();
    assert_eq!(fault_of(&log), (2, RecordFault::Instance));
}

// The log of another chain, key or algorithm is somebody else's.
#[test]
fn another_owner_is_guard_foreign() {
    let (_, log) = story();
    let mut other_chain = identity();
    other_chain.chain.chain_id = "other".to_owned();
    for other in [
        other_chain,
        Identity {
            key: key(2),
            ..identity()
        },
    ] {
        let problem = Guard::load(other, log.clone(), &[genesis_set()], None).unwrap_err();
        assert_eq!(
            (problem.code(), problem),
            ("guard_foreign", GuardProblem::Foreign)
        );
    }
    let log = with_last(|record| record.algorithm = Algorithm::Ed25519);
    assert_eq!(load(&log).unwrap_err(), GuardProblem::Foreign);
}

// Another instance, a lower epoch or a lower place than the node remembers proves an old copy.
#[test]
fn an_old_copy_is_guard_older() {
    let (guard, log) = story();
    let witness = guard.witness();
    let load = |witness: Witness, log: &[_]| {
        Guard::load(identity(), log.to_vec(), &[genesis_set()], Some(&witness)).map(|_| ())
    };
    assert_eq!(load(witness, &log), Ok(()));
    let older = |evidence| Err(GuardProblem::Older { evidence });
    assert_eq!(
        load(
            Witness {
                instance: [1; 16],
                ..witness
            },
            &log
        ),
        older(AgeEvidence::Instance)
    );
    assert_eq!(
        load(
            Witness {
                fence_epoch: 1,
                ..witness
            },
            &log
        ),
        older(AgeEvidence::FenceEpoch(1))
    );
    assert_eq!(
        load(witness, &log[..log.len() - 1]),
        older(AgeEvidence::Place(witness.place))
    );
    assert_eq!(
        GuardProblem::Older {
            evidence: AgeEvidence::Instance
        }
        .code(),
        "guard_older"
    );
}

// Sets that the node does not know cannot be signed under.
#[test]
fn unknown_sets_are_refused() {
    let (_, log) = story();
    let problem = Guard::load(identity(), log, &[set_of(&[1, 2, 3])], None).unwrap_err();
    assert_eq!(
        problem,
        GuardProblem::SetsUnknown {
            height: Height::new(2)
        }
    );
    assert_eq!(problem.code(), "guard_sets_unknown");
}

// A log that is pruned up to what is still needed loads to the same guard; one record less of the height, and the lock is missed.
#[test]
fn a_pruned_log_loads_to_the_same_guard() {
    let (mut guard, mut log) = story();
    for round in 2..30 {
        for statement in [prevote(2, round, None), precommit(2, round, None)] {
            say(&mut guard, &mut log, statement, true);
        }
    }
    let keep_from = guard.keep_from();
    let kept: Log = log
        .iter()
        .filter(|(position, _)| *position >= keep_from)
        .cloned()
        .collect();
    assert!(kept.len() < log.len() && kept.len() > 64);
    let loaded = load(&kept).unwrap();
    assert_eq!(loaded.state.lock, guard.state.lock);
    assert_eq!(
        (loaded.last(), loaded.position(), loaded.head()),
        (guard.last(), guard.position(), guard.head())
    );
    let of_height = |guard: &Guard| guard.entries().cloned().collect::<Vec<_>>();
    assert_eq!(of_height(&loaded), of_height(&guard));
    let lock_made = log.iter().position(|(_, bytes)| {
        let record = Record::decode(bytes).unwrap();
        record.height.get() == 2 && record.polka.is_some()
    });
    let without_lock = &log[lock_made.unwrap() + 1..];
    assert_eq!(fault_of(without_lock).1, RecordFault::Lock);
}

// The floor's own place and everything below it is refused, also after loading.
#[test]
fn nothing_at_or_below_the_floor_is_signed() {
    let place = Place::of(&prevote(5, 2, None));
    let window = SetWindow::new(
        Height::new(5),
        [&genesis_set(), &genesis_set(), &genesis_set()],
    );
    let (guard, first) = Guard::init(
        identity(),
        Floor {
            place,
            window,
            ..floor()
        },
    );
    let loaded = load(&[(first.position, first.bytes)]).unwrap();
    for guard in [guard, loaded] {
        let code = |statement| {
            guard
                .judge(&HashChecker, &request(1, statement))
                .map(|_| ())
                .map_err(|r| r.code())
        };
        assert_eq!(code(prevote(5, 2, None)), Err("regression"));
        assert_eq!(code(proposal(5, 2, block(1), None)), Err("regression"));
        assert_eq!(code(precommit(4, 9, None)), Err("regression"));
        assert_eq!(code(precommit(5, 2, None)), Ok(()));
        assert_eq!(code(prevote(6, 0, None)), Ok(()));
        assert!(!guard.is_complete());
    }
}
