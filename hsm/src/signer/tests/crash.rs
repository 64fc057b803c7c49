//! Power cuts before and after every step of the guard: what was released is never contradicted.

use proptest::prelude::*;

use falaj_consensus::durable::{LogError, Survives};
use falaj_consensus::message::{SignBytes, Statement};

use crate::backend::Fault;
use crate::fixture::{
    Disks, Home, NOW, TestToken, Trouble, answers, ask, block, chain, outcome, precommit, prevote,
    proposal, request,
};
use crate::guard::Place;
use crate::signer::Input;

const SURVIVORS: [Survives; 6] = [
    Survives::Nothing,
    Survives::Everything,
    Survives::Bytes(1),
    Survives::Bytes(300),
    Survives::Sectors {
        sector_bytes: 64,
        kept: 0x5555_5555_5555_5555,
    },
    Survives::Sectors {
        sector_bytes: 64,
        kept: 0xaaaa_aaaa_aaaa_aaaa,
    },
];

/// A course over two heights with a lock, and for each place a rival.
fn course() -> Vec<(Statement, Statement)> {
    let (a, b) = (block(0xa1), block(0xa2));
    vec![
        (proposal(1, 0, a, None), proposal(1, 0, b, None)),
        (prevote(1, 0, Some((a, None))), prevote(1, 0, None)),
        (
            precommit(1, 0, Some((a, outcome(1)))),
            precommit(1, 0, None),
        ),
        (prevote(1, 1, Some((a, Some(0)))), prevote(1, 1, None)),
        (
            precommit(1, 1, Some((a, outcome(1)))),
            precommit(1, 1, None),
        ),
        (prevote(2, 0, None), prevote(2, 0, Some((b, None)))),
        (
            precommit(2, 0, None),
            precommit(2, 0, Some((b, outcome(3)))),
        ),
    ]
}

/// In which order the host syncs and calls the token.
#[derive(Clone, Copy, Debug)]
enum Order {
    SyncFirst,
    TokenFirst,
}

/// Runs the course until the disk fails, and notes what was released.
fn live(
    disks: &Disks,
    token: &TestToken,
    order: Order,
    released: &mut Vec<Statement>,
) -> Result<(), LogError> {
    let Ok(mut home) = disks.open() else {
        return Ok(());
    };
    for (id, (statement, _)) in (0..).zip(course()) {
        let done = one(&mut home, token, order, id, statement);
        let signed = answers(home.released())
            .into_iter()
            .filter_map(|(_, answer)| answer.ok());
        released.extend(signed.map(|signed| signed.get().statement));
        done?;
    }
    home.settle()
}

fn one(
    home: &mut Home,
    token: &TestToken,
    order: Order,
    id: u64,
    statement: Statement,
) -> Result<(), LogError> {
    home.submit(NOW, Input::Sign(Box::new(request(id, statement))))?;
    if matches!(order, Order::SyncFirst) {
        home.sync()?;
    }
    for call in home.take_calls() {
        let result = call.work.perform(token, std::time::Duration::from_secs(1));
        home.complete(NOW, call.id, result)?;
    }
    home.sync()
}

/// How many changes of the guard's disk an undisturbed life makes.
fn operations() -> u64 {
    let disks = Disks::default();
    disks.init().unwrap();
    let before = disks.guard.operations();
    let mut released = Vec::new();
    live(&disks, &TestToken::new(), Order::SyncFirst, &mut released).unwrap();
    assert_eq!(released.len(), course().len());
    disks.guard.operations() - before
}

// A cut at any moment, with anything left of what was not synced: a new life repeats what was released and contradicts none of it.
#[test]
fn a_power_cut_contradicts_nothing_that_was_released() {
    for cut in 0..=operations() {
        for survives in SURVIVORS {
            for (names_survive, order) in [(true, Order::SyncFirst), (false, Order::TokenFirst)] {
                let (disks, token, mut released) = (Disks::default(), TestToken::new(), Vec::new());
                disks.init().unwrap();
                disks.guard.cut_power_after(cut);
                drop(live(&disks, &token, order, &mut released));
                disks.guard.crash(survives, names_survive);
                disks.audit.crash(survives, names_survive);
                check_next_life(
                    &disks,
                    &token,
                    &released,
                    &format!("cut {cut}, {survives:?}, {order:?}"),
                );
            }
        }
    }
}

fn check_next_life(disks: &Disks, token: &TestToken, released: &[Statement], place: &str) {
    let mut home = disks
        .open()
        .unwrap_or_else(|error| panic!("{place}: {error}"));
    assert!(
        home.signer().guard().is_ok(),
        "{place}: {:?}",
        home.signer().guard()
    );
    for (statement, rival) in course() {
        if released.contains(&statement) {
            assert!(
                ask(&mut home, token, rival).is_err(),
                "{place}: contradicted {statement:?}"
            );
            let again =
                ask(&mut home, token, statement).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(again.get().statement, statement);
        }
    }
    let mut all = released.to_vec();
    for (statement, rival) in course() {
        all.extend(
            ask(&mut home, token, rival)
                .ok()
                .map(|signed| signed.get().statement),
        );
        all.extend(
            ask(&mut home, token, statement)
                .ok()
                .map(|signed| signed.get().statement),
        );
    }
    assert_one_a_place(&all, place);
}

fn assert_one_a_place(released: &[Statement], context: &str) {
    for first in released {
        for second in released {
            let rivals = Place::of(first) == Place::of(second) && first != second;
            assert!(!rivals, "{context}: released both {first:?} and {second:?}");
        }
    }
}

// A cut while the guard is made leaves no guard or a whole one, and making it again succeeds only if nothing was signed.
#[test]
fn a_power_cut_during_init_leaves_no_half_guard() {
    for cut in 0..12 {
        for survives in SURVIVORS {
            let disks = Disks::default();
            disks.guard.cut_power_after(cut);
            let made = disks.init();
            disks.guard.crash(survives, false);
            if made.is_err() {
                let again = disks.init();
                assert!(
                    again.is_ok() || disks.open().unwrap().signer().guard().is_ok(),
                    "cut {cut}, {survives:?}"
                );
            }
            let mut home = disks.open().unwrap();
            ask(&mut home, &TestToken::new(), prevote(1, 0, None)).unwrap();
            assert!(
                disks.init().is_err(),
                "a guard that signed is never made anew"
            );
        }
    }
}

/// What happens to a signer.
#[derive(Clone, Debug)]
enum Happening {
    Ask(Statement),
    Fault(Fault),
    Crash(Survives),
    FullDisk(u64),
    Settle,
}

fn happening() -> impl Strategy<Value = Happening> {
    let statements: Vec<_> = course()
        .into_iter()
        .flat_map(|(statement, rival)| [statement, rival])
        .collect();
    prop_oneof![
        8 => prop::sample::select(statements).prop_map(Happening::Ask),
        1 => prop::sample::select(&Fault::ALL[..]).prop_map(Happening::Fault),
        2 => prop::sample::select(&SURVIVORS[..]).prop_map(Happening::Crash),
        1 => (0_u64..900).prop_map(Happening::FullDisk),
        1 => Just(Happening::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    // Whatever happens in whatever order, one place has one released statement, and the token was asked for no other there.
    #[test]
    fn lives_never_contradict_each_other(happenings in prop::collection::vec(happening(), 1..40)) {
        let (disks, mut home) = Disks::home();
        let (token, mut released) = (TestToken::new(), Vec::new());
        for happening in happenings {
            match happening {
                Happening::Ask(statement) => {
                    released.extend(ask(&mut home, &token, statement).ok().map(|signed| signed.get().statement));
                }
                Happening::Fault(fault) => token.trouble(Trouble::Fails(fault)),
                Happening::Crash(survives) => {
                    drop(home);
                    disks.guard.crash(survives, true);
                    disks.audit.crash(survives, true);
                    home = disks.open().unwrap();
                }
                Happening::FullDisk(room) => disks.guard.set_capacity(Some(disks.guard.used_bytes() + room)),
                Happening::Settle => home.settle().unwrap(),
            }
        }
        assert_one_a_place(&released, "lives");
        for bytes in token.signed() {
            let (_, statement) = SignBytes::parse(&chain(), &bytes).unwrap();
            let rival = released.iter().find(|other| Place::of(other) == Place::of(&statement) && **other != statement);
            prop_assert_eq!(rival, None, "the token signed {:?}", statement);
        }
    }
}
