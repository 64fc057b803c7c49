//! The last final blocks, whole, for readers that come before the store has them, for paths to their receipts, and for the states after them.
//!
//! Invariant: consecutive heights, the newest last; at most [`BLOCKS_MAX`] blocks and, beside the newest, [`TRANSACTIONS_MAX`] transactions.

use falaj_consensus::types::Height;
use falaj_ledger::log_tree::WholeTree;
use falaj_ledger::proof::ReceiptProof;
use falaj_ledger::receipt::Receipt;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crate::core::Committed;

/// Most blocks that are kept.
const BLOCKS_MAX: usize = 32;
/// Most transactions of all kept blocks but the newest.
const TRANSACTIONS_MAX: usize = 65_536;

/// A final block and, once somebody asked for a path, the tree over its receipts.
#[derive(Debug)]
pub struct RecentBlock {
    /// The block.
    pub block: Arc<Committed>,
    tree: OnceLock<WholeTree>,
}

impl RecentBlock {
    const fn new(block: Arc<Committed>) -> Self {
        let tree = OnceLock::new();
        Self { block, tree }
    }

    /// Its receipts, in order.
    #[must_use]
    pub fn receipts(&self) -> &[Receipt] {
        &self.block.executed.receipts
    }

    /// The receipt at an index, with its path.
    #[must_use]
    pub fn prove(&self, index: u32) -> Option<ReceiptProof> {
        let receipt = *self.receipts().get(usize::try_from(index).ok()?)?;
        let tree = self.tree.get_or_init(|| receipt_tree(self.receipts()));
        let inclusion = tree.prove_inclusion(u64::from(index))?;
        Some(ReceiptProof { receipt, inclusion })
    }
}

/// The tree over a block's receipts.
#[must_use]
pub fn receipt_tree(receipts: &[Receipt]) -> WholeTree {
    WholeTree::new(receipts.iter().map(Receipt::leaf_hash).collect())
}

/// The last blocks.
#[derive(Default)]
pub struct Recent {
    blocks: RwLock<VecDeque<Arc<RecentBlock>>>,
}

impl Recent {
    /// The block of a height, if it is kept.
    #[must_use]
    pub fn get(&self, height: Height) -> Option<Arc<RecentBlock>> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        let found = blocks
            .iter()
            .rev()
            .find(|recent| recent.block.header.height == height);
        found.cloned()
    }

    /// Height of the oldest that is kept.
    pub(super) fn oldest(&self) -> Option<Height> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        blocks.front().map(|recent| recent.block.header.height)
    }

    /// All that are kept, the newest last.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<RecentBlock>> {
        let blocks = self.blocks.read().unwrap_or_else(PoisonError::into_inner);
        blocks.iter().cloned().collect()
    }

    /// Keeps a new block, and drops old ones.
    pub(super) fn push(&self, block: &Arc<Committed>) -> Arc<RecentBlock> {
        let newest = Arc::new(RecentBlock::new(Arc::clone(block)));
        let mut blocks = self.blocks.write().unwrap_or_else(PoisonError::into_inner);
        while blocks.len() >= BLOCKS_MAX || transactions(&blocks) > TRANSACTIONS_MAX {
            blocks.pop_front();
        }
        blocks.push_back(Arc::clone(&newest));
        newest
    }
}

fn transactions(blocks: &VecDeque<Arc<RecentBlock>>) -> usize {
    blocks.iter().map(|recent| recent.receipts().len()).sum()
}
