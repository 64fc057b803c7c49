//! An event as JSON.
//!
//! Invariant: every field of the event is here, and its leaf beside them, so that whoever has the log's root need not believe the rest.

use data_encoding::BASE64;
use falaj_consensus::types::{Hash32, Height};
use falaj_ledger::account::NetworkPrefix;
use falaj_ledger::event::{Event, EventKind};
use falaj_ledger::proposal::{ProposalId, SupplyChange};
use falaj_ledger::state::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::views::decimal;

/// Something that happened in the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::shell::api) struct EventView {
    /// Its number since genesis, from 0 without a gap.
    sequence: u64,
    /// Height of its block.
    height: u64,
    /// Position in the block of the transaction that caused it, or of the piece of evidence.
    index: u32,
    /// Who submitted that transaction; absent where a block did it by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<u32>,
    /// The transaction's id; absent with the participant.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// What happened: its `type` and what goes with it.
    #[serde(flatten)]
    what: WhatView,
    /// The event's leaf in borsh and base64.
    leaf: String,
}

/// What happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum WhatView {
    /// An account was opened.
    AccountOpened {
        /// Its id.
        account: String,
        /// Its currency.
        currency: String,
        /// What it is for.
        kind: &'static str,
    },
    /// Money moved.
    Transferred {
        /// From this account.
        debit: String,
        /// To this account.
        credit: String,
        /// In this currency.
        currency: String,
        /// So much.
        amount: String,
    },
    /// A proposal was made.
    Proposed {
        /// Its id.
        proposal: String,
        /// The authority that decides.
        authority: u32,
    },
    /// A proposal gained approvals.
    Approved {
        /// Its id.
        proposal: String,
        /// How many it has now.
        approvals: u8,
    },
    /// A proposal was executed: money was issued.
    Issued(ChangeView),
    /// A proposal was stopped.
    Vetoed {
        /// Its id.
        proposal: String,
    },
    /// A proposal was executed: money was redeemed.
    Redeemed(ChangeView),
    /// A proposal was executed: there are other validators.
    ValidatorsChanged(DecidedView),
    /// A proposal was executed: there are other parameters.
    ParametersChanged(DecidedView),
    /// The block carries the proof that a validator broke the protocol.
    OffenceProven {
        /// The name of the evidence.
        evidence: String,
        /// The height of the offence.
        offence_height: u64,
        /// The validator's id.
        validator: u32,
        /// What it did.
        offence: &'static str,
    },
    /// A proposal was executed: a feature gate has another first height.
    GateScheduled {
        /// Id of the proposal.
        proposal: String,
        /// Which gate.
        feature: u8,
        /// The first height under it.
        from: u64,
    },
    /// A proposal was executed: a feature gate does not come into force.
    GateWithdrawn {
        /// Id of the proposal.
        proposal: String,
        /// Which gate.
        feature: u8,
    },
}

/// What holds from a later height on.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct DecidedView {
    /// Id of the proposal.
    proposal: String,
    /// The first height at which it holds.
    from: u64,
    /// Hash of the set or the parameters.
    hash: String,
}

impl DecidedView {
    fn of(proposal: &ProposalId, from: Height, hash: Hash32) -> Self {
        Self {
            proposal: proposal.to_string(),
            from: from.get(),
            hash: hash.to_hex(),
        }
    }
}

/// An issue or redemption.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ChangeView {
    /// Id of the proposal.
    proposal: String,
    /// The currency.
    currency: String,
    /// The reserve account that took or gave.
    account: String,
    /// How much.
    amount: String,
    /// Reference of the payment on the other side.
    rtgs_reference: String,
}

/// What names are written with.
struct Names<'a> {
    state: &'a State,
    network: &'a NetworkPrefix,
}

impl EventView {
    /// An event, with amounts in the scales of a state and ids of its network.
    pub(super) fn of(state: &State, network: &NetworkPrefix, event: &Event) -> Self {
        Self {
            sequence: event.sequence,
            height: event.place.height.get(),
            index: event.place.index,
            participant: event.cause.map(|cause| cause.participant.get()),
            id: event.cause.map(|cause| cause.id.to_string()),
            what: Names { state, network }.what(&event.kind),
            leaf: BASE64.encode(&event.to_leaf()),
        }
    }
}

impl Names<'_> {
    fn what(&self, kind: &EventKind) -> WhatView {
        match kind {
            EventKind::AccountOpened {
                account,
                currency,
                kind,
            } => WhatView::AccountOpened {
                account: account.to_text(self.network),
                currency: currency.to_string(),
                kind: kind.name(),
            },
            EventKind::Transferred {
                debit,
                credit,
                currency,
                amount,
            } => WhatView::Transferred {
                debit: debit.to_text(self.network),
                credit: credit.to_text(self.network),
                currency: currency.to_string(),
                amount: decimal(self.state, *currency, amount.units()),
            },
            EventKind::Proposed {
                proposal,
                authority,
            } => WhatView::Proposed {
                proposal: proposal.to_string(),
                authority: authority.get(),
            },
            EventKind::Approved {
                proposal,
                approvals,
            } => WhatView::Approved {
                proposal: proposal.to_string(),
                approvals: *approvals,
            },
            EventKind::Issued { proposal, change } => {
                WhatView::Issued(self.change(proposal.to_string(), change))
            }
            EventKind::Vetoed { proposal } => WhatView::Vetoed {
                proposal: proposal.to_string(),
            },
            EventKind::Redeemed { proposal, change } => {
                WhatView::Redeemed(self.change(proposal.to_string(), change))
            }
            EventKind::ValidatorsChanged {
                proposal,
                from,
                set,
            } => WhatView::ValidatorsChanged(DecidedView::of(proposal, *from, *set)),
            EventKind::ParametersChanged {
                proposal,
                from,
                parameters,
            } => WhatView::ParametersChanged(DecidedView::of(proposal, *from, *parameters)),
            EventKind::OffenceProven {
                evidence,
                height,
                validator,
                kind,
            } => WhatView::OffenceProven {
                evidence: evidence.to_hex(),
                offence_height: height.get(),
                validator: validator.get(),
                offence: kind.name(),
            },
            EventKind::GateScheduled {
                proposal,
                feature,
                from,
            } => WhatView::GateScheduled {
                proposal: proposal.to_string(),
                feature: feature.get(),
                from: from.get(),
            },
            EventKind::GateWithdrawn { proposal, feature } => WhatView::GateWithdrawn {
                proposal: proposal.to_string(),
                feature: feature.get(),
            },
        }
    }

    fn change(&self, proposal: String, change: &SupplyChange) -> ChangeView {
        ChangeView {
            proposal,
            currency: change.currency.to_string(),
            account: change.account.to_text(self.network),
            amount: decimal(self.state, change.currency, change.amount.units()),
            rtgs_reference: change.rtgs_reference.to_string(),
        }
    }
}
