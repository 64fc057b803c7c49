//! Chains that are right, and chains with one thing wrong each: every check of a node's logs finds its own.

use super::*;
use crate::verify::forge::{Forge, with_a_unit_from_nowhere};
use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{CommitCertificate, Evidence, PrevoteValue, Vote, VoteValue};
use falaj_consensus::proposer::turns;
use falaj_consensus::types::{Hash32, Height, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::testing::{BANK_A, account};

fn verified(forge: &Forge, heights: usize) -> History {
    let data = tempfile::tempdir().unwrap();
    forge.write(data.path(), heights);
    verify("one", data.path(), &forge.genesis).unwrap()
}

/// What is wrong with a chain whose second block was changed and certified all the same.
fn problem(round: u32, change: impl FnOnce(&mut Header, &mut Body)) -> String {
    let mut forge = Forge::of(1);
    forge.block(round, change);
    let history = verified(&forge, 2);
    assert_eq!(history.report.height, 1);
    history.problem.expect("a rule that does not hold")
}

#[test]
fn missing_logs_are_a_problem_of_the_node() {
    for log in ["block", "batch"] {
        let data = tempfile::tempdir().unwrap();
        let forge = Forge::of(1);
        forge.write(data.path(), 1);
        std::fs::remove_dir_all(data.path().join(log)).unwrap();
        let history = verify("one", data.path(), &forge.genesis).unwrap();
        let problem = history.problem.expect("a log that is not there");
        assert!(problem.contains(log), "{problem}");
        assert_eq!(history.report.height, 0);
    }
}

#[test]
fn right_blocks_pass() {
    let history = verified(&Forge::of(3), 3);
    assert_eq!((history.problem, history.report.height), (None, 3));
}

// Goal: a node that began with a snapshot is re-executed from there, and its copy of the snapshot is believed no more than its logs.
#[test]
fn a_node_that_began_with_a_snapshot_is_re_executed_from_there() {
    let mut forge = Forge::of(2);
    forge.paying(false, |_| {});
    (0..2).for_each(|_| forge.block(0, |_, _| {}));
    let began_with = |snapshot: usize, change: &dyn Fn(&Path)| {
        let data = tempfile::tempdir().unwrap();
        forge.write_behind(data.path(), snapshot, 5);
        change(data.path());
        verify("one", data.path(), &forge.genesis).unwrap()
    };
    let whole = verified(&forge, 5);
    for snapshot in 1..=5 {
        let history = began_with(snapshot, &|_| {});
        assert_eq!(history.problem, None);
        let report = &history.report;
        assert_eq!((history.before, report.height), (snapshot as u64 - 1, 5));
        assert_eq!(history.blocks, whole.blocks[snapshot - 1..]);
        assert_eq!(report.state_root, whole.report.state_root);
        assert_eq!(report.supply_minor_units, whole.report.supply_minor_units);
    }
    let problem = |change: &dyn Fn(&Path)| began_with(2, change).problem.unwrap();
    let lost = problem(&|data| std::fs::remove_dir_all(data.join("snapshot")).unwrap());
    assert!(lost.contains("cannot read"), "{lost}");
    let other = problem(&|data| drop(forge.write_snapshot(data, 3)));
    assert!(other.contains("another block"), "{other}");
    let changed = problem(&|data| {
        let chunk = data.join("snapshot/00000.chunk");
        let mut bytes = std::fs::read(&chunk).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&chunk, bytes).unwrap();
    });
    assert!(changed.contains("chunk 0"), "{changed}");
}

// Goal: a quorum's signatures do not make it another validator's turn.
#[test]
fn a_block_out_of_turn_is_found() {
    let found = problem(0, |header, _| {
        header.proposer = ValidatorIndex::new((header.proposer.get() + 1) % 4);
    });
    assert!(found.contains("was the turn of"), "{found}");
}

// Goal: whoever let a turn pass sits on the bench, and does not have the turn that it would have without it.
#[test]
fn a_turn_of_a_benched_proposer_is_found() {
    let (mut forge, mut right) = (Forge::of(1), Forge::of(1));
    let set = forge.genesis.validators.clone();
    let unbenched = |height| turns(&set, &Default::default(), Height::new(height))[0];
    let missed = unbenched(2);
    // The block of height 2 is of round 1: who had round 0 is benched. Its next turn by rotation alone comes within n heights.
    for forge in [&mut forge, &mut right] {
        forge.block(1, |_, _| {});
    }
    let height = (3..=6).find(|height| unbenched(*height) == missed).unwrap();
    for _ in 3..=height {
        right.block(0, |_, _| {});
    }
    assert_eq!(verified(&right, 9).problem, None);
    for _ in 3..height {
        forge.block(0, |_, _| {});
    }
    forge.block(0, |header, _| header.proposer = missed);
    let found = verified(&forge, 9).problem.expect("a benched proposer");
    assert!(found.contains("was the turn of"), "{found}");
}

#[test]
fn a_feature_that_does_not_exist_is_found() {
    let found = problem(0, |header, _| header.features = 1);
    assert!(found.contains("another set of features"), "{found}");
}

#[test]
fn a_round_after_the_certificate_is_found() {
    let found = problem(0, |header, _| {
        header.round = Round::new(4);
    });
    assert!(found.contains("before round 4"), "{found}");
}

#[test]
fn evidence_in_a_body_is_found() {
    let vote = Vote {
        validator: ValidatorIndex::new(0),
        height: Height::new(2),
        round: Round::new(0),
        value: VoteValue::Prevote(Some(PrevoteValue {
            id: BlockId::default(),
            valid_round: None,
        })),
        signature: Signature::new(vec![0; 64]).unwrap(),
    };
    let found = problem(0, |header, body| {
        body.evidence = vec![Evidence::DoublePrevote(vote.clone(), vote)];
        header.evidence_root = body.evidence_root();
    });
    assert!(found.contains("evidence"), "{found}");
}

#[test]
fn a_batch_that_is_not_what_the_body_says_is_found() {
    let mut forge = Forge::of(1);
    let mut reference = forge.batch(vec![vec![1]]);
    reference.transactions = 0;
    forge.block(0, |header, body| {
        body.batches = vec![reference];
        header.body_root = body.root();
        header.transaction_bytes = reference.bytes;
    });
    let found = verified(&forge, 2).problem.expect("another batch");
    assert!(found.contains("not as the body names it"), "{found}");
}
/// What is wrong with a chain whose second block has a certificate that was changed after it was signed.
fn problem_of(change: impl FnOnce(&mut CommitCertificate)) -> String {
    let mut forge = Forge::of(1);
    forge.certified(change);
    let history = verified(&forge, 2);
    assert_eq!(history.report.height, 1);
    history.problem.expect("a certificate that does not hold")
}

// Goal: each signature of a certificate is checked, the first and the last.
#[test]
fn a_wrong_signature_in_a_certificate_is_found() {
    for signer in 0..3 {
        let found = problem_of(|certificate| {
            let signature = &mut certificate.signatures[signer];
            let mut bytes = signature.bytes().to_vec();
            bytes[0] ^= 1;
            *signature = Signature::new(bytes).unwrap();
        });
        let expected = format!("height 2: the signature of validator {signer} is wrong");
        assert_eq!(found, expected);
    }
}

// Goal: an outcome that was written into a certificate is not what its signers signed.
#[test]
fn an_outcome_that_nobody_signed_is_found() {
    let found = problem_of(|certificate| certificate.outcome = OutcomeHash::new(Hash32::ZERO));
    assert_eq!(found, "height 2: the signature of validator 0 is wrong");
}

#[test]
fn a_certificate_without_a_quorum_is_found() {
    let found = problem_of(|certificate| {
        certificate.signers = Bitmap::none(4);
        for index in 0..2 {
            certificate.signers.insert(ValidatorIndex::new(index));
        }
        certificate.signatures.pop();
    });
    assert_eq!(found, "height 2: the signers have no quorum");
}

// Goal: a quorum's signatures do not make an outcome true.
#[test]
fn an_outcome_that_execution_does_not_give_is_found() {
    let mut forge = Forge::of(1);
    let false_outcome = OutcomeHash::new(Hash32::new([7; 32]));
    forge.giving(false_outcome);
    let history = verified(&forge, 2);
    assert_eq!(history.report.height, 1);
    let found = history.problem.expect("another outcome");
    assert!(
        found.starts_with("height 2: height 2 gives outcome "),
        "{found}"
    );
    assert!(
        found.ends_with(&format!("certified is {false_outcome}")),
        "{found}"
    );
}

// Goal: the forgeries below are of a chain that is right without them.
#[test]
fn right_payments_pass() {
    for in_batch in [true, false] {
        let mut forge = Forge::of(1);
        forge.paying(in_batch, |_| {});
        let history = verified(&forge, 2);
        assert_eq!((history.problem, history.report.transactions), (None, 1));
    }
}

// Goal: a quorum's signatures do not stand in for the payer's.
#[test]
fn a_wrongly_signed_transaction_is_found() {
    for in_batch in [true, false] {
        let mut forge = Forge::of(1);
        // The last byte of a transaction is one of its signature.
        forge.paying(in_batch, |bytes| *bytes.last_mut().unwrap() ^= 1);
        let history = verified(&forge, 2);
        assert_eq!(history.report.height, 1);
        let found = history.problem.expect("a wrong signature");
        assert_eq!(found, "height 2: a batch of height 2 does not verify");
    }
}

// Goal: the recount at the end stands by itself. No log can say what an account holds, so the unit is put into the state.
#[test]
fn a_unit_from_nowhere_is_found() {
    let (forge, data) = (Forge::of(1), tempfile::tempdir().unwrap());
    forge.write(data.path(), 1);
    let logs = open(data.path(), &forge.genesis).unwrap();
    let found = logs.scan().unwrap();
    let start = start::of(&forge.genesis, data.path(), &found).unwrap();
    let mut replay = Replay::new(&forge.genesis, &logs, &found, start);
    replay.step().unwrap();
    replay.state = with_a_unit_from_nowhere(&replay.state, account(BANK_A, 1));
    let mut history = History::default();
    replay.run(&mut history);
    let found = history.problem.expect("money from nowhere");
    assert!(
        found.starts_with("the money does not add up: currency AED: supply is "),
        "{found}"
    );
    assert!(history.report.supply_minor_units.is_empty());
}
