//! What nodes say to one another: one frame, one message, one class of stream, with every bound checked before anything is kept.
//!
//! Invariant: a frame decodes from exactly one byte string; its length was checked against its class before it was allocated.
//! Every frame carries the sender's decided height, which it has on disk, and may carry acknowledgements of batches, which it has too.
//! Source: `docs/spec/wire.md`, "Messages".

use borsh::{BorshDeserialize, BorshSerialize};
use falaj_consensus::hash;
use falaj_consensus::message::{
    self, BATCH_BYTES_MAX, Body, CommitCertificate, DecodeError, Evidence, Header, Polka, Proposal,
    Vote,
};
use falaj_consensus::types::{BatchDigest, BlockId, Height, Round, ValidatorId};
use falaj_consensus::validator_set::Bitmap;
use std::sync::Arc;

use super::snapshots::{SnapshotAnswer, SnapshotPart};

/// Most digests that one request for batches names.
pub(super) const BATCHES_REQUESTED_MAX: usize = 64;
/// Most blocks that one request for blocks asks for.
pub(super) const BLOCKS_REQUESTED_MAX: u16 = 32;
/// Most authors that acknowledgements of one frame name.
pub(super) const ACKS_MAX: usize = 1024;
/// Most votes that travel together.
pub(super) const VOTES_MAX: usize = 2048;

/// Which stream a message travels on, in order of priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Votes, polkas, certificates, acknowledgements and what asks for votes.
    Votes,
    /// Proposals with their bodies, what asks for a body of the open height, and evidence.
    Proposals,
    /// Batches.
    Batches,
    /// Decided blocks for who is behind, and snapshots for who begins.
    Sync,
}

impl Class {
    /// Every class, in order of priority.
    pub const ALL: [Self; 4] = [Self::Votes, Self::Proposals, Self::Batches, Self::Sync];

    /// The longest frame of the class, in bytes.
    #[must_use]
    pub const fn frame_bytes_max(self) -> usize {
        match self {
            Self::Votes => 2 * 1024 * 1024,
            Self::Proposals => 4 * 1024 * 1024,
            Self::Batches => BATCH_BYTES_MAX + 64 * 1024,
            Self::Sync => 8 * 1024 * 1024,
        }
    }
}

/// "I hold this author's batches without a gap up to here, verified and on disk."
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize,
)]
pub struct Ack {
    /// Whose batches.
    pub author: ValidatorId,
    /// Up to which number.
    pub seq: u64,
}

/// One message between two nodes with what rides on it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Frame {
    /// The sender's last decided height.
    pub height: Height,
    /// What the sender holds.
    pub acks: Vec<Ack>,
    /// The message, if there is more to say.
    pub message: Option<Message>,
}

/// A proposal with what a receiver needs to judge it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ProposalBundle {
    /// The signed proposal.
    pub proposal: Proposal,
    /// The body that its header names.
    pub body: Body,
    /// The polka of its valid round, for a re-proposal.
    pub polka: Option<Polka>,
    /// The certificate of the height before, so that a node still there decides at once; none at height 1.
    pub parent: Option<CommitCertificate>,
}

/// A decided block without its batches.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct DecidedBlock {
    /// Its header.
    pub header: Header,
    /// Its body.
    pub body: Body,
    /// Its certificate.
    pub certificate: CommitCertificate,
}

/// What one node says to another.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Message {
    /// A proposal of the open height.
    Proposal(Box<ProposalBundle>) = 1,
    /// Votes of one height.
    Votes(Vec<Vote>) = 2,
    /// A quorum of prevotes, whole.
    Polka(Polka) = 3,
    /// A quorum of precommits, whole.
    Certificate(CommitCertificate) = 4,
    /// "Send me the votes of this round that I lack": the bitmaps say what the sender has.
    PullVotes {
        /// Height.
        height: Height,
        /// Round the sender is in.
        round: Round,
        /// Whether it has a proposal of that round.
        proposal: bool,
        /// Whose prevotes the sender has.
        prevotes: Bitmap,
        /// Whose precommits the sender has.
        precommits: Bitmap,
    } = 5,
    /// "Send me header and body of this block of the open height."
    GetBlock {
        /// Height.
        height: Height,
        /// The block.
        id: BlockId,
    } = 6,
    /// Header and body of a block of the open height.
    Block {
        /// Its header.
        header: Box<Header>,
        /// Its body.
        body: Body,
    } = 7,
    /// An encoded batch, as its author closed it.
    Batch(Vec<u8>) = 8,
    /// "Send me these batches."
    GetBatches {
        /// Height of the block that names them.
        height: Height,
        /// Which, at most [`BATCHES_REQUESTED_MAX`].
        digests: Vec<BatchDigest>,
    } = 9,
    /// "Send me the decided blocks from here."
    GetBlocks {
        /// First height.
        from: Height,
        /// How many, at most [`BLOCKS_REQUESTED_MAX`].
        count: u16,
    } = 10,
    /// Decided blocks of consecutive heights.
    Blocks(Vec<DecidedBlock>) = 11,
    /// Proof that a validator broke the protocol.
    Evidence(Box<Evidence>) = 12,
    /// "Which snapshot have you", or "send me this part of it".
    GetSnapshot(SnapshotPart) = 13,
    /// What of a snapshot is there.
    Snapshot(Box<SnapshotAnswer>) = 14,
}

impl Message {
    /// The stream that the message travels on.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Votes(_) | Self::Polka(_) | Self::Certificate(_) | Self::PullVotes { .. } => {
                Class::Votes
            }
            Self::Proposal(_)
            | Self::GetBlock { .. }
            | Self::Block { .. }
            | Self::GetBatches { .. }
            | Self::Evidence(_) => Class::Proposals,
            Self::Batch(_) => Class::Batches,
            Self::GetBlocks { .. } | Self::Blocks(_) | Self::GetSnapshot(_) | Self::Snapshot(_) => {
                Class::Sync
            }
        }
    }

    fn is_bounded(&self) -> bool {
        match self {
            Self::Votes(votes) => votes.len() <= VOTES_MAX,
            Self::Batch(bytes) => bytes.len() <= BATCH_BYTES_MAX,
            Self::GetBatches { digests, .. } => digests.len() <= BATCHES_REQUESTED_MAX,
            Self::GetBlocks { count, .. } => *count <= BLOCKS_REQUESTED_MAX,
            Self::Blocks(blocks) => blocks.len() <= usize::from(BLOCKS_REQUESTED_MAX),
            Self::Snapshot(answer) => answer.is_bounded(),
            Self::Proposal(_)
            | Self::Polka(_)
            | Self::Certificate(_)
            | Self::PullVotes { .. }
            | Self::GetBlock { .. }
            | Self::Block { .. }
            | Self::Evidence(_)
            | Self::GetSnapshot(_) => true,
        }
    }
}

impl Frame {
    /// The class of its stream; acknowledgements alone travel with the votes.
    #[must_use]
    pub fn class(&self) -> Class {
        self.message.as_ref().map_or(Class::Votes, Message::class)
    }

    /// The frame's bytes.
    #[must_use]
    pub fn encode(&self) -> Arc<[u8]> {
        hash::encode(self).into()
    }

    /// Reads a frame that came on a stream of that class.
    ///
    /// # Errors
    /// [`DecodeError`] when it is too long, malformed, beyond a bound, or of another class.
    pub fn decode(class: Class, bytes: &[u8]) -> Result<Self, DecodeError> {
        let frame: Self = message::decode("frame", bytes, class.frame_bytes_max())?;
        let bounded =
            frame.acks.len() <= ACKS_MAX && frame.message.as_ref().is_none_or(Message::is_bounded);
        if bounded && frame.class() == class {
            return Ok(frame);
        }
        let source = std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "beyond a bound or on another class's stream",
        );
        Err(DecodeError::Malformed {
            what: "frame",
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(message: Option<Message>) -> Frame {
        Frame {
            height: Height::new(3),
            acks: vec![Ack {
                author: ValidatorId::new(1),
                seq: 9,
            }],
            message,
        }
    }

    #[test]
    fn frames_read_back_on_their_own_class_alone() {
        let request = frame(Some(Message::GetBlocks {
            from: Height::new(1),
            count: 5,
        }));
        let bytes = request.encode();
        assert_eq!(Frame::decode(Class::Sync, &bytes).unwrap(), request);
        assert!(Frame::decode(Class::Votes, &bytes).is_err());
        let acks = frame(None);
        assert_eq!(Frame::decode(Class::Votes, &acks.encode()).unwrap(), acks);
    }

    #[test]
    fn frames_beyond_their_bounds_are_refused() {
        let many = frame(Some(Message::GetBlocks {
            from: Height::new(1),
            count: BLOCKS_REQUESTED_MAX + 1,
        }));
        assert!(Frame::decode(Class::Sync, &many.encode()).is_err());
        let digests = vec![BatchDigest::default(); BATCHES_REQUESTED_MAX + 1];
        assert!(
            Frame::decode(
                Class::Proposals,
                &frame(Some(Message::GetBatches {
                    height: Height::new(1),
                    digests
                }))
                .encode()
            )
            .is_err()
        );
        let mut tail = frame(None).encode().to_vec();
        tail.push(0);
        assert!(Frame::decode(Class::Votes, &tail).is_err());
        assert!(Frame::decode(Class::Votes, &vec![0; Class::Votes.frame_bytes_max() + 1]).is_err());
    }
}
