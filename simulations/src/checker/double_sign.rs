//! No double sign: a correct validator's key says at most one thing at each height, round and kind, over its whole life, and says it
//! of this chain alone.
//!
//! Shape: what was released is remembered for ever, by the bytes that were signed; chain, height and round are read from their place
//! in the layout, not by the codec of those who sign.
//! Source: `docs/spec/encoding.md`, "Sign-bytes"; `docs/spec/guard.md`.

use std::collections::BTreeMap;

use falaj_consensus::types::ChainContext;

use super::{Finding, Observation};
use crate::types::NodeIndex;

const TAG: &[u8] = b"falaj/consensus\0";
const VERSION: u16 = 1;

type Place = (NodeIndex, u64, u32, u8);

#[derive(Debug)]
pub(super) struct DoubleSign {
    /// Tag, version, chain id and genesis hash, with which all sign-bytes of a chain begin.
    head: Vec<u8>,
    said: BTreeMap<Place, Vec<u8>>,
}

impl DoubleSign {
    pub(super) fn new(chain: &ChainContext) -> Self {
        let id = chain.chain_id.as_bytes();
        let length = u32::try_from(id.len()).unwrap_or(u32::MAX).to_le_bytes();
        let version = VERSION.to_le_bytes();
        Self {
            head: [TAG, &version, &length, id, chain.genesis_hash.bytes()].concat(),
            said: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, node: NodeIndex, seen: &Observation<'_>) -> Finding {
        let Observation::Released { message, .. } = seen else {
            return Ok(());
        };
        let statement = message.strip_prefix(&self.head[..]);
        let Some((height, round, kind)) = statement.and_then(place) else {
            return Err(format!(
                "{} bytes were signed that are no statement of this chain",
                message.len()
            ));
        };
        let place = (node, height, round, kind);
        let said = self.said.entry(place).or_insert_with(|| message.to_vec());
        if said == message {
            Ok(())
        } else {
            Err(format!(
                "two statements of kind {kind} at height {height}, round {round}"
            ))
        }
    }
}

/// Height, round and kind of a statement as it stands behind the head.
fn place(statement: &[u8]) -> Option<(u64, u32, u8)> {
    let (kind, rest) = statement.split_first()?;
    let (height, rest) = rest.split_first_chunk::<8>()?;
    let (round, _) = rest.split_first_chunk::<4>()?;
    let (height, round) = (u64::from_le_bytes(*height), u32::from_le_bytes(*round));
    Some((height, round, *kind))
}

#[cfg(test)]
mod tests {
    use falaj_consensus::crypto::{Algorithm, PublicKey};
    use falaj_consensus::message::Statement;
    use falaj_consensus::types::{Hash32, Height, Round};

    use super::*;

    fn key() -> PublicKey {
        PublicKey::new(Algorithm::Ed25519, vec![1; 32]).expect("it has the length of such a key")
    }

    fn prevote(round: u32) -> Statement {
        Statement::Prevote {
            height: Height::new(7),
            round: Round::new(round),
            value: None,
        }
    }

    /// Goal: place is read from the layout, and a second statement at one place is found.
    #[test]
    fn a_second_statement_is_found() {
        let chain = ChainContext {
            chain_id: "simulation".to_owned(),
            genesis_hash: Hash32::ZERO,
        };
        let bytes = prevote(3).sign_bytes(&chain);
        let mut oracle = DoubleSign::new(&chain);
        let behind = bytes.as_slice().strip_prefix(&oracle.head[..]);
        assert_eq!(behind.and_then(place), Some((7, 3, 2)));
        let other = [bytes.as_slice(), &[0]].concat();
        let key = key();
        let mut say = |message: &[u8]| {
            let seen = Observation::Released {
                statement: &prevote(3),
                message,
                key: &key,
            };
            oracle.observe(NodeIndex::new(0), &seen)
        };
        assert_eq!(say(bytes.as_slice()), Ok(()));
        assert_eq!(say(bytes.as_slice()), Ok(()));
        assert!(say(&other).is_err());
    }

    /// Goal: the same words under another genesis or another chain's name are found.
    #[test]
    fn a_statement_of_another_chain_is_found() {
        let chain = |id: &str, byte| ChainContext {
            chain_id: id.to_owned(),
            genesis_hash: Hash32::new([byte; 32]),
        };
        let statement = &prevote(3);
        for (other, right) in [
            (chain("simulation", 1), true),
            (chain("simulation", 2), false),
            (chain("", 1), false),
        ] {
            let bytes = statement.sign_bytes(&other);
            let message = bytes.as_slice();
            let key = &key();
            let seen = Observation::Released {
                statement,
                message,
                key,
            };
            let mut oracle = DoubleSign::new(&chain("simulation", 1));
            assert_eq!(oracle.observe(NodeIndex::new(0), &seen).is_ok(), right);
        }
    }
}
