//! What one validator has said at one height, and whether it proves an offence.
//!
//! Invariant: only grows; once an offence, always one.
//! Source: `docs/spec/consensus.md`, "Evidence".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::message::{Kind, Statement};
use falaj_consensus::types::{BlockId, Round};

#[derive(Clone, Debug, Default)]
pub(in crate::checker) struct Words {
    said: BTreeMap<(Kind, Round), BTreeSet<Statement>>,
    is_offence: bool,
}

impl Words {
    pub(in crate::checker) const fn is_offence(&self) -> bool {
        self.is_offence
    }

    pub(in crate::checker) fn has(&self, said: &Statement) -> bool {
        let place = self.said.get(&(said.kind(), said.round()));
        place.is_some_and(|words| words.contains(said))
    }

    pub(in crate::checker) fn add(&mut self, said: &Statement) {
        let place = self.said.entry((said.kind(), said.round())).or_default();
        place.insert(*said);
        let is_double = place.len() > 1;
        self.is_offence |= is_double || self.is_amnesia(said);
    }

    fn is_amnesia(&self, said: &Statement) -> bool {
        match said.kind() {
            Kind::Proposal => false,
            Kind::Prevote => self.of(Kind::Precommit).any(|lock| forgets(lock, said)),
            Kind::Precommit => self.of(Kind::Prevote).any(|prevote| forgets(said, prevote)),
        }
    }

    /// Prevotes for a block in a round, whatever their valid round.
    pub(in crate::checker) fn prevotes(
        &self,
        round: Round,
        id: BlockId,
    ) -> impl Iterator<Item = &Statement> {
        let said = self.said.get(&(Kind::Prevote, round)).into_iter().flatten();
        said.filter(move |said| said.block() == Some(id))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Statement> {
        let of_kind = self.said.iter().filter(move |((of, _), _)| *of == kind);
        of_kind.flat_map(|(_, words)| words)
    }
}

/// A precommit of a block, and a later prevote of another that no polka since allows.
pub(in crate::checker) fn forgets(precommit: &Statement, prevote: &Statement) -> bool {
    let (Some((locked, _)), Some((voted, valid))) = (block(precommit), block(prevote)) else {
        return false;
    };
    let since = precommit.round();
    locked != voted && prevote.round() > since && valid.is_none_or(|valid| valid < since)
}

/// The block that a vote is for, and the valid round that it names.
fn block(vote: &Statement) -> Option<(BlockId, Option<Round>)> {
    match vote {
        Statement::Prevote { value, .. } => value.map(|value| (value.id, value.valid_round)),
        Statement::Precommit { value, .. } => value.map(|value| (value.id, None)),
        Statement::Proposal { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::message::{PrecommitValue, PrevoteValue};
    use falaj_consensus::types::{Hash32, Height, OutcomeHash};

    use super::*;

    fn id(byte: u8) -> BlockId {
        BlockId::new(Hash32::new([byte; 32]))
    }

    fn prevote(round: u32, block: Option<u8>, valid: Option<u32>) -> Statement {
        let valid_round = valid.map(Round::new);
        Statement::Prevote {
            height: Height::new(1),
            round: Round::new(round),
            value: block.map(|block| PrevoteValue {
                id: id(block),
                valid_round,
            }),
        }
    }

    fn precommit(round: u32, block: Option<u8>) -> Statement {
        let outcome = OutcomeHash::default();
        Statement::Precommit {
            height: Height::new(1),
            round: Round::new(round),
            value: block.map(|block| PrecommitValue {
                id: id(block),
                outcome,
            }),
        }
    }

    fn is_offence(said: &[Statement]) -> bool {
        let judge = |said: &mut dyn Iterator<Item = &Statement>| {
            let mut words = Words::default();
            said.for_each(|said| words.add(said));
            words.is_offence()
        };
        let (forth, back) = (judge(&mut said.iter()), judge(&mut said.iter().rev()));
        assert_eq!(forth, back, "the order of arrival proves nothing");
        forth
    }

    /// Goal: each offence is proven by its two messages, whichever comes first.
    #[test]
    fn offences_are_proven_by_two_messages() {
        for said in [
            [prevote(0, Some(1), None), prevote(0, None, None)],
            [prevote(3, Some(1), Some(1)), prevote(3, Some(1), Some(2))],
            [precommit(0, Some(1)), precommit(0, Some(2))],
            [precommit(0, Some(1)), prevote(1, Some(2), None)],
            [precommit(2, Some(1)), prevote(4, Some(2), Some(1))],
        ] {
            assert!(is_offence(&said), "{said:?}");
        }
    }

    /// Goal: what a correct validator may say proves nothing: nil at any time, its lock again, another block from a polka since.
    #[test]
    fn what_the_rules_allow_is_no_offence() {
        for said in [
            [precommit(0, Some(1)), prevote(1, None, None)],
            [precommit(0, Some(1)), precommit(1, None)],
            [precommit(0, Some(1)), prevote(1, Some(1), Some(0))],
            [precommit(1, Some(1)), prevote(3, Some(2), Some(1))],
            [precommit(0, Some(1)), prevote(2, Some(2), Some(1))],
            [prevote(0, Some(2), None), precommit(0, Some(1))],
            [precommit(0, None), prevote(1, Some(2), None)],
            [prevote(0, Some(1), None), prevote(0, Some(1), None)],
        ] {
            assert!(!is_offence(&said), "{said:?}");
        }
    }
}
