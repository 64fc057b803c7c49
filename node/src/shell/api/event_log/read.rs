//! The event log as this node can read it: the last final blocks in memory, and everything that the store has.
//!
//! Invariant: what is read from either is the same log; the store comes a moment after memory, so between the two nothing is missing.
//! Units: sequence numbers from 0, sizes in events.
//! Errors: [`ReadError::NotHere`] for what has left memory before the store had it, which passes.

use falaj_consensus::message::{CommitCertificate, Header, Outcome};
use falaj_consensus::types::{Hash32, Height};
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::event::Event;
use falaj_ledger::log_tree::{Subtrees, node_hash};
use falaj_ledger::store::{Store, StoreError};
use std::sync::Arc;

use crate::shell::history::History;
use crate::shell::view::{RecentBlock, View};
use crate::storage::Floor;

/// Why the log was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is neither in memory nor in the store.
    #[error("neither memory nor the store has it")]
    NotHere,
    /// It is from before the snapshot that this node began with, at this height.
    #[error("this node began with the snapshot of height {0}")]
    BeforeSnapshot(Height),
    /// Genesis has no certificate.
    #[error("genesis has no certificate")]
    Genesis,
}

/// The log, for one request.
pub(super) struct Log<'a> {
    history: History<'a>,
    floor: Floor,
    recent: Vec<Arc<RecentBlock>>,
    /// The page that was read last.
    page: Vec<Event>,
}

impl<'a> Log<'a> {
    /// Looks at memory first: what leaves it meanwhile is in the store by then, unless that is far behind.
    pub(super) fn open(view: &View, store: &'a dyn Store, floor: Floor) -> Self {
        let recent = view.recent().all();
        Self {
            history: History::new(store, floor),
            floor,
            recent,
            page: Vec::new(),
        }
    }

    /// How many events there were after a final block; none at genesis.
    pub(super) fn size_at(&self, height: Height) -> Result<u64, ReadError> {
        if height == self.floor.height {
            return Ok(self.floor.events);
        }
        let (_, outcome, _) = self.block(height)?;
        Ok(outcome.events)
    }

    /// How many there were before a height.
    pub(super) fn size_before(&self, height: Height) -> Result<u64, ReadError> {
        self.size_at(Height::new(height.get().saturating_sub(1)))
    }

    /// Header and outcome of a final block under their certificate.
    pub(super) fn certified(&self, height: Height) -> Result<CertifiedOutcome, ReadError> {
        if height == Height::new(0) {
            return Err(ReadError::Genesis);
        }
        let (header, outcome, certificate) = self.block(height)?;
        CertifiedOutcome::new(header, outcome, &certificate).ok_or(ReadError::NotHere)
    }

    fn block(&self, height: Height) -> Result<(Header, Outcome, CommitCertificate), ReadError> {
        let mut blocks = self.recent.iter().map(|recent| &recent.block);
        if let Some(block) = blocks.find(|block| block.header.height == height) {
            let outcome = block.executed.outcome.clone();
            return Ok((block.header.clone(), outcome, block.certificate.clone()));
        }
        if height <= self.floor.height {
            return Err(ReadError::BeforeSnapshot(self.floor.height));
        }
        let page = self.history.block(height)?.ok_or(ReadError::NotHere)?;
        Ok((page.header, page.outcome, page.certificate))
    }

    /// At most so many events from a number on, of a log of that size.
    pub(super) fn events(
        &self,
        first: u64,
        size: u64,
        limit: usize,
    ) -> Result<Vec<Event>, ReadError> {
        let left = usize::try_from(size.saturating_sub(first)).unwrap_or(usize::MAX);
        let limit = limit.min(left);
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.expect_begun(first)?;
        let recent: Vec<Event> = self.recent_from(first).take(limit).cloned().collect();
        if !recent.is_empty() {
            return Ok(recent);
        }
        let mut events = self.history.events_from(first, limit)?;
        let next = events.last().map_or(first, |last| last.sequence + 1);
        let missing = limit.saturating_sub(events.len());
        events.extend(self.recent_from(next).take(missing).cloned());
        if events.is_empty() {
            return Err(ReadError::NotHere);
        }
        Ok(events)
    }

    /// Refuses the events that were before this node was.
    fn expect_begun(&self, sequence: u64) -> Result<(), ReadError> {
        if sequence >= self.floor.events {
            return Ok(());
        }
        Err(ReadError::BeforeSnapshot(self.floor.height))
    }

    /// The events in memory from a number on; none if that one is not there.
    fn recent_from(&self, first: u64) -> impl Iterator<Item = &Event> {
        let blocks = self.recent.iter().map(|recent| &recent.block.executed);
        let mut rest = blocks
            .flat_map(|executed| &executed.events)
            .skip_while(move |event| event.sequence < first)
            .peekable();
        let begins = rest.peek().is_some_and(|event| event.sequence == first);
        rest.filter(move |_| begins)
    }

    fn leaf(&mut self, sequence: u64) -> Result<Hash32, ReadError> {
        if let Some(event) = self.recent_from(sequence).next() {
            return Ok(event.leaf_hash());
        }
        self.expect_begun(sequence)?;
        if !holds(&self.page, sequence) {
            self.page = self.history.event_page(sequence)?;
        }
        let found = self.page.iter().find(|event| event.sequence == sequence);
        Ok(found.ok_or(ReadError::NotHere)?.leaf_hash())
    }
}

fn holds(page: &[Event], sequence: u64) -> bool {
    let first = page.first().map(|event| event.sequence);
    let last = page.last().map(|event| event.sequence);
    first
        .zip(last)
        .is_some_and(|(first, last)| (first..=last).contains(&sequence))
}

/// A root that is stored is read; a smaller one, and one that the store does not have yet, is computed from its events.
impl Subtrees for Log<'_> {
    type Error = ReadError;

    fn complete(&mut self, start: u64, level: u32) -> Result<Hash32, ReadError> {
        let Some(below) = level.checked_sub(1) else {
            return self.leaf(start);
        };
        if let Some(root) = self.history.event_root(start, level)? {
            return Ok(root);
        }
        let half = 1_u64 << below;
        let left = self.complete(start, below)?;
        let right = self.complete(start.saturating_add(half), below)?;
        Ok(node_hash(&left, &right))
    }
}
