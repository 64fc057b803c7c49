//! Blocks of the open height: header and body as they arrive, what is still missing, the verdict, the log position.
//!
//! Invariant: a body is kept only under the header that names it; a verdict is given once, when body, inline tail, evidence and every batch
//! are here and checked, and depends on their bytes and the state of the parent alone.
//! Bounds: at most [`CANDIDATES_MAX`] blocks of which nothing of ours was said, beyond those that a rule of consensus can still use.
//! What the engine remembers of a block stands on what is here, so nothing that it remembers is forgotten, nor what was recorded.
//! Source: `docs/spec/consensus.md`, "Valid blocks"; `docs/spec/dissemination.md`, "Bodies".

use falaj_consensus::driver::BLOCKS_MAX;
use falaj_consensus::durable::Position;
use falaj_consensus::engine::BodyVerdict;
use falaj_consensus::message::{BatchRef, Body, Evidence, Header, INLINE_BYTES_MAX};
use falaj_consensus::mutated;
use falaj_consensus::params::Parameters;
use falaj_consensus::types::{BatchDigest, BlockId, Height};
use falaj_ledger::execute::Executed;
use falaj_ledger::state::State;
use falaj_ledger::transaction::TxKey;
use falaj_ledger::validate::CheckedTx;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::batches::{Batches, CheckedBatch};

/// Blocks of one height that are kept beyond those that we voted for and those that consensus can still use: as many as the engine
/// remembers itself.
pub(super) const CANDIDATES_MAX: usize = BLOCKS_MAX;

/// What is known of the inline tail.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Inline {
    Unchecked,
    Checking,
    Wrong,
    Checked(Vec<Arc<CheckedTx>>),
}

/// What is known of the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proofs {
    Unchecked,
    Checking,
    Wrong,
    Right,
}

/// A block of the open height.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Arc<Body>,
    /// Whether it is valid; `None` while something is missing.
    pub verdict: Option<BodyVerdict>,
    /// Where header and body stand in the block log.
    pub position: Option<Position>,
    /// What executing it gave.
    pub executed: Option<Arc<Executed>>,
    inline: Inline,
    proofs: Proofs,
    /// Batches that were ordered before and were read back for this block, with their places.
    again: BTreeMap<BatchDigest, (Arc<CheckedBatch>, Position)>,
}

/// The blocks of the open height.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    blocks: BTreeMap<BlockId, Candidate>,
}

/// What a valid block carries that is proposed or decided, and not final yet: advice, since another block may be decided in its place.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// Its height.
    pub height: Height,
    /// Its time in microseconds since the Unix epoch.
    pub time_us: u64,
    batches: Vec<Arc<CheckedBatch>>,
    inline: Vec<Arc<CheckedTx>>,
}

impl Proposed {
    /// Whether a transaction of that key is in it.
    #[must_use]
    pub fn holds(&self, key: TxKey) -> bool {
        let batches = self.batches.iter().flat_map(|batch| &batch.transactions);
        let mut all = batches.chain(&self.inline);
        all.any(|transaction| transaction.key() == key)
    }
}

/// What a candidate still needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Missing {
    /// Batches that are not here at all.
    pub fetch: Vec<BatchDigest>,
    /// Batches that are ordered already, so that their transactions stand in the log alone.
    pub reread: Vec<BatchDigest>,
    /// Whether the inline tail was not checked yet.
    pub inline: bool,
    /// Whether the evidence was not checked yet.
    pub proofs: bool,
}

impl Missing {
    /// Whether everything is here.
    #[must_use]
    pub(super) fn is_nothing(&self) -> bool {
        self.fetch.is_empty() && self.reread.is_empty() && !self.inline && !self.proofs
    }
}

impl Candidates {
    /// Keeps a block whose header names its body. Whether it is new.
    pub(super) fn insert(&mut self, header: Header, body: Arc<Body>) -> bool {
        let id = header.id();
        if self.blocks.contains_key(&id) || !header.names(&body) {
            return false;
        }
        let inline = if body.inline.is_empty() {
            Inline::Checked(Vec::new())
        } else {
            Inline::Unchecked
        };
        let proofs = if body.evidence.is_empty() {
            Proofs::Right
        } else {
            Proofs::Unchecked
        };
        let again = BTreeMap::new();
        let candidate = Candidate {
            header,
            body,
            verdict: None,
            position: None,
            executed: None,
            inline,
            proofs,
            again,
        };
        self.blocks.insert(id, candidate);
        true
    }

    /// Forgets blocks, once there are too many: those that were never recorded and that the engine does not know any more. A recorded
    /// one, which is one that we voted for or that was decided, is never forgotten before the height is decided.
    pub(super) fn prune(&mut self, is_known: impl Fn(BlockId) -> bool) {
        if self.blocks.len() > CANDIDATES_MAX && self.unrecorded() > CANDIDATES_MAX {
            self.blocks
                .retain(|id, block| block.position.is_some() || is_known(*id));
        }
    }

    /// How many blocks were never recorded: nothing of ours names them.
    #[must_use]
    pub(super) fn unrecorded(&self) -> usize {
        let blocks = self.blocks.values();
        blocks.filter(|block| block.position.is_none()).count()
    }

    /// How many blocks there are.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// A block.
    #[must_use]
    pub(super) fn get(&self, id: &BlockId) -> Option<&Candidate> {
        self.blocks.get(id)
    }

    /// A block, to be changed.
    pub(super) fn get_mut(&mut self, id: &BlockId) -> Option<&mut Candidate> {
        self.blocks.get_mut(id)
    }

    /// Takes a block out and forgets all others: the height is decided.
    pub(super) fn decide(&mut self, id: &BlockId) -> Option<Candidate> {
        let decided = self.blocks.remove(id);
        self.blocks.clear();
        decided
    }

    /// Every batch that a block here names.
    #[must_use]
    pub(super) fn named_batches(&self) -> BTreeSet<BatchDigest> {
        let references = self.blocks.values().flat_map(|block| &block.body.batches);
        references.map(|reference| reference.digest).collect()
    }

    /// Whether one of these blocks is here and names a batch.
    #[must_use]
    pub(super) fn is_named_by(&self, ids: &BTreeSet<BlockId>, digest: &BatchDigest) -> bool {
        let blocks = ids.iter().filter_map(|id| self.blocks.get(id));
        let mut references = blocks.flat_map(|block| &block.body.batches);
        references.any(|reference| reference.digest == *digest)
    }

    /// Every valid block with its transactions.
    #[must_use]
    pub(super) fn proposed(&self, batches: &Batches) -> Vec<Proposed> {
        let valid = |block: &&Candidate| block.verdict == Some(BodyVerdict::Valid);
        let blocks = self.blocks.values().filter(valid);
        blocks.filter_map(|block| block.proposed(batches)).collect()
    }

    /// Every block without a verdict.
    #[must_use]
    pub(super) fn open(&self) -> Vec<BlockId> {
        self.blocks
            .iter()
            .filter(|(_, block)| block.verdict.is_none())
            .map(|(id, _)| *id)
            .collect()
    }
}

impl Candidate {
    /// Notes what checking the inline tail gave.
    pub(super) fn inline_checked(&mut self, transactions: Option<Vec<Arc<CheckedTx>>>) {
        self.inline = transactions.map_or(Inline::Wrong, Inline::Checked);
    }

    /// Whether the inline tail has to be handed out for checking now; it is handed out once.
    pub(super) fn begin_inline_check(&mut self) -> bool {
        let begin = self.inline == Inline::Unchecked;
        if begin {
            self.inline = Inline::Checking;
        }
        begin
    }

    /// Notes what checking the evidence gave.
    pub(super) const fn evidence_checked(&mut self, is_right: bool) {
        self.proofs = if is_right {
            Proofs::Right
        } else {
            Proofs::Wrong
        };
    }

    /// Whether the evidence has to be handed out for checking now; it is handed out once.
    pub(super) fn begin_evidence_check(&mut self) -> bool {
        let begin = self.proofs == Proofs::Unchecked;
        if begin {
            self.proofs = Proofs::Checking;
        }
        begin
    }

    /// Notes a batch that was read back from the log.
    pub(super) fn batch_again(&mut self, batch: Arc<CheckedBatch>, position: Position) {
        self.again.insert(batch.reference.digest, (batch, position));
    }

    /// What is still needed before the block can be judged.
    #[must_use]
    pub(super) fn missing(&self, batches: &Batches) -> Missing {
        let mut missing = Missing {
            inline: matches!(self.inline, Inline::Unchecked | Inline::Checking),
            proofs: matches!(self.proofs, Proofs::Unchecked | Proofs::Checking),
            ..Missing::default()
        };
        for reference in &self.body.batches {
            if batches.unordered(&reference.digest).is_some()
                || self.again.contains_key(&reference.digest)
            {
                continue;
            }
            let list = if batches.contains(&reference.digest) {
                &mut missing.reread
            } else {
                &mut missing.fetch
            };
            list.push(reference.digest);
        }
        missing
    }

    /// Judges a block of which nothing is missing, on the state of its parent.
    #[must_use]
    pub(super) fn judge(
        &self,
        batches: &Batches,
        parameters: &Parameters,
        state: &State,
    ) -> BodyVerdict {
        let inline_right = matches!(self.inline, Inline::Checked(_));
        let references_right = self.body.batches.iter().all(|reference| {
            self.batch(batches, &reference.digest)
                .is_some_and(|batch| batch.reference == *reference)
        });
        let evidence_right = self.proofs == Proofs::Right && self.is_evidence_takable(state);
        let valid =
            inline_right && evidence_right && references_right && self.within_limits(parameters);
        if valid {
            BodyVerdict::Valid
        } else {
            BodyVerdict::Invalid
        }
    }

    /// Whether the state before the block lets it carry its evidence, whatever the signatures are.
    pub(super) fn is_evidence_takable(&self, state: &State) -> bool {
        let mut offences = self.body.evidence.iter().map(Evidence::key);
        offences.all(|key| state.takes_evidence(key))
    }

    /// Limits of the parameters, and the order of the evidence.
    pub(super) fn within_limits(&self, parameters: &Parameters) -> bool {
        within_limits(&self.header, &self.body, parameters)
    }

    fn batch<'a>(
        &'a self,
        batches: &'a Batches,
        digest: &BatchDigest,
    ) -> Option<&'a Arc<CheckedBatch>> {
        let again = || self.again.get(digest).map(|(batch, _)| batch);
        batches.unordered(digest).or_else(again)
    }

    /// The block's transactions in order; `None` while something is missing.
    #[must_use]
    pub(super) fn transactions(&self, batches: &Batches) -> Option<Vec<Arc<CheckedTx>>> {
        let mut all = Vec::with_capacity(
            usize::try_from(self.header.transactions)
                .unwrap_or(0)
                .min(1 << 16),
        );
        for reference in &self.body.batches {
            all.extend(
                self.batch(batches, &reference.digest)?
                    .transactions
                    .iter()
                    .cloned(),
            );
        }
        match &self.inline {
            Inline::Checked(_) if mutated!(InlineTailDropped) => {}
            Inline::Checked(inline) => all.extend(inline.iter().cloned()),
            Inline::Unchecked | Inline::Checking | Inline::Wrong => return None,
        }
        Some(all)
    }

    /// What the block carries; `None` while something is missing.
    fn proposed(&self, batches: &Batches) -> Option<Proposed> {
        let Inline::Checked(inline) = &self.inline else {
            return None;
        };
        let references = self.body.batches.iter();
        let named = references.map(|reference| self.batch(batches, &reference.digest).cloned());
        Some(Proposed {
            height: self.header.height,
            time_us: self.header.time_us,
            batches: named.collect::<Option<_>>()?,
            inline: inline.clone(),
        })
    }

    /// Where each batch of the block stands in the log, for what may leave only when they are on disk; `None` if one is missing.
    #[must_use]
    pub(super) fn batch_positions(&self, batches: &Batches) -> Option<Vec<Position>> {
        let references = self.body.batches.iter();
        references
            .map(|BatchRef { digest, .. }| {
                let again = || self.again.get(digest).map(|(_, position)| *position);
                batches.position(digest).or_else(again)
            })
            .collect()
    }
}

/// What a header and body alone show of the limits, before anything they name is fetched.
pub(super) fn within_limits(header: &Header, body: &Body, parameters: &Parameters) -> bool {
    let limits = &parameters.limits;
    let inline_max = u64::try_from(INLINE_BYTES_MAX).unwrap_or(u64::MAX);
    u32::try_from(body.evidence.len()).is_ok_and(|count| count <= limits.block_evidence_max)
        && body.evidence.is_sorted_by(|a, b| a.key() < b.key())
        && header.transactions <= limits.block_transactions_max
        && header.transaction_bytes <= u64::from(limits.block_bytes_max)
        && u32::try_from(body.batches.len()).is_ok_and(|count| count <= limits.block_batches_max)
        && body.inline_bytes() <= inline_max
}
