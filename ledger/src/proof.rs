//! Answers that need no trust in whoever gives them: a receipt, a value of the state, or that an id was never executed.
//!
//! Invariant: everything starts from a [`Certified`], made of a checked certificate and what it names; nothing else is believed.
//! Units: times in microseconds for blocks, milliseconds for ids and windows.
//! Errors: [`AnswerError`] says what does not fit; foreign bytes never panic.
//! Source: `docs/spec/ledger.md`, "What an answer is" and "Proofs".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::verify::Verified;

use crate::dedup::{self, us};
use crate::event::Event;
use crate::genesis::Constants;
use crate::log_tree::{ConsistencyProof, InclusionProof, LogProofError};
use crate::receipt::{Receipt, prove_receipt};
use crate::record::{Record, encode_record};
use crate::state_root::{Proof, ProofError};
use crate::transaction::{TxBody, TxKey};

/// Why something is not the answer it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A header that the certificate does not name.
    #[error("the certificate names another block than the header's")]
    OtherBlock,
    /// An outcome that the certificate does not name.
    #[error("the certificate names another outcome")]
    OtherOutcome,
    /// A receipt of another block, index, count or time.
    #[error("the receipt is not of this block and place")]
    OtherPlace,
    /// A receipt of another transaction.
    #[error("the receipt is of another transaction")]
    OtherTransaction,
    /// A receipt that is not under the certified root.
    #[error("the receipt is not in the block's receipts")]
    Receipt(#[source] LogProofError),
    /// An event of another place, or a path in a log of another size than the certified one.
    #[error("the event or its path is not of this log and place")]
    OtherLog,
    /// An event that is not under the certified root.
    #[error("the event is not in the certified log")]
    Event(#[source] LogProofError),
    /// Two certified logs of which the later does not begin with the earlier.
    #[error("the later log does not extend the earlier one")]
    Extension(#[source] LogProofError),
    /// A record, or its absence, that is not under the certified root.
    #[error("the certified state says something else")]
    State(#[source] ProofError),
    /// A block too early: the transaction could still be executed after it.
    #[error("block time {time_us} is not after the end of the window")]
    TooEarly {
        /// Time of the block.
        time_us: u64,
    },
    /// A block too late: the id may have been executed and forgotten since.
    #[error("block time {time_us} is after the end of the id's life")]
    TooLate {
        /// Time of the block.
        time_us: u64,
    },
}

/// A header and an outcome that a quorum has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certified {
    header: Header,
    outcome: Outcome,
}

impl Certified {
    /// Takes the header and outcome that a checked certificate names.
    ///
    /// # Errors
    /// [`AnswerError`] if it names others.
    pub fn new(
        certificate: &Verified<CommitCertificate>,
        header: Header,
        outcome: Outcome,
    ) -> Result<Self, AnswerError> {
        let certificate = certificate.get();
        if header.id() != certificate.id || header.height != certificate.height {
            return Err(AnswerError::OtherBlock);
        }
        if outcome.hash() != certificate.outcome {
            return Err(AnswerError::OtherOutcome);
        }
        Ok(Self { header, outcome })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The outcome.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Checks that this is what became of a transaction in this block.
    ///
    /// # Errors
    /// [`AnswerError`] if it is not.
    pub fn check_receipt(&self, body: &TxBody, answer: &ReceiptProof) -> Result<(), AnswerError> {
        let receipt = &answer.receipt;
        if receipt.key != body.key() || receipt.body_hash != body.body_hash() {
            return Err(AnswerError::OtherTransaction);
        }
        self.check_inclusion(answer)
    }

    /// Checks that this is a receipt of this block, whatever transaction it is of.
    ///
    /// # Errors
    /// [`AnswerError`] if it is not.
    pub fn check_inclusion(&self, answer: &ReceiptProof) -> Result<(), AnswerError> {
        let ReceiptProof { receipt, inclusion } = answer;
        let here = receipt.place.height == self.header.height
            && receipt.time_us == self.header.time_us
            && inclusion.index() == u64::from(receipt.place.index)
            && inclusion.size() == u64::from(self.header.transactions);
        if !here {
            return Err(AnswerError::OtherPlace);
        }
        inclusion
            .verify(&self.outcome.receipts_root, &receipt.to_leaf())
            .map_err(AnswerError::Receipt)
    }

    /// Checks that a record of the state after this block is this one, or with `None` that there is none.
    ///
    /// # Errors
    /// [`AnswerError`] if the state says something else.
    pub fn check_record<R: Record>(
        &self,
        key: &R::Key,
        record: Option<&R>,
        proof: &Proof,
    ) -> Result<(), AnswerError> {
        let (root, key) = (&self.outcome.state_root, R::state_key(key));
        let verdict = match record {
            Some(record) => proof.verify_value(root, &key, &encode_record(record)),
            None => proof.verify_absent(root, &key),
        };
        verdict.map_err(AnswerError::State)
    }

    /// Checks that an event is in the log as it was after this block, at the place that its sequence number says.
    ///
    /// # Errors
    /// [`AnswerError`] if it is not.
    pub fn check_event(
        &self,
        event: &Event,
        inclusion: &InclusionProof,
    ) -> Result<(), AnswerError> {
        let here = inclusion.index() == event.sequence && inclusion.size() == self.outcome.events;
        if !here || event.place.height > self.header.height {
            return Err(AnswerError::OtherLog);
        }
        inclusion
            .verify(&self.outcome.events_root, &event.to_leaf())
            .map_err(AnswerError::Event)
    }

    /// Checks that the event log after this block begins with that after an earlier one.
    ///
    /// # Errors
    /// [`AnswerError`] if it does not.
    pub fn check_extends(
        &self,
        earlier: &Self,
        proof: &ConsistencyProof,
    ) -> Result<(), AnswerError> {
        let (old, new) = (&earlier.outcome, &self.outcome);
        let sizes = (proof.old_size(), proof.new_size()) == (old.events, new.events);
        if !sizes || earlier.header.height > self.header.height {
            return Err(AnswerError::OtherLog);
        }
        proof
            .verify(&old.events_root, &new.events_root)
            .map_err(AnswerError::Extension)
    }

    /// Checks that a transaction was not executed up to this block, and never will be.
    ///
    /// The block's time has to lie in (`valid_until`, id time + `ID_LIFE`]: before, it could still come; after, it may have been forgotten.
    /// Whoever signed several bodies under one id takes the latest `valid_until` of them.
    ///
    /// # Errors
    /// [`AnswerError`] if the block does not show it.
    pub fn check_no_execution(
        &self,
        constants: &Constants,
        key: TxKey,
        valid_until_ms: u64,
        proof: &Proof,
    ) -> Result<(), AnswerError> {
        let time_us = self.header.time_us;
        if time_us <= us(valid_until_ms) {
            return Err(AnswerError::TooEarly { time_us });
        }
        if time_us > dedup::last_us(constants, key.id) {
            return Err(AnswerError::TooLate { time_us });
        }
        self.check_record::<dedup::Entry>(&key, None, proof)
    }
}

/// A receipt with its path to the root over its block's receipts.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ReceiptProof {
    /// What became of the transaction.
    pub receipt: Receipt,
    /// Where it stands in its block.
    pub inclusion: InclusionProof,
}

impl ReceiptProof {
    /// The receipt at an index of a block's receipts, with its path.
    #[must_use]
    pub fn new(receipts: &[Receipt], index: u32) -> Option<Self> {
        let receipt = *receipts.get(usize::try_from(index).ok()?)?;
        let inclusion = prove_receipt(receipts, index)?;
        Some(Self { receipt, inclusion })
    }
}

#[cfg(feature = "std")]
impl crate::state::State {
    /// Proves that no transaction of a key was executed or pinned, or that one was.
    #[must_use]
    pub fn prove_dedup(&self, key: TxKey) -> Proof {
        self.prove(&crate::key::dedup(key))
    }
}

#[cfg(test)]
mod tests;
