//! Events: what changed, in the order it changed, as leaves of one log over the life of the chain.
//!
//! Invariant: sequence numbers run from 0 without a gap; the log of a block extends that of the block before.
//! Shapes: the leaf is the layout version (1), then the event in borsh; the tree is that of RFC 9162.
//! Source: `docs/spec/ledger.md`, "Events"; RFC 9162 §2.1.

use alloc::vec;
use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash;
use falaj_consensus::message::EvidenceKind;
use falaj_consensus::types::{Hash32, Height, ValidatorId};

use crate::account::{AccountId, AccountKind, Place};
use crate::amount::Amount;
use crate::authority::AuthorityId;
use crate::currency::CurrencyCode;
use crate::gate::Feature;
use crate::log_tree;
use crate::proposal::{ProposalId, SupplyChange};
use crate::transaction::TxKey;

const LAYOUT: u8 = 1;

/// What changed.
///
/// The discriminants are part of the encoding and never reused; those of operations follow [`crate::transaction::Op`],
/// 64 and up are kept for what a block does by itself: lapses, releases, accrual, changes of set and parameters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum EventKind {
    /// An account was opened.
    AccountOpened {
        /// Its id.
        account: AccountId,
        /// Its currency.
        currency: CurrencyCode,
        /// What it is for.
        kind: AccountKind,
    } = 1,
    /// Money moved.
    Transferred {
        /// From here.
        debit: AccountId,
        /// To here.
        credit: AccountId,
        /// In this currency.
        currency: CurrencyCode,
        /// So much.
        amount: Amount,
    } = 2,
    /// A proposal was made.
    Proposed {
        /// Its name.
        proposal: ProposalId,
        /// Who decides.
        authority: AuthorityId,
    } = 32,
    /// A proposal gained approvals.
    Approved {
        /// Its name.
        proposal: ProposalId,
        /// How many it has now.
        approvals: u8,
    } = 33,
    /// A proposal was executed: money was issued.
    Issued {
        /// Its name.
        proposal: ProposalId,
        /// What was done.
        change: SupplyChange,
    } = 34,
    /// A proposal was vetoed.
    Vetoed {
        /// Its name.
        proposal: ProposalId,
    } = 35,
    /// A proposal was executed: money was redeemed.
    Redeemed {
        /// Its name.
        proposal: ProposalId,
        /// What was done.
        change: SupplyChange,
    } = 36,
    /// A proposal was executed: there are other validators.
    ValidatorsChanged {
        /// Its name.
        proposal: ProposalId,
        /// The first height at which they vote.
        from: Height,
        /// Hash of the set.
        set: Hash32,
    } = 70,
    /// A proposal was executed: there are other parameters.
    ParametersChanged {
        /// Its name.
        proposal: ProposalId,
        /// The first height that they govern.
        from: Height,
        /// Their hash.
        parameters: Hash32,
    } = 71,
    /// The block carries the proof of an offence.
    OffenceProven {
        /// The name of the evidence.
        evidence: Hash32,
        /// The height of the offence.
        height: Height,
        /// Who.
        validator: ValidatorId,
        /// What.
        kind: EvidenceKind,
    } = 72,
    /// A proposal was executed: a feature gate has another first height.
    GateScheduled {
        /// Its name.
        proposal: ProposalId,
        /// Which gate.
        feature: Feature,
        /// The first height under it.
        from: Height,
    } = 75,
    /// A proposal was executed: a feature gate does not come into force.
    GateWithdrawn {
        /// Its name.
        proposal: ProposalId,
        /// Which gate.
        feature: Feature,
    } = 76,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Event {
    /// Its number since genesis, from 0.
    pub sequence: u64,
    /// The transaction that caused it; none for what a block does by itself.
    pub cause: Option<TxKey>,
    /// Where in the chain: the place of the transaction, or of the piece of evidence among those of its block.
    pub place: Place,
    /// What changed.
    pub kind: EventKind,
}

impl Event {
    /// The accounts it is about.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        match &self.kind {
            EventKind::AccountOpened { account, .. } => vec![*account],
            EventKind::Transferred { debit, credit, .. } => vec![*debit, *credit],
            EventKind::Issued { change, .. } | EventKind::Redeemed { change, .. } => {
                vec![change.account]
            }
            EventKind::Proposed { .. }
            | EventKind::Approved { .. }
            | EventKind::Vetoed { .. }
            | EventKind::ValidatorsChanged { .. }
            | EventKind::ParametersChanged { .. }
            | EventKind::OffenceProven { .. }
            | EventKind::GateScheduled { .. }
            | EventKind::GateWithdrawn { .. } => Vec::new(),
        }
    }

    /// The bytes of its leaf.
    #[must_use]
    pub fn to_leaf(&self) -> Vec<u8> {
        hash::encode(&(LAYOUT, self))
    }

    /// Reads the bytes of a leaf.
    #[must_use]
    pub fn from_leaf(bytes: &[u8]) -> Option<Self> {
        let (layout, event): (u8, Self) = borsh::from_slice(bytes).ok()?;
        (layout == LAYOUT).then_some(event)
    }

    /// The hash of its leaf.
    #[must_use]
    pub fn leaf_hash(&self) -> Hash32 {
        log_tree::leaf_hash(&self.to_leaf())
    }
}
