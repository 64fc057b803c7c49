//! What a consensus key says, as the one byte string that is signed.
//!
//! Invariant: two statements have equal sign-bytes exactly when they are equal on the same chain; no other purpose's bytes decode as one.
//! Layout: tag (16 bytes), version, chain id, genesis hash, kind, height, round, value. A nil vote carries nothing after `None`.
//! Neither a timestamp nor the signer nor the algorithm is in it, so all validators sign the same bytes.
//! Source: `docs/spec/encoding.md`, "Sign-bytes".

use alloc::string::String;
use alloc::vec::Vec;
use borsh::io;
use borsh::{BorshDeserialize, BorshSerialize};

use super::DecodeError;
use crate::bounded;
use crate::hash;
use crate::types::{BlockId, CHAIN_ID_BYTES_MAX, ChainContext, Hash32, Height, OutcomeHash, Round};

/// First bytes of every statement that is signed.
const TAG: [u8; 16] = *b"falaj/consensus\0";
const VERSION: u16 = 1;
/// The longest sign-bytes, far above what the layout can reach.
const SIGN_BYTES_MAX: usize = 512;

/// The kind of a statement, in the order of a round: propose < prevote < precommit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Kind {
    /// PROPOSAL.
    Proposal = 1,
    /// PREVOTE.
    Prevote = 2,
    /// PRECOMMIT.
    Precommit = 3,
}

impl Kind {
    /// The field's own word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proposal => "proposal",
            Self::Prevote => "prevote",
            Self::Precommit => "precommit",
        }
    }
}

/// What a prevote for a block says.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct PrevoteValue {
    /// The block.
    pub id: BlockId,
    /// Valid round of the proposal that it answers; `None` for a fresh one (the paper's −1).
    pub valid_round: Option<Round>,
}

/// What a precommit for a block says.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct PrecommitValue {
    /// The block.
    pub id: BlockId,
    /// What executing it gave.
    pub outcome: OutcomeHash,
}

/// One thing that a consensus key says at one position.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Statement {
    /// ⟨PROPOSAL, h, r, v, vr⟩.
    Proposal {
        /// Height.
        height: Height,
        /// Round of this proposal, not of its header.
        round: Round,
        /// The block.
        id: BlockId,
        /// Valid round, `None` for a fresh value.
        valid_round: Option<Round>,
    } = 1,
    /// ⟨PREVOTE, h, r, id(v), vr⟩ or nil.
    Prevote {
        /// Height.
        height: Height,
        /// Round.
        round: Round,
        /// The value, `None` for nil.
        value: Option<PrevoteValue>,
    } = 2,
    /// ⟨PRECOMMIT, h, r, id(v), outcome⟩ or nil.
    Precommit {
        /// Height.
        height: Height,
        /// Round.
        round: Round,
        /// The value, `None` for nil.
        value: Option<PrecommitValue>,
    } = 3,
}

#[derive(BorshSerialize, BorshDeserialize)]
struct Envelope {
    #[borsh(deserialize_with = "read_tag")]
    tag: [u8; 16],
    #[borsh(deserialize_with = "read_version")]
    version: u16,
    #[borsh(deserialize_with = "read_chain_id")]
    chain_id: String,
    genesis_hash: Hash32,
    statement: Statement,
}

/// The canonical bytes of a statement on one chain: the only thing a consensus key signs in the course of a round.
///
/// It exists only as what [`Statement::sign_bytes`] writes: decoding refuses every other byte string, though not another chain's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct SignBytes(Vec<u8>);

impl SignBytes {
    /// The bytes to sign.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// Reads what came from a log or a socket back into a statement of that chain.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are malformed, of another purpose, version or chain, or not the one encoding of what they say.
    pub fn parse(chain: &ChainContext, bytes: &[u8]) -> Result<(Self, Statement), DecodeError> {
        let envelope: Envelope = super::decode("sign-bytes", bytes, SIGN_BYTES_MAX)?;
        let sign_bytes = envelope.statement.sign_bytes(chain);
        if sign_bytes.0 == bytes {
            return Ok((sign_bytes, envelope.statement));
        }
        let other = bounded::invalid("a statement of another chain");
        Err(DecodeError::malformed("sign-bytes", other))
    }
}

impl BorshDeserialize for SignBytes {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = bounded::byte_string(reader, SIGN_BYTES_MAX)?;
        let envelope: Envelope = borsh::from_slice(&bytes)?;
        if hash::encode(&envelope) == bytes {
            Ok(Self(bytes))
        } else {
            Err(bounded::invalid("not the encoding of a statement"))
        }
    }
}

fn read_tag<R: io::Read>(reader: &mut R) -> io::Result<[u8; 16]> {
    let tag = <[u8; 16]>::deserialize_reader(reader)?;
    if tag == TAG {
        Ok(tag)
    } else {
        Err(bounded::invalid("bytes of another purpose"))
    }
}

fn read_version<R: io::Read>(reader: &mut R) -> io::Result<u16> {
    bounded::version(reader, VERSION)
}

fn read_chain_id<R: io::Read>(reader: &mut R) -> io::Result<String> {
    bounded::text(reader, CHAIN_ID_BYTES_MAX)
}

impl Statement {
    /// The bytes that a key signs to say this on that chain.
    #[must_use]
    pub fn sign_bytes(&self, chain: &ChainContext) -> SignBytes {
        let mut envelope = Envelope {
            tag: TAG,
            version: VERSION,
            chain_id: chain.chain_id.clone(),
            genesis_hash: chain.genesis_hash,
            statement: *self,
        };
        if mutated!(SignBytesWithoutGenesis) {
            envelope.genesis_hash = Hash32::ZERO;
        }
        if mutated!(SignBytesWithoutChain) {
            envelope.chain_id.clear();
        }
        if mutated!(SignBytesWithoutValidRound)
            && let Self::Prevote {
                value: Some(value), ..
            } = &mut envelope.statement
        {
            value.valid_round = None;
        }
        SignBytes(hash::encode(&envelope))
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Proposal { .. } => Kind::Proposal,
            Self::Prevote { .. } => Kind::Prevote,
            Self::Precommit { .. } => Kind::Precommit,
        }
    }

    /// Its height.
    #[must_use]
    pub const fn height(&self) -> Height {
        match self {
            Self::Proposal { height, .. }
            | Self::Prevote { height, .. }
            | Self::Precommit { height, .. } => *height,
        }
    }

    /// Its round.
    #[must_use]
    pub const fn round(&self) -> Round {
        match self {
            Self::Proposal { round, .. }
            | Self::Prevote { round, .. }
            | Self::Precommit { round, .. } => *round,
        }
    }

    /// Its position, by which a guard orders what it signed.
    #[must_use]
    pub const fn position(&self) -> (Height, Round, Kind) {
        (self.height(), self.round(), self.kind())
    }

    /// The block it names, `None` for nil.
    #[must_use]
    pub const fn block(&self) -> Option<BlockId> {
        match self {
            Self::Proposal { id, .. } => Some(*id),
            Self::Prevote { value, .. } => match value {
                Some(value) => Some(value.id),
                None => None,
            },
            Self::Precommit { value, .. } => match value {
                Some(value) => Some(value.id),
                None => None,
            },
        }
    }
}
