//! Joining a chain by a snapshot that peers have: a phase before the replica, of a node that has no block.
//!
//! Invariant: it decides by its inputs alone. Nothing that a peer gives counts before it is proven, and no chunk before it is on disk; so what
//! an earlier process kept is proven again and gone on from. It always ends: with a whole snapshot, or with fetching blocks instead.
//! Bounds: one manifest at a time, of one peer; at most 16 chunks on their way; at most [`BEGUN_MAX`] snapshots; at most
//! [`IDLE_TICKS_MAX`] ticks in which nothing comes.
//! A panic here is a broken belief; no bytes of a peer lead to one.
//! Who calls it: a host at the start of a home without blocks, before there is a replica.
//! Source: `docs/spec/snapshots.md`, "Between peers".

mod chunks;
mod io;
mod peers;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(super) use tests::manifest_of_test_chain;

pub use io::{
    CheckPiece, CheckedPiece, FallBack, JoinEffect, JoinEnd, JoinEvent, JoinInput, JoinRules,
    Piece, Verdict,
};

use falaj_consensus::types::Height;
use falaj_ledger::snapshot::{MANIFEST_BYTES_MAX, ProvenManifest};
use std::sync::Arc;

use self::chunks::Chunks;
use self::peers::Peers;
use super::effect::{PeerFault, Recipients};
use super::input::Peer;
use super::snapshots::{MANIFEST_PIECE_BYTES, SnapshotAnswer, SnapshotName, SnapshotPart};
use super::wire::{Class, Frame, Message};

/// Ticks in which peers say what they have before one is chosen, so that more than the first to come is heard.
const CHOICE_TICKS_MIN: u32 = 4;
/// Ticks after which those count that have said it.
const CHOICE_TICKS_MAX: u32 = 12;
/// Ticks in which somebody must come.
const NOBODY_TICKS_MAX: u32 = 40;
/// Ticks in which something must come.
const IDLE_TICKS_MAX: u32 = 240;
/// Most snapshots that are begun.
const BEGUN_MAX: u32 = 16;

/// The pure machine.
#[derive(Debug)]
pub struct Joining {
    rules: Arc<JoinRules>,
    peers: Peers,
    stage: Stage,
    /// Ticks since something came.
    idle: u32,
    begun: u32,
}

#[derive(Debug)]
enum Stage {
    /// What an earlier process kept is read and checked.
    Resuming,
    /// Peers say what they have, for so many ticks.
    Choosing(u32),
    /// A manifest comes, in pieces.
    Fetching(Fetch),
    /// It is checked.
    Checking(Peer),
    /// It is written.
    Keeping(Chunks),
    /// Chunks come.
    Chunks(Chunks),
    Over,
}

/// A manifest on its way.
#[derive(Debug)]
struct Fetch {
    name: SnapshotName,
    from: Peer,
    bytes: Vec<u8>,
    /// How long it is, by the first piece.
    length: Option<u32>,
}

impl Joining {
    /// Begins with what an earlier process kept.
    #[must_use]
    pub fn start(rules: JoinRules) -> (Self, Vec<JoinEffect>) {
        let after_ns = rules.tick_ns;
        let joining = Self {
            rules: Arc::new(rules),
            peers: Peers::default(),
            stage: Stage::Resuming,
            idle: 0,
            begun: 0,
        };
        let read = JoinEffect::Read(Piece::Manifest);
        (joining, vec![read, JoinEffect::Timer { after_ns }])
    }

    /// Takes one input and says what to do about it.
    pub fn step(&mut self, input: JoinInput) -> Vec<JoinEffect> {
        let mut effects = Vec::new();
        if matches!(self.stage, Stage::Over) {
            return effects;
        }
        match input {
            JoinInput::PeerUp(peer) => self.on_up(peer, &mut effects),
            JoinInput::PeerDown(peer) => {
                let asked = self.peers.down(peer);
                self.on_unanswered(peer, asked);
            }
            JoinInput::Received { from, class, bytes } => {
                self.on_received(from, class, &bytes, &mut effects);
            }
            JoinInput::Tick => self.on_tick(&mut effects),
            JoinInput::Read { piece, bytes } => self.on_read(piece, bytes, &mut effects),
            JoinInput::Checked(checked) => self.on_checked(*checked, &mut effects),
            JoinInput::Kept(piece) => self.on_kept(piece, &mut effects),
        }
        self.settle(&mut effects);
        effects
    }

    /// The height of the snapshot that is fetched, how many of its chunks are here, and how many it has.
    #[must_use]
    pub fn progress(&self) -> Option<(Height, usize, usize)> {
        let (Stage::Chunks(chunks) | Stage::Keeping(chunks)) = &self.stage else {
            return None;
        };
        Some((chunks.name.height, chunks.here(), chunks.manifest.chunks()))
    }

    fn on_up(&mut self, peer: Peer, effects: &mut Vec<JoinEffect>) {
        self.peers.up(peer);
        // A frame without a message says at which height we are: at none.
        Self::send(peer, None, effects);
    }

    fn on_received(
        &mut self,
        from: Peer,
        class: Class,
        bytes: &[u8],
        effects: &mut Vec<JoinEffect>,
    ) {
        if !self.peers.is_heard(from) {
            return;
        }
        let Ok(frame) = Frame::decode(class, bytes) else {
            return self.lied(from, PeerFault::Frame, effects);
        };
        match frame.message {
            Some(Message::GetSnapshot(_)) if self.peers.may_answer(from) => {
                let none = Box::new(SnapshotAnswer::Newest(None));
                Self::send(from, Some(Message::Snapshot(none)), effects);
            }
            Some(Message::Snapshot(answer)) => self.on_answer(from, *answer, effects),
            // All else is for a replica, which there is none of yet.
            _ => {}
        }
    }

    fn on_answer(&mut self, from: Peer, answer: SnapshotAnswer, effects: &mut Vec<JoinEffect>) {
        match answer {
            SnapshotAnswer::Newest(offer) => self.on_offer(from, offer),
            SnapshotAnswer::Manifest {
                name,
                length,
                from: at,
                bytes,
            } => {
                let part = SnapshotPart::Manifest { name, from: at };
                if self.peers.answered(from, |asked| *asked == part).is_some() {
                    self.on_manifest_piece(from, (length, bytes), effects);
                }
            }
            SnapshotAnswer::Chunk { name, index, bytes } => {
                let part = SnapshotPart::Chunk { name, index };
                if self.peers.answered(from, |asked| *asked == part).is_some() {
                    self.check_chunk(Some(from), index, bytes, effects);
                }
            }
        }
    }

    /// What a peer has: asked for, or said because it lacks what was.
    fn on_offer(&mut self, from: Peer, offer: Option<SnapshotName>) {
        let Some(asked) = self.peers.answered(from, |_| true) else {
            return;
        };
        if matches!(asked, SnapshotPart::Manifest { .. }) {
            // It had promised it. Once that is bad luck; whoever does it again and again is asked last.
            self.peers.failed(from);
        }
        self.peers.offered(from, offer);
        if asked != SnapshotPart::Newest {
            self.peers.lacks(from);
            self.on_unanswered(from, Some(asked));
        }
    }

    /// A peer was asked and will not answer.
    fn on_unanswered(&mut self, peer: Peer, asked: Option<SnapshotPart>) {
        match (asked, &mut self.stage) {
            (Some(SnapshotPart::Chunk { name, index }), Stage::Chunks(chunks))
                if chunks.name == name =>
            {
                chunks.lost(index);
            }
            (Some(SnapshotPart::Manifest { .. }), Stage::Fetching(fetch)) if fetch.from == peer => {
                self.stage = Stage::Choosing(0);
            }
            _ => {}
        }
    }

    fn on_manifest_piece(
        &mut self,
        from: Peer,
        (length, piece): (u32, Vec<u8>),
        effects: &mut Vec<JoinEffect>,
    ) {
        let Stage::Fetching(fetch) = &mut self.stage else {
            return;
        };
        let whole = usize::try_from(length).unwrap_or(usize::MAX);
        let left = whole.saturating_sub(fetch.bytes.len());
        let same = *fetch.length.get_or_insert(length) == length;
        let fits = whole <= MANIFEST_BYTES_MAX && piece.len() == left.min(MANIFEST_PIECE_BYTES);
        if !same || !fits || piece.is_empty() {
            return self.lied(from, PeerFault::Snapshot, effects);
        }
        self.idle = 0;
        fetch.bytes.extend_from_slice(&piece);
        if fetch.bytes.len() < whole {
            let part = fetch.next();
            self.ask(from, part, effects);
            return;
        }
        let job = CheckPiece::Manifest {
            from: Some(from),
            name: Some(fetch.name),
            rules: Arc::clone(&self.rules),
            bytes: std::mem::take(&mut fetch.bytes).into(),
        };
        self.stage = Stage::Checking(from);
        effects.push(JoinEffect::Check(Box::new(job)));
    }

    fn check_chunk(
        &mut self,
        from: Option<Peer>,
        index: u32,
        bytes: Vec<u8>,
        effects: &mut Vec<JoinEffect>,
    ) {
        if let Stage::Chunks(chunks) = &self.stage {
            let job = CheckPiece::Chunk {
                from,
                name: chunks.name,
                index,
                manifest: Arc::clone(&chunks.manifest),
                bytes: bytes.into(),
            };
            effects.push(JoinEffect::Check(Box::new(job)));
        }
    }

    fn on_read(&mut self, piece: Piece, bytes: Option<Vec<u8>>, effects: &mut Vec<JoinEffect>) {
        match (piece, bytes) {
            (Piece::Manifest, _) if !matches!(self.stage, Stage::Resuming) => {}
            (Piece::Manifest, None) => self.stage = Stage::Choosing(0),
            (Piece::Manifest, Some(bytes)) => {
                let job = CheckPiece::Manifest {
                    from: None,
                    name: None,
                    rules: Arc::clone(&self.rules),
                    bytes: bytes.into(),
                };
                effects.push(JoinEffect::Check(Box::new(job)));
            }
            (Piece::Chunk(name, index), bytes) => {
                if let Some(chunks) = self.chunks_of(name) {
                    match bytes {
                        Some(bytes) => self.check_chunk(None, index, bytes, effects),
                        None => chunks.lost(index),
                    }
                }
            }
        }
    }

    fn chunks_of(&mut self, name: SnapshotName) -> Option<&mut Chunks> {
        let Stage::Chunks(chunks) = &mut self.stage else {
            return None;
        };
        (chunks.name == name).then_some(chunks)
    }

    fn on_checked(&mut self, checked: CheckedPiece, effects: &mut Vec<JoinEffect>) {
        match checked {
            CheckedPiece::Manifest { from, proven } => {
                let awaited = match (&self.stage, from) {
                    (Stage::Resuming, None) => true,
                    (Stage::Checking(giver), Some(from)) => *giver == from,
                    _ => false,
                };
                if awaited {
                    self.on_manifest_checked(from, proven, effects);
                }
            }
            CheckedPiece::Chunk {
                from,
                name,
                index,
                verdict,
            } => {
                if let Some(chunks) = self.chunks_of(name) {
                    let giver = chunks.giver;
                    match verdict {
                        Verdict::Right(_) if from.is_none() => self.on_kept_before(index),
                        Verdict::Right(bytes) => {
                            let piece = Piece::Chunk(name, index);
                            effects.push(JoinEffect::Keep { piece, bytes });
                        }
                        Verdict::Wrong => {
                            chunks.lost(index);
                            if let Some(from) = from {
                                self.lied(from, PeerFault::Snapshot, effects);
                            }
                        }
                        Verdict::Miscounted => self.drop_manifest(giver, effects),
                    }
                }
            }
        }
    }

    fn on_manifest_checked(
        &mut self,
        from: Option<Peer>,
        proven: Option<(Arc<ProvenManifest>, Arc<[u8]>)>,
        effects: &mut Vec<JoinEffect>,
    ) {
        let Some((proven, bytes)) = proven else {
            return self.drop_manifest(from, effects);
        };
        self.idle = 0;
        let chunks = Chunks::of(proven, from);
        if from.is_some() {
            self.stage = Stage::Keeping(chunks);
            let piece = Piece::Manifest;
            effects.push(JoinEffect::Keep { piece, bytes });
        } else {
            self.peers.begin();
            self.stage = Stage::Chunks(chunks);
        }
    }

    /// A manifest that is wrong, and what was fetched by it.
    fn drop_manifest(&mut self, giver: Option<Peer>, effects: &mut Vec<JoinEffect>) {
        self.peers.begin();
        self.stage = Stage::Choosing(0);
        effects.push(JoinEffect::Forget);
        if let Some(giver) = giver {
            self.lied(giver, PeerFault::Snapshot, effects);
        }
    }

    /// A chunk of an earlier process is the right one.
    fn on_kept_before(&mut self, index: u32) {
        let Stage::Chunks(chunks) = &mut self.stage else {
            return;
        };
        chunks.kept(index);
        self.idle = 0;
    }

    fn on_kept(&mut self, piece: Piece, effects: &mut Vec<JoinEffect>) {
        match piece {
            Piece::Chunk(name, index) => {
                if let Some(chunks) = self.chunks_of(name) {
                    chunks.kept(index);
                    self.idle = 0;
                }
            }
            Piece::Manifest => {
                if !matches!(self.stage, Stage::Keeping(_)) {
                    return;
                }
                let stage = std::mem::replace(&mut self.stage, Stage::Choosing(0));
                if let Stage::Keeping(chunks) = stage {
                    effects.push(JoinEffect::Event(JoinEvent::Proven {
                        height: chunks.name.height,
                        chunks: chunks.manifest.chunks(),
                    }));
                    self.peers.begin();
                    self.stage = Stage::Chunks(chunks);
                }
            }
        }
    }

    fn on_tick(&mut self, effects: &mut Vec<JoinEffect>) {
        let after_ns = self.rules.tick_ns;
        effects.push(JoinEffect::Timer { after_ns });
        for (peer, asked) in self.peers.tick() {
            effects.push(JoinEffect::Event(JoinEvent::PassedBy(peer)));
            self.on_unanswered(peer, Some(asked));
        }
        self.idle = self.idle.saturating_add(1);
        if self.idle > IDLE_TICKS_MAX {
            return self.end(JoinEnd::FallBack(FallBack::NoProgress), effects);
        }
        if let Stage::Choosing(ticks) = &mut self.stage {
            *ticks = ticks.saturating_add(1);
            let ticks = *ticks;
            if self.peers.are_any() {
                self.choose(ticks, effects);
            } else if ticks > NOBODY_TICKS_MAX {
                self.end(JoinEnd::FallBack(FallBack::NobodyThere), effects);
            }
        }
    }

    /// Chooses a snapshot once peers have had their time to say what they have.
    fn choose(&mut self, ticks: u32, effects: &mut Vec<JoinEffect>) {
        let said = ticks >= CHOICE_TICKS_MIN && self.peers.all_said();
        if !said && ticks < CHOICE_TICKS_MAX {
            return;
        }
        let rules = Arc::clone(&self.rules);
        let lowest = rules.checkpoints.iter().map(|checkpoint| checkpoint.height);
        let lowest = lowest.chain([rules.height_min]).max().unwrap_or_default();
        let Some((from, name)) = self.peers.best(|name| name.height >= lowest) else {
            return self.end(JoinEnd::FallBack(FallBack::NoneOffered), effects);
        };
        self.begun = self.begun.saturating_add(1);
        if self.begun > BEGUN_MAX {
            return self.end(JoinEnd::FallBack(FallBack::TooManyBegun), effects);
        }
        self.peers.begin();
        effects.push(JoinEffect::Event(JoinEvent::Began { name, from }));
        let fetch = Fetch {
            name,
            from,
            bytes: Vec::new(),
            length: None,
        };
        let part = fetch.next();
        self.stage = Stage::Fetching(fetch);
        self.ask(from, part, effects);
    }

    /// Asks for what can be asked for now.
    fn settle(&mut self, effects: &mut Vec<JoinEffect>) {
        match &mut self.stage {
            Stage::Choosing(_) => {
                for peer in self.peers.unasked() {
                    self.ask(peer, SnapshotPart::Newest, effects);
                }
            }
            Stage::Chunks(chunks) if chunks.are_all_here() => {
                let name = chunks.name;
                self.end(JoinEnd::Whole(name), effects);
            }
            Stage::Chunks(chunks) if !chunks.are_read() => {
                while let Some(index) = chunks.next_unread() {
                    let piece = Piece::Chunk(chunks.name, index);
                    effects.push(JoinEffect::Read(piece));
                }
                if chunks.are_read() {
                    let (height, kept) = (chunks.name.height, chunks.here());
                    effects.push(JoinEffect::Event(JoinEvent::Resumed { height, kept }));
                }
            }
            Stage::Chunks(chunks) if self.peers.all_lack() && !chunks.are_any_on_their_way() => {
                let height = chunks.name.height;
                effects.push(JoinEffect::Event(JoinEvent::Vanished(height)));
                self.stage = Stage::Choosing(0);
            }
            Stage::Chunks(_) => self.ask_for_chunks(effects),
            Stage::Resuming
            | Stage::Fetching(_)
            | Stage::Checking(_)
            | Stage::Keeping(_)
            | Stage::Over => {}
        }
    }

    fn ask_for_chunks(&mut self, effects: &mut Vec<JoinEffect>) {
        while let (Stage::Chunks(chunks), Some(peer)) = (&mut self.stage, self.peers.next()) {
            let Some(index) = chunks.next_missing() else {
                return;
            };
            let name = chunks.name;
            self.ask(peer, SnapshotPart::Chunk { name, index }, effects);
        }
    }

    /// A peer sent what no correct node sends, and is dropped for good.
    fn lied(&mut self, peer: Peer, fault: PeerFault, effects: &mut Vec<JoinEffect>) {
        let asked = self.peers.lied(peer);
        effects.push(JoinEffect::Part { peer, fault });
        let gives = |fetch: &Fetch| fetch.from == peer;
        if matches!(&self.stage, Stage::Fetching(fetch) if gives(fetch)) {
            self.stage = Stage::Choosing(0);
        } else {
            self.on_unanswered(peer, asked);
        }
    }

    fn end(&mut self, end: JoinEnd, effects: &mut Vec<JoinEffect>) {
        self.stage = Stage::Over;
        effects.push(JoinEffect::End(end));
    }

    fn ask(&mut self, peer: Peer, part: SnapshotPart, effects: &mut Vec<JoinEffect>) {
        self.peers.ask(peer, part);
        Self::send(peer, Some(Message::GetSnapshot(part)), effects);
    }

    fn send(peer: Peer, message: Option<Message>, effects: &mut Vec<JoinEffect>) {
        let frame = Frame {
            height: Height::default(),
            acks: Vec::new(),
            message,
        };
        effects.push(JoinEffect::Send {
            to: Recipients::Some(vec![peer]),
            class: frame.class(),
            frame: frame.encode(),
        });
    }
}

impl Fetch {
    /// The next piece.
    fn next(&self) -> SnapshotPart {
        SnapshotPart::Manifest {
            name: self.name,
            from: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
        }
    }
}
