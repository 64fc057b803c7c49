//! Who is named after a fork, by which stores, and who never is.

use super::*;
use crate::message::{EvidenceKind, PrecommitValue, PrevoteValue};
use crate::testing::{Committee, outcome_of};
use crate::types::{BlockId, Round};

const HEIGHT: Height = Height::new(5);

fn id(byte: u8) -> BlockId {
    BlockId::new(crate::hash::sha256(&[byte]))
}

fn members(signers: &[u16]) -> Vec<ValidatorIndex> {
    signers.iter().copied().map(ValidatorIndex::new).collect()
}

fn committee() -> Committee {
    Committee::new(&[1, 1, 1, 1])
}

fn certificate(round: u32, block: u8, signers: &[u16]) -> Verified<CommitCertificate> {
    let value = PrecommitValue {
        id: id(block),
        outcome: outcome_of(id(block)),
    };
    committee().certificate(&members(signers), HEIGHT, Round::new(round), value)
}

fn polka(round: u32, block: u8, valid: Option<u32>, signers: &[u16]) -> Verified<Polka> {
    let value = PrevoteValue {
        id: id(block),
        valid_round: valid.map(Round::new),
    };
    committee().polka(&members(signers), HEIGHT, Round::new(round), value)
}

/// Who is named, and of what, each proof checked by itself.
fn named(words: &Words) -> Vec<(u16, EvidenceKind)> {
    let committee = committee();
    let culprits = words.culprits().into_iter();
    culprits
        .map(|(validator, proof)| {
            let key = proof.key();
            assert_eq!((key.validator, key.height), (validator, HEIGHT));
            let proof = committee.context().evidence(proof);
            proof.expect("each proof stands by itself");
            (validator.get(), key.kind)
        })
        .collect()
}

/// Goal: two certificates of one round name everybody who signed both.
#[test]
fn two_certificates_of_a_round_name_who_signed_both() {
    let mut words = Words::of(HEIGHT);
    words.certificate(&certificate(2, 1, &[0, 1, 2]));
    words.certificate(&certificate(2, 2, &[0, 1, 3]));
    let kind = EvidenceKind::DoublePrecommit;
    assert_eq!(named(&words), [(0, kind), (1, kind)]);
}

/// Goal: a fork over rounds is solved by the first polka for the other block after the lock; the certificates alone prove nothing.
#[test]
fn a_fork_over_rounds_needs_the_polkas_between() {
    let mut words = Words::of(HEIGHT);
    words.certificate(&certificate(1, 1, &[0, 1, 2]));
    words.certificate(&certificate(4, 2, &[0, 1, 3]));
    assert_eq!(named(&words), []);
    // Round 4 stands on round 3, which is after the lock: what these prevoted is lawful for itself.
    words.polka(&polka(4, 2, Some(3), &[0, 1, 3]));
    assert_eq!(named(&words), []);
    words.polka(&polka(3, 2, Some(0), &[0, 1, 3]));
    let kind = EvidenceKind::Amnesia;
    assert_eq!(named(&words), [(0, kind), (1, kind)]);
}

/// Goal: two polkas of the round of the lock name who prevoted both, though nobody forgot afterwards.
#[test]
fn two_polkas_of_a_round_name_who_prevoted_both() {
    let mut words = Words::of(HEIGHT);
    words.certificate(&certificate(1, 1, &[0, 1, 2]));
    words.certificate(&certificate(2, 2, &[0, 1, 3]));
    words.polka(&polka(2, 2, Some(1), &[0, 1, 3]));
    words.polka(&polka(1, 2, None, &[0, 1, 3]));
    assert_eq!(named(&words), []);
    words.polka(&polka(1, 1, None, &[0, 1, 2]));
    let kind = EvidenceKind::DoublePrevote;
    assert_eq!(named(&words), [(0, kind), (1, kind)]);
}

/// Goal: the order in which words come changes nothing.
#[test]
fn the_order_of_words_does_not_matter() {
    let mut words = Words::of(HEIGHT);
    words.polka(&polka(3, 2, None, &[0, 1, 3]));
    words.certificate(&certificate(4, 2, &[0, 1, 3]));
    words.certificate(&certificate(1, 1, &[0, 1, 2]));
    let kind = EvidenceKind::Amnesia;
    assert_eq!(named(&words), [(0, kind), (1, kind)]);
}

/// Goal: votes and proposals one by one, and offences proven before, name too; each kind.
#[test]
fn single_words_and_earlier_proofs_name() {
    let committee = committee();
    let nil = Statement::Prevote {
        height: HEIGHT,
        round: Round::new(3),
        value: None,
    };
    let mut words = Words::of(HEIGHT);
    words.polka(&polka(3, 2, None, &[0, 1, 2]));
    words.vote(&committee.vote(ValidatorIndex::new(2), nil));
    assert_eq!(named(&words), [(2, EvidenceKind::DoublePrevote)]);

    let start = committee.start(
        HEIGHT,
        crate::engine::Parent {
            id: id(9),
            outcome: outcome_of(id(9)),
            time_us: 7,
        },
    );
    let proposer = ValidatorIndex::new(1);
    for salt in [1, 2] {
        let round = Round::new(0);
        let header = committee.header(&start, round, proposer, salt);
        words.proposal(&committee.proposal(proposer, header, round, None));
    }
    let proven = Words {
        votes: BTreeMap::new(),
        ..words.clone()
    };
    assert_eq!(named(&proven), [(1, EvidenceKind::DoubleProposal)]);

    let mut later = Words::of(HEIGHT);
    for proof in words.culprits().into_values() {
        later.evidence(&committee.context().evidence(proof).unwrap());
    }
    assert_eq!(named(&later), named(&words));
    assert_eq!(later.culprits().len(), 2);
}

/// Goal: words of another height do not count.
#[test]
fn another_height_is_another_matter() {
    let mut words = Words::of(HEIGHT.next());
    words.certificate(&certificate(2, 1, &[0, 1, 2]));
    words.certificate(&certificate(2, 2, &[0, 1, 3]));
    words.polka(&polka(2, 1, None, &[0, 1, 2]));
    words.polka(&polka(2, 2, None, &[0, 1, 2]));
    assert_eq!(named(&words), []);
}
