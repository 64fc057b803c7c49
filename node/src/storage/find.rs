//! Finding decided heights in the block log, without an index of them.
//!
//! Invariant: what is found is a height's certificate with the header and body that it is of; a record that is not is passed over.
//! Shape: certificates stand in the log in order of height, but where a crash had heights decided again; so their place is found by
//! halving, a mark of the log at a time, and then by reading on. Nothing is kept in memory, and a find reads little more than a
//! mark's distance of the log and what it gives.
//! Who calls it: the thread that reads the block log, for peers that are behind; recovery.
//! Errors: [`LogError`] of the log.
//! Source: `docs/spec/durable.md`, "Decided heights".

use falaj_consensus::durable::{Disk, FramedLog, LogError, Position, Records};
use falaj_consensus::message::{Body, CommitCertificate, Header};
use falaj_consensus::types::Height;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::BlockRecord;
use super::record::Decided;

/// A decided height as the block log holds it.
#[derive(Clone, Debug)]
pub struct DecidedRecord {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Arc<Body>,
    /// Its certificate.
    pub certificate: CommitCertificate,
    /// Where header and body stand.
    pub body_at: Position,
    /// Where the certificate stands.
    pub certificate_at: Position,
    /// Where its batches stood in the batch log when it was decided, in the body's order.
    pub batches_at: Vec<Position>,
}

/// The decided heights from one on, as many as are here in a row, at most `count`.
///
/// # Errors
/// [`LogError`] when the disk fails or a record is damaged.
pub fn find_decided<D: Disk>(
    log: &FramedLog<D>,
    from: Height,
    count: u16,
) -> Result<Vec<DecidedRecord>, LogError> {
    let (mut found, mut next) = (Vec::new(), from);
    let mut certificates = Certificates::before(log, from)?;
    while found.len() < usize::from(count) {
        let Some(record) = certificates.next_of(next)? else {
            break;
        };
        found.push(record);
        next = next.next();
    }
    Ok(found)
}

/// The certificates of a block log from a place on, with what was proposed on the way.
pub(super) struct Certificates<'a, D: Disk> {
    log: &'a FramedLog<D>,
    records: Records<'a, D>,
    /// Records of blocks since the certificate that was looked at before: nearly always the next one's is among them. Few are wanted,
    /// so they are not decoded yet.
    proposed: BTreeMap<Position, Vec<u8>>,
}

impl<'a, D: Disk> Certificates<'a, D> {
    /// From a place before the certificate of a height, and little before it.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails or a record is damaged.
    pub(super) fn before(log: &'a FramedLog<D>, height: Height) -> Result<Self, LogError> {
        let mut start = log.first();
        let (mut low, mut high) = (log.first().get(), log.last().get().saturating_add(1));
        while high.saturating_sub(low) > 1 {
            let middle = low.saturating_add(high.saturating_sub(low) / 2);
            let mark = log.mark_before(Position::new(middle));
            if mark <= start {
                low = middle;
                continue;
            }
            let first = Self::from(log, mark).next_height()?;
            if first.is_some_and(|first| first < height) {
                (start, low) = (mark, middle);
            } else {
                high = mark.get();
            }
        }
        Ok(Self::from(log, start))
    }

    fn from(log: &'a FramedLog<D>, start: Position) -> Self {
        Self {
            log,
            records: log.iter_from(start),
            proposed: BTreeMap::new(),
        }
    }

    /// The next record of that height's certificate with its block; none if none is left.
    ///
    /// # Errors
    /// [`LogError`] when the disk fails or a record is damaged.
    pub(super) fn next_of(&mut self, height: Height) -> Result<Option<DecidedRecord>, LogError> {
        while let Some((position, record)) = self.next_record()? {
            if BlockRecord::height_decided(&record) == Some(height)
                && let Some(BlockRecord::Decided(decided)) = BlockRecord::decode(&record)
                && let Some(record) = self.whole(position, decided)?
            {
                return Ok(Some(record));
            }
            self.proposed.clear();
        }
        Ok(None)
    }

    /// The height of the next certificate.
    fn next_height(&mut self) -> Result<Option<Height>, LogError> {
        let record = self.next_record()?;
        Ok(record.and_then(|(_, record)| BlockRecord::height_decided(&record)))
    }

    /// The next record of a certificate; those of blocks on the way are kept.
    fn next_record(&mut self) -> Result<Option<(Position, Vec<u8>)>, LogError> {
        for record in self.records.by_ref() {
            let (position, bytes) = record?;
            if BlockRecord::height_decided(&bytes).is_some() {
                return Ok(Some((position, bytes)));
            }
            self.proposed.insert(position, bytes);
        }
        Ok(None)
    }

    /// A certificate with its header and body; none if they are not where it says.
    fn whole(
        &mut self,
        certificate_at: Position,
        decided: Decided,
    ) -> Result<Option<DecidedRecord>, LogError> {
        let body_at = Position::new(decided.body);
        let block = match self.proposed.remove(&body_at) {
            Some(record) => block_of(&record),
            None => self.read_block(body_at)?,
        };
        let certificate = decided.certificate;
        let is_of = |(header, body): &(Header, Body)| {
            header.id() == certificate.id && body.batches.len() == decided.batches.len()
        };
        Ok(block.filter(is_of).map(|(header, body)| DecidedRecord {
            header,
            body: Arc::new(body),
            certificate,
            body_at,
            certificate_at,
            batches_at: decided.batches.into_iter().map(Position::new).collect(),
        }))
    }

    fn read_block(&self, position: Position) -> Result<Option<(Header, Body)>, LogError> {
        let records = self.log.read_present(&[position], usize::MAX)?;
        Ok(records.first().and_then(|(_, record)| block_of(record)))
    }
}

/// The block that a record holds, if it is one of a block.
fn block_of(record: &[u8]) -> Option<(Header, Body)> {
    match BlockRecord::decode(record)? {
        BlockRecord::Proposed { header, body } => Some((header, body)),
        BlockRecord::Decided(_)
        | BlockRecord::Polka(_)
        | BlockRecord::Conflicting(_)
        | BlockRecord::Restored(_) => None,
    }
}

#[cfg(test)]
mod tests;
