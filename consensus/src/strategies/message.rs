//! Strategies for what is hashed, signed and sent.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::{
    batch_digest, bitmap, block_id, chain_context, hash32, height, outcome_hash, round, signature,
    validator_id, validator_index,
};
use crate::message::{
    Batch, BatchRef, Body, CommitCertificate, Evidence, Header, Lane, Outcome, Polka,
    PrecommitValue, PrevoteValue, Proposal, SignBytes, Statement, Supply, Vote, VoteValue,
};
use crate::types::{Height, Round};

/// Any lane.
pub fn lane() -> impl Strategy<Value = Lane> {
    proptest::sample::select(&Lane::ALL[..])
}

fn transactions() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..80), 0..6)
}

/// A batch of a few short transactions.
pub fn batch() -> impl Strategy<Value = Batch> {
    (validator_id(), any::<u64>(), lane(), transactions()).prop_map(
        |(author, seq, lane, transactions)| Batch {
            author,
            seq,
            lane,
            transactions,
        },
    )
}

/// Any reference to a batch.
pub fn batch_ref() -> impl Strategy<Value = BatchRef> {
    let counts = (any::<u64>(), any::<u32>(), any::<u64>());
    (batch_digest(), validator_id(), counts).prop_map(
        |(digest, author, (seq, transactions, bytes))| BatchRef {
            digest,
            author,
            seq,
            transactions,
            bytes,
        },
    )
}

/// A body of a few batches, transactions and pieces of evidence.
pub fn body() -> impl Strategy<Value = Body> {
    let evidence = vec(evidence(), 0..3);
    (vec(batch_ref(), 0..4), transactions(), evidence).prop_map(|(batches, inline, evidence)| {
        Body {
            batches,
            inline,
            evidence,
        }
    })
}

/// A header of this version, with any digests.
pub fn header() -> impl Strategy<Value = Header> {
    let place = (hash32(), height(), round(), validator_index());
    let parent = (block_id(), outcome_hash(), any::<u64>());
    let roots = (hash32(), hash32(), hash32());
    (place, parent, roots, any::<(u32, u64)>()).prop_map(|(place, parent, roots, counts)| Header {
        version: Header::VERSION,
        features: Header::FEATURES_KNOWN,
        genesis_hash: place.0,
        height: place.1,
        round: place.2,
        proposer: place.3,
        parent_id: parent.0,
        parent_outcome: parent.1,
        time_us: parent.2,
        set_hash: roots.0,
        body_root: roots.1,
        evidence_root: roots.2,
        transactions: counts.0,
        transaction_bytes: counts.1,
    })
}

/// Supply of up to 6 currencies, in order.
pub fn supply() -> impl Strategy<Value = Vec<Supply>> {
    let code = proptest::array::uniform3(b'A'..=b'Z');
    btree_map(code, any::<u128>(), 0..6).prop_map(|supply| {
        let entries = supply.into_iter();
        entries
            .map(|(currency, minor_units)| Supply {
                currency,
                minor_units,
            })
            .collect()
    })
}

/// A canonical outcome.
pub fn outcome() -> impl Strategy<Value = Outcome> {
    let roots = (hash32(), hash32(), hash32());
    let next = (hash32(), hash32());
    (roots, any::<u64>(), supply(), next).prop_map(|(roots, events, supply, next)| Outcome {
        version: Outcome::VERSION,
        state_root: roots.0,
        receipts_root: roots.1,
        events_root: roots.2,
        events,
        supply,
        set_hash: next.0,
        parameters_hash: next.1,
    })
}

fn prevote_value() -> impl Strategy<Value = PrevoteValue> {
    (block_id(), option::of(round())).prop_map(|(id, valid_round)| PrevoteValue { id, valid_round })
}

fn precommit_value() -> impl Strategy<Value = PrecommitValue> {
    (block_id(), outcome_hash()).prop_map(|(id, outcome)| PrecommitValue { id, outcome })
}

fn proposal_statement() -> impl Strategy<Value = Statement> {
    (height(), round(), block_id(), option::of(round())).prop_map(
        |(height, round, id, valid_round)| Statement::Proposal {
            height,
            round,
            id,
            valid_round,
        },
    )
}

/// Any statement; its rounds need not agree.
pub fn statement() -> impl Strategy<Value = Statement> {
    let vote = (height(), round(), vote_value());
    prop_oneof![
        1 => proposal_statement(),
        2 => vote.prop_map(|(height, round, value)| vote_statement(height, round, value)),
    ]
}

const fn vote_statement(height: Height, round: Round, value: VoteValue) -> Statement {
    match value {
        VoteValue::Prevote(value) => Statement::Prevote {
            height,
            round,
            value,
        },
        VoteValue::Precommit(value) => Statement::Precommit {
            height,
            round,
            value,
        },
    }
}

/// The sign-bytes of any statement on any chain.
pub fn sign_bytes() -> impl Strategy<Value = SignBytes> {
    (statement(), chain_context()).prop_map(|(statement, chain)| statement.sign_bytes(&chain))
}

/// What any vote says, nil often.
pub fn vote_value() -> impl Strategy<Value = VoteValue> {
    prop_oneof![
        option::of(prevote_value()).prop_map(VoteValue::Prevote),
        option::of(precommit_value()).prop_map(VoteValue::Precommit),
    ]
}

/// Any vote, with bytes for a signature.
pub fn vote() -> impl Strategy<Value = Vote> {
    let place = (validator_index(), height(), round());
    (place, vote_value(), signature()).prop_map(|((validator, height, round), value, signature)| {
        Vote {
            validator,
            height,
            round,
            value,
            signature,
        }
    })
}

/// Any proposal, with bytes for a signature.
pub fn proposal() -> impl Strategy<Value = Proposal> {
    let rounds = (round(), option::of(round()));
    (header(), rounds, validator_index(), signature()).prop_map(
        |(header, (round, valid_round), proposer, signature)| Proposal {
            header,
            round,
            valid_round,
            proposer,
            signature,
        },
    )
}

/// Any polka; its bits and signatures need not agree in number.
pub fn polka() -> impl Strategy<Value = Polka> {
    let place = (height(), round());
    let signed = (bitmap(), vec(signature(), 0..4));
    (place, prevote_value(), signed).prop_map(|(place, value, (signers, signatures))| Polka {
        height: place.0,
        round: place.1,
        id: value.id,
        valid_round: value.valid_round,
        signers,
        signatures,
    })
}

/// Any certificate; its bits and signatures need not agree in number.
pub fn commit_certificate() -> impl Strategy<Value = CommitCertificate> {
    let place = (height(), round());
    let signed = (bitmap(), vec(signature(), 0..4));
    (place, precommit_value(), signed).prop_map(|(place, value, (signers, signatures))| {
        CommitCertificate {
            height: place.0,
            round: place.1,
            id: value.id,
            outcome: value.outcome,
            signers,
            signatures,
        }
    })
}

/// Evidence of any kind; it need not prove anything.
pub fn evidence() -> impl Strategy<Value = Evidence> {
    let proposals = (proposal(), proposal());
    prop_oneof![
        proposals.prop_map(|(a, b)| Evidence::DoubleProposal(Box::new(a), Box::new(b))),
        (vote(), vote()).prop_map(|(a, b)| Evidence::DoublePrevote(a, b)),
        (vote(), vote()).prop_map(|(a, b)| Evidence::DoublePrecommit(a, b)),
        (vote(), vote()).prop_map(|(a, b)| Evidence::Amnesia(a, b)),
    ]
}
