//! What the vectors are made of: a chain of a few blocks, sets of software keys, and their certificates.

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{
    Body, CommitCertificate, Header, Outcome, PrecommitValue, Statement,
};
use falaj_consensus::types::{
    BlockId, ChainContext, Hash32, Height, OutcomeHash, Round, ValidatorId, ValidatorIndex,
    VotingPower,
};
use falaj_consensus::validator_set::{Bitmap, Declared, Validator, ValidatorSet};
use falaj_ledger::bundle::{Bundle, CertifiedOutcome, ReceiptBundle};
use falaj_ledger::event::Event;
use falaj_ledger::proof::ReceiptProof;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::testing::{BANK_A, BANK_B, Key, Ledger, Who, account, genesis, transfer};
use falaj_ledger::transaction::Op;
use falaj_ledger::trust::Trust;
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

/// A set of software keys with their powers.
#[derive(Clone)]
pub(crate) struct Keys(Vec<(u32, u64, Key)>);

impl Keys {
    /// Validators of these ids and powers, each with the key of its id.
    pub(crate) fn new(members: &[(u32, u64)]) -> Self {
        let key = |id: u32| Who::Validator(id.into()).key();
        Self(
            members
                .iter()
                .map(|(id, power)| (*id, *power, key(*id)))
                .collect(),
        )
    }

    /// The four validators of genesis.
    pub(crate) fn of_genesis() -> Self {
        Self::new(&[(1, 1), (2, 1), (3, 1), (4, 1)])
    }

    pub(crate) fn set(&self) -> ValidatorSet {
        let member = |(id, power, key): &(u32, u64, Key)| Validator {
            id: ValidatorId::new(*id),
            power: VotingPower::new(*power),
            key: key.public(),
            declared: Declared::default(),
        };
        ValidatorSet::new(self.0.iter().map(member).collect()).expect("a set")
    }

    /// The signature of a member over a statement.
    pub(crate) fn sign(
        &self,
        chain: &ChainContext,
        index: u16,
        statement: &Statement,
    ) -> Signature {
        let (_, _, key) = &self.0[usize::from(index)];
        key.sign(statement.sign_bytes(chain).as_slice())
    }

    /// The certificate of these members.
    pub(crate) fn certify(
        &self,
        chain: &ChainContext,
        header: &Header,
        outcome: &Outcome,
        (round, indices): (u32, &[u16]),
    ) -> CommitCertificate {
        let mut signers = Bitmap::none(self.0.len());
        let mut certificate = CommitCertificate {
            height: header.height,
            round: Round::new(round),
            id: header.id(),
            outcome: outcome.hash(),
            signers: signers.clone(),
            signatures: Vec::new(),
        };
        let statement = certificate.statement();
        for index in indices {
            signers.insert(ValidatorIndex::new(*index));
            certificate
                .signatures
                .push(self.sign(chain, *index, &statement));
        }
        certificate.signers = signers;
        certificate
    }
}

/// What a precommit for a header and outcome says in a round.
pub(crate) fn precommit(header: &Header, outcome: &Outcome, round: u32) -> Statement {
    let value = PrecommitValue {
        id: header.id(),
        outcome: outcome.hash(),
    };
    Statement::Precommit {
        height: header.height,
        round: Round::new(round),
        value: Some(value),
    }
}

/// A block that was executed.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) outcome: Outcome,
    pub(crate) receipts: Vec<Receipt>,
}

impl Block {
    /// Certified by three of genesis' four.
    pub(crate) fn certified(&self, chain: &ChainContext) -> CertifiedOutcome {
        let keys = Keys::of_genesis();
        let certificate = keys.certify(chain, &self.header, &self.outcome, (0, &[0, 1, 2]));
        CertifiedOutcome::new(self.header.clone(), self.outcome.clone(), &certificate)
            .expect("it is of this block")
    }
}

/// A chain of the test ledger.
pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) log: Vec<Event>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            log: Vec::new(),
        }
    }

    pub(crate) fn chain(&self) -> ChainContext {
        self.ledger.chain().clone()
    }

    pub(crate) fn pay(&mut self, units: u64) -> Arc<CheckedTx> {
        let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), units);
        self.ledger
            .tx(BANK_A, Op::Transfer(payment), &[Who::Participant(BANK_A)])
    }

    /// Executes a block at a time.
    pub(crate) fn block(&mut self, time_us: u64, txs: Vec<Arc<CheckedTx>>) -> Block {
        let transactions = u32::try_from(txs.len()).expect("a few");
        let transaction_bytes = 300 * u64::from(transactions);
        self.ledger.block_at(time_us, txs);
        let executed = self.ledger.last.clone().expect("a block");
        self.log.extend(executed.events.iter().cloned());
        let header = Header {
            time_us,
            transactions,
            transaction_bytes,
            ..header(&self.chain(), self.ledger.state.height().get(), &trust().1)
        };
        Block {
            header,
            outcome: executed.outcome,
            receipts: executed.receipts,
        }
    }

    /// Executes a block of so many payments of which the last one cannot be paid.
    pub(crate) fn payments(&mut self, count: u32) -> Block {
        let mut txs: Vec<_> = (1..count).map(|_| self.pay(1)).collect();
        txs.push(self.pay(999_999));
        let time_us = self.ledger.state.time_us() + 1_000_000;
        self.block(time_us, txs)
    }

    pub(crate) fn leaves(&self) -> Vec<Hash32> {
        self.log.iter().map(Event::leaf_hash).collect()
    }
}

/// A header of a chain and height that names a trust's set.
pub(crate) fn header(chain: &ChainContext, height: u64, trust: &Trust) -> Header {
    let body = Body::default();
    Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: chain.genesis_hash,
        height: Height::new(height),
        round: Round::new(0),
        proposer: ValidatorIndex::new(1),
        parent_id: BlockId::new(Hash32::new([0x21; 32])),
        parent_outcome: OutcomeHash::new(Hash32::new([0x22; 32])),
        time_us: 1_800_000_000_000_000,
        set_hash: trust.validators().hash(),
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions: 0,
        transaction_bytes: 0,
    }
}

/// What a verifier of the test ledger's genesis starts from.
pub(crate) fn trust() -> (&'static str, Trust) {
    ("genesis", Trust::of_genesis(&genesis()))
}

/// The bundle of a block's receipt.
pub(crate) fn receipt(certified: CertifiedOutcome, receipts: &[Receipt], index: u32) -> Bundle {
    Bundle::Receipt(ReceiptBundle {
        certified,
        answer: ReceiptProof::new(receipts, index).expect("a receipt"),
    })
}
