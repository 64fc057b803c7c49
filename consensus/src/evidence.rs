//! Detects misbehaviour: two messages of one validator that a correct one never signs both.
//!
//! Invariant: at most one piece of evidence a (validator, kind) and height is ever given out, so evidence cannot flood;
//! each one passes [`crate::verify::Context::evidence`], and no correct validator is ever named.
//! Messages are compared by statement: a signature made anew over the same statement is no offence.
//! Who is never framed: a correct node answers a proposal by the narrow rules 22 and 28, so after a precommit of v in round r1
//! it prevotes another block only for a valid round of r1 or later.
//! Source: `docs/spec/consensus.md`, "Evidence".

use std::collections::BTreeSet;

use crate::message::{Evidence, EvidenceKind, Proposal, Vote, VoteValue};
use crate::types::ValidatorIndex;
use crate::verify::{is_amnesia, is_double};

/// Which offences of a height have been given out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Offences {
    seen: BTreeSet<(ValidatorIndex, EvidenceKind)>,
}

impl Offences {
    /// Lets the first evidence of its key pass.
    pub fn admit(&mut self, evidence: Evidence) -> Option<Evidence> {
        let key = evidence.key();
        self.seen
            .insert((key.validator, key.kind))
            .then_some(evidence)
    }

    /// How many offences are known.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seen.len()
    }
}

/// Two different votes of one kind, height, round and validator.
#[must_use]
pub fn double_vote(a: &Vote, b: &Vote) -> Option<Evidence> {
    let (first, second) = if a.statement() < b.statement() {
        (a, b)
    } else {
        (b, a)
    };
    if first.validator != second.validator || !is_double(&first.statement(), &second.statement()) {
        return None;
    }
    Some(match first.value {
        VoteValue::Prevote(_) => Evidence::DoublePrevote(first.clone(), second.clone()),
        VoteValue::Precommit(_) => Evidence::DoublePrecommit(first.clone(), second.clone()),
    })
}

/// Two different proposals of one height, round and proposer.
#[must_use]
pub fn double_proposal(a: &Proposal, b: &Proposal) -> Option<Evidence> {
    let (first, second) = if a.statement() < b.statement() {
        (a, b)
    } else {
        (b, a)
    };
    if first.proposer != second.proposer || !is_double(&first.statement(), &second.statement()) {
        return None;
    }
    Some(Evidence::DoubleProposal(
        Box::new(first.clone()),
        Box::new(second.clone()),
    ))
}

/// A precommit of one block, and a later prevote of another that names no valid round since.
#[must_use]
pub fn amnesia(precommit: &Vote, prevote: &Vote) -> Option<Evidence> {
    let proven = precommit.validator == prevote.validator && is_amnesia(precommit, prevote);
    proven.then(|| Evidence::Amnesia(precommit.clone(), prevote.clone()))
}
