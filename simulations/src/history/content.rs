//! What a frame says, in a few words, and the statements that it carries.
//!
//! Invariant: made from the frame that crosses the network, a liar's lie included.

use falaj_consensus::message::{Kind, Statement};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorIndex};
use falaj_node::core::{Frame, Message, SnapshotAnswer, SnapshotPart};

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// A proposal.
    Proposal,
    /// Prevotes, the sender's own or others'.
    Prevote,
    /// Precommits.
    Precommit,
    /// A polka or a commit certificate.
    Certificate,
    /// Blocks and batches, and the requests for them and for votes.
    Data,
    /// Nothing but where its sender stands and what it holds.
    Nothing,
}

/// One statement under one validator's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Who signed.
    pub validator: ValidatorIndex,
    /// What kind of statement it is.
    pub kind: Kind,
    /// The height.
    pub height: Height,
    /// The round.
    pub round: Round,
    /// The block, none for nil.
    pub block: Option<BlockId>,
}

impl Said {
    /// A statement that a validator signed.
    #[must_use]
    pub fn of(validator: ValidatorIndex, statement: &Statement) -> Self {
        let (height, round, kind) = statement.position();
        Self {
            validator,
            kind,
            height,
            round,
            block: statement.block(),
        }
    }

    /// `prevote 4/0 a1b2c3d4`, heights and rounds as height/round.
    #[must_use]
    pub fn words(&self) -> String {
        let Self {
            kind,
            height,
            round,
            block,
            ..
        } = self;
        let kind = match kind {
            Kind::Proposal => "proposal",
            Kind::Prevote => "prevote",
            Kind::Precommit => "precommit",
        };
        let block = block.map_or_else(|| "nil".to_owned(), |id| id.hash().short());
        format!("{kind} {height}/{round} {block}")
    }
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// What it is about.
    pub topic: Topic,
    /// What it says.
    pub words: String,
    /// The statements in it.
    pub said: Vec<Said>,
}

impl Content {
    /// What a frame says.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let said = statements(frame);
        let topic = topic(frame, &said);
        let words = match said.as_slice() {
            [] => other_words(frame),
            said => listed(said),
        };
        Self { topic, words, said }
    }

    /// Bytes that are no frame.
    #[must_use]
    pub fn garbled() -> Self {
        Self {
            topic: Topic::Data,
            words: "bytes that are no frame".to_owned(),
            said: Vec::new(),
        }
    }
}

fn statements(frame: &Frame) -> Vec<Said> {
    match &frame.message {
        Some(Message::Proposal(bundle)) => {
            let proposal = &bundle.proposal;
            vec![Said::of(proposal.proposer, &proposal.statement())]
        }
        Some(Message::Votes(votes)) => {
            let said = votes.iter();
            said.map(|vote| Said::of(vote.validator, &vote.statement()))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Votes of several kinds are about the latest.
fn topic(frame: &Frame, said: &[Said]) -> Topic {
    if let Some(kind) = said.iter().map(|said| said.kind).max() {
        return match kind {
            Kind::Proposal => Topic::Proposal,
            Kind::Prevote => Topic::Prevote,
            Kind::Precommit => Topic::Precommit,
        };
    }
    match &frame.message {
        None => Topic::Nothing,
        Some(Message::Polka(_) | Message::Certificate(_)) => Topic::Certificate,
        Some(_) => Topic::Data,
    }
}

/// The first few statements, each under its validator.
fn listed(said: &[Said]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<String> = said
        .iter()
        .take(SHOWN)
        .map(|said| format!("v{} {}", said.validator, said.words()))
        .collect();
    let more = said.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    shown.join(", ") + &more
}

fn other_words(frame: &Frame) -> String {
    match &frame.message {
        None => "nothing new".to_owned(),
        Some(Message::Proposal(_) | Message::Votes(_)) => "no votes".to_owned(),
        Some(Message::Polka(polka)) => {
            let id = polka.id.hash().short();
            format!("polka {}/{} {id}", polka.height, polka.round)
        }
        Some(Message::Certificate(certificate)) => {
            let id = certificate.id.hash().short();
            format!(
                "commit certificate {}/{} {id}",
                certificate.height, certificate.round
            )
        }
        Some(Message::PullVotes { height, round, .. }) => {
            format!("asks for votes {height}/{round}")
        }
        Some(Message::GetBlock { height, id }) => {
            format!("asks for block {height} {}", id.hash().short())
        }
        Some(Message::Block { header, .. }) => {
            format!("block {} {}", header.height, header.id().hash().short())
        }
        Some(Message::Batch(bytes)) => format!("batch of {} bytes", bytes.len()),
        Some(Message::GetBatches { height, digests }) => {
            format!("asks for {} batches of height {height}", digests.len())
        }
        Some(Message::GetBlocks { from, count }) => {
            format!("asks for {count} blocks from height {from}")
        }
        Some(Message::Blocks(blocks)) => format!("{} decided blocks", blocks.len()),
        Some(Message::GetSnapshot(SnapshotPart::Newest)) => "asks for a snapshot".to_owned(),
        Some(Message::GetSnapshot(SnapshotPart::Manifest { name, .. })) => {
            format!("asks for the manifest of snapshot {}", name.height)
        }
        Some(Message::GetSnapshot(SnapshotPart::Chunk { name, index })) => {
            format!("asks for chunk {index} of snapshot {}", name.height)
        }
        Some(Message::Snapshot(answer)) => match &**answer {
            SnapshotAnswer::Newest(None) => "has no snapshot".to_owned(),
            SnapshotAnswer::Newest(Some(name)) => format!("has the snapshot of {}", name.height),
            SnapshotAnswer::Manifest { name, .. } => {
                format!("piece of the manifest of snapshot {}", name.height)
            }
            SnapshotAnswer::Chunk { name, index, .. } => {
                format!("chunk {index} of snapshot {}", name.height)
            }
        },
        Some(Message::Evidence(evidence)) => {
            let key = evidence.key();
            let (height, kind) = (key.height, key.kind.name());
            format!(
                "evidence of {kind} of height {height} by validator {}",
                key.validator
            )
        }
    }
}
