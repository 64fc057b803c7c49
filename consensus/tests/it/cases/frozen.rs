//! Each kind of content once. Digests are filled with one byte, so that each field can be found in the encoding.

use borsh::BorshSerialize;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_consensus::hash::{self, Tag};
use falaj_consensus::message::{
    Batch, BatchRef, Body, CommitCertificate, Evidence, Header, Lane, Outcome, Polka,
    PrecommitValue, PrevoteValue, Proposal, Statement, Supply, Vote, VoteValue,
};
use falaj_consensus::params::Parameters;
use falaj_consensus::proposer::Bench;
use falaj_consensus::types::{
    BatchDigest, ChainContext, Hash32, Height, Round, ValidatorId, ValidatorIndex, VotingPower,
};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};

use super::{block, filled, hex, result, signature, signers};

struct Lines(Vec<(String, String)>);

impl Lines {
    fn bytes(&mut self, name: &str, bytes: &[u8]) {
        self.0.push((name.to_string(), hex(bytes)));
    }

    fn encoded<T: BorshSerialize>(&mut self, name: &str, value: &T) {
        self.bytes(&format!("{name}.bytes"), &hash::encode(value));
    }

    fn hash(&mut self, name: &str, hash: Hash32) {
        self.bytes(name, hash.bytes());
    }
}

pub(super) fn lines() -> Vec<(String, String)> {
    let mut lines = Lines(Vec::new());
    hashes(&mut lines);
    keys(&mut lines);
    sets(&mut lines);
    statements(&mut lines);
    blocks(&mut lines);
    messages(&mut lines);
    evidences(&mut lines);
    lines.0
}

fn hashes(lines: &mut Lines) {
    let tag = Tag::new("falaj/header/1");
    lines.bytes("tag.prefix", &tag.prefix());
    lines.hash("tagged.empty", hash::tagged(tag, b""));
    lines.hash("tagged.abc", hash::tagged(tag, b"abc"));
}

/// A key whose bytes all are `fill`, but for what its form asks for; Ed25519: the key of the seed of 32 bytes 01.
fn key(algorithm: Algorithm, fill: u8) -> PublicKey {
    let mut bytes = vec![fill; algorithm.public_key_bytes()];
    match algorithm {
        Algorithm::Ed25519 => {
            let seed = ed25519_dalek::SigningKey::from_bytes(&[1; 32]);
            bytes = seed.verifying_key().to_bytes().to_vec();
        }
        Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => bytes[0] = 4,
        Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {}
    }
    PublicKey::new(algorithm, bytes).expect("the form is right")
}

fn keys(lines: &mut Lines) {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm, 0x81);
        let name = format!("key.{algorithm}");
        lines.encoded(&name, &key);
        lines.hash(&format!("{name}.fingerprint"), key.fingerprint());
    }
}

fn validator(id: u32, power: u64, key: PublicKey, declared: Declared) -> Validator {
    Validator {
        id: ValidatorId::new(id),
        power: VotingPower::new(power),
        key,
        declared,
    }
}

fn sets(lines: &mut Lines) {
    let declared = Declared {
        operator: "Bank A".into(),
        site: "Muscat 1".into(),
        hsm_vendor: "Vendor".into(),
        cloud: String::new(),
        residency: "OM".into(),
    };
    let members = vec![
        validator(1, 10, key(Algorithm::Ed25519, 0), declared),
        validator(2, 20, key(Algorithm::EcdsaP256, 0x82), Declared::default()),
        validator(
            7,
            u64::MAX,
            key(Algorithm::RsaPss2048, 0x83),
            Declared::default(),
        ),
    ];
    let set = ValidatorSet::new(members).expect("the members are in order");
    lines.encoded("validator-set", &set);
    lines.hash("validator-set.hash", set.hash());
    let (height, header_round, author) = (Height::new(3), Round::new(1), ValidatorIndex::new(1));
    let bench = Bench::default().after_block(&set, &set, height, header_round, author);
    lines.encoded("bench", &bench);
    lines.encoded("parameters", &Parameters::default());
    lines.hash("parameters.hash", Parameters::default().hash());
}

const HEIGHT: Height = Height::new(0x0102_0304_0506_0708);
const ROUND: Round = Round::new(0x0a0b_0c0d);
const VALID: Round = Round::new(0x0a0b_0c0c);

fn prevote(valid_round: Option<Round>) -> Option<PrevoteValue> {
    Some(PrevoteValue {
        id: block(0x33),
        valid_round,
    })
}

const fn precommit() -> Option<PrecommitValue> {
    Some(PrecommitValue {
        id: block(0x33),
        outcome: result(0x44),
    })
}

fn statements(lines: &mut Lines) {
    let chain = ChainContext {
        chain_id: "falaj-vectors-1".into(),
        genesis_hash: filled(0x11),
    };
    let (height, round, id) = (HEIGHT, ROUND, block(0x33));
    let proposal = |valid_round| Statement::Proposal {
        height,
        round,
        id,
        valid_round,
    };
    let prevote = |value| Statement::Prevote {
        height,
        round,
        value,
    };
    let precommit = |value| Statement::Precommit {
        height,
        round,
        value,
    };
    let cases = [
        ("proposal-fresh", proposal(None)),
        ("proposal-valid-round", proposal(Some(VALID))),
        ("prevote-nil", prevote(None)),
        ("prevote-fresh", prevote(self::prevote(None))),
        ("prevote-valid-round", prevote(self::prevote(Some(VALID)))),
        ("precommit-nil", precommit(None)),
        ("precommit", precommit(self::precommit())),
    ];
    for (name, statement) in cases {
        let bytes = statement.sign_bytes(&chain);
        lines.bytes(&format!("sign-bytes.{name}"), bytes.as_slice());
    }
}

fn header() -> Header {
    Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: filled(0x11),
        height: HEIGHT,
        round: ROUND,
        proposer: ValidatorIndex::new(0x0203),
        parent_id: block(0x21),
        parent_outcome: result(0x22),
        time_us: 1_800_000_000_000_000,
        set_hash: filled(0x23),
        body_root: filled(0x24),
        evidence_root: filled(0x25),
        transactions: 5,
        transaction_bytes: 1_000,
    }
}

fn batch() -> Batch {
    Batch {
        author: ValidatorId::new(7),
        seq: 9,
        lane: Lane::Retail,
        transactions: vec![b"first".to_vec(), vec![], b"third".to_vec()],
    }
}

fn outcome() -> Outcome {
    let supply = |currency: &[u8; 3], minor_units| Supply {
        currency: *currency,
        minor_units,
    };
    Outcome {
        version: Outcome::VERSION,
        state_root: filled(0x51),
        receipts_root: filled(0x52),
        events_root: filled(0x53),
        events: 12,
        supply: vec![supply(b"EUR", 0), supply(b"OMR", u128::MAX)],
        set_hash: filled(0x54),
        parameters_hash: filled(0x55),
    }
}

fn blocks(lines: &mut Lines) {
    lines.encoded("header", &header());
    lines.hash("header.id", header().id().hash());
    lines.encoded("batch", &batch());
    lines.hash("batch.digest", batch().digest().hash());
    lines.encoded("batch-ref", &batch().reference());
    let reference = BatchRef {
        digest: BatchDigest::new(filled(0x61)),
        ..batch().reference()
    };
    let full = Body {
        batches: vec![batch().reference(), reference],
        inline: vec![b"inline".to_vec()],
        evidence: vec![double_prevote()],
    };
    for (name, body) in [("body-empty", Body::default()), ("body", full)] {
        lines.encoded(name, &body);
        lines.hash(&format!("{name}.root"), body.root());
        lines.hash(&format!("{name}.evidence-root"), body.evidence_root());
    }
    lines.encoded("outcome", &outcome());
    lines.hash("outcome.hash", outcome().hash().hash());
}

fn vote(value: VoteValue, sign: u8) -> Vote {
    Vote {
        validator: ValidatorIndex::new(2),
        height: HEIGHT,
        round: ROUND,
        value,
        signature: signature(vec![sign; 64]),
    }
}

fn proposal(header: Header, sign: u8) -> Proposal {
    Proposal {
        header,
        round: ROUND,
        valid_round: Some(VALID),
        proposer: ValidatorIndex::new(2),
        signature: signature(vec![sign; 64]),
    }
}

fn messages(lines: &mut Lines) {
    lines.encoded("proposal", &proposal(header(), 0xa1));
    lines.encoded("vote.prevote-nil", &vote(VoteValue::Prevote(None), 0xa2));
    lines.encoded(
        "vote.prevote",
        &vote(VoteValue::Prevote(prevote(Some(VALID))), 0xa3),
    );
    lines.encoded(
        "vote.precommit",
        &vote(VoteValue::Precommit(precommit()), 0xa4),
    );
    let polka = Polka {
        height: HEIGHT,
        round: ROUND,
        id: block(0x33),
        valid_round: None,
        signers: signers(4, &[0, 2, 3]),
        signatures: vec![
            signature(vec![0xb0; 64]),
            signature(vec![0xb2; 64]),
            signature(vec![0xb3; 96]),
        ],
    };
    lines.encoded("polka", &polka);
    let certificate = CommitCertificate {
        height: HEIGHT,
        round: ROUND,
        id: block(0x33),
        outcome: result(0x44),
        signers: signers(9, &[0, 1, 3, 4, 5, 7, 8]),
        signatures: (0xc0..0xc7).map(|byte| signature(vec![byte; 64])).collect(),
    };
    lines.encoded("commit-certificate", &certificate);
}

fn double_prevote() -> Evidence {
    let nil = vote(VoteValue::Prevote(None), 0xd1);
    Evidence::DoublePrevote(nil, vote(VoteValue::Prevote(prevote(None)), 0xd2))
}

fn evidences(lines: &mut Lines) {
    let other = Header {
        time_us: 1_800_000_000_000_001,
        ..header()
    };
    let forgotten = Vote {
        round: ROUND.next(),
        ..vote(
            VoteValue::Prevote(Some(PrevoteValue {
                id: block(0x34),
                valid_round: Some(VALID),
            })),
            0xd6,
        )
    };
    let nil = vote(VoteValue::Precommit(None), 0xd3);
    let yes = vote(VoteValue::Precommit(precommit()), 0xd4);
    let cases = [
        ("double-proposal", double_proposal(&other)),
        ("double-prevote", double_prevote()),
        (
            "double-precommit",
            Evidence::DoublePrecommit(nil, yes.clone()),
        ),
        ("amnesia", Evidence::Amnesia(yes, forgotten)),
    ];
    for (name, evidence) in cases {
        let name = format!("evidence.{name}");
        lines.encoded(&name, &evidence);
        lines.hash(&format!("{name}.id"), evidence.id());
    }
}

/// Two proposals in the order of their statements.
fn double_proposal(other: &Header) -> Evidence {
    let mut pair = [proposal(header(), 0xd7), proposal(other.clone(), 0xd8)];
    pair.sort_by_key(Proposal::statement);
    let [first, second] = pair;
    Evidence::DoubleProposal(Box::new(first), Box::new(second))
}
