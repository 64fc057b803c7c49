//! The rules of a valid block that need no execution, judged of a block that a node says was decided.
//!
//! Invariant: everything is taken from the state that re-execution gave, nothing from the node: set, bench, parameters, parent.
//! A quorum's signatures do not stand in for a rule.
//! Errors: the first rule that does not hold, by name.
//! Source: `docs/spec/consensus.md`, "Valid blocks", "Proposer choice".

use anyhow::{Context as _, Result, ensure};
use falaj_consensus::message::{Body, Header, INLINE_BYTES_MAX};
use falaj_consensus::proposer::proposer;
use falaj_consensus::types::{BlockId, Hash32, OutcomeHash};
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::state::State;

/// What a block stands on.
pub(super) struct Parent<'a> {
    pub(super) genesis_hash: Hash32,
    /// The state that the block before left.
    pub(super) state: &'a State,
    pub(super) id: BlockId,
    pub(super) outcome: OutcomeHash,
}

impl Parent<'_> {
    /// That header and body follow from the block before and from the state that it left.
    pub(super) fn check(&self, header: &Header, body: &Body) -> Result<()> {
        self.check_chain(header)?;
        self.check_turn(header)?;
        ensure!(header.names(body), "the header does not name this body");
        self.check_limits(header, body)?;
        self.check_evidence(body)
    }

    /// Each piece is of an offence that the state lets a block carry, in order, and proves it under the set of its height.
    fn check_evidence(&self, body: &Body) -> Result<()> {
        ensure!(
            body.evidence.is_sorted_by(|a, b| a.key() < b.key()),
            "the evidence is out of order"
        );
        for evidence in &body.evidence {
            let key = evidence.key();
            ensure!(
                self.state.takes_evidence(key),
                "evidence of height {} may not be carried",
                key.height
            );
            let context = Context {
                chain: &self.state.context(),
                set: &self.state.validators_at(key.height),
                checker: &RealChecker,
            };
            let proof = context.evidence(evidence.clone());
            proof.context("evidence proves nothing")?;
        }
        Ok(())
    }

    fn check_chain(&self, header: &Header) -> Result<()> {
        let height = self.state.height().next();
        let set_hash = self.state.validators_at(height).hash();
        let rules = [
            (header.version == Header::VERSION, "version"),
            (
                header.features == self.state.features_at(height),
                "set of features",
            ),
            (header.genesis_hash == self.genesis_hash, "genesis"),
            (header.height == height, "height"),
            (header.parent_id == self.id, "parent"),
            (
                header.parent_outcome == self.outcome,
                "outcome of the parent",
            ),
            (header.time_us > self.state.time_us(), "time"),
            (header.set_hash == set_hash, "validator set"),
        ];
        let wrong = rules.iter().find(|(holds, _)| !holds);
        wrong.map_or(Ok(()), |(_, what)| {
            anyhow::bail!("the header states another {what}")
        })
    }

    /// The proposer is whose turn the header's round is, under the bench that the block before left.
    fn check_turn(&self, header: &Header) -> Result<()> {
        let set = self.state.validators_at(header.height);
        let turn = proposer(&set, &self.state.bench(), header.height, header.round);
        ensure!(
            header.proposer == turn,
            "the header is of validator {}, round {} was the turn of {}",
            header.proposer.get(),
            header.round.get(),
            turn.get()
        );
        Ok(())
    }

    fn check_limits(&self, header: &Header, body: &Body) -> Result<()> {
        let limits = self.state.parameters_at(header.height).limits;
        let batches = u64::try_from(body.batches.len())?;
        let inline_max = u64::try_from(INLINE_BYTES_MAX)?;
        let evidence = u64::try_from(body.evidence.len())?;
        let bounds = [
            (
                u64::from(header.transactions),
                u64::from(limits.block_transactions_max),
                "transactions",
            ),
            (
                header.transaction_bytes,
                u64::from(limits.block_bytes_max),
                "bytes of transactions",
            ),
            (batches, u64::from(limits.block_batches_max), "batches"),
            (
                evidence,
                u64::from(limits.block_evidence_max),
                "pieces of evidence",
            ),
            (body.inline_bytes(), inline_max, "inline bytes"),
        ];
        let over = bounds.iter().find(|(found, most, _)| found > most);
        over.map_or(Ok(()), |(found, most, what)| {
            anyhow::bail!("the block has {found} {what}, at most {most} are allowed")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::message::BatchRef;
    use falaj_consensus::params::Limits;
    use falaj_consensus::types::{BatchDigest, Round, ValidatorId};
    use falaj_ledger::testing;

    /// What is wrong with a first block whose batches are these.
    fn problem(limits: &Limits, batches: Vec<BatchRef>) -> Option<String> {
        let mut genesis = testing::genesis();
        genesis.parameters.limits = *limits;
        let opened = State::open(&genesis).unwrap();
        let body = Body {
            batches,
            ..Body::default()
        };
        let (state, (transactions, transaction_bytes)) = (opened.state, body.totals());
        let (height, round) = (state.height().next(), Round::new(0));
        let set = state.validators_at(height);
        let header = Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: genesis.hash(),
            height,
            round,
            proposer: proposer(&set, &state.bench(), height, round),
            parent_id: BlockId::default(),
            parent_outcome: opened.outcome.hash(),
            time_us: state.time_us() + 1,
            set_hash: set.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: u32::try_from(transactions).unwrap(),
            transaction_bytes,
        };
        let parent = Parent {
            genesis_hash: genesis.hash(),
            state: &state,
            id: BlockId::default(),
            outcome: opened.outcome.hash(),
        };
        let checked = parent.check(&header, &body);
        checked.err().map(|error| error.to_string())
    }

    fn batch(transactions: u32, bytes: u64) -> BatchRef {
        BatchRef {
            digest: BatchDigest::new(Hash32::ZERO),
            author: ValidatorId::new(1),
            seq: 1,
            transactions,
            bytes,
        }
    }

    // Goal: each limit of the parameters, at its bound and one above.
    #[test]
    fn a_block_above_a_limit_is_found() {
        let limits = testing::genesis().parameters.limits;
        let (transactions, bytes) = (
            limits.block_transactions_max,
            u64::from(limits.block_bytes_max),
        );
        let count = usize::try_from(limits.block_batches_max).unwrap();
        assert_eq!(problem(&limits, vec![batch(transactions, bytes)]), None);
        assert_eq!(problem(&limits, vec![batch(0, 0); count]), None);
        for (batches, what) in [
            (vec![batch(transactions + 1, 0)], "transactions"),
            (vec![batch(0, bytes + 1)], "bytes of transactions"),
            (vec![batch(0, 0); count + 1], "batches"),
        ] {
            let found = problem(&limits, batches).expect(what);
            assert!(found.contains(what), "{found}");
        }
    }
}
