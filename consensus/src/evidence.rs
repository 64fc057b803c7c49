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
        let is_new = self.seen.insert((key.validator, key.kind));
        (is_new || mutated!(EvidenceFloods)).then_some(evidence)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Signature;
    use crate::message::{PrecommitValue, PrevoteValue, Statement};
    use crate::testing::{Committee, outcome_of};
    use crate::types::{BlockId, Height, Round};

    fn id(byte: u8) -> BlockId {
        BlockId::new(crate::hash::sha256(&[byte]))
    }

    fn vote(statement: Statement, signature: u8) -> Vote {
        Vote::new(
            ValidatorIndex::new(1),
            statement,
            Signature::new(vec![signature; 64]).unwrap(),
        )
        .unwrap()
    }

    fn prevote(round: u32, value: Option<(u8, Option<u32>)>) -> Statement {
        let value = value.map(|(byte, valid)| PrevoteValue {
            id: id(byte),
            valid_round: valid.map(Round::new),
        });
        Statement::Prevote {
            height: Height::new(1),
            round: Round::new(round),
            value,
        }
    }

    fn precommit(round: u32, value: Option<u8>) -> Statement {
        let value = value.map(|byte| PrecommitValue {
            id: id(byte),
            outcome: outcome_of(id(byte)),
        });
        Statement::Precommit {
            height: Height::new(1),
            round: Round::new(round),
            value,
        }
    }

    // RSA-PSS and ECDSA give a new signature each time: the same statement signed twice is no offence.
    #[test]
    fn the_same_statement_signed_twice_is_no_offence() {
        for statement in [
            prevote(3, None),
            prevote(3, Some((1, None))),
            precommit(3, Some(1)),
        ] {
            assert_eq!(double_vote(&vote(statement, 1), &vote(statement, 2)), None);
        }
    }

    // One offence has one form, whichever message came first, and it proves itself.
    #[test]
    fn a_double_vote_has_one_form() {
        let committee = Committee::new(&[1, 1, 1, 1]);
        let signed = |statement| {
            committee
                .vote(ValidatorIndex::new(1), statement)
                .into_inner()
        };
        let pairs = [
            (prevote(3, None), prevote(3, Some((1, None)))),
            (
                prevote(3, Some((1, Some(0)))),
                prevote(3, Some((1, Some(1)))),
            ),
            (precommit(3, Some(1)), precommit(3, Some(2))),
        ];
        for (a, b) in pairs {
            let proof = double_vote(&signed(a), &signed(b)).unwrap();
            assert_eq!(double_vote(&signed(b), &signed(a)), Some(proof.clone()));
            assert!(committee.context().evidence(proof).is_ok());
        }
    }

    // Another round, kind or validator is no double vote.
    #[test]
    fn votes_of_two_positions_are_no_double_vote() {
        let first = vote(prevote(3, None), 1);
        assert_eq!(
            double_vote(&first, &vote(prevote(4, Some((1, None))), 1)),
            None
        );
        assert_eq!(double_vote(&first, &vote(precommit(3, Some(1)), 1)), None);
        let other = Vote {
            validator: ValidatorIndex::new(2),
            ..vote(prevote(3, Some((1, None))), 1)
        };
        assert_eq!(double_vote(&first, &other), None);
    }

    // Amnesia around its boundary: a valid round below the precommit's forgets, one at it or above does not.
    #[test]
    fn amnesia_at_its_boundary() {
        let locked = vote(precommit(4, Some(1)), 1);
        let forgets = |value, round| amnesia(&locked, &vote(prevote(round, value), 1)).is_some();
        assert!(forgets(Some((2, None)), 5));
        assert!(forgets(Some((2, Some(3))), 9));
        assert!(!forgets(Some((2, Some(4))), 9));
        assert!(!forgets(Some((1, Some(0))), 9));
        assert!(!forgets(Some((2, None)), 4));
        assert!(!forgets(None, 5));
    }

    // The first evidence of a key passes, every later one is dropped.
    #[test]
    fn one_piece_of_evidence_a_key() {
        let mut offences = Offences::default();
        let proof = |byte| {
            double_vote(
                &vote(prevote(3, None), 1),
                &vote(prevote(3, Some((byte, None))), 1),
            )
            .unwrap()
        };
        assert!(offences.admit(proof(1)).is_some());
        assert!(offences.admit(proof(2)).is_none());
        assert_eq!(offences.count(), 1);
    }
}
