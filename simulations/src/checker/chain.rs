//! Validity: every decided block satisfies a reference function of its parent, written from the specification.
//!
//! Shape: the chain as all correct nodes agree on it, in order of height, with the bench that decides turns.
//! Source: `docs/spec/consensus.md`, "Valid blocks" and "Proposer choice".

use std::collections::BTreeMap;

use falaj_consensus::message::Header;
use falaj_consensus::params::Limits;
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash};
use falaj_node::core::Committed;

use super::sets::Sets;
use super::turns::Bench;
use super::{Facts, Finding, Observation};

/// A decided block, as the next one stands on it.
#[derive(Clone, Debug)]
struct Link {
    id: BlockId,
    outcome: OutcomeHash,
    time_us: u64,
    bench: Bench,
}

#[derive(Debug)]
pub(super) struct Chain {
    genesis_hash: Hash32,
    /// Genesis, then each height.
    links: Vec<Link>,
    /// Features words by height, as the books fix them; those that are not listed are 0.
    features: BTreeMap<Height, u64>,
}

impl Chain {
    pub(super) fn new(facts: &Facts) -> Self {
        let genesis = &facts.economy.genesis;
        let link = Link {
            id: BlockId::default(),
            outcome: facts.outcome.hash(),
            time_us: genesis.time_us,
            bench: Bench::default(),
        };
        Self {
            genesis_hash: genesis.hash(),
            links: vec![link],
            features: BTreeMap::new(),
        }
    }

    /// The books fix the features word of a height.
    pub(super) fn features_fixed(&mut self, height: Height, word: u64) {
        if word != 0 {
            self.features.insert(height, word);
        }
    }

    pub(super) fn observe(&mut self, sets: &Sets, seen: &Observation<'_>) -> Finding {
        let block = seen.decided();
        block.map_or(Ok(()), |block| self.decided(sets, block))
    }

    /// Whose turn it is; `None` if the height before is not decided anywhere.
    pub(super) fn proposer(&self, sets: &Sets, height: Height, round: u32) -> Option<u16> {
        let parent = self.parent(height)?;
        let members = sets.at(height);
        Some(parent.bench.proposer(members, height.get(), round))
    }

    /// What is wrong with a header as a block of its height; `None` when nothing is, or the parent is not known.
    pub(super) fn fault(&self, sets: &Sets, header: &Header) -> Option<String> {
        let parent = self.parent(header.height)?;
        let turn = self.proposer(sets, header.height, header.round.get())?;
        let word = self.features.get(&header.height).copied();
        let faults = [
            (header.version != 1, "another version"),
            (
                header.features != word.unwrap_or_default(),
                "other features",
            ),
            (header.genesis_hash != self.genesis_hash, "another chain"),
            (
                header.proposer.get() != turn,
                "a proposer whose turn it was not",
            ),
            (header.parent_id != parent.id, "another parent"),
            (
                header.parent_outcome != parent.outcome,
                "another parent outcome",
            ),
            (
                header.time_us <= parent.time_us,
                "a time not after its parent's",
            ),
            (
                header.set_hash != sets.at(header.height).hash(),
                "another validator set",
            ),
        ];
        let fault = faults.into_iter().find(|(wrong, _)| *wrong);
        fault.map(|(_, what)| format!("the block of height {} has {what}", header.height))
    }

    fn parent(&self, height: Height) -> Option<&Link> {
        let below = usize::try_from(height.get().checked_sub(1)?).ok()?;
        self.links.get(below)
    }

    fn decided(&mut self, sets: &Sets, block: &Committed) -> Finding {
        let header = &block.header;
        if header.height.get() != self.links.len() as u64 {
            return Ok(());
        }
        if let Some(fault) = self.fault(sets, header) {
            return Err(fault);
        }
        check_content(block)?;
        check_limits(block, &sets.parameters_at(header.height).limits)?;
        let parent = &self.links[self.links.len() - 1];
        let bench = parent.bench.after(
            (sets.at(header.height), sets.at(header.height.next())),
            header.height.get(),
            header.round.get(),
            header.proposer.get(),
        );
        self.links.push(Link {
            id: block.id,
            outcome: block.certificate.outcome,
            time_us: header.time_us,
            bench,
        });
        Ok(())
    }
}

/// A block has no more of anything than the parameters of its height let it.
fn check_limits(block: &Committed, limits: &Limits) -> Finding {
    let (header, body) = (&block.header, &block.body);
    let (batches, evidence) = (body.batches.len() as u64, body.evidence.len() as u64);
    let kinds = [
        (
            "transactions",
            u64::from(header.transactions),
            limits.block_transactions_max,
        ),
        (
            "bytes of transactions",
            header.transaction_bytes,
            limits.block_bytes_max,
        ),
        ("batches", batches, limits.block_batches_max),
        ("pieces of evidence", evidence, limits.block_evidence_max),
    ];
    let beyond = kinds
        .into_iter()
        .find(|(_, held, most)| *held > u64::from(*most));
    beyond.map_or(Ok(()), |(what, held, most)| {
        let height = header.height;
        Err(format!(
            "height {height} holds {held} {what}, and {most} are allowed"
        ))
    })
}

/// The transactions are as many as header and body say, and end with the inline tail.
fn check_content(block: &Committed) -> Finding {
    let Committed {
        header,
        body,
        transactions,
        ..
    } = block;
    let in_batches: u64 = body
        .batches
        .iter()
        .map(|batch| u64::from(batch.transactions))
        .sum();
    let counted = in_batches + body.inline.len() as u64;
    let held = transactions.len() as u64;
    if counted != held || u64::from(header.transactions) != held {
        return Err(format!(
            "height {} names {counted} transactions and holds {held}",
            header.height
        ));
    }
    let tail = transactions.iter().rev().map(|tx| tx.tx().to_bytes());
    let same = body
        .inline
        .iter()
        .rev()
        .zip(tail)
        .all(|(said, held)| *said == held);
    if same {
        Ok(())
    } else {
        Err(format!(
            "height {} holds another inline tail",
            header.height
        ))
    }
}
