//! The running hash over every event of a run, and the lines that `--trace` prints.
//!
//! Invariant: two runs are the same exactly when their hashes are; a line is made only if somebody reads it. Every event has a line,
//! with the hash so far, so that of two traces the first lines that differ are those of the first event that does.
//! Shape: each event is a tag, time, sequence, node and its bytes, fed to one BLAKE3 in the order of events; events count from 1.

mod line;

use std::fmt;
use std::sync::mpsc::Sender;

pub use line::Line;

use falaj_consensus::message::Batch;
use falaj_node::core::{Frame, Message, SnapshotAnswer};

use crate::types::{NodeIndex, SimTime};

/// The hash of a trace, 64 hexadecimal characters when printed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceHash([u8; 32]);

impl TraceHash {
    /// The hash over many runs: each seed with its hash, in the order given.
    #[must_use]
    pub fn over(runs: impl IntoIterator<Item = (u64, Self)>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for (seed, hash) in runs {
            hasher.update(&seed.to_le_bytes());
            hasher.update(&hash.0);
        }
        Self(*hasher.finalize().as_bytes())
    }
}

impl TraceHash {
    /// Its first eight bytes, as lines show them.
    fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(16);
        text
    }
}

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What kind of event is hashed; the number is its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// A frame reached a node.
    Delivered = 1,
    /// Something a node had begun ended: a check, an execution, a timer, a read.
    Completed = 2,
    /// A log's sync ended.
    Synced = 3,
    /// A token answered.
    Signed = 4,
    /// A client sent something.
    Submitted = 5,
    /// A fault began or ended.
    Fault = 6,
    /// A node started.
    Started = 7,
    /// A node let a block out as final.
    Committed = 8,
}

impl Tag {
    /// Its name in lines.
    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Completed => "completed",
            Self::Synced => "synced",
            Self::Signed => "signed",
            Self::Submitted => "hears a client",
            Self::Fault => "fault",
            Self::Started => "started",
            Self::Committed => "committed",
        }
    }
}

/// The trace of one run.
#[derive(Debug)]
pub struct Trace {
    hasher: blake3::Hasher,
    events: u64,
    lines: Option<Sender<Line>>,
    /// The line of the latest event, as long as nobody has told it in better words.
    untold: Option<String>,
}

impl Trace {
    /// A trace that is hashed, and told line by line if somebody listens.
    #[must_use]
    pub fn new(lines: Option<Sender<Line>>) -> Self {
        Self {
            hasher: blake3::Hasher::new(),
            events: 0,
            lines,
            untold: None,
        }
    }

    /// Whether lines are wanted; ask before making one.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.lines.is_some()
    }

    /// Hashes one event.
    pub fn event(&mut self, at: SimTime, sequence: u64, tag: Tag, node: NodeIndex, bytes: &[u8]) {
        self.tell_untold();
        let mut head = [0_u8; 23];
        head[0] = tag as u8;
        head[1..9].copy_from_slice(&at.get().to_le_bytes());
        head[9..17].copy_from_slice(&sequence.to_le_bytes());
        head[17..19].copy_from_slice(&node.get().to_le_bytes());
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        head[19..].copy_from_slice(&length.to_le_bytes());
        self.hasher.update(&head).update(bytes);
        self.events += 1;
        if self.is_told() {
            self.untold = Some(format!("{at} {node} {}", tag.name()));
        }
    }

    /// Tells the latest event, or something more about it.
    pub fn tell(&mut self, words: impl FnOnce() -> String) {
        if self.is_told() {
            self.untold = None;
            self.send(words());
        }
    }

    /// An event that nobody told has its line too.
    fn tell_untold(&mut self) {
        if let Some(words) = self.untold.take() {
            self.send(words);
        }
    }

    fn send(&self, words: String) {
        let Some(lines) = &self.lines else {
            return;
        };
        let line = Line {
            event: self.events,
            hash: self.hash().short(),
            words,
        };
        // Whoever listened may have gone; the run goes on.
        let _gone = lines.send(line);
    }

    /// How many events were hashed.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The hash so far.
    #[must_use]
    pub fn hash(&self) -> TraceHash {
        TraceHash(*self.hasher.finalize().as_bytes())
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.tell_untold();
    }
}

/// A frame in a few words.
#[must_use]
pub fn summary(frame: &Frame) -> String {
    let words = match &frame.message {
        None => "nothing more".to_owned(),
        Some(Message::Proposal(bundle)) => {
            let (proposal, body) = (&bundle.proposal, &bundle.body);
            let (height, round, id) = (proposal.height(), proposal.round, proposal.id());
            let valid = proposal.valid_round;
            let (batches, inline) = (body.batches.len(), body.inline.len());
            format!(
                "proposal {height}/{round} {id:?} valid {valid:?}, {batches} batches, {inline} inline"
            )
        }
        Some(Message::Votes(votes)) => {
            let words: Vec<_> = votes
                .iter()
                .map(|vote| format!("{} {:?}", vote.validator, vote.statement()))
                .collect();
            words.join(", ")
        }
        Some(Message::Polka(polka)) => {
            format!("polka {}/{} {:?}", polka.height, polka.round, polka.id)
        }
        Some(Message::Certificate(certificate)) => format!(
            "certificate {}/{} {:?}",
            certificate.height, certificate.round, certificate.id
        ),
        Some(Message::PullVotes { height, round, .. }) => format!("pulls votes {height}/{round}"),
        Some(Message::GetBlock { height, id }) => format!("wants block {height} {id:?}"),
        Some(Message::Block { header, .. }) => format!("block {} {:?}", header.height, header.id()),
        Some(Message::Batch(bytes)) => {
            format!("batch {:?}, {} bytes", Batch::digest_of(bytes), bytes.len())
        }
        Some(Message::GetBatches { height, digests }) => {
            format!("wants batches of {height} {digests:?}")
        }
        Some(Message::GetBlocks { from, count }) => format!("wants {count} blocks from {from}"),
        Some(Message::Blocks(blocks)) => format!("{} blocks", blocks.len()),
        Some(Message::Evidence(evidence)) => format!("evidence {:?}", evidence.key()),
        Some(Message::GetSnapshot(part)) => format!("wants of a snapshot {part:?}"),
        Some(Message::Snapshot(answer)) => answer_words(answer),
    };
    let (height, acks) = (frame.height, &frame.acks);
    format!("at height {height}, acks {acks:?}: {words}")
}

fn answer_words(answer: &SnapshotAnswer) -> String {
    match answer {
        SnapshotAnswer::Newest(None) => "has no snapshot".to_owned(),
        SnapshotAnswer::Newest(Some(name)) => format!("has the snapshot of {}", name.height),
        SnapshotAnswer::Manifest { name, bytes, .. } => {
            format!(
                "manifest of snapshot {}, {} bytes",
                name.height,
                bytes.len()
            )
        }
        SnapshotAnswer::Chunk { name, index, bytes } => format!(
            "chunk {index} of snapshot {}, {} bytes",
            name.height,
            bytes.len()
        ),
    }
}
