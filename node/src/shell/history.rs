//! The ledger's index in the store: blocks, receipts, where a transaction is, and the event log, as immutable pages a block.
//!
//! Invariant: pages are written with their block in one atomic batch and never changed; what they say can be recomputed from the logs.
//! Shape: per height the block, its receipts and its sorted transaction keys, each in chunks of at most [`CHUNK_BYTES`]; a block is cut where
//! the bytes fill a chunk, so its last chunk is shorter, or the one behind it is missing.
//! A transaction is found by time: its id begins with its milliseconds, and it can stand only in blocks from then to the end of its life,
//! so a search over block times names a short range of heights whose key pages are read.
//! Source: `docs/spec/storage.md`, "History".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash;
use falaj_consensus::message::{Body, CommitCertificate, Header, Outcome};
use falaj_consensus::types::Height;
use falaj_ledger::receipt::Receipt;
use falaj_ledger::store::{BlockWrite, Marker, Page, Store, StoreError};
use falaj_ledger::transaction::TxKey;

use crate::core::Committed;
use crate::storage::Floor;

mod event_log;

pub use event_log::peak_pages;

/// Most bytes of a page: sled is cheapest with few, large values that stay below its own blob limit.
const CHUNK_BYTES: usize = 32 * 1024;

const BLOCK: u8 = b'b';
const RECEIPTS: u8 = b'r';
const KEYS: u8 = b'k';

/// A final block as the store keeps it; its header comes first, so that the first chunk tells the time.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockPage {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Body,
    /// Its certificate.
    pub certificate: CommitCertificate,
    /// Its outcome, whole.
    pub outcome: Outcome,
}

/// Everything of one final block that the store writes at once.
#[must_use]
pub fn block_write(block: &Committed) -> BlockWrite {
    let height = block.header.height;
    let outcome = &block.executed.outcome;
    let marker = Marker {
        height,
        block_id: block.id,
        outcome: outcome.hash(),
        state_root: outcome.state_root,
    };
    let mut pages = block_pages(height, &page_of(block));
    pages.extend(chunks(
        RECEIPTS,
        height,
        block.executed.receipts.iter().map(Receipt::to_leaf),
    ));
    pages.extend(chunks(
        KEYS,
        height,
        sorted_keys(&block.executed.receipts)
            .iter()
            .map(hash::encode),
    ));
    pages.extend(event_log::pages(&block.executed));
    BlockWrite {
        marker,
        write_set: block.executed.write_set.clone(),
        pages,
    }
}

fn page_of(block: &Committed) -> BlockPage {
    BlockPage {
        header: block.header.clone(),
        body: (*block.body).clone(),
        certificate: block.certificate.clone(),
        outcome: block.executed.outcome.clone(),
    }
}

/// A certificate of a hundred RSA signatures is as long as a whole page, so a block has as many as it needs.
fn block_pages(height: Height, block: &BlockPage) -> Vec<Page> {
    let bytes = hash::encode(block);
    let chunks = bytes.chunks(CHUNK_BYTES).zip(0..);
    let page = |(value, chunk): (&[u8], u32)| Page {
        key: key(BLOCK, height, chunk),
        value: value.to_vec(),
    };
    chunks.map(page).collect()
}

fn sorted_keys(receipts: &[Receipt]) -> Vec<(TxKey, u32)> {
    let mut keys: Vec<_> = receipts
        .iter()
        .map(|receipt| receipt.key)
        .zip(0_u32..)
        .collect();
    keys.sort_unstable();
    keys
}

fn key(kind: u8, height: Height, chunk: u32) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&height.get().to_be_bytes());
    key.extend_from_slice(&chunk.to_be_bytes());
    key
}

/// Length-prefixed items, packed into the pages of a height.
fn chunks(kind: u8, height: Height, items: impl Iterator<Item = Vec<u8>>) -> Vec<Page> {
    let packs = packed(items).into_iter().zip(0..);
    let page = |((value, _), chunk)| Page {
        key: key(kind, height, chunk),
        value,
    };
    packs.map(page).collect()
}

/// Length-prefixed items, packed into as few values as they fit; with each, how many it holds.
fn packed(items: impl Iterator<Item = Vec<u8>>) -> Vec<(Vec<u8>, u64)> {
    let mut packs: Vec<(Vec<u8>, u64)> = Vec::new();
    for item in items.map(|item| hash::encode(&item)) {
        let fits = |value: &[u8]| value.len().saturating_add(item.len()) <= CHUNK_BYTES;
        match packs.last_mut().filter(|(value, _)| fits(value)) {
            Some((value, count)) => {
                value.extend(item);
                *count = count.saturating_add(1);
            }
            None => packs.push((item, 1)),
        }
    }
    packs
}

fn unpack(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        items.push(BorshDeserialize::deserialize(&mut bytes).ok()?);
    }
    Some(items)
}

/// Reads the index of a store; nothing at its floor and below is there.
#[derive(Clone, Copy)]
pub struct History<'a> {
    store: &'a dyn Store,
    floor: Floor,
}

impl<'a> History<'a> {
    /// Reads that store, which has blocks and events from above that floor on.
    #[must_use]
    pub const fn new(store: &'a dyn Store, floor: Floor) -> Self {
        Self { store, floor }
    }

    /// A final block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn block(&self, height: Height) -> Result<Option<BlockPage>, StoreError> {
        let Some(mut bytes) = self.store.get(&key(BLOCK, height, 0))? else {
            return Ok(None);
        };
        let (mut last, mut chunk) = (bytes.len(), 1);
        // An earlier build wrote a block as one page, which may be longer than a chunk and has none behind it.
        while last >= CHUNK_BYTES
            && let Some(more) = self.store.get(&key(BLOCK, height, chunk))?
        {
            (last, chunk) = (more.len(), chunk.saturating_add(1));
            bytes.extend(more);
        }
        borsh::from_slice(&bytes)
            .map(Some)
            .map_err(|_| damaged(height, "block page"))
    }

    /// The time of a final block, in microseconds.
    fn time_us(&self, height: Height) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.store.get(&key(BLOCK, height, 0))? else {
            return Ok(None);
        };
        Header::deserialize(&mut bytes.as_slice())
            .map(|header| Some(header.time_us))
            .map_err(|_| damaged(height, "block page"))
    }

    /// A final block's receipts, in order; empty for a height that is not there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipts(&self, height: Height) -> Result<Vec<Receipt>, StoreError> {
        let leaves = self.items(RECEIPTS, height)?;
        leaves
            .iter()
            .map(|leaf| Receipt::from_leaf(leaf).ok_or_else(|| damaged(height, "receipt")))
            .collect()
    }

    /// Indexes of a key's receipts in a block, in order. A key that was tried more than once, or came twice, has several.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn indexes_of(&self, height: Height, wanted: TxKey) -> Result<Vec<u32>, StoreError> {
        let mut indexes = Vec::new();
        for item in self.items(KEYS, height)? {
            let (found, index): (TxKey, u32) =
                borsh::from_slice(&item).map_err(|_| damaged(height, "key page"))?;
            if found == wanted {
                indexes.push(index);
            }
        }
        Ok(indexes)
    }

    /// Height and index of a key's answer among the heights from the first here to `last`, newest block times by bisection: the one receipt that is final for it,
    /// executed or pinned, wherever it stands among skipped and failed tries; without one, the last try.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn find(
        &self,
        wanted: TxKey,
        life_ms: u64,
        last: Height,
    ) -> Result<Option<(Height, u32)>, StoreError> {
        let from_us = wanted
            .id
            .time_ms()
            .saturating_sub(60_000)
            .saturating_mul(1_000);
        let until_us = wanted
            .id
            .time_ms()
            .saturating_add(life_ms)
            .saturating_mul(1_000);
        let mut height = self.first_at_or_after(from_us, last)?;
        let mut last_try = None;
        while height <= last {
            let time_us = self.time_us(height)?;
            if time_us.is_none_or(|time_us| time_us > until_us) {
                break;
            }
            let tries = self.indexes_of(height, wanted)?;
            if let Some(index) = self.final_among(height, &tries)? {
                return Ok(Some((height, index)));
            }
            last_try = tries.last().map(|index| (height, *index)).or(last_try);
            height = height.next();
        }
        Ok(last_try)
    }

    /// The index of the final one of some receipts of a block.
    fn final_among(&self, height: Height, indexes: &[u32]) -> Result<Option<u32>, StoreError> {
        if indexes.is_empty() {
            return Ok(None);
        }
        let receipts = self.receipts(height)?;
        let is_final = |index: &u32| {
            let receipt = usize::try_from(*index).ok().and_then(|at| receipts.get(at));
            receipt.is_some_and(|receipt| receipt.verdict.is_final())
        };
        Ok(indexes.iter().copied().find(is_final))
    }

    /// The first height here whose block time is at or after a time; one above `last` if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn first_at_or_after(&self, time_us: u64, last: Height) -> Result<Height, StoreError> {
        let first = self.floor.height.next().get();
        let (mut low, mut high) = (first, last.get().saturating_add(1).max(first));
        while low < high {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            let before = self
                .time_us(Height::new(middle))?
                .is_some_and(|middle_us| middle_us < time_us);
            if before {
                low = middle.saturating_add(1)
            } else {
                high = middle
            }
        }
        Ok(Height::new(low))
    }

    fn items(&self, kind: u8, height: Height) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut items = Vec::new();
        for chunk in 0.. {
            let Some(bytes) = self.store.get(&key(kind, height, chunk))? else {
                break;
            };
            items.extend(unpack(&bytes).ok_or_else(|| damaged(height, "chunk"))?);
        }
        Ok(items)
    }
}

fn damaged(height: Height, what: &'static str) -> StoreError {
    StoreError::Damaged {
        place: format!("history of height {height}"),
        what,
    }
}

#[cfg(test)]
mod tests;
