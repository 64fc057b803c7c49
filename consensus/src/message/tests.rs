//! Encodings as properties: one byte string for each value, one value for each byte string, and no panic on any.

use borsh::{BorshDeserialize, BorshSerialize};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Debug;

use super::*;
use crate::crypto::{PublicKey, SIGNATURE_BYTES_MAX, Signature};
use crate::hash::{self, encode};
use crate::params::Parameters;
use crate::proposer::Bench;
use crate::strategies;
use crate::types::{
    BatchDigest, BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId,
    ValidatorIndex,
};
use crate::validator_set::{Bitmap, VALIDATORS_MAX, Validator, ValidatorSet};

/// How the bytes of a value are spoilt.
#[derive(Clone, Debug)]
enum Damage {
    /// One byte becomes another.
    Byte(Index, u8),
    /// Four bytes become a length.
    Length(Index, u32),
    /// The end is missing.
    Cut(Index),
    /// Something follows.
    Tail(Vec<u8>),
    /// A part stands twice.
    Twice(Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        2 => (at(), 0..4_u8).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => (at(), any::<u32>()).prop_map(|(at, length)| Damage::Length(at, length)),
        1 => at().prop_map(Damage::Cut),
        1 => vec(any::<u8>(), 1..4).prop_map(Damage::Tail),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Twice(from, to)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self {
            Self::Byte(at, byte) => out[at.index(bytes.len())] = *byte,
            Self::Length(at, length) => {
                let at = at.index(bytes.len());
                for (to, from) in out[at..].iter_mut().zip(length.to_le_bytes()) {
                    *to = from;
                }
            }
            Self::Cut(at) => out.truncate(at.index(bytes.len())),
            Self::Tail(tail) => out.extend_from_slice(tail),
            Self::Twice(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                out.extend_from_slice(&part);
            }
        }
        out
    }
}

/// Whatever the bytes are: no panic, and what is accepted is the encoding of what was read.
fn accepts_only_its_own_encoding<T: BorshSerialize + BorshDeserialize>(bytes: &[u8]) {
    if let Ok(value) = borsh::from_slice::<T>(bytes) {
        assert_eq!(encode(&value), bytes);
    }
}

fn check_codec<T>(strategy: impl Strategy<Value = T>)
where
    T: BorshSerialize + BorshDeserialize + PartialEq + Debug,
{
    let noise = vec(any::<u8>(), 0..600);
    let cases = (strategy, vec(damage(), 1..8), noise);
    let config = Config {
        cases: 96,
        ..Config::with_source_file(file!())
    };
    let run = TestRunner::new(config).run(&cases, |(value, damages, noise)| {
        let bytes = encode(&value);
        prop_assert_eq!(&borsh::from_slice::<T>(&bytes).unwrap(), &value);
        for damage in damages {
            accepts_only_its_own_encoding::<T>(&damage.apply(&bytes));
        }
        for length in 0..bytes.len().min(64) {
            prop_assert!(borsh::from_slice::<T>(&bytes[..length]).is_err());
        }
        accepts_only_its_own_encoding::<T>(&noise);
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

macro_rules! codec {
    ($($name:ident: $type:ty,)*) => {
        /// Each type decodes from its own encoding and from nothing else; see [`check_codec`].
        mod codec {
            use super::*;
            $(
                #[test]
                fn $name() {
                    check_codec::<$type>(strategies::$name());
                }
            )*
        }
    };
}

codec! {
    hash32: Hash32,
    height: Height,
    round: Round,
    block_id: BlockId,
    outcome_hash: OutcomeHash,
    batch_digest: BatchDigest,
    validator_index: ValidatorIndex,
    validator_id: ValidatorId,
    public_key: PublicKey,
    signature: Signature,
    validator: Validator,
    validator_set: ValidatorSet,
    bitmap: Bitmap,
    bench: Bench,
    parameters: Parameters,
    lane: Lane,
    batch: Batch,
    batch_ref: BatchRef,
    header: Header,
    body: Body,
    outcome: Outcome,
    statement: Statement,
    sign_bytes: SignBytes,
    vote_value: VoteValue,
    vote: Vote,
    proposal: Proposal,
    polka: Polka,
    commit_certificate: CommitCertificate,
    evidence: Evidence,
}

fn chain(name: &str, genesis: u8) -> ChainContext {
    ChainContext {
        chain_id: name.to_string(),
        genesis_hash: Hash32::new([genesis; 32]),
    }
}

proptest! {
    // Sign-bytes read back into the statement they say, on their own chain alone.
    #[test]
    fn sign_bytes_say_one_statement_on_one_chain(
        statement in strategies::statement(),
        here in strategies::chain_context(),
        there in strategies::chain_context(),
    ) {
        let bytes = statement.sign_bytes(&here);
        let (again, read) = SignBytes::parse(&here, bytes.as_slice()).unwrap();
        prop_assert_eq!((&again, read), (&bytes, statement));
        if here != there {
            prop_assert!(SignBytes::parse(&there, bytes.as_slice()).is_err());
        }
    }

    // Two statements have equal sign-bytes exactly when they are equal.
    #[test]
    fn different_statements_have_different_sign_bytes(
        a in strategies::statement(),
        b in strategies::statement(),
        chain in strategies::chain_context(),
    ) {
        prop_assert_eq!(a == b, a.sign_bytes(&chain) == b.sign_bytes(&chain));
    }

    #[test]
    fn parsing_any_bytes_as_sign_bytes_never_panics(bytes in vec(any::<u8>(), 0..700)) {
        prop_assert!(SignBytes::parse(&chain("falaj-1", 1), &bytes).is_err());
    }

    // A vote is its statement, voter and signature, and nothing else.
    #[test]
    fn a_vote_and_its_statement_say_the_same(vote in strategies::vote()) {
        let statement = vote.statement();
        prop_assert_eq!(statement.kind(), vote.value.kind());
        let again = Vote::new(vote.validator, statement, vote.signature.clone());
        prop_assert_eq!(again, Some(vote));
    }

    // The id covers offender, kind and statements; a signature made anew does not change it.
    #[test]
    fn evidence_is_named_without_its_signatures(
        a in strategies::vote(),
        b in strategies::vote(),
        other in strategies::signature(),
    ) {
        let evidence = Evidence::DoublePrevote(a.clone(), b.clone());
        let resigned = Vote { signature: other, ..a.clone() };
        prop_assert_eq!(Evidence::DoublePrevote(resigned, b.clone()).id(), evidence.id());
        prop_assert_ne!(Evidence::DoublePrecommit(a.clone(), b.clone()).id(), evidence.id());
        if a.validator != ValidatorIndex::new(0) {
            let framed = Vote { validator: ValidatorIndex::new(0), ..a };
            prop_assert_ne!(Evidence::DoublePrevote(framed, b).id(), evidence.id());
        }
    }

    // A header names one body: any change of the body shows in the digests or counts.
    #[test]
    fn a_header_names_one_body(
        header in strategies::header(),
        body in strategies::body(),
        other in strategies::body(),
    ) {
        let (transactions, transaction_bytes) = body.totals();
        prop_assume!(u32::try_from(transactions).is_ok());
        let header = Header {
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: u32::try_from(transactions).unwrap(),
            transaction_bytes,
            ..header
        };
        prop_assert!(header.names(&body));
        prop_assert_eq!(header.names(&other), body == other);
        let count_off = Header { transactions: header.transactions ^ 1, ..header.clone() };
        let bytes_off = Header { transaction_bytes: transaction_bytes ^ 1, ..header };
        prop_assert!(!count_off.names(&body) && !bytes_off.names(&body));
    }

    #[test]
    fn a_batch_is_named_by_its_encoding(batch in strategies::batch()) {
        let reference = batch.reference();
        prop_assert_eq!(reference.digest, Batch::digest_of(&encode(&batch)));
        prop_assert_eq!(usize::try_from(reference.transactions).unwrap(), batch.transactions.len());
        let bytes: usize = batch.transactions.iter().map(Vec::len).sum();
        prop_assert_eq!(reference.bytes, u64::try_from(bytes).unwrap());
    }
}

/// Position of the first byte of the statement in the sign-bytes of `chain`.
fn statement_at(chain: &ChainContext) -> usize {
    16 + 2 + 4 + chain.chain_id.len() + 32
}

// Each field before the statement is fixed: another tag, version, chain id or genesis is another purpose.
#[test]
fn sign_bytes_of_another_purpose_are_refused() {
    let chain = chain("falaj-1", 1);
    let statement = Statement::Prevote {
        height: Height::new(5),
        round: Round::new(0),
        value: None,
    };
    let bytes = statement.sign_bytes(&chain).as_slice().to_vec();
    for at in 0..statement_at(&chain) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(SignBytes::parse(&chain, &changed).is_err(), "byte {at}");
    }
}

// Bytes of another tag or version never become sign-bytes, not even by decoding what a log or a socket holds.
#[test]
fn decoding_makes_sign_bytes_of_statements_alone() {
    let chain = chain("falaj-1", 1);
    let statement = Statement::Prevote {
        height: Height::new(5),
        round: Round::new(0),
        value: None,
    };
    let bytes = statement.sign_bytes(&chain).as_slice().to_vec();
    assert!(borsh::from_slice::<SignBytes>(&encode(&bytes)).is_ok());
    for at in 0..16 + 2 {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(
            borsh::from_slice::<SignBytes>(&encode(&changed)).is_err(),
            "byte {at}"
        );
    }
}

// Every byte of the statement says something: a change gives another statement or none.
#[test]
fn every_byte_of_a_statement_counts() {
    let chain = chain("falaj-1", 1);
    let statement = Statement::Precommit {
        height: Height::new(5),
        round: Round::new(2),
        value: Some(PrecommitValue {
            id: BlockId::new(Hash32::new([7; 32])),
            outcome: OutcomeHash::new(Hash32::new([8; 32])),
        }),
    };
    let bytes = statement.sign_bytes(&chain).as_slice().to_vec();
    for at in statement_at(&chain)..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let read = SignBytes::parse(&chain, &changed).ok();
        assert!(read.is_none_or(|(_, read)| read != statement), "byte {at}");
    }
}

#[test]
fn what_no_bound_allows_is_refused_before_decoding() {
    let error = decode::<Vote>("vote", &vec![0; VOTE_BYTES_MAX + 1], VOTE_BYTES_MAX).unwrap_err();
    assert!(matches!(error, DecodeError::TooLong { what: "vote", .. }));
    let error = decode::<Vote>("vote", &[0; 3], VOTE_BYTES_MAX).unwrap_err();
    assert!(matches!(error, DecodeError::Malformed { what: "vote", .. }));
}

// Booleans, options and enums have the discriminants of the specification and no other.
#[test]
fn unknown_discriminants_are_refused() {
    for byte in 0..=255_u8 {
        let is = |range: std::ops::RangeInclusive<u8>| range.contains(&byte);
        assert_eq!(borsh::from_slice::<bool>(&[byte]).is_ok(), is(0..=1));
        assert_eq!(borsh::from_slice::<Lane>(&[byte]).is_ok(), is(1..=3));
        assert_eq!(borsh::from_slice::<Kind>(&[byte]).is_ok(), is(1..=3));
        assert_eq!(
            borsh::from_slice::<EvidenceKind>(&[byte]).is_ok(),
            is(1..=4)
        );
        assert_eq!(
            borsh::from_slice::<crate::crypto::Algorithm>(&[byte]).is_ok(),
            is(1..=6)
        );
        assert_eq!(
            borsh::from_slice::<VoteValue>(&[byte, 0]).is_ok(),
            is(2..=3)
        );
        assert_eq!(
            borsh::from_slice::<VoteValue>(&[2, byte]).is_ok(),
            byte == 0
        );
    }
}

#[test]
fn a_header_or_outcome_of_another_version_is_refused() {
    let header = Header {
        version: 2,
        ..longest::header()
    };
    assert!(borsh::from_slice::<Header>(&encode(&header)).is_err());
    let outcome = Outcome {
        version: 0,
        ..longest::outcome()
    };
    assert!(!outcome.is_canonical());
    assert!(borsh::from_slice::<Outcome>(&encode(&outcome)).is_err());
}

// One result has one hash: supply in strictly increasing order of code, at most SUPPLY_ENTRIES_MAX entries.
#[test]
fn supply_out_of_order_or_too_long_is_refused() {
    let outcome = longest::outcome();
    assert!(outcome.is_canonical());
    let spoil = |change: fn(&mut Vec<Supply>)| {
        let mut spoilt = outcome.clone();
        change(&mut spoilt.supply);
        !spoilt.is_canonical() && borsh::from_slice::<Outcome>(&encode(&spoilt)).is_err()
    };
    assert!(spoil(|supply| supply.swap(0, 1)));
    assert!(spoil(|supply| supply[1].currency = supply[0].currency));
    assert!(spoil(|supply| supply.push(Supply {
        currency: *b"ZZZ",
        minor_units: 0,
    })));
}

#[test]
fn a_body_beyond_its_bounds_is_refused() {
    let body = longest::body();
    assert!(borsh::from_slice::<Body>(&encode(&body)).is_ok());
    let spoil = |change: fn(&mut Body)| {
        let mut spoilt = body.clone();
        change(&mut spoilt);
        borsh::from_slice::<Body>(&encode(&spoilt)).is_err()
    };
    assert!(spoil(|body| body.batches.push(body.batches[0])));
    assert!(spoil(|body| body.inline.push(vec![])));
    assert!(spoil(|body| body.inline[0].push(0)));
    assert!(spoil(|body| body.evidence.push(body.evidence[0].clone())));
    let one_long = Body {
        inline: vec![vec![0; INLINE_BYTES_MAX + 1]],
        ..Body::default()
    };
    assert!(borsh::from_slice::<Body>(&encode(&one_long)).is_err());
}

// The bounds are exact: the longest message of each type has just as many bytes.
#[test]
fn bounds_are_the_lengths_of_the_longest_messages() {
    assert_eq!(encode(&longest::header()).len(), HEADER_BYTES);
    assert_eq!(encode(&longest::vote()).len(), VOTE_BYTES_MAX);
    assert_eq!(encode(&longest::proposal()).len(), PROPOSAL_BYTES_MAX);
    assert_eq!(encode(&longest::polka()).len(), POLKA_BYTES_MAX);
    assert_eq!(encode(&longest::certificate()).len(), CERTIFICATE_BYTES_MAX);
    assert_eq!(encode(&longest::evidence()).len(), EVIDENCE_BYTES_MAX);
    assert_eq!(encode(&longest::body()).len(), BODY_BYTES_MAX);
    assert_eq!(encode(&longest::outcome()).len(), OUTCOME_BYTES_MAX);
}

// Votes that say different things, stand out of order or come from nobody make no certificate.
#[test]
fn certificates_are_made_of_equal_votes_in_order() {
    let vote = |validator, round, value| Vote {
        validator: ValidatorIndex::new(validator),
        height: Height::new(9),
        round: Round::new(round),
        value,
        signature: Signature::new(vec![u8::try_from(validator).unwrap()]).unwrap(),
    };
    let id = BlockId::new(Hash32::new([1; 32]));
    let outcome = OutcomeHash::new(Hash32::new([2; 32]));
    let yes = VoteValue::Precommit(Some(PrecommitValue { id, outcome }));
    let prevote = VoteValue::Prevote(Some(PrevoteValue {
        id,
        valid_round: None,
    }));
    let (a, b) = (vote(0, 3, yes), vote(2, 3, yes));
    let made = CommitCertificate::from_votes(4, &[&a, &b]).unwrap();
    assert_eq!(made.statement(), a.statement());
    assert_eq!(
        made.signers
            .iter()
            .map(ValidatorIndex::get)
            .collect::<Vec<_>>(),
        [0, 2]
    );
    assert_eq!(made.signatures, [a.signature.clone(), b.signature.clone()]);

    let none = |votes: &[&Vote]| CommitCertificate::from_votes(4, votes).is_none();
    assert!(none(&[]));
    assert!(none(&[&b, &a]));
    assert!(none(&[&a, &a]));
    assert!(none(&[&a, &vote(2, 4, yes)]));
    assert!(none(&[&a, &vote(4, 3, yes)]));
    assert!(none(&[&vote(0, 3, VoteValue::Precommit(None))]));
    assert!(none(&[&vote(0, 3, prevote)]));
    assert!(Polka::from_votes(4, &[&vote(0, 3, prevote)]).is_some());
    assert!(Polka::from_votes(4, &[&vote(0, 3, VoteValue::Prevote(None))]).is_none());
    assert!(Polka::from_votes(4, &[&a, &b]).is_none());
}

#[test]
fn a_proposal_is_no_vote() {
    let proposal = longest::proposal();
    let vote = Vote::new(proposal.proposer, proposal.statement(), proposal.signature);
    assert_eq!(vote, None);
}

#[test]
fn hashes_of_different_kinds_differ_for_equal_content() {
    let body = Body::default();
    let empty: Vec<Evidence> = vec![];
    assert_ne!(body.root(), body.evidence_root());
    assert_ne!(body.evidence_root(), hash::sha256(&encode(&empty)));
}

/// The longest message of each type.
mod longest {
    use super::*;

    fn signature() -> Signature {
        Signature::new(vec![0xff; SIGNATURE_BYTES_MAX]).unwrap()
    }

    pub(super) fn header() -> Header {
        Header {
            version: Header::VERSION,
            features: Header::FEATURES_KNOWN,
            genesis_hash: Hash32::ZERO,
            height: Height::new(1),
            round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            parent_id: BlockId::default(),
            parent_outcome: OutcomeHash::default(),
            time_us: 0,
            set_hash: Hash32::ZERO,
            body_root: Hash32::ZERO,
            evidence_root: Hash32::ZERO,
            transactions: 0,
            transaction_bytes: 0,
        }
    }

    pub(super) fn vote() -> Vote {
        Vote {
            validator: ValidatorIndex::new(1),
            height: Height::new(1),
            round: Round::new(1),
            value: VoteValue::Precommit(Some(PrecommitValue {
                id: BlockId::default(),
                outcome: OutcomeHash::default(),
            })),
            signature: signature(),
        }
    }

    pub(super) fn proposal() -> Proposal {
        Proposal {
            header: header(),
            round: Round::new(2),
            valid_round: Some(Round::new(1)),
            proposer: ValidatorIndex::new(0),
            signature: signature(),
        }
    }

    fn everybody() -> (Bitmap, Vec<Signature>) {
        let mut signers = Bitmap::none(VALIDATORS_MAX);
        for index in 0..VALIDATORS_MAX {
            signers.insert(ValidatorIndex::new(u16::try_from(index).unwrap()));
        }
        (signers, vec![signature(); VALIDATORS_MAX])
    }

    pub(super) fn polka() -> Polka {
        let (signers, signatures) = everybody();
        Polka {
            height: Height::new(1),
            round: Round::new(2),
            id: BlockId::default(),
            valid_round: Some(Round::new(1)),
            signers,
            signatures,
        }
    }

    pub(super) fn certificate() -> CommitCertificate {
        let (signers, signatures) = everybody();
        CommitCertificate {
            height: Height::new(1),
            round: Round::new(2),
            id: BlockId::default(),
            outcome: OutcomeHash::default(),
            signers,
            signatures,
        }
    }

    pub(super) fn evidence() -> Evidence {
        Evidence::DoubleProposal(Box::new(proposal()), Box::new(proposal()))
    }

    pub(super) fn body() -> Body {
        let reference = BatchRef {
            digest: BatchDigest::default(),
            author: ValidatorId::new(0),
            seq: 0,
            transactions: 0,
            bytes: 0,
        };
        Body {
            batches: vec![reference; BODY_BATCHES_MAX],
            inline: vec![vec![0]; INLINE_BYTES_MAX],
            evidence: vec![evidence(); BODY_EVIDENCE_MAX],
        }
    }

    pub(super) fn outcome() -> Outcome {
        let entry = |n: usize| Supply {
            currency: [b'A', b'A', u8::try_from(n).unwrap()],
            minor_units: u128::MAX,
        };
        Outcome {
            version: Outcome::VERSION,
            state_root: Hash32::ZERO,
            receipts_root: Hash32::ZERO,
            events_root: Hash32::ZERO,
            events: 0,
            supply: (0..SUPPLY_ENTRIES_MAX).map(entry).collect(),
            set_hash: Hash32::ZERO,
            parameters_hash: Hash32::ZERO,
        }
    }
}
