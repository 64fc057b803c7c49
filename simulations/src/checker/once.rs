//! Exactly once: what is executed was issued by a client, and is executed once.
//!
//! Shape: by the key of a transaction; a second place in the chain is allowed when its receipt says that it was passed over.
//! Source: `docs/spec/ledger.md`, "What an answer is".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::types::Height;
use falaj_ledger::transaction::TxKey;
use falaj_node::core::Committed;

use super::{Finding, Observation};

#[derive(Debug, Default)]
pub(super) struct Once {
    issued: BTreeSet<TxKey>,
    executed: BTreeMap<TxKey, Height>,
    height: Height,
}

impl Once {
    pub(super) fn issued(&mut self, key: TxKey) {
        self.issued.insert(key);
    }

    pub(super) fn observe(&mut self, seen: &Observation<'_>) -> Finding {
        seen.decided().map_or(Ok(()), |block| self.decided(block))
    }

    fn decided(&mut self, block: &Committed) -> Finding {
        let height = block.header.height;
        if height <= self.height {
            return Ok(());
        }
        self.height = height;
        if block.transactions.len() != block.executed.receipts.len() {
            return Err(format!("height {height} has not one receipt a transaction"));
        }
        for (transaction, receipt) in block.transactions.iter().zip(&block.executed.receipts) {
            let key = transaction.key();
            if receipt.key != key {
                return Err(format!(
                    "height {height} has a receipt of another transaction"
                ));
            }
            if !self.issued.contains(&key) {
                return Err(format!(
                    "height {height} holds {key:?}, which nobody issued"
                ));
            }
            if receipt.verdict.is_executed()
                && let Some(before) = self.executed.insert(key, height)
            {
                return Err(format!(
                    "{key:?} was executed at {before} and again at {height}"
                ));
            }
        }
        Ok(())
    }
}
