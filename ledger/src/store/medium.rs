//! What a store is written on: an ordered map of bytes with atomic batches and a flush.
//!
//! Invariant: a batch is applied whole or not at all, also across a crash; batches become durable in the order in which they
//! were written, all of them by the time a later flush returned.
//! Who calls it: [`super::BlockStore`], which alone knows what the keys mean.
//! Errors: [`StoreError::Io`] and, if the medium finds itself broken, [`StoreError::Damaged`].

use super::StoreError;

/// Changes that a medium makes together: a value to put, or `None` to remove.
pub type Batch = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// An entry of a medium.
pub type Entry = (Vec<u8>, Vec<u8>);

/// An ordered map of bytes that outlives the process.
pub trait Medium: Send + Sync {
    /// The value under a key.
    ///
    /// # Errors
    /// As the module says.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// At most `limit` entries with `start <= key < end`, in order.
    ///
    /// # Errors
    /// As the module says.
    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Makes all changes of a batch, later ones over earlier ones of the same key; not yet durable.
    ///
    /// # Errors
    /// As the module says.
    fn write(&self, batch: Batch) -> Result<(), StoreError>;

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// As the module says.
    fn flush(&self) -> Result<(), StoreError>;
}
