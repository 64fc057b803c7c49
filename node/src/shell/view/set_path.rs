//! The changes of validators by which a verifier comes from the genesis to those of a height.
//!
//! Invariant: in order of height; what a path gives is every change in force at its height, or nothing.
//! Source: `docs/spec/receipts.md`, "Set changes".

use falaj_consensus::types::Height;
use falaj_ledger::bundle::{SetChange, SignedBlock};
use falaj_ledger::state::State;
use std::sync::{PoisonError, RwLock};

use crate::core::Committed;

/// Every change that was decided.
#[derive(Default)]
pub struct SetPath {
    changes: RwLock<Vec<SetChange>>,
}

impl SetPath {
    pub(super) const fn new(changes: Vec<SetChange>) -> Self {
        let changes = RwLock::new(changes);
        Self { changes }
    }

    /// A block is final. Keeps it if it fixed another set.
    pub(in crate::shell) fn push(&self, block: &Committed) {
        let next = block.header.height.next();
        let state = &block.executed.state;
        let validators = state.validators_at(next.next());
        if validators.hash() == state.validators_at(next).hash() {
            return;
        }
        let (header, outcome) = (block.header.clone(), block.executed.outcome.clone());
        if let Some(block) = SignedBlock::new(header, outcome, &block.certificate) {
            let validators = (*validators).clone();
            let change = SetChange { block, validators };
            let mut changes = self.changes.write().unwrap_or_else(PoisonError::into_inner);
            changes.push(change);
        }
    }

    /// The changes that are in force at a height, of those that the state knows; `None` when the block of one of them is not here.
    #[must_use]
    pub fn to(&self, height: Height, state: &State) -> Option<Vec<SetChange>> {
        let in_force = state.validator_sets().filter(|(from, _)| *from <= height);
        // The first set is that of genesis, which no block fixed.
        let decided = in_force.count().saturating_sub(1);
        let changes = self.changes.read().unwrap_or_else(PoisonError::into_inner);
        let path = changes
            .iter()
            .take_while(|change| in_force_from(change) <= height);
        let path: Vec<SetChange> = path.cloned().collect();
        (path.len() == decided).then_some(path)
    }
}

const fn in_force_from(change: &SetChange) -> Height {
    change.block.header().height.next().next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::forge;
    use falaj_consensus::message::CommitCertificate;
    use falaj_ledger::proposal::{Action, ProposalId};
    use falaj_ledger::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose, set_change};
    use falaj_ledger::transaction::Op;
    use std::sync::Arc;

    /// The authority over validators of the test world.
    const VALIDATORS: u32 = 5;

    fn committed(ledger: &Ledger) -> Committed {
        let executed = ledger.last.clone().unwrap();
        let (header, body) = forge::block(ledger.state.height().get(), None);
        let certificate = CommitCertificate {
            outcome: executed.outcome.hash(),
            ..forge::certificate(&header)
        };
        Committed {
            id: header.id(),
            header,
            body: Arc::new(body),
            certificate,
            transactions: Vec::new(),
            executed: Arc::new(executed),
        }
    }

    // docs/spec/receipts.md, "Set changes": block h fixes the set of h + 2, so from h + 2 on its change is on the path, and a path that
    // lacks one is none.
    #[test]
    fn a_path_has_each_change_from_its_first_height_on() {
        let mut ledger = Ledger::new(&genesis_governed());
        let path = SetPath::default();
        let central = [Who::Participant(CENTRAL_BANK)];
        let set = ledger.state.validators_at(Height::new(1));
        let change = set_change(ledger.chain(), &set, &[(9, 1, 9)], &[]);
        let proposing = propose(VALIDATORS, Action::Validators(change));
        let proposing = ledger.tx(CENTRAL_BANK, proposing, &central);
        let id = ProposalId::new(proposing.content_hash().hash());
        let two = [Who::Member(0), Who::Member(1)];
        let approving = ledger.tx(CENTRAL_BANK, Op::Approve(id), &two);
        let executing = ledger.tx(CENTRAL_BANK, Op::Execute(id), &central);
        let mut decided = None;
        for block in [vec![proposing], vec![approving], vec![executing]] {
            let verdicts = ledger.block(block);
            assert!(verdicts.iter().all(|verdict| verdict.is_executed()));
            path.push(&committed(&ledger));
            decided = Some(ledger.state.height());
        }
        for _ in 0..3 {
            ledger.block(Vec::new());
            path.push(&committed(&ledger));
        }
        let from = decided.unwrap().next().next();
        let state = &ledger.state;
        let before = from.previous().unwrap();
        assert_eq!(path.to(before, state), Some(Vec::new()));
        let changes = path.to(from, state).unwrap();
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].validators, *state.validators_at(from));
        assert_eq!(path.to(state.height(), state), Some(changes));
        let lacking = SetPath::default();
        assert_eq!(lacking.to(before, state), Some(Vec::new()));
        assert_eq!(lacking.to(from, state), None);
    }
}
