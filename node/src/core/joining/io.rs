//! What goes into the machine that joins by a snapshot, and what comes out.
//!
//! Invariant: plain data; a check is a job, as the replica's are, and is answered with its result.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use falaj_consensus::mutated;
use falaj_consensus::types::Height;
use falaj_consensus::verify::Checker;
use falaj_ledger::snapshot::{Manifest, ProvenManifest, SnapshotError};
use falaj_ledger::trust::{Checkpoint, Trust};
use std::sync::Arc;

use crate::core::effect::{PeerFault, Recipients};
use crate::core::input::Peer;
use crate::core::snapshots::SnapshotName;
use crate::core::wire::Class;

/// What the operator chooses, and what is believed.
#[derive(Clone, Debug)]
pub struct JoinRules {
    /// Genesis.
    pub trust: Arc<Trust>,
    /// What a snapshot must lead through, if anything.
    pub checkpoints: Vec<Checkpoint>,
    /// The least height of a snapshot that is worth it: below it blocks are fetched as fast.
    pub height_min: Height,
    /// Time between two ticks, in nanoseconds.
    pub tick_ns: u64,
}

/// What is kept on disk, each in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Piece {
    /// The manifest.
    Manifest,
    /// A chunk of that snapshot.
    Chunk(SnapshotName, u32),
}

/// What wakes the machine.
#[derive(Debug)]
pub enum JoinInput {
    /// A peer can be reached.
    PeerUp(Peer),
    /// A peer cannot be reached any more.
    PeerDown(Peer),
    /// Bytes from a peer.
    Received {
        /// Who.
        from: Peer,
        /// On which stream.
        class: Class,
        /// One frame.
        bytes: Arc<[u8]>,
    },
    /// The timer ran out.
    Tick,
    /// What was read of what is kept; nothing if it is not there.
    Read {
        /// Which.
        piece: Piece,
        /// Its bytes.
        bytes: Option<Vec<u8>>,
    },
    /// A check ended.
    Checked(Box<CheckedPiece>),
    /// Something is on disk, its name too.
    Kept(Piece),
}

/// What the machine asks of its host.
#[derive(Debug)]
pub enum JoinEffect {
    /// A frame for peers.
    Send {
        /// To whom.
        to: Recipients,
        /// On which stream.
        class: Class,
        /// Its bytes.
        frame: Arc<[u8]>,
    },
    /// Start the timer; answered by `Tick`.
    Timer {
        /// How long, in nanoseconds.
        after_ns: u64,
    },
    /// Read what is kept; answered by `Read`.
    Read(Piece),
    /// Check; answered by `Checked`.
    Check(Box<CheckPiece>),
    /// Put on disk; answered by `Kept`. A manifest takes the place of everything that is kept.
    Keep {
        /// Which.
        piece: Piece,
        /// Its bytes.
        bytes: Arc<[u8]>,
    },
    /// Remove everything that is kept.
    Forget,
    /// Cut the link to a peer for good.
    Part {
        /// Whom.
        peer: Peer,
        /// What it sent.
        fault: PeerFault,
    },
    /// Something that happened, for people and traces.
    Event(JoinEvent),
    /// It is over.
    End(JoinEnd),
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinEvent {
    /// A manifest is fetched.
    Began {
        /// Of which snapshot.
        name: SnapshotName,
        /// Of whom.
        from: Peer,
    },
    /// A manifest is proven and on disk.
    Proven {
        /// Its height.
        height: Height,
        /// How many chunks it has.
        chunks: usize,
    },
    /// What an earlier process kept is proven again.
    Resumed {
        /// Its height.
        height: Height,
        /// How many chunks of it are here.
        kept: usize,
    },
    /// A peer did not answer in time.
    PassedBy(Peer),
    /// Nobody has the snapshot any more.
    Vanished(Height),
}

/// How it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinEnd {
    /// A whole snapshot is on disk, each part of it proven.
    Whole(SnapshotName),
    /// Blocks are fetched from genesis.
    FallBack(FallBack),
}

/// Why blocks are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallBack {
    /// Nobody can be reached.
    NobodyThere,
    /// Nobody offers a snapshot that is worth it.
    NoneOffered,
    /// Too many snapshots were begun and not ended.
    TooManyBegun,
    /// Nothing came for too long.
    NoProgress,
}

/// A check.
#[derive(Debug)]
pub enum CheckPiece {
    /// Of a manifest.
    Manifest {
        /// Who gave it; `None` if it was kept.
        from: Option<Peer>,
        /// What it is said to be of.
        name: Option<SnapshotName>,
        /// What it must follow from.
        rules: Arc<JoinRules>,
        /// The manifest.
        bytes: Arc<[u8]>,
    },
    /// Of a chunk.
    Chunk {
        /// Who gave it; `None` if it was kept.
        from: Option<Peer>,
        /// Of which snapshot.
        name: SnapshotName,
        /// Its number.
        index: u32,
        /// The manifest that it must belong to.
        manifest: Arc<ProvenManifest>,
        /// The chunk.
        bytes: Arc<[u8]>,
    },
}

/// What a check gave.
#[derive(Debug)]
pub enum CheckedPiece {
    /// Of a manifest.
    Manifest {
        /// Who gave it.
        from: Option<Peer>,
        /// The manifest, proven, and its bytes; nothing if it is wrong.
        proven: Option<(Arc<ProvenManifest>, Arc<[u8]>)>,
    },
    /// Of a chunk.
    Chunk {
        /// Who gave it.
        from: Option<Peer>,
        /// Of which snapshot.
        name: SnapshotName,
        /// Its number.
        index: u32,
        /// Its bytes, if it is right.
        verdict: Verdict,
    },
}

/// What a chunk is.
#[derive(Debug)]
pub enum Verdict {
    /// The one of the certified state.
    Right(Arc<[u8]>),
    /// Another.
    Wrong,
    /// The right one, and the manifest counts its entries wrongly.
    Miscounted,
}

impl CheckPiece {
    /// Does the work.
    #[must_use]
    pub fn run(self, checker: &dyn Checker) -> CheckedPiece {
        match self {
            Self::Manifest {
                from,
                name,
                rules,
                bytes,
            } => {
                let proven = prove(&bytes, name, &rules, checker);
                let proven = proven.map(|proven| (Arc::new(proven), bytes));
                CheckedPiece::Manifest { from, proven }
            }
            Self::Chunk {
                from,
                name,
                index,
                manifest,
                bytes,
            } => {
                let place = usize::try_from(index).unwrap_or(usize::MAX);
                let verdict = match manifest.check_chunk(place, &bytes) {
                    _ if mutated!(ChunksUnchecked) => Verdict::Right(bytes),
                    Ok(()) => Verdict::Right(bytes),
                    Err(SnapshotError::Count { .. }) => Verdict::Miscounted,
                    Err(_) => Verdict::Wrong,
                };
                CheckedPiece::Chunk {
                    from,
                    name,
                    index,
                    verdict,
                }
            }
        }
    }
}

fn prove(
    bytes: &[u8],
    name: Option<SnapshotName>,
    rules: &JoinRules,
    checker: &dyn Checker,
) -> Option<ProvenManifest> {
    let manifest = Manifest::from_bytes(bytes).ok()?;
    if name.is_some_and(|name| name != SnapshotName::of(&manifest)) {
        return None;
    }
    let proven = manifest.verify(&rules.trust, &rules.checkpoints, checker);
    proven.ok()
}
