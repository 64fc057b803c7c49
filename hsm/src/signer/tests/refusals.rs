//! Every refusal has its code, is counted, is in the audit log, touches no state and leaves the signer running.

use falaj_consensus::durable::{Disk, Position};
use falaj_consensus::message::Statement;
use falaj_consensus::types::Hash32;

use crate::audit::{AuditEvent, AuditRecord};
use crate::backend::Fault;
use crate::fixture::{
    Answer, DEADLINE_NS, Disks, Home, NOW, TestToken, Trouble, answers, ask, ask_for, block, chain,
    code, identity, key, outcome, polka, precommit, prevote, proof, proposal, request, set_of,
};
use crate::guard::{LockFault, Place, Witness};
use crate::home::SignerHome;
use crate::signer::{Alarm, Input, Output, RawSignRequest, RequestId, SignRequest};
use crate::{GuardProblem, Refusal};

const FILE: &str = "guard-0000000000.log";

/// The codes of all refusals in the audit log, in order.
fn audited(home: &Home) -> Vec<String> {
    let refused = |item: Result<(_, Vec<u8>), _>| {
        let event = AuditRecord::decode(&item.unwrap().1).unwrap().entry.event;
        if let AuditEvent::Refused { code } = event {
            Some(code)
        } else {
            None
        }
    };
    home.audit_log()
        .iter_from(Position::START)
        .filter_map(refused)
        .collect()
}

/// Asks for something that is refused, and checks everything that a refusal owes.
fn refused(home: &mut Home, token: &TestToken, request: SignRequest) -> Refusal {
    let (before, signed) = (home.signer().guard().cloned(), token.signed().len());
    let refusal = ask_for(home, token, request).unwrap_err();
    assert_eq!(
        home.signer().guard().cloned(),
        before,
        "a refusal changes nothing"
    );
    assert_eq!(token.signed().len(), signed, "a refusal reaches no token");
    check_noted(home, &refusal);
    refusal
}

fn check_noted(home: &Home, refusal: &Refusal) {
    assert!(home.signer().counters().refused(refusal.code()) > 0);
    assert_eq!(
        audited(home).last().map(String::as_str),
        Some(refusal.code())
    );
}

fn ready() -> (Disks, Home, TestToken) {
    let (disks, home) = Disks::home();
    (disks, home, TestToken::new())
}

fn locked() -> (Disks, Home, TestToken) {
    let (disks, mut home, token) = ready();
    ask(&mut home, &token, prevote(1, 2, Some((block(0xa1), None)))).unwrap();
    ask(
        &mut home,
        &token,
        precommit(1, 2, Some((block(0xa1), outcome(1)))),
    )
    .unwrap();
    (disks, home, token)
}

// Another statement for the place of the highest record, nil against a value included, is refused, with an alarm, and signing goes on.
#[test]
fn double_sign_is_refused_and_signing_goes_on() {
    let place = |statement| Place::of(&statement);
    let (a, b) = (block(0xa1), block(0xa2));
    let rivals = [
        (proposal(1, 0, a, None), proposal(1, 0, b, None)),
        (prevote(1, 0, None), prevote(1, 0, Some((a, None)))),
        (prevote(1, 0, Some((a, None))), prevote(1, 0, None)),
        (
            prevote(1, 1, Some((a, None))),
            prevote(1, 1, Some((a, Some(0)))),
        ),
        (
            precommit(1, 0, Some((a, outcome(1)))),
            precommit(1, 0, Some((a, outcome(2)))),
        ),
        (
            precommit(1, 0, Some((a, outcome(1)))),
            precommit(1, 0, None),
        ),
    ];
    for (first, second) in rivals {
        let (_, mut home, token) = ready();
        ask(&mut home, &token, first).unwrap();
        let outputs = home
            .run(NOW, Input::Sign(Box::new(request(2, second))), &token)
            .unwrap();
        let alarm = Output::Alarm(Alarm::DoubleSign {
            place: place(second),
            asked: second,
        });
        assert_eq!(outputs[0], alarm);
        assert_eq!(
            answers(outputs)[0].1,
            Err(Refusal::DoubleSign {
                place: place(first)
            })
        );
        assert_eq!(audited(&home), ["double_sign"]);
        assert_eq!(
            ask(&mut home, &token, first).unwrap().get().statement,
            first
        );
        ask(&mut home, &token, prevote(1, 5, None)).unwrap();
    }
}

// Below the highest record nothing new is signed; the answer names the record, so that rounds can advance.
#[test]
fn regression_names_the_highest_record() {
    let (_, mut home, token) = ready();
    ask(&mut home, &token, prevote(1, 3, None)).unwrap();
    let asked = proposal(1, 3, block(1), None);
    let refusal = refused(&mut home, &token, request(2, asked));
    let last = Place::of(&prevote(1, 3, None));
    assert_eq!(
        refusal,
        Refusal::Regression {
            last,
            asked: Place::of(&asked)
        }
    );
    assert_eq!(
        refused(&mut home, &token, request(3, prevote(1, 2, None))).code(),
        "regression"
    );
}

// A height above the record needs the certificate of exactly the height before.
#[test]
fn height_jump_is_refused() {
    let (_, mut home, token) = ready();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    for shown in [None, Some(proof(1)), Some(proof(3))] {
        let asked = SignRequest {
            proof: shown.map(Box::new),
            ..request(2, prevote(3, 0, None))
        };
        assert_eq!(refused(&mut home, &token, asked).code(), "height_jump");
    }
    ask(&mut home, &token, prevote(3, 0, None)).unwrap();
}

// Under a lock a block is prevoted only with a polka for it that is as young as the lock or younger.
#[test]
fn a_prevote_below_the_lock_is_refused() {
    let (_, mut home, token) = locked();
    let (a, b) = (block(0xa1), block(0xa2));
    let with = |statement, polka| SignRequest {
        polka,
        ..request(2, statement)
    };
    let mut forged = polka(1, 3, b);
    forged.signatures.pop();
    let cases = [
        (
            with(prevote(1, 4, Some((a, None))), None),
            LockFault::BelowLock,
        ),
        (
            with(prevote(1, 4, Some((b, None))), Some(polka(1, 3, b))),
            LockFault::BelowLock,
        ),
        (
            with(prevote(1, 4, Some((b, Some(1)))), Some(polka(1, 1, b))),
            LockFault::BelowLock,
        ),
        (
            with(prevote(1, 4, Some((b, Some(3)))), None),
            LockFault::NoPolka,
        ),
        (
            with(prevote(1, 4, Some((b, Some(3)))), Some(polka(1, 2, b))),
            LockFault::OtherPolka,
        ),
        (
            with(prevote(1, 4, Some((b, Some(3)))), Some(polka(1, 3, a))),
            LockFault::OtherPolka,
        ),
        (
            with(prevote(1, 4, Some((b, Some(3)))), Some(polka(2, 3, b))),
            LockFault::OtherPolka,
        ),
        (
            with(prevote(1, 4, Some((b, Some(3)))), Some(forged)),
            LockFault::BadPolka,
        ),
    ];
    for (asked, fault) in cases {
        let refusal = refused(&mut home, &token, asked);
        assert_eq!(
            refusal,
            Refusal::Lock {
                locked: Some(2.into_round()),
                fault
            }
        );
        assert_eq!(refusal.code(), "lock");
    }
    ask(&mut home, &token, prevote(1, 3, None)).unwrap();
    ask(&mut home, &token, prevote(1, 4, Some((b, Some(3))))).unwrap();
}

trait IntoRound {
    fn into_round(self) -> falaj_consensus::types::Round;
}

impl IntoRound for u32 {
    fn into_round(self) -> falaj_consensus::types::Round {
        falaj_consensus::types::Round::new(self)
    }
}

// A block is precommitted only with the polka of its own round.
#[test]
fn a_precommit_without_its_polka_is_refused() {
    let (_, mut home, token) = ready();
    let b = block(0xa2);
    let statement = precommit(1, 1, Some((b, outcome(1))));
    for (shown, fault) in [
        (None, LockFault::NoPolka),
        (Some(polka(1, 0, b)), LockFault::OtherPolka),
        (Some(polka(1, 1, block(0xa1))), LockFault::OtherPolka),
    ] {
        let refusal = refused(
            &mut home,
            &token,
            SignRequest {
                polka: shown,
                ..request(2, statement)
            },
        );
        assert_eq!(
            refusal,
            Refusal::Lock {
                locked: None,
                fault
            }
        );
    }
    ask(&mut home, &token, statement).unwrap();
}

// One block has one outcome in all rounds of a height, whether another block was locked in between or not.
#[test]
fn another_outcome_for_a_precommitted_block_is_refused() {
    let (_, mut home, token) = locked();
    ask(
        &mut home,
        &token,
        precommit(1, 3, Some((block(0xa2), outcome(7)))),
    )
    .unwrap();
    let refusal = refused(
        &mut home,
        &token,
        request(2, precommit(1, 4, Some((block(0xa1), outcome(2))))),
    );
    assert_eq!(
        refusal,
        Refusal::Outcome {
            id: block(0xa1),
            signed: outcome(1),
            asked: outcome(2)
        }
    );
    assert_eq!(refusal.code(), "outcome");
    ask(
        &mut home,
        &token,
        precommit(1, 4, Some((block(0xa1), outcome(1)))),
    )
    .unwrap();
    ask(
        &mut home,
        &token,
        precommit(2, 0, Some((block(0xa1), outcome(2)))),
    )
    .unwrap();
}

fn raw(statement: Statement) -> RawSignRequest {
    RawSignRequest {
        id: RequestId::new(2),
        key_fingerprint: key(1).fingerprint(),
        sign_bytes: statement.sign_bytes(&chain()).as_slice().to_vec(),
        polka: None,
        proof: None,
        deadline_ns: DEADLINE_NS,
    }
}

fn ask_raw(home: &mut Home, token: &TestToken, request: RawSignRequest) -> Answer {
    let outputs = home
        .run(NOW, Input::RawSign(Box::new(request)), token)
        .unwrap();
    answers(outputs).remove(0).1
}

// Bytes from another process are read before any state is touched; what is not ours is named.
#[test]
fn raw_bytes_that_are_not_ours_are_refused() {
    let (_, mut home, token) = ready();
    let good = raw(prevote(1, 0, None));
    let changed = |at: usize, byte: u8| {
        let mut bytes = good.sign_bytes.clone();
        bytes[at] = byte;
        RawSignRequest {
            sign_bytes: bytes,
            ..good.clone()
        }
    };
    let mut other_genesis = chain();
    other_genesis.genesis_hash = Hash32::new([8; 32]);
    let mut other_name = chain();
    other_name.chain_id = "tess".to_owned();
    let of_chain = |chain| prevote(1, 0, None).sign_bytes(&chain).as_slice().to_vec();
    let kind_at = 16 + 2 + 4 + 4 + 32;
    let mut longer = good.clone();
    longer.sign_bytes.push(0);
    let cases = [
        (
            "wrong_key",
            RawSignRequest {
                key_fingerprint: key(2).fingerprint(),
                ..good.clone()
            },
        ),
        (
            "wrong_chain",
            RawSignRequest {
                sign_bytes: of_chain(other_genesis),
                ..good.clone()
            },
        ),
        (
            "wrong_chain",
            RawSignRequest {
                sign_bytes: of_chain(other_name),
                ..good.clone()
            },
        ),
        ("unknown_kind", changed(0, b'F')),
        ("unknown_kind", changed(kind_at, 4)),
        (
            "unknown_kind",
            RawSignRequest {
                sign_bytes: Vec::new(),
                ..good.clone()
            },
        ),
        ("non_canonical", changed(16, 2)),
        ("non_canonical", longer),
        (
            "non_canonical",
            RawSignRequest {
                sign_bytes: good.sign_bytes[..70].to_vec(),
                ..good.clone()
            },
        ),
    ];
    let before = home.signer().guard().cloned();
    for (expected, asked) in cases {
        let refusal = ask_raw(&mut home, &token, asked).unwrap_err();
        assert_eq!(refusal.code(), expected);
        check_noted(&home, &refusal);
    }
    assert_eq!(home.signer().guard().cloned(), before);
    assert!(token.signed().is_empty());
    ask_raw(&mut home, &token, good).unwrap();
}

// Statements that say what nobody may say: a valid round that is not below its round, no height, the ends of the ranges.
#[test]
fn unsound_statements_are_non_canonical() {
    let (_, mut home, token) = ready();
    for statement in [
        proposal(1, 2, block(1), Some(2)),
        prevote(1, 2, Some((block(1), Some(3)))),
        prevote(0, 0, None),
        prevote(u64::MAX, 0, None),
        precommit(1, u32::MAX, None),
    ] {
        let asked = SignRequest {
            proof: None,
            polka: None,
            statement,
            ..request(2, prevote(1, 0, None))
        };
        assert_eq!(refused(&mut home, &token, asked).code(), "non_canonical");
    }
}

// A request past its deadline touches nothing.
#[test]
fn stale_requests_are_refused() {
    let (_, mut home, token) = ready();
    let asked = SignRequest {
        deadline_ns: NOW.mono_ns,
        ..request(2, prevote(1, 0, None))
    };
    assert_eq!(refused(&mut home, &token, asked).code(), "stale");
}

// More calls than a signer keeps are refused before their intents are recorded.
#[test]
fn too_many_calls_are_refused() {
    let (_, mut home, _) = ready();
    for round in 0..17 {
        home.submit(
            NOW,
            Input::Sign(Box::new(request(u64::from(round), prevote(1, round, None)))),
        )
        .unwrap();
    }
    assert_eq!(home.take_calls().len(), 16);
    home.sync().unwrap();
    let answers = answers(home.released());
    assert_eq!(answers.len(), 1);
    assert_eq!((answers[0].0, code(answers[0].1.clone())), (16, "busy"));
    assert_eq!(
        home.signer().guard().unwrap().last(),
        Place::of(&prevote(1, 15, None))
    );
}

// Each fault of the backend arrives with its code; the intent stays, and the same bytes are signed when it is over.
#[test]
fn backend_faults_keep_the_intent() {
    for fault in Fault::ALL {
        let (_, mut home, token) = ready();
        token.trouble(Trouble::Fails(fault));
        let refusal = ask(&mut home, &token, prevote(1, 0, None)).unwrap_err();
        assert_eq!(refusal.code(), fault.code());
        check_noted(&home, &refusal);
        assert_eq!(
            code(ask(
                &mut home,
                &token,
                prevote(1, 0, Some((block(1), None)))
            )),
            "double_sign"
        );
        ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    }
}

// A signature that does not verify is never released, nor recorded; it is shown to people.
#[test]
fn a_wrong_signature_is_never_released() {
    for trouble in [Trouble::SignsOtherBytes, Trouble::SignsWithOtherKey] {
        let (disks, mut home, token) = ready();
        token.trouble(trouble);
        let outputs = home
            .run(
                NOW,
                Input::Sign(Box::new(request(1, prevote(1, 0, None)))),
                &token,
            )
            .unwrap();
        assert!(matches!(
            outputs[0],
            Output::Alarm(Alarm::WrongSignature { .. })
        ));
        assert_eq!(
            code(answers(outputs).remove(0).1),
            "backend_wrong_signature"
        );
        home.settle().unwrap();
        drop(home);
        let mut home = disks.open().unwrap();
        assert_eq!(home.recovered().unwrap().own, []);
        assert_eq!(home.recovered().unwrap().intent, Some(prevote(1, 0, None)));
        ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    }
}

// A full disk: refused before the token is asked, and signing goes on when there is room, at that very place.
#[test]
fn a_full_disk_refuses_before_the_token() {
    let (disks, mut home, token) = ready();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    for room in [0, 1, 7, 8, 100] {
        disks
            .guard
            .set_capacity(Some(disks.guard.used_bytes() + room));
        assert_eq!(refused_for_space(&mut home, &token), "disk_full");
    }
    disks.guard.set_capacity(None);
    ask(
        &mut home,
        &token,
        precommit(1, 0, Some((block(1), outcome(1)))),
    )
    .unwrap();
    drop(home);
    let home = disks.open().unwrap();
    assert_eq!(
        home.recovered().unwrap().last,
        Place::of(&precommit(1, 0, None))
    );
}

fn refused_for_space(home: &mut Home, token: &TestToken) -> &'static str {
    let (last, signed) = (home.signer().guard().unwrap().last(), token.signed().len());
    let refusal = ask(home, token, precommit(1, 0, None)).unwrap_err();
    assert_eq!(home.signer().guard().unwrap().last(), last);
    assert_eq!(token.signed().len(), signed, "the token was not asked");
    check_noted(home, &refusal);
    refusal.code()
}

// No guard, no signature: each way of having none has its code, none starts over, and the signer still answers.
#[test]
fn without_a_guard_everything_is_refused_with_the_reason() {
    let (disks, mut home, token) = ready();
    for round in 0..3 {
        ask(&mut home, &token, prevote(1, round, None)).unwrap();
    }
    let witness = home.recovered().unwrap().witness;
    drop(home);
    let good = disks.guard.contents(FILE).unwrap();
    let refusal_of = |home: &mut Home| ask(home, &token, prevote(1, 9, None)).unwrap_err().code();

    disks.guard.remove(FILE).unwrap();
    assert_eq!(disks.problem(), GuardProblem::Lost);
    assert_eq!(refusal_of(&mut disks.open().unwrap()), "guard_lost");
    assert!(
        disks.guard.list().unwrap().is_empty(),
        "nothing is made in its place"
    );

    let mut bad = good.clone();
    bad[100] ^= 1;
    disks.guard.overwrite(FILE, &bad);
    assert_eq!(refusal_of(&mut disks.open().unwrap()), "guard_damaged");
    assert_eq!(
        disks.guard.contents(FILE).unwrap(),
        bad,
        "and nothing is mended"
    );

    disks.guard.overwrite(FILE, &good);
    let mut other = identity();
    other.key = key(2);
    let open = |identity, sets: &[_], witness: Option<&Witness>| {
        let (guard, audit) = (disks.guard.clone(), disks.audit.clone());
        SignerHome::open(
            NOW,
            guard,
            audit,
            identity,
            crate::fixture::checker(),
            sets,
            witness,
        )
        .unwrap()
    };
    let genesis = [crate::fixture::genesis_set()];
    assert_eq!(
        refusal_of(&mut open(other, &genesis, None)),
        "guard_foreign"
    );
    assert_eq!(
        refusal_of(&mut open(identity(), &[set_of(&[1])], None)),
        "guard_sets_unknown"
    );
    let later = Witness {
        fence_epoch: 1,
        ..witness
    };
    assert_eq!(
        refusal_of(&mut open(identity(), &genesis, Some(&later))),
        "guard_older"
    );
    assert!(
        open(identity(), &genesis, Some(&witness))
            .signer()
            .guard()
            .is_ok()
    );
}

// The log of another chain is foreign by its header already.
#[test]
fn a_log_of_another_genesis_is_guard_foreign() {
    let (disks, home, _) = ready();
    drop(home);
    let bytes = disks.guard.contents(FILE).unwrap();
    let other = Disks::default();
    other.init().unwrap();
    let mut foreign = bytes;
    foreign[12] ^= 1;
    let checksum = crc32c(&foreign[..60]).to_le_bytes();
    foreign[60..64].copy_from_slice(&checksum);
    other.guard.overwrite(FILE, &foreign);
    assert_eq!(other.problem(), GuardProblem::Foreign);
}

/// Castagnoli, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (!(crc & 1)).wrapping_add(1))
        })
    })
}
