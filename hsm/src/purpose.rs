//! What a consensus key signs: three statements in order, three attestations outside it, nothing else.
//!
//! Invariant: each purpose has bytes of its own type, and attestations have tags of their own, so no attestation decodes as a vote.
//! Bytes of a proposal, prevote or precommit are made by the guard alone, after it let them through.
//! Shapes: a tag of 16 bytes, a version, then the fields in borsh; a transport key has at most [`TRANSPORT_KEY_BYTES_MAX`] bytes.
//! Errors: [`ShapeError`].
//! Source: `docs/spec/guard.md`, "Purposes".

use borsh::{BorshDeserialize, BorshSerialize};

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::hash;
use falaj_consensus::message::{SignBytes, Statement, possession_bytes};
use falaj_consensus::types::{ChainContext, Hash32, ValidatorId};

/// The most bytes of a transport key or peer name that is bound to a consensus key.
pub const TRANSPORT_KEY_BYTES_MAX: usize = 128;

/// The longest chain id, in bytes.
const CHAIN_ID_BYTES_MAX: usize = 32;

const BINDING_TAG: [u8; 16] = *b"falaj/binding\0\0\0";
const CANARY_TAG: [u8; 16] = *b"falaj/canary\0\0\0\0";
const VERSION: u16 = 1;

/// Why a key signs; each is one method of a backend.
///
/// The discriminants are in guard and audit records and never reused.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Purpose {
    /// A proposal.
    Proposal = 1,
    /// A prevote.
    Prevote = 2,
    /// A precommit.
    Precommit = 3,
    /// Binding of the node's transport key to its consensus key.
    Binding = 4,
    /// Proof that a key about to be enrolled is held.
    Possession = 5,
    /// Proof that key and token work.
    Canary = 6,
}

impl Purpose {
    /// Every purpose, in order of discriminant.
    pub const ALL: [Self; 6] = [
        Self::Proposal,
        Self::Prevote,
        Self::Precommit,
        Self::Binding,
        Self::Possession,
        Self::Canary,
    ];

    /// The purpose of a statement.
    #[must_use]
    pub const fn of(statement: &Statement) -> Self {
        match statement {
            Statement::Proposal { .. } => Self::Proposal,
            Statement::Prevote { .. } => Self::Prevote,
            Statement::Precommit { .. } => Self::Precommit,
        }
    }

    /// The word used in metrics, audit records and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposal => "proposal",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
            Self::Binding => "binding",
            Self::Possession => "possession",
            Self::Canary => "canary",
        }
    }
}

macro_rules! statement_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Made by the guard alone, after it let the statement through.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(SignBytes);

        impl $name {
            pub(crate) const fn approved(bytes: SignBytes) -> Self {
                Self(bytes)
            }

            /// The bytes to sign.
            #[must_use]
            pub fn as_slice(&self) -> &[u8] {
                self.0.as_slice()
            }
        }
    };
}

statement_bytes!(
    /// The sign-bytes of a proposal.
    ProposalBytes
);
statement_bytes!(
    /// The sign-bytes of a prevote.
    PrevoteBytes
);
statement_bytes!(
    /// The sign-bytes of a precommit.
    PrecommitBytes
);

/// Why an attestation has no sign-bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ShapeError {
    /// A transport key that is empty or longer than [`TRANSPORT_KEY_BYTES_MAX`].
    #[error("a transport key of {0} bytes cannot be bound")]
    TransportKey(usize),
    /// A chain id that is empty or longer than 32 bytes.
    #[error("a chain id of {0} bytes is not one")]
    ChainId(usize),
}

/// Says that a transport key speaks for a validator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Binding {
    /// The validator.
    pub validator: ValidatorId,
    /// The public transport key, as the network names it.
    pub transport_key: Vec<u8>,
    /// Of two bindings of one validator the one with the greater number holds.
    pub serial: u64,
}

/// Says that the signer holds a key that is about to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Possession {
    /// Name of the chain; its genesis may not exist yet.
    pub chain_id: String,
    /// What the key is enrolled by: the draft of a genesis, or the change of a validator set.
    pub change: Hash32,
    /// Whose key it becomes.
    pub validator: ValidatorId,
    /// The key, which is also the one that signs.
    pub key: PublicKey,
}

/// Proves that key and token work, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Canary {
    /// Bytes that nobody outside could know before.
    pub challenge: [u8; 32],
}

macro_rules! attestation_bytes {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(Vec<u8>);

        impl $name {
            /// The bytes to sign.
            #[must_use]
            pub fn as_slice(&self) -> &[u8] {
                &self.0
            }
        }
    };
}

attestation_bytes!(
    /// The sign-bytes of a [`Binding`].
    BindingBytes
);
attestation_bytes!(
    /// The sign-bytes of a [`Possession`].
    PossessionBytes
);
attestation_bytes!(
    /// The sign-bytes of a [`Canary`].
    CanaryBytes
);

impl Binding {
    /// The bytes that the consensus key signs on that chain.
    ///
    /// # Errors
    /// [`ShapeError::TransportKey`].
    pub fn sign_bytes(&self, chain: &ChainContext) -> Result<BindingBytes, ShapeError> {
        let length = self.transport_key.len();
        if length == 0 || length > TRANSPORT_KEY_BYTES_MAX {
            return Err(ShapeError::TransportKey(length));
        }
        let place = (&chain.chain_id, chain.genesis_hash);
        let content = (self.validator, &self.transport_key, self.serial);
        Ok(BindingBytes(hash::encode(&(
            BINDING_TAG,
            VERSION,
            place,
            content,
        ))))
    }
}

impl Possession {
    /// The bytes that the key signs.
    ///
    /// # Errors
    /// [`ShapeError::ChainId`].
    pub fn sign_bytes(&self) -> Result<PossessionBytes, ShapeError> {
        let length = self.chain_id.len();
        if length == 0 || length > CHAIN_ID_BYTES_MAX {
            return Err(ShapeError::ChainId(length));
        }
        let Self {
            chain_id,
            change,
            validator,
            key,
        } = self;
        Ok(PossessionBytes(possession_bytes(
            chain_id, *change, *validator, key,
        )))
    }
}

impl Canary {
    /// The bytes that the key signs.
    #[must_use]
    pub fn sign_bytes(&self) -> CanaryBytes {
        CanaryBytes(hash::encode(&(CANARY_TAG, VERSION, self.challenge)))
    }
}
