//! A chain of certified blocks whose validators change.

use falaj_consensus::message::{
    Body, CommitCertificate, Header, Outcome, PrecommitValue, Statement, Vote,
};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::validator_set::ValidatorSet;
use std::sync::Arc;

use crate::bundle::{CertifiedOutcome, SetChange, SignedBlock};
use crate::proposal::{Action, ProposalId};
use crate::receipt::Verdict;
use crate::state::State;
use crate::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, Who, account, genesis_governed, propose, set_change,
    transfer,
};
use crate::transaction::Op;
use crate::trust::Trust;
use crate::validate::CheckedTx;

const CENTRAL: [Who; 1] = [Who::Participant(CENTRAL_BANK)];
const MEMBERS: [Who; 2] = [Who::Member(0), Who::Member(1)];
const VALIDATORS: u32 = 5;

/// A ledger, what proves its last block, and the changes of validators so far. A validator's key has its id for a number.
#[derive(Clone)]
pub(super) struct World {
    pub(super) ledger: Ledger,
    pub(super) changes: Vec<SetChange>,
    last: Option<SignedBlock>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            ledger: Ledger::new(&genesis_governed()),
            changes: Vec::new(),
            last: None,
        }
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::of_genesis(&genesis_governed())
    }

    pub(super) fn state(&self) -> &State {
        &self.ledger.state
    }

    pub(super) fn last(&self) -> &SignedBlock {
        self.last.as_ref().unwrap()
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.last().outcome().clone()
    }

    /// What leads from genesis to the last block.
    pub(super) fn proof(&self) -> CertifiedOutcome {
        let last = self.last();
        let certified = CertifiedOutcome::new(
            last.header().clone(),
            last.outcome().clone(),
            &last.certificate(),
        );
        certified.unwrap().after(self.changes.clone()).unwrap()
    }

    /// So many blocks of one payment each.
    pub(super) fn pay(&mut self, blocks: u32) {
        for _ in 0..blocks {
            let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), 1);
            let by = [Who::Participant(BANK_A)];
            let tx = self.ledger.tx(BANK_A, Op::Transfer(payment), &by);
            self.block(vec![tx]);
        }
    }

    /// Changes the validators, and waits until they are in force.
    pub(super) fn change(&mut self, entries: &[(u32, u64, u64)]) {
        self.decide(entries);
        self.pay(2);
    }

    /// Decides a change of the validators.
    pub(super) fn decide(&mut self, entries: &[(u32, u64, u64)]) {
        let set = self.set(self.ledger.state.height().next());
        let action = Action::Validators(set_change(self.ledger.chain(), &set, entries, &[]));
        let tx = self
            .ledger
            .tx(CENTRAL_BANK, propose(VALIDATORS, action), &CENTRAL);
        let id = ProposalId::new(tx.content_hash().hash());
        self.block(vec![tx]);
        let tx = self.ledger.tx(CENTRAL_BANK, Op::Approve(id), &MEMBERS);
        self.block(vec![tx]);
        let tx = self.ledger.tx(CENTRAL_BANK, Op::Execute(id), &CENTRAL);
        self.block(vec![tx]);
    }

    fn set(&self, height: Height) -> Arc<ValidatorSet> {
        self.ledger.state.validators_at(height)
    }

    fn block(&mut self, txs: Vec<Arc<CheckedTx>>) {
        let transactions = u32::try_from(txs.len()).unwrap();
        let verdicts = self.ledger.block(txs);
        assert!(
            verdicts.iter().all(|verdict| *verdict == Verdict::Executed),
            "{verdicts:?}"
        );
        let height = self.ledger.state.height();
        let set = self.set(height);
        let outcome = self.ledger.last.clone().unwrap().outcome;
        let header = self.header(height, &set, transactions);
        let certificate = certificate(self.ledger.chain(), &set, &header, &outcome);
        let block = SignedBlock::new(header, outcome, &certificate).unwrap();
        let next = self.set(height.next().next());
        if next.hash() != self.set(height.next()).hash() {
            self.changes.push(SetChange {
                block: block.clone(),
                validators: (*next).clone(),
            });
        }
        self.last = Some(block);
    }

    fn header(&self, height: Height, set: &ValidatorSet, transactions: u32) -> Header {
        let body = Body::default();
        Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: self.ledger.chain().genesis_hash,
            height,
            round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            parent_id: BlockId::default(),
            parent_outcome: OutcomeHash::default(),
            time_us: self.ledger.state.time_us(),
            set_hash: set.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions,
            transaction_bytes: 0,
        }
    }
}

/// A certificate by all validators of a set.
pub(super) fn certificate(
    chain: &falaj_consensus::types::ChainContext,
    set: &ValidatorSet,
    header: &Header,
    outcome: &Outcome,
) -> CommitCertificate {
    let value = PrecommitValue {
        id: header.id(),
        outcome: outcome.hash(),
    };
    let statement = Statement::Precommit {
        height: header.height,
        round: Round::new(0),
        value: Some(value),
    };
    let message = statement.sign_bytes(chain);
    let votes: Vec<_> = (0..)
        .zip(set.members())
        .map(|(index, member)| {
            let key = Who::Validator(u64::from(member.id.get())).key();
            let signature = key.sign(message.as_slice());
            Vote::new(ValidatorIndex::new(index), statement, signature).unwrap()
        })
        .collect();
    CommitCertificate::from_votes(set.len(), &votes.iter().collect::<Vec<_>>()).unwrap()
}
