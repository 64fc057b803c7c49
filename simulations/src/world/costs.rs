//! How long the work of a node takes in virtual time.
//!
//! Invariant: the n-th cost of a node depends on (seed, node, n) and the dials alone.
//! Units: nanoseconds. Base costs are those of one core of a small server; a heavy tail stands for everything that gets in the way.

use falaj_node::core::{ExecuteJob, VerifyJob};

use crate::chance::{Chance, Draws, Site};
use crate::types::NodeIndex;

const COST: Site = Site::new("node/cost");
const SIGNATURE_NS: u64 = 30_000;
const EXECUTE_NS: u64 = 100_000;
const TRANSACTION_NS: u64 = 10_000;
const STORE_NS: u64 = 500_000;
/// Nothing takes longer than so many times its base.
const TAIL: u64 = 16;

/// The costs of one node.
#[derive(Debug)]
pub(super) struct Costs {
    draws: Draws,
    /// How many times slower than usual the node is.
    slowness: u64,
}

impl Costs {
    pub(super) fn new(chance: &Chance, node: NodeIndex, slowness: u64) -> Self {
        Self {
            draws: chance.draws(COST, u64::from(node.get())),
            slowness,
        }
    }

    pub(super) fn verify_ns(&mut self, job: &VerifyJob) -> u64 {
        self.drawn(SIGNATURE_NS * signatures(job).max(1))
    }

    pub(super) fn execute_ns(&mut self, job: &ExecuteJob) -> u64 {
        self.drawn(EXECUTE_NS + TRANSACTION_NS * job.block.transactions.len() as u64)
    }

    pub(super) fn store_ns(&mut self) -> u64 {
        self.drawn(STORE_NS)
    }

    /// How long a node that lost its power stays down.
    pub(super) fn down_ns(&mut self) -> u64 {
        self.draws
            .next()
            .word(0)
            .log_uniform(10_000_000, 2_000_000_000)
    }

    /// Whether the signer's thread finds time to tidy up.
    pub(super) fn is_idle(&mut self) -> bool {
        self.draws.next().word(0).below(8) == 0
    }

    pub(super) const fn is_slow(&self) -> bool {
        self.slowness > 1
    }

    pub(super) const fn set_slowness(&mut self, slowness: u64) {
        self.slowness = slowness;
    }

    fn drawn(&mut self, base_ns: u64) -> u64 {
        let base_ns = base_ns * self.slowness;
        self.draws
            .next()
            .word(0)
            .heavy_tail(base_ns, base_ns * TAIL)
    }
}

fn signatures(job: &VerifyJob) -> u64 {
    match job {
        VerifyJob::Proposal { polka, .. } => {
            1 + polka
                .as_ref()
                .map_or(0, |polka| polka.signatures.len() as u64)
        }
        VerifyJob::Votes { votes, .. } => votes.len() as u64,
        VerifyJob::Polka { polka, .. } => polka.signatures.len() as u64,
        VerifyJob::Certificate { certificate, .. } => certificate.signatures.len() as u64,
        // About one signature for each quarter of a kilobyte.
        VerifyJob::Batch { encoded, .. } => encoded.len() as u64 / 256,
        VerifyJob::Inline { body, .. } => body.inline.len() as u64,
        VerifyJob::BlockEvidence { pieces, .. } => 2 * pieces.len() as u64,
        VerifyJob::Evidence { .. } => 2,
        VerifyJob::Submitted(submitted) => submitted.len() as u64,
    }
}
