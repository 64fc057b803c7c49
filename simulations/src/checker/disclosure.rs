//! Durable before disclosed: what a frame says is on the sender's own disk when it leaves.
//!
//! Shape: per node, where each record stands that a frame can speak of, and how far each log is proven. A restart keeps what
//! recovery found, which opening the logs has put on disk.
//! Source: `docs/spec/durable.md`, "The rule"; `docs/spec/dissemination.md`, "Batches".

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::durable::{LogId, Position};
use falaj_consensus::message::{
    BATCH_BYTES_MAX, Batch, Body, Kind, PrevoteValue, Statement, decode,
};
use falaj_consensus::types::{BatchDigest, BlockId, Height, Round, ValidatorId, ValidatorIndex};
use falaj_hsm::Place;
use falaj_node::core::{Ack, Frame, Message};
use falaj_node::storage::BlockRecord;

use super::sets::Sets;
use super::{Facts, Finding, Observation};
use crate::economy::validator_of;
use crate::types::NodeIndex;

#[derive(Clone, Debug)]
struct Disk {
    block: Position,
    batch: Position,
    bodies: BTreeMap<BlockId, (Position, Vec<BatchDigest>)>,
    certificates: BTreeMap<Height, Position>,
    /// Polkas that the node acted on.
    polkas: BTreeMap<(Height, Round, BlockId), Position>,
    /// What was precommitted since the process started, at heights that it has not decided.
    locked: BTreeSet<(Height, Round, BlockId)>,
    batches: BTreeMap<BatchDigest, Position>,
    numbers: BTreeMap<(ValidatorId, u64), (Position, BatchDigest)>,
    /// What the guard had recorded when the process started: of the blocks that a crash took, these prevotes may name some.
    recorded: Place,
    /// The last place of which a signature was let out: a guard that has not recorded it could sign there again.
    released: Place,
    /// Of each author's numbers, how many were found on disk without a gap.
    acknowledged: BTreeMap<ValidatorId, u64>,
    /// Whether it began with a snapshot: what blocks below it ordered is not here, and an author's numbers count from the first
    /// acknowledgement on, which is below the first batch that the author sent here or a decided block named.
    began_late: bool,
}

#[derive(Debug)]
pub(super) struct Disclosure {
    disks: Vec<Disk>,
    /// Whether somebody could make batches in another's name.
    has_liars: bool,
}

impl Disclosure {
    pub(super) fn new(facts: &Facts) -> Self {
        Self {
            disks: vec![Disk::new(); usize::from(facts.validators)],
            has_liars: !facts.byzantine.is_empty(),
        }
    }

    pub(super) fn observe(
        &mut self,
        sets: &Sets,
        node: NodeIndex,
        seen: &Observation<'_>,
    ) -> Finding {
        let disk = &mut self.disks[node.position()];
        match seen {
            Observation::Started {
                block,
                batch,
                guard,
                ..
            } => {
                disk.restarted(*block, *batch);
                disk.recorded = *guard;
                disk.guard_restarted(*guard)
            }
            Observation::Released { statement, .. } => {
                disk.released = disk.released.max(Place::of(statement));
                // The guard of an earlier life may hold the only polka of what it recorded.
                let is_new = Place::of(statement) > disk.recorded;
                if let (Kind::Precommit, Some(id), true) =
                    (statement.kind(), statement.block(), is_new)
                {
                    disk.locked
                        .insert((statement.height(), statement.round(), id));
                }
                Ok(())
            }
            Observation::Appended {
                log,
                position,
                record,
            } => {
                let own = (!self.has_liars).then(|| validator_of(node));
                disk.appended(own, *log, *position, record)
            }
            Observation::Durable { log, upto } => {
                disk.synced(*log, *upto);
                Ok(())
            }
            Observation::Sent(frame) => disk.sent(sets, node, frame),
            Observation::Replayed(_)
            | Observation::Intended(_)
            | Observation::Received(_)
            | Observation::Committed(_)
            | Observation::Reported(_)
            | Observation::Held { .. } => Ok(()),
        }
    }
}

impl Disk {
    fn new() -> Self {
        Self {
            block: Position::START,
            batch: Position::START,
            bodies: BTreeMap::new(),
            certificates: BTreeMap::new(),
            polkas: BTreeMap::new(),
            locked: BTreeSet::new(),
            batches: BTreeMap::new(),
            numbers: BTreeMap::new(),
            recorded: Place::GENESIS,
            released: Place::GENESIS,
            acknowledged: BTreeMap::new(),
            began_late: false,
        }
    }

    fn restarted(&mut self, block: Position, batch: Position) {
        self.bodies.retain(|_, (at, _)| *at <= block);
        self.certificates.retain(|_, at| *at <= block);
        self.polkas.retain(|_, at| *at <= block);
        self.locked.clear();
        self.batches.retain(|_, at| *at <= batch);
        self.numbers.retain(|_, (at, _)| *at <= batch);
        (self.block, self.batch) = (block, batch);
        if self.began_late {
            // What it counted as held without any batch is in no log, and is counted anew.
            self.acknowledged.clear();
        }
    }

    /// A signature leaves when its intent is on disk, so a restart finds it there.
    fn guard_restarted(&self, guard: Place) -> Finding {
        if guard < self.released {
            Err(format!(
                "a signature at {} was let out, and after a restart the guard stands at {guard}",
                self.released
            ))
        } else {
            Ok(())
        }
    }

    fn synced(&mut self, log: LogId, upto: Position) {
        match log {
            LogId::Block => self.block = upto,
            LogId::Batch => self.batch = upto,
            LogId::Guard | LogId::Audit => {}
        }
    }

    fn appended(
        &mut self,
        own: Option<ValidatorId>,
        log: LogId,
        at: Position,
        record: &[u8],
    ) -> Finding {
        match log {
            LogId::Block => {
                let record = BlockRecord::decode(record).ok_or("a block record has no meaning")?;
                return self.block_record(at, record);
            }
            LogId::Batch => {
                let batch: Batch = decode("batch", record, BATCH_BYTES_MAX)
                    .map_err(|_| "a batch record has no meaning")?;
                return self.batch_record(own, at, &batch, Batch::digest_of(record));
            }
            LogId::Guard | LogId::Audit => {}
        }
        Ok(())
    }

    /// An author gives each number once; where others may make batches in its name, its disk does not say which are its own.
    fn batch_record(
        &mut self,
        own: Option<ValidatorId>,
        at: Position,
        batch: &Batch,
        digest: BatchDigest,
    ) -> Finding {
        self.batches.entry(digest).or_insert(at);
        let number = (batch.author, batch.seq);
        let (_, first) = self.numbers.entry(number).or_insert((at, digest));
        if *first != digest && own == Some(batch.author) {
            return Err(format!("its author gave number {} twice", batch.seq));
        }
        Ok(())
    }

    fn block_record(&mut self, at: Position, record: BlockRecord) -> Finding {
        match record {
            BlockRecord::Proposed { header, body } => {
                let batches = digests(&body);
                self.bodies.entry(header.id()).or_insert((at, batches));
            }
            // Heights up to that of the snapshot count as decided, and it is the one that is stated.
            BlockRecord::Restored(proof) => {
                self.certificates.insert(proof.header().height, at);
                self.began_late = true;
            }
            BlockRecord::Decided(decided) => {
                let height = decided.certificate.height;
                self.certificates.insert(height, at);
                let later =
                    self.locked
                        .split_off(&(height.next(), Round::new(0), BlockId::default()));
                let mut locked = std::mem::replace(&mut self.locked, later).into_iter();
                let lacks =
                    locked.find(|place| place.0 == height && !self.polkas.contains_key(place));
                if let Some((_, round, id)) = lacks {
                    return Err(format!(
                        "height {height} is decided, and the polka of its lock on {id} in round {round} was not written"
                    ));
                }
            }
            BlockRecord::Polka(polka) => {
                let place = (polka.height, polka.round, polka.id);
                self.polkas.entry(place).or_insert(at);
            }
            BlockRecord::Conflicting(_) => {}
        }
        Ok(())
    }

    fn sent(&mut self, sets: &Sets, node: NodeIndex, frame: &Frame) -> Finding {
        let is_own = |height: Height, author: ValidatorIndex| {
            sets.at(height).node(author.get()) == Some(node)
        };
        self.height(frame.height)?;
        frame.acks.iter().try_for_each(|ack| self.ack(*ack))?;
        match &frame.message {
            Some(Message::Votes(votes)) => votes
                .iter()
                .filter(|vote| is_own(vote.height, vote.validator))
                .try_for_each(|vote| self.statement(&vote.statement())),
            Some(Message::Proposal(bundle))
                if is_own(bundle.proposal.height(), bundle.proposal.proposer) =>
            {
                self.statement(&bundle.proposal.statement())
            }
            Some(Message::Certificate(certificate)) => self.height(certificate.height),
            Some(Message::Batch(encoded)) => self.own_batch(node, encoded),
            _ => Ok(()),
        }
    }

    /// Body, batches and certificate of a height that is said to be decided.
    fn height(&self, height: Height) -> Finding {
        if height == Height::new(0) {
            return Ok(());
        }
        let at = self.certificates.get(&height);
        if at.is_some_and(|at| *at <= self.block) {
            Ok(())
        } else {
            Err(format!(
                "height {height} is said to be decided, and its certificate is not on disk"
            ))
        }
    }

    fn statement(&self, statement: &Statement) -> Finding {
        if let Some(before) = statement.height().previous() {
            self.height(before)?;
        }
        let Some(id) = statement.block() else {
            return Ok(());
        };
        if statement.kind() == Kind::Prevote && Place::of(statement) <= self.recorded {
            return Ok(());
        }
        self.justified(statement)?;
        let body = self.bodies.get(&id).filter(|(at, _)| *at <= self.block);
        let (_, batches) =
            body.ok_or_else(|| format!("{statement:?} left before its block was on disk"))?;
        let there =
            |digest: &BatchDigest| self.batches.get(digest).is_some_and(|at| *at <= self.batch);
        if batches.iter().all(there) {
            Ok(())
        } else {
            Err(format!(
                "{statement:?} left before its batches were on disk"
            ))
        }
    }

    /// The polka of the valid round that a prevote names: after a fork it names who forgot a lock.
    fn justified(&self, statement: &Statement) -> Finding {
        let Statement::Prevote {
            height,
            value:
                Some(PrevoteValue {
                    id,
                    valid_round: Some(valid),
                }),
            ..
        } = statement
        else {
            return Ok(());
        };
        let at = self.polkas.get(&(*height, *valid, *id));
        if at.is_some_and(|at| *at <= self.block) {
            Ok(())
        } else {
            Err(format!(
                "{statement:?} left before the polka of its valid round was on disk"
            ))
        }
    }

    /// An author pushes a batch once it is on disk, so that a restart never gives its number to another.
    fn own_batch(&self, node: NodeIndex, encoded: &[u8]) -> Finding {
        let batch: Batch = decode("batch", encoded, BATCH_BYTES_MAX)
            .map_err(|_| "a batch that was sent has no meaning")?;
        let at = self.batches.get(&Batch::digest_of(encoded));
        if batch.author != validator_of(node) || at.is_some_and(|at| *at <= self.batch) {
            Ok(())
        } else {
            Err(format!(
                "batch {} was pushed before it was on its author's disk",
                batch.seq
            ))
        }
    }

    fn ack(&mut self, ack: Ack) -> Finding {
        let start = if self.began_late { ack.seq } else { 0 };
        let known = self.acknowledged.entry(ack.author).or_insert(start);
        while *known < ack.seq {
            let next = (ack.author, *known + 1);
            let at = self.numbers.get(&next).map(|(at, _)| *at);
            if at.is_none_or(|at| at > self.batch) {
                return Err(format!("batch {next:?} is acknowledged and not on disk"));
            }
            *known += 1;
        }
        Ok(())
    }
}

fn digests(body: &Body) -> Vec<BatchDigest> {
    body.batches.iter().map(|batch| batch.digest).collect()
}
