//! Many cases by seed, one hash for each kind: what the frozen ones do not show by chance is caught here.

use falaj_consensus::hash;
use falaj_consensus::message::{
    Batch, BatchRef, Body, CommitCertificate, Evidence, Header, Lane, Outcome, Polka,
    PrecommitValue, PrevoteValue, Proposal, Statement, Supply, Vote, VoteValue,
};
use falaj_consensus::types::{
    BatchDigest, BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId,
    ValidatorIndex,
};

use super::dice::Dice;
use super::{hex, signature, signers};

/// Cases of each kind.
const CASES: usize = 500;

/// Encoding, then hash where the kind has one.
type Case = Vec<u8>;
/// Makes one case.
type Kind = fn(&mut Dice) -> Case;

pub(super) fn lines() -> Vec<(String, String)> {
    let kinds: [(&str, Kind); 8] = [
        ("sign-bytes", |dice| sign_bytes(dice)),
        ("header", |dice| {
            with(&header(dice), |header| header.id().hash())
        }),
        ("batch", |dice| {
            with(&batch(dice), |batch| batch.digest().hash())
        }),
        ("body", |dice| {
            with(&body(dice), |body| hash::sha256(&roots(body)))
        }),
        ("outcome", |dice| {
            with(&outcome(dice), |outcome| outcome.hash().hash())
        }),
        ("polka", |dice| hash::encode(&polka(dice))),
        ("commit-certificate", |dice| {
            hash::encode(&certificate(dice))
        }),
        ("evidence", |dice| with(&evidence(dice), Evidence::id)),
    ];
    (1..)
        .zip(kinds)
        .map(|(seed, (name, kind))| {
            let mut dice = Dice::new(seed);
            let all: Vec<u8> = (0..CASES).flat_map(|_| kind(&mut dice)).collect();
            (
                format!("seeded.{name}.x{CASES}"),
                hex(hash::sha256(&all).bytes()),
            )
        })
        .collect()
}

fn with<T: borsh::BorshSerialize>(value: &T, hash: impl Fn(&T) -> Hash32) -> Case {
    [hash::encode(value), hash(value).bytes().to_vec()].concat()
}

fn roots(body: &Body) -> Vec<u8> {
    [*body.root().bytes(), *body.evidence_root().bytes()].concat()
}

fn height(dice: &mut Dice) -> Height {
    Height::new(dice.number())
}

fn round(dice: &mut Dice) -> Round {
    Round::new(u32::from(dice.below(256)))
}

fn block(dice: &mut Dice) -> BlockId {
    BlockId::new(dice.hash())
}

fn result(dice: &mut Dice) -> OutcomeHash {
    OutcomeHash::new(dice.hash())
}

fn index(dice: &mut Dice) -> ValidatorIndex {
    ValidatorIndex::new(u16::from(dice.below(256)))
}

fn prevote(dice: &mut Dice) -> PrevoteValue {
    PrevoteValue {
        id: block(dice),
        valid_round: dice.option(round),
    }
}

fn precommit(dice: &mut Dice) -> PrecommitValue {
    PrecommitValue {
        id: block(dice),
        outcome: result(dice),
    }
}

fn value(dice: &mut Dice) -> VoteValue {
    if dice.flip() {
        VoteValue::Prevote(dice.option(prevote))
    } else {
        VoteValue::Precommit(dice.option(precommit))
    }
}

fn sign_bytes(dice: &mut Dice) -> Case {
    let chain = ChainContext {
        chain_id: format!("chain-{}", dice.below(256)),
        genesis_hash: dice.hash(),
    };
    let statement = if dice.below(3) == 0 {
        Statement::Proposal {
            height: height(dice),
            round: round(dice),
            id: block(dice),
            valid_round: dice.option(round),
        }
    } else {
        vote(dice).statement()
    };
    statement.sign_bytes(&chain).as_slice().to_vec()
}

fn vote(dice: &mut Dice) -> Vote {
    Vote {
        validator: index(dice),
        height: height(dice),
        round: round(dice),
        value: value(dice),
        signature: signature(dice.bytes(64)),
    }
}

fn header(dice: &mut Dice) -> Header {
    Header {
        version: Header::VERSION,
        features: dice.number(),
        genesis_hash: dice.hash(),
        height: height(dice),
        round: round(dice),
        proposer: index(dice),
        parent_id: block(dice),
        parent_outcome: result(dice),
        time_us: dice.number(),
        set_hash: dice.hash(),
        body_root: dice.hash(),
        evidence_root: dice.hash(),
        transactions: u32::from(dice.below(256)),
        transaction_bytes: dice.number(),
    }
}

fn proposal(dice: &mut Dice) -> Proposal {
    Proposal {
        header: header(dice),
        round: round(dice),
        valid_round: dice.option(round),
        proposer: index(dice),
        signature: signature(dice.bytes(96)),
    }
}

fn batch(dice: &mut Dice) -> Batch {
    Batch {
        author: ValidatorId::new(u32::from(dice.below(256))),
        seq: dice.number(),
        lane: Lane::ALL[usize::from(dice.below(3))],
        transactions: dice.list(5, |dice| dice.list(9, |dice| dice.below(256))),
    }
}

fn reference(dice: &mut Dice) -> BatchRef {
    BatchRef {
        digest: BatchDigest::new(dice.hash()),
        ..batch(dice).reference()
    }
}

fn body(dice: &mut Dice) -> Body {
    Body {
        batches: dice.list(4, reference),
        inline: dice.list(4, |dice| dice.list(9, |dice| dice.below(256))),
        evidence: dice.list(3, evidence),
    }
}

fn outcome(dice: &mut Dice) -> Outcome {
    let supply = (0..dice.below(5)).map(|entry| Supply {
        currency: [b'A', b'A', b'A' + entry],
        minor_units: u128::from(dice.number()) << dice.below(64),
    });
    let supply = supply.collect();
    Outcome {
        version: Outcome::VERSION,
        state_root: dice.hash(),
        receipts_root: dice.hash(),
        events_root: dice.hash(),
        events: dice.number(),
        supply,
        set_hash: dice.hash(),
        parameters_hash: dice.hash(),
    }
}

/// Members of a set of 1 to 40, by one roll each.
fn chosen(dice: &mut Dice) -> (usize, Vec<u16>) {
    let count = 1 + dice.below(40);
    let chosen = (0..u16::from(count)).filter(|_| dice.flip()).collect();
    (usize::from(count), chosen)
}

fn polka(dice: &mut Dice) -> Polka {
    let (count, chosen) = chosen(dice);
    Polka {
        height: height(dice),
        round: round(dice),
        id: block(dice),
        valid_round: dice.option(round),
        signers: signers(count, &chosen),
        signatures: chosen.iter().map(|_| signature(dice.bytes(4))).collect(),
    }
}

fn certificate(dice: &mut Dice) -> CommitCertificate {
    let (count, chosen) = chosen(dice);
    CommitCertificate {
        height: height(dice),
        round: round(dice),
        id: block(dice),
        outcome: result(dice),
        signers: signers(count, &chosen),
        signatures: chosen.iter().map(|_| signature(dice.bytes(4))).collect(),
    }
}

fn evidence(dice: &mut Dice) -> Evidence {
    match dice.below(4) {
        0 => Evidence::DoubleProposal(Box::new(proposal(dice)), Box::new(proposal(dice))),
        1 => Evidence::DoublePrevote(vote(dice), vote(dice)),
        2 => Evidence::DoublePrecommit(vote(dice), vote(dice)),
        _ => Evidence::Amnesia(vote(dice), vote(dice)),
    }
}
