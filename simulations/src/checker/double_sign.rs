//! No double sign: a correct validator's key says at most one thing at each height, round and kind, over its whole life.
//!
//! Shape: what was released is remembered for ever, by the bytes that were signed; height and round are read from their place in
//! the layout, not by the codec of those who sign.
//! Source: `docs/spec/encoding.md`, "Sign-bytes"; `docs/spec/guard.md`.

use std::collections::BTreeMap;

use super::{Finding, Observation};
use crate::types::NodeIndex;

/// Tag, version.
const CHAIN_ID_AT: usize = 16 + 2;
const GENESIS_HASH_BYTES: usize = 32;

type Place = (NodeIndex, u64, u32, u8);

#[derive(Debug, Default)]
pub(super) struct DoubleSign {
    said: BTreeMap<Place, Vec<u8>>,
}

impl DoubleSign {
    pub(super) fn observe(&mut self, node: NodeIndex, seen: &Observation<'_>) -> Finding {
        let Observation::Released { message, .. } = seen else {
            return Ok(());
        };
        let Some((height, round, kind)) = place(message) else {
            return Err(format!(
                "{} bytes were signed that are no statement",
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

/// Height, round and kind of a statement's sign-bytes.
fn place(message: &[u8]) -> Option<(u64, u32, u8)> {
    let (length, rest) = message.get(CHAIN_ID_AT..)?.split_first_chunk::<4>()?;
    let chain_id_bytes = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let rest = rest.get(chain_id_bytes + GENESIS_HASH_BYTES..)?;
    let (kind, rest) = rest.split_first()?;
    let (height, rest) = rest.split_first_chunk::<8>()?;
    let (round, _) = rest.split_first_chunk::<4>()?;
    let (height, round) = (u64::from_le_bytes(*height), u32::from_le_bytes(*round));
    Some((height, round, *kind))
}

#[cfg(test)]
mod tests {
    use falaj_consensus::message::Statement;
    use falaj_consensus::types::{ChainContext, Hash32, Height, Round};

    use super::*;

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
        assert_eq!(place(bytes.as_slice()), Some((7, 3, 2)));
        let other = [bytes.as_slice(), &[0]].concat();
        let mut oracle = DoubleSign::default();
        let mut say = |message: &[u8]| {
            let statement = &prevote(3);
            oracle.observe(
                NodeIndex::new(0),
                &Observation::Released { statement, message },
            )
        };
        assert_eq!(say(bytes.as_slice()), Ok(()));
        assert_eq!(say(bytes.as_slice()), Ok(()));
        assert!(say(&other).is_err());
    }
}
