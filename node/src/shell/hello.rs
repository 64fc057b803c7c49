//! The first bytes on a connection: which network, which validator, and the consensus key's word that this transport key speaks for it.
//!
//! Invariant: a peer is taken for a validator only if its transport identity is the one configured for it and, while it is in the set,
//! its consensus key signed the binding.
//! Errors: [`HelloError`] is told to the peer as the reason of the refusal.
//! Source: `docs/spec/wire.md`, "Who may connect".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::crypto::Signature;
use falaj_consensus::message::decode;
use falaj_consensus::types::{ChainContext, Hash32, ValidatorId};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::{Checker, SignedItem};
use falaj_hsm::purpose::Binding;

use super::network::{HELLO_BYTES_MAX, PeerId};

/// Version of the messages between nodes.
pub const PROTOCOL_VERSION: u16 = 1;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hello {
    /// Version of the messages that follow.
    pub version: u16,
    /// The network.
    pub genesis_hash: Hash32,
    /// The validator it speaks for.
    pub validator: Option<ValidatorId>,
    /// Of two bindings of one validator the one with the greater number holds.
    pub serial: u64,
    /// The consensus key's signature over the binding.
    pub binding: Option<Signature>,
    /// The feature gates that its program supports, for people: nothing is decided by it.
    pub supported: u64,
}

/// Why a peer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloError {
    /// Bytes that are no hello.
    #[error("malformed hello")]
    Malformed,
    /// Another version of the messages.
    #[error("protocol version {found}, {PROTOCOL_VERSION} is needed")]
    Version {
        /// Version of the peer.
        found: u16,
    },
    /// Another genesis.
    #[error("another network")]
    Genesis,
    /// Another validator than the one configured for that identity.
    #[error("not the validator that this identity is configured for")]
    Validator,
    /// A validator of the set without its key's word.
    #[error("the consensus key does not vouch for this transport identity")]
    Binding,
}

impl Hello {
    /// Reads and judges a peer's hello. `expected` is the validator configured for its identity. Without a set nobody's key has to vouch for
    /// the identity: the operator's list alone says who may connect.
    ///
    /// # Errors
    /// [`HelloError`].
    pub fn judge(
        bytes: &[u8],
        identity: &PeerId,
        expected: ValidatorId,
        chain: &ChainContext,
        set: Option<&ValidatorSet>,
        checker: &dyn Checker,
    ) -> Result<Self, HelloError> {
        let max = usize::try_from(HELLO_BYTES_MAX).unwrap_or(usize::MAX);
        let hello: Self = decode("hello", bytes, max).map_err(|_| HelloError::Malformed)?;
        if hello.version != PROTOCOL_VERSION {
            return Err(HelloError::Version {
                found: hello.version,
            });
        }
        if hello.genesis_hash != chain.genesis_hash {
            return Err(HelloError::Genesis);
        }
        if hello.validator != Some(expected) {
            return Err(HelloError::Validator);
        }
        let is_bound = |set| hello.is_bound(identity, expected, chain, set, checker);
        if set.is_none_or(is_bound) {
            Ok(hello)
        } else {
            Err(HelloError::Binding)
        }
    }

    fn is_bound(
        &self,
        identity: &PeerId,
        validator: ValidatorId,
        chain: &ChainContext,
        set: &ValidatorSet,
        checker: &dyn Checker,
    ) -> bool {
        let Some(member) = set.index_of(validator).and_then(|index| set.get(index)) else {
            // No vote of it is accepted; it may follow, as the operator's list says.
            return true;
        };
        let binding = Binding {
            validator,
            transport_key: identity.to_bytes(),
            serial: self.serial,
        };
        let (Some(signature), Ok(message)) = (&self.binding, binding.sign_bytes(chain)) else {
            return false;
        };
        checker.check(SignedItem {
            key: &member.key,
            message: message.as_slice(),
            signature,
        })
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::hash::encode;
    use falaj_consensus::verify::RealChecker;
    use falaj_ledger::testing::{Who, genesis_governed};
    use libp2p::identity::Keypair;

    use super::*;

    const OWN: ValidatorId = ValidatorId::new(2);

    /// What validator 2 says on a connection of that identity.
    fn hello(identity: &PeerId) -> Hello {
        let chain = genesis_governed().chain();
        let binding = Binding {
            validator: OWN,
            transport_key: identity.to_bytes(),
            serial: 3,
        };
        let message = binding.sign_bytes(&chain).unwrap();
        let key = Who::Validator(u64::from(OWN.get())).key();
        Hello {
            version: PROTOCOL_VERSION,
            genesis_hash: chain.genesis_hash,
            validator: Some(OWN),
            serial: 3,
            binding: Some(key.sign(message.as_slice())),
            supported: 0,
        }
    }

    // docs/spec/wire.md, "Who may connect": each part of a hello is judged, and a member of the set needs its key's word for this identity.
    #[test]
    fn each_part_of_a_hello_is_judged() {
        let identity = Keypair::generate_ed25519().public().to_peer_id();
        let genesis = genesis_governed();
        let judge = |bytes: &[u8], expected, with_set: bool| {
            let set = with_set.then_some(&genesis.validators);
            let chain = genesis.chain();
            Hello::judge(bytes, &identity, expected, &chain, set, &RealChecker)
        };
        let right = hello(&identity);
        assert_eq!(judge(&encode(&right), OWN, true), Ok(right.clone()));
        assert_eq!(judge(&[1, 2], OWN, true), Err(HelloError::Malformed));
        let found = PROTOCOL_VERSION + 1;
        let changed = [
            (
                Hello {
                    version: found,
                    ..right.clone()
                },
                HelloError::Version { found },
            ),
            (
                Hello {
                    genesis_hash: Hash32::new([1; 32]),
                    ..right.clone()
                },
                HelloError::Genesis,
            ),
            (
                Hello {
                    validator: None,
                    ..right.clone()
                },
                HelloError::Validator,
            ),
        ];
        for (hello, error) in changed {
            for with_set in [true, false] {
                assert_eq!(judge(&encode(&hello), OWN, with_set), Err(error));
            }
        }
        let other = ValidatorId::new(3);
        let refused = judge(&encode(&right), other, true);
        assert_eq!(refused, Err(HelloError::Validator));

        // Whoever is in no set here may follow without a word of its key, and so may everybody where there is no set to look it up.
        let elsewhere = Keypair::generate_ed25519().public().to_peer_id();
        let unbound = Hello {
            binding: None,
            ..right.clone()
        };
        let serial = Hello { serial: 4, ..right };
        for hello in [unbound, hello(&elsewhere), serial] {
            let bytes = encode(&hello);
            assert_eq!(judge(&bytes, OWN, true), Err(HelloError::Binding));
            assert_eq!(judge(&bytes, OWN, false), Ok(hello));
        }
        let newcomer = ValidatorId::new(9);
        let follows = Hello {
            validator: Some(newcomer),
            binding: None,
            ..hello(&identity)
        };
        assert_eq!(judge(&encode(&follows), newcomer, true), Ok(follows));
    }
}
