//! Every reason for which a transaction is not executed, as a number that is never reused.
//!
//! Invariant: a number, once published, keeps its name and its meaning for ever, even if nothing gives it any more.
//! Shape: 1xxx the request, 2xxx duplicates, 3xxx and 4xxx the state, 5xxx authority, 6xxx the node that was asked.
//! Errors: this file is the list of them; a rejection is a value, never a panic.
//! Source: `docs/spec/ledger.md`, "Codes".

use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

pub use crate::decode::DecodeFault;

/// What a client does about a rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// F: the request is wrong; mend it and send it under a new id if the old one was pinned.
    Fix,
    /// D: something like it came before; look up the first answer.
    Duplicate,
    /// S: the state did not allow it; final for this id once a certified receipt says so.
    State,
    /// A: an authority, role or quorum is missing; the same request may succeed once it is there.
    Authority,
    /// R: nothing was decided; send the same request again later.
    Retry,
}

/// What to do once a certified receipt says that a failure is final for its id.
pub const FINAL_ADVICE: &str =
    "the answer is final for this id; submit a new transaction if the reason is gone";

impl Class {
    /// The letter of the class in documents and problem reports.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Fix => 'F',
            Self::Duplicate => 'D',
            Self::State => 'S',
            Self::Authority => 'A',
            Self::Retry => 'R',
        }
    }

    /// What to do about an answer that is not final, in one sentence; see [`FINAL_ADVICE`].
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Fix => "correct the request and submit it again",
            Self::Duplicate => "query the first transaction with this id and keep its answer",
            Self::State => {
                "the same bytes can still be executed while they are valid: submit them again if the reason is gone, and use another id only with a final receipt or a proof of no execution of this one"
            }
            Self::Authority => {
                "obtain the role, approvals or delay that is missing and submit again"
            }
            Self::Retry => "nothing was decided; submit the same bytes again later",
        }
    }
}

macro_rules! rejections {
    ($($code:literal $variant:ident $class:ident $name:literal $meaning:literal)*) => {
        /// Why a transaction is not executed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Rejection {
            $(
                #[doc = concat!($meaning, ".")]
                $variant = $code,
            )*
        }

        impl Rejection {
            /// Every code there is, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The rejection with that number.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The stable name, in words of the field joined by hyphens.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The meaning in one line.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }

            /// The class of advice.
            #[must_use]
            pub const fn class(self) -> Class {
                match self {
                    $(Self::$variant => Class::$class,)*
                }
            }
        }
    };
}

rejections! {
    1001 BadEncoding Fix "bad-encoding" "the bytes are not the one encoding of a signed transaction"
    1002 UnknownVersion Fix "unknown-version" "the version of the body is not one this chain reads"
    1003 BadSignature Fix "bad-signature" "a signature does not match its stated key over the sign-bytes"
    1004 WrongChain Fix "wrong-chain" "the body names another genesis"
    1005 NotYetValid Fix "not-yet-valid" "block time is before the validity window"
    1006 Expired Fix "expired" "block time is after the validity window, or the window is empty"
    1007 BadId Fix "bad-id" "the transaction id is not a version 7 uuid"
    1008 ZeroAmount Fix "zero-amount" "the amount is zero"
    1009 MalformedNumber Fix "malformed-number" "an amount is not a canonical decimal string"
    1010 SameAccount Fix "same-account" "debit and credit account are the same"
    1011 CurrencyMismatch Fix "currency-mismatch" "the currency is unknown or not that of the accounts"
    1012 TooLarge Fix "too-large" "the transaction is longer than the chain allows"
    1013 ReservedFlag Fix "reserved-flag" "a flag without meaning in this version is set"
    1014 ChainOpen Fix "chain-open" "a linked chain is not closed"
    1015 ScaleMismatch Fix "scale-mismatch" "an amount does not have exactly its currency's decimals"
    1016 IdOutsideWindow Fix "id-outside-window" "the time in the id is too far from block time, or the window leaves what the id allows"
    1017 AmountAboveMaximum Fix "amount-above-maximum" "an amount is above the maximum"
    2001 Exists Duplicate "exists" "the same transaction was executed before"
    2002 ExistsDifferent Duplicate "exists-different" "another transaction, or an account with other content, has this id"
    2003 FailedBefore Duplicate "failed-before" "the same transaction failed before, and that answer is final"
    2004 InFlight Retry "in-flight" "the same transaction is queued or proposed"
    2005 ReferenceUsed Fix "reference-used" "a reference that must be unique was used before"
    3001 DebitAccountNotFound State "debit-account-not-found" "the debit account does not exist"
    3002 CreditAccountNotFound State "credit-account-not-found" "the credit account does not exist"
    3003 InsufficientFunds State "insufficient-funds" "the debit account holds less than the amount"
    3004 Held State "held" "the funds are held"
    3005 Closed State "closed" "the account is closed, or has open pendings"
    3006 DebitFrozen State "debit-frozen" "an order freezes debits of the account"
    3007 CreditFrozen State "credit-frozen" "an order freezes credits of the account"
    3008 VersionConflict State "version-conflict" "the debit account's version or the credit participant is not the expected one"
    3009 PendingNotFound State "pending-not-found" "the pending transfer does not exist"
    3010 AlreadyPosted State "already-posted" "the pending transfer was posted"
    3011 AlreadyVoided State "already-voided" "the pending transfer was voided"
    3012 PendingExpired State "pending-expired" "the pending transfer has expired"
    3013 ExceedsPending State "exceeds-pending" "the amount is more than was reserved"
    3014 ConditionUnmet State "condition-unmet" "the condition is not met, or its proof is stale"
    3015 LinkedFailed State "linked-failed" "a leg of the linked chain failed"
    3016 PendingLimit State "pending-limit" "an account has too many open pendings"
    3017 CreditOverflow State "credit-overflow" "the credit account cannot hold that much"
    3018 Cancelled State "cancelled" "a signer cancelled the chain before it was executed"
    4000 Refused State "refused" "refused; ask your intermediary"
    4001 Tier State "tier" "the account's tier does not allow it"
    4002 Holding State "holding" "the holding limit would be exceeded"
    4003 Velocity State "velocity" "a velocity limit would be exceeded"
    4004 CalendarClosed State "calendar-closed" "the calendar is closed"
    4005 Residency State "residency" "residency rules do not allow it"
    4006 Kyc State "kyc" "the account's screening is missing or has expired"
    4007 AttestationRequired State "attestation-required" "an attestation is required"
    4008 CodeNotAllowed State "code-not-allowed" "the transfer's code is not allowed here"
    4009 ParticipantSuspended State "participant-suspended" "the participant is suspended"
    4010 AmlHold State "aml-hold" "the transfer is held for review"
    4011 Halted Retry "halted" "the ledger is halted"
    4012 QueueFull State "queue-full" "the participant's queue is full"
    4013 Fee State "fee" "the fee is above the maximum the payer accepts"
    4014 Mandate State "mandate" "the mandate does not cover it"
    5001 Role Authority "role" "a key or participant may not do this"
    5002 Quorum Authority "quorum" "too few approvals"
    5003 IssuanceCap Authority "issuance-cap" "an absolute or rolling cap would be exceeded"
    5004 Delay Authority "delay" "the authority's delay has not passed"
    5005 OrderMissing Authority "order-missing" "the order does not exist"
    5006 OrderExpired Authority "order-expired" "the order has expired"
    5007 Vetoed Authority "vetoed" "the proposal was vetoed"
    5008 StaleApproval Authority "stale-approval" "the proposal is unknown, done or expired, or the key has approved it already"
    5009 EnforcementCap Authority "enforcement-cap" "the enforcement cap would be exceeded"
    5010 ChangeMismatch Authority "change-mismatch" "the change does not lead from the last decided validators or parameters to others that hold together"
    5011 StepTooLarge Authority "step-too-large" "the change moves more validators or power than one step may"
    5012 ChangeUnderWay Authority "change-under-way" "the last change is not in force yet"
    5020 GateMismatch Authority "gate-mismatch" "the change names another height than the one that the gate is scheduled for"
    5021 GateNotice Authority "gate-notice" "the gate would come into force too soon after its decision"
    5022 GateInForce Authority "gate-in-force" "the gate is in force, or its first height is too near to change it"
    6001 MempoolFull Retry "mempool-full" "the node's queue is full"
    6002 Quota Retry "quota" "the participant's quota is used up"
    6003 NotSynced Retry "not-synced" "the node has not caught up"
    6004 HsmUnavailable Retry "hsm-unavailable" "the node's signer is away"
    6005 ReadOnly Retry "read-only" "the node is read only"
    6006 OutcomeUnknown Retry "outcome-unknown" "whether it was executed is unknown; query by id"
}

impl Rejection {
    /// The stable number.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// Whether the answer is final for the id once the submitter was entitled to ask: 3xxx and 4xxx, but for 4011.
    ///
    /// 4004 under `queue` is not given as a rejection at all, so it needs no exception here.
    #[must_use]
    pub const fn is_pinnable(self) -> bool {
        matches!(self.class(), Class::State)
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code(), self.name())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code(), self.name(), self.meaning())
    }
}

impl core::error::Error for Rejection {}

impl BorshSerialize for Rejection {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.code().serialize(writer)
    }
}

impl BorshDeserialize for Rejection {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let code = u16::deserialize_reader(reader)?;
        Self::from_code(code)
            .ok_or_else(|| DecodeFault::Encoding("an unknown rejection code").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The numbers and names are published; this digest changes only when one is added.
    #[test]
    fn codes_are_frozen() {
        let table: Vec<_> = Rejection::ALL
            .iter()
            .map(|r| format!("{} {}", r.code(), r.name()))
            .collect();
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn numbers_read_back_and_increase() {
        assert!(Rejection::ALL.is_sorted_by(|a, b| a.code() < b.code()));
        for rejection in Rejection::ALL {
            assert_eq!(Rejection::from_code(rejection.code()), Some(*rejection));
            let bytes = borsh::to_vec(rejection).unwrap();
            assert_eq!(bytes, rejection.code().to_le_bytes());
            assert_eq!(borsh::from_slice::<Rejection>(&bytes).unwrap(), *rejection);
        }
        assert!(borsh::from_slice::<Rejection>(&9999_u16.to_le_bytes()).is_err());
    }

    // Only 3xxx and 4xxx are ever pinned, and 4011 is not.
    #[test]
    fn only_state_is_pinned() {
        for rejection in Rejection::ALL {
            let state = (3000..5000).contains(&rejection.code()) && *rejection != Rejection::Halted;
            assert_eq!(rejection.is_pinnable(), state, "{rejection}");
        }
    }
}
