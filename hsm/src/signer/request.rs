//! What a signer is asked, and what it answers.
//!
//! Invariant: a request names its statement, never a signature; what justifies it travels with it.
//! Units: deadlines in monotonic nanoseconds of the host's clock.
//! Source: `docs/spec/guard.md`, "Requests".

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{Polka, SignBytes, Statement};
use falaj_consensus::types::{ChainContext, Hash32};

use crate::error::Refusal;
use crate::guard::HeightProof;
use crate::purpose::{Binding, Possession, Purpose};

/// Name of a request, given by who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// Names a request.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A statement to sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SignRequest {
    /// Its name.
    pub id: RequestId,
    /// What to sign.
    pub statement: Statement,
    /// What the lock rule asks for: of a precommit for a block the polka of its round, of a prevote under a lock that of its valid round.
    pub polka: Option<Polka>,
    /// The certificate of the height before; needed once a height, and then only if the guard has not been shown it.
    pub proof: Option<Box<HeightProof>>,
    /// Monotonic time after which the signature is of no use.
    pub deadline_ns: u64,
}

/// A statement to sign as it comes from another process: bytes that may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawSignRequest {
    /// Its name.
    pub id: RequestId,
    /// Fingerprint of the key that is meant.
    pub key_fingerprint: Hash32,
    /// What to sign.
    pub sign_bytes: Vec<u8>,
    /// As in [`SignRequest`].
    pub polka: Option<Polka>,
    /// As in [`SignRequest`].
    pub proof: Option<Box<HeightProof>>,
    /// As in [`SignRequest`].
    pub deadline_ns: u64,
}

/// Bytes that every statement of every chain begins with.
const STATEMENT_TAG: &[u8; 16] = b"falaj/consensus\0";

impl RawSignRequest {
    /// Reads the bytes, before any state is touched.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`], [`Refusal::UnknownKind`], [`Refusal::WrongChain`] or [`Refusal::NonCanonical`].
    pub fn read(
        self,
        chain: &ChainContext,
        key_fingerprint: Hash32,
    ) -> Result<SignRequest, Refusal> {
        if self.key_fingerprint != key_fingerprint {
            return Err(Refusal::WrongKey);
        }
        let (_, statement) = SignBytes::parse(chain, &self.sign_bytes)
            .map_err(|_| what_is_wrong(chain, &self.sign_bytes))?;
        let Self {
            id,
            polka,
            proof,
            deadline_ns,
            ..
        } = self;
        Ok(SignRequest {
            id,
            statement,
            polka,
            proof,
            deadline_ns,
        })
    }
}

/// Names the first field that differs from what a statement of this chain begins with.
fn what_is_wrong(chain: &ChainContext, bytes: &[u8]) -> Refusal {
    let Some(behind_tag) = bytes.strip_prefix(STATEMENT_TAG) else {
        return Refusal::UnknownKind;
    };
    let fields: Result<(u16, String, Hash32, u8), _> =
        borsh::BorshDeserialize::deserialize_reader(&mut &*behind_tag);
    match fields {
        Ok((_, chain_id, genesis_hash, _))
            if chain_id != chain.chain_id || genesis_hash != chain.genesis_hash =>
        {
            Refusal::WrongChain
        }
        Ok((_, _, _, kind)) if !(1..=3).contains(&kind) => Refusal::UnknownKind,
        Ok(_) | Err(_) => Refusal::NonCanonical,
    }
}

/// Something to sign that is no statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttestRequest {
    /// Its name.
    pub id: RequestId,
    /// What to sign.
    pub attestation: Attestation,
    /// Monotonic time after which the signature is of no use.
    pub deadline_ns: u64,
}

/// The closed list of what a key signs outside consensus.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attestation {
    /// A transport key speaks for this validator.
    Binding(Binding),
    /// The signer holds this key.
    Possession(Possession),
    /// Key and token work; the signer chooses the challenge.
    Canary,
}

impl Attestation {
    /// Its purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::Binding(_) => Purpose::Binding,
            Self::Possession(_) => Purpose::Possession,
            Self::Canary => Purpose::Canary,
        }
    }
}

/// A signed attestation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Attested {
    /// The bytes that were signed.
    pub bytes: Vec<u8>,
    /// The checked signature.
    pub signature: Signature,
}

/// Two different people who answer for a decision that undoes a refusal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TwoOperators {
    first: String,
    second: String,
}

impl TwoOperators {
    /// Names them; none when a name is empty or both are one.
    #[must_use]
    pub fn new(first: String, second: String) -> Option<Self> {
        let two = !first.is_empty() && !second.is_empty() && first != second;
        two.then_some(Self { first, second })
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> [&str; 2] {
        [&self.first, &self.second]
    }
}
