//! Each oracle speaks when its statement is broken, and not before.

use falaj_consensus::message::PrevoteValue;
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash};
use falaj_consensus::validator_set::Bitmap;

use super::*;

const FAULTY: ValidatorIndex = ValidatorIndex::new(3);

fn validator(index: u16) -> ValidatorIndex {
    ValidatorIndex::new(index)
}

fn value(block: u8) -> PrecommitValue {
    PrecommitValue {
        id: BlockId::new(Hash32::new([block; 32])),
        outcome: OutcomeHash::new(Hash32::new([block; 32])),
    }
}

fn precommit(round: u32, block: u8) -> Act {
    Act::Said(Statement::Precommit {
        height: Height::new(1),
        round: Round::new(round),
        value: Some(value(block)),
    })
}

fn prevote(block: u8) -> Act {
    let (id, valid_round) = (value(block).id, None);
    Act::Said(Statement::Prevote {
        height: Height::new(1),
        round: Round::new(0),
        value: Some(PrevoteValue { id, valid_round }),
    })
}

fn decided(round: u32, block: u8, signers: &[u16]) -> Act {
    let mut bitmap = Bitmap::none(VALIDATORS.into());
    signers
        .iter()
        .for_each(|signer| bitmap.insert(validator(*signer)));
    let PrecommitValue { id, outcome } = value(block);
    Act::Decided(Box::new(CommitCertificate {
        height: Height::new(1),
        round: Round::new(round),
        id,
        outcome,
        signers: bitmap,
        signatures: Vec::new(),
    }))
}

/// Which oracle speaks at the last of these, when none did before.
fn spoken(acts: &[(u16, Act)]) -> Option<&'static str> {
    let mut judge = Judge::new(FAULTY);
    let (last, before) = acts.split_last()?;
    for (by, act) in before {
        assert_eq!(judge.observe(validator(*by), act), Ok(()));
    }
    let found = judge.observe(validator(last.0), &last.1);
    found.err().map(|finding| finding.oracle)
}

/// Goal: two blocks that each lack the faulty vote alone are a fork, in one round or in two, whoever hears of it.
#[test]
fn two_certificates_that_could_be_made_are_no_agreement() {
    let acts = [
        (0, precommit(0, 1)),
        (1, precommit(0, 1)),
        (1, precommit(2, 2)),
        (2, precommit(2, 2)),
    ];
    assert_eq!(spoken(&acts), Some("agreement"));
    assert_eq!(spoken(&acts[..3]), None);
}

/// Goal: one correct precommit in each of two rounds makes no certificate.
#[test]
fn precommits_of_different_rounds_do_not_add_up() {
    let acts = [
        (0, precommit(0, 1)),
        (1, precommit(1, 1)),
        (1, precommit(2, 2)),
        (2, precommit(2, 2)),
    ];
    assert_eq!(spoken(&acts), None);
}

/// Goal: one thing for a round and kind; what the faulty one says is nobody's fault.
#[test]
fn a_second_statement_is_a_double_sign() {
    assert_eq!(
        spoken(&[(0, prevote(1)), (0, prevote(2))]),
        Some("double sign")
    );
    assert_eq!(spoken(&[(0, prevote(1)), (0, prevote(1))]), None);
    assert_eq!(spoken(&[(3, prevote(1)), (3, prevote(2))]), None);
}

/// Goal: a certificate has a quorum of those who said so, and the faulty one.
#[test]
fn a_certificate_without_its_precommits_is_none() {
    let said = [(0, precommit(0, 1)), (1, precommit(0, 1))];
    let with = |act: Act| {
        let acts: Vec<_> = said.iter().cloned().chain([(2, act)]).collect();
        spoken(&acts)
    };
    assert_eq!(with(decided(0, 1, &[0, 1, 3])), None);
    assert_eq!(with(decided(0, 1, &[0, 1])), Some("certificates"));
    assert_eq!(with(decided(0, 1, &[0, 1, 2])), Some("certificates"));
    assert_eq!(with(decided(1, 1, &[0, 1, 3])), Some("certificates"));
}

/// Goal: what an instance may not do is told, unless it is the faulty one's.
#[test]
fn only_the_correct_are_judged() {
    let wrong = || Act::Wrong("it did".to_owned());
    assert_eq!(spoken(&[(0, wrong())]), Some("alarms"));
    assert_eq!(spoken(&[(3, wrong())]), None);
}
