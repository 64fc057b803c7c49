//! Records: the values of the state, by type, under the key of their kind.
//!
//! Invariant: a value is its layout version (1), then borsh; a later layout has another version and is told apart.
//! Errors: none for the ledger's own state; a record of it that does not decode is a broken belief.
//! Source: `docs/spec/ledger.md`, "State".

use alloc::vec::Vec;
use borsh::{BorshDeserialize, BorshSerialize};

use crate::account::{Account, AccountId};
use crate::authority::{Authority, AuthorityId};
use crate::currency::{Currency, CurrencyCode};
use crate::dedup;
use crate::evidence::{EvidenceSeen, SeenKey};
use crate::gate::{Feature, Gate};
use crate::key;
use crate::participant::{Participant, ParticipantNumber};
use crate::proposal::{Proposal, ProposalId};
use crate::reference::{Reference, Uetr};
use crate::transaction::TxKey;
use crate::window::Window;

const LAYOUT: u8 = 1;

/// A kind of value with its key.
pub trait Record: BorshSerialize + BorshDeserialize + Clone + PartialEq {
    /// What names one of them.
    type Key: Ord + Clone;

    /// The key in the state.
    fn state_key(key: &Self::Key) -> Vec<u8>;
}

/// The value of a record.
#[must_use]
pub fn encode_record<T: BorshSerialize>(record: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.push(LAYOUT);
    record
        .serialize(&mut bytes)
        .expect("every length in our types is bounded far below u32::MAX");
    bytes
}

/// The record of a value; `None` if it is none of this layout.
#[must_use]
pub fn decode_record<T: BorshDeserialize>(value: &[u8]) -> Option<T> {
    let (layout, bytes) = value.split_first()?;
    if *layout != LAYOUT {
        return None;
    }
    borsh::from_slice(bytes).ok()
}

/// Decodes a record of our own state.
#[cfg(feature = "std")]
pub(crate) fn own<T: BorshDeserialize>(value: &[u8]) -> T {
    decode_record(value).expect("the state holds what execution and genesis wrote")
}

/// What names a rolling sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WindowOf {
    /// Issues of a currency.
    Currency(CurrencyCode),
    /// What an authority moved.
    Authority(AuthorityId),
}

/// A UETR in use by a participant's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UetrUse(pub TxKey);

/// An RTGS reference that was used by a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RtgsUse(pub ProposalId);

/// How many pinned failures of a participant the dedup map holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct PinCount(pub u32);

/// A proposal's entry in the order of expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProposalExpiry;

macro_rules! record {
    ($($kind:ty, $key:ty, |$name:ident| $state_key:expr;)*) => {
        $(
            impl Record for $kind {
                type Key = $key;

                fn state_key($name: &$key) -> Vec<u8> {
                    $state_key
                }
            }
        )*
    };
}

record! {
    Account, AccountId, |id| key::account(*id);
    Currency, CurrencyCode, |code| key::currency(*code);
    Participant, ParticipantNumber, |number| key::participant(*number);
    Authority, AuthorityId, |id| key::authority(*id);
    Proposal, ProposalId, |id| key::proposal(*id);
    ProposalExpiry, (u64, ProposalId), |entry| key::proposal_expiry(entry.0, entry.1);
    dedup::Entry, TxKey, |key| key::dedup(*key);
    UetrUse, (ParticipantNumber, Uetr), |entry| key::uetr(entry.0, entry.1);
    RtgsUse, (CurrencyCode, Reference), |entry| key::rtgs_reference(entry.0, &entry.1);
    EvidenceSeen, SeenKey, |entry| key::evidence(entry.0, entry.1, entry.2);
    PinCount, ParticipantNumber, |number| key::pins(*number);
    Gate, Feature, |feature| key::gate(*feature);
    Window, WindowOf, |of| match of {
        WindowOf::Currency(code) => key::window_of_currency(*code),
        WindowOf::Authority(id) => key::window_of_authority(*id),
    };
}
