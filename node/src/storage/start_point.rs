//! Where a node's own blocks begin: behind genesis, or behind the block of a snapshot that it was restored from.
//!
//! Invariant: of blocks, receipts and events at the floor and below this node has none; its state has everything that they left.
//! Units: the floor counts the events up to its height, which is the number of the first one that comes after it.
//! Source: `docs/spec/durable.md`, "A log that begins with a snapshot".

use falaj_consensus::message::{CommitCertificate, Header};
use falaj_consensus::types::Height;
use falaj_ledger::bundle::CertifiedOutcome;
use std::sync::Arc;

/// What a node began with.
#[derive(Clone, Debug, Default)]
pub enum StartPoint {
    /// Genesis.
    #[default]
    Genesis,
    /// The state after this block.
    Snapshot(Arc<CertifiedOutcome>),
}

/// Up to where a node has no blocks and events of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Floor {
    /// The last height without a block here; 0 for a node that began with genesis.
    pub height: Height,
    /// Events up to then.
    pub events: u64,
}

impl StartPoint {
    /// What proves the snapshot that the node began with.
    #[must_use]
    pub fn snapshot(&self) -> Option<&CertifiedOutcome> {
        match self {
            Self::Genesis => None,
            Self::Snapshot(proof) => Some(proof),
        }
    }

    /// The floor.
    #[must_use]
    pub fn floor(&self) -> Floor {
        self.snapshot().map_or_else(Floor::default, |proof| Floor {
            height: proof.header().height,
            events: proof.outcome().events,
        })
    }

    /// Header and certificate of the block that the node began behind; none behind genesis.
    pub(super) fn block(&self) -> Option<(Header, CommitCertificate)> {
        self.snapshot()
            .map(|proof| (proof.header().clone(), proof.certificate()))
    }
}

#[cfg(test)]
mod tests {
    use falaj_consensus::durable::LogId;
    use falaj_consensus::hash;
    use falaj_consensus::message::Outcome;
    use falaj_consensus::types::{Hash32, ValidatorId};
    use falaj_ledger::log_tree::empty_root;

    use super::*;
    use crate::core::Divergence;
    use crate::storage::forge::{add, batch, block, certificate, logs};
    use crate::storage::{BlockRecord, RecoverError, find_decided};

    /// What proves a height, as far as a log looks at it.
    fn proof(height: u64) -> CertifiedOutcome {
        let (header, _) = block(height, None);
        let outcome = Outcome {
            version: Outcome::VERSION,
            state_root: Hash32::ZERO,
            receipts_root: empty_root(),
            events_root: empty_root(),
            events: 40,
            supply: Vec::new(),
            set_hash: Hash32::ZERO,
            parameters_hash: Hash32::ZERO,
        };
        let certificate = CommitCertificate {
            outcome: outcome.hash(),
            ..certificate(&header)
        };
        CertifiedOutcome::new(header, outcome, &certificate).unwrap()
    }

    // docs/spec/durable.md, "A log that begins with a snapshot": heights up to it are decided and not here, the next one follows.
    #[test]
    fn a_log_goes_on_behind_its_snapshot() {
        let mut logs = logs();
        logs.append(LogId::Block, &BlockRecord::restored(&proof(7)))
            .unwrap();
        let found = logs.scan().unwrap();
        let (height, events) = (Height::new(7), 40);
        assert_eq!(
            (found.height(), found.floor()),
            (height, Floor { height, events })
        );
        assert_eq!(found.last().unwrap().0, block(7, None).0);
        let own = block(8, Some(&batch(5_000)));
        let at = logs.append(LogId::Batch, &hash::encode(&batch(5_000)));
        add(&mut logs, &own, &[at.unwrap()]);
        let found = logs.scan().unwrap();
        assert_eq!(found.height(), Height::new(8));
        assert_eq!(logs.decided(&found, Height::new(8)).unwrap().header, own.0);
        for below in [1, 7] {
            let error = logs.decided(&found, Height::new(below)).unwrap_err();
            assert!(
                matches!(error, RecoverError::BelowSnapshot { .. }),
                "{error}"
            );
            assert!(
                find_decided(&logs.block, Height::new(below), 9)
                    .unwrap()
                    .is_empty()
            );
        }
        assert_eq!(
            find_decided(&logs.block, Height::new(8), 9).unwrap().len(),
            1
        );
        // What came before was ordered by blocks that are not here, and is waited for by nobody.
        let numbers = &found.numbers_of(ValidatorId::new(1)).unwrap();
        assert_eq!(numbers.contiguous(), 5_000);
    }

    // The replay parts from a quorum right behind the snapshot: the node stands on it.
    #[test]
    fn a_node_may_stand_on_its_snapshot() {
        let mut logs = logs();
        logs.append(LogId::Block, &BlockRecord::restored(&proof(7)))
            .unwrap();
        add(&mut logs, &block(8, None), &[]);
        let found = logs.scan().unwrap();
        let (header, certificate) = (block(8, None).0, certificate(&block(8, None).0));
        let divergence = Divergence {
            height: header.height,
            id: header.id(),
            own: proof(7).outcome().hash(),
            certified: certificate.outcome,
        };
        let found = logs.stop_before(found, divergence).unwrap();
        assert_eq!(found.height(), Height::new(7));
        assert_eq!(found.last().unwrap().0, block(7, None).0);
    }

    // A log has one start, and nothing stands before it.
    #[test]
    fn a_snapshot_behind_other_records_is_refused() {
        let mut logs = logs();
        add(&mut logs, &block(1, None), &[]);
        logs.append(LogId::Block, &BlockRecord::restored(&proof(7)))
            .unwrap();
        let error = logs.scan().unwrap_err();
        assert!(
            matches!(error, RecoverError::SecondStart { position: 3 }),
            "{error}"
        );
    }

    // Behind a snapshot too no height is skipped.
    #[test]
    fn a_height_skipped_behind_a_snapshot_is_refused() {
        for height in [6, 7, 9] {
            let mut logs = logs();
            logs.append(LogId::Block, &BlockRecord::restored(&proof(7)))
                .unwrap();
            add(&mut logs, &block(height, None), &[]);
            assert!(logs.scan().is_err(), "{height}");
        }
    }
}
