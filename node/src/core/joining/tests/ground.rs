//! A host of the machine, with peers, a disk that keeps what it is told to, and a certified chain to take snapshots of.

use falaj_consensus::message::{Body, CommitCertificate, Header, PrecommitValue, Statement, Vote};
use falaj_consensus::types::ValidatorId;
use falaj_consensus::types::{BlockId, Hash32, Height, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::snapshot::{Cut, Manifest};
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, genesis, transfer};
use falaj_ledger::transaction::Op;
use falaj_ledger::trust::Trust;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use super::super::*;
use crate::core::snapshots::{ShelfInMemory, SnapshotShelf, answer_from};

pub(super) fn peer(number: u32) -> Peer {
    Peer::of(ValidatorId::new(number)).unwrap()
}

/// What a peer does.
#[derive(Clone, Debug)]
pub(super) enum Role {
    Honest(ShelfInMemory),
    /// Changes a byte of each chunk.
    WrongChunks(ShelfInMemory),
    /// Changes a byte of the certificates of the manifest.
    WrongManifest(ShelfInMemory),
    /// Gives bytes that are no manifest.
    NoManifest(ShelfInMemory),
    /// Gives the manifest of one snapshot for that of a higher one.
    Renamed(ShelfInMemory),
    /// Promises a higher snapshot than there is, and gives nothing.
    Promises(ShelfInMemory),
    /// Promises it, and then says that it does not have it.
    Denies(ShelfInMemory),
    /// Gives the manifest and no chunk.
    NoChunks(ShelfInMemory),
    /// Gives a piece of that length of a manifest of that length.
    Piece(ShelfInMemory, u32, usize),
    Silent,
}

impl Role {
    fn answer(&self, part: SnapshotPart) -> Option<SnapshotAnswer> {
        let raised = |shelf: &ShelfInMemory| {
            let name = shelf.newest().unwrap();
            let height = Height::new(name.height.get() + 1_000);
            Some(SnapshotName { height, ..name })
        };
        let mut answer = match self {
            Self::Silent => return None,
            Self::Denies(shelf) => return Some(SnapshotAnswer::Newest(raised(shelf))),
            Self::Promises(shelf) | Self::Renamed(shelf) if part == SnapshotPart::Newest => {
                return Some(SnapshotAnswer::Newest(raised(shelf)));
            }
            Self::Promises(_) => return None,
            Self::NoChunks(_) if matches!(part, SnapshotPart::Chunk { .. }) => return None,
            Self::Renamed(shelf) => {
                let SnapshotPart::Manifest { name, from } = part else {
                    return None;
                };
                let (length, bytes) = shelf.manifest(shelf.newest().unwrap(), from)?;
                return Some(SnapshotAnswer::Manifest {
                    name,
                    length,
                    from,
                    bytes,
                });
            }
            Self::Honest(shelf)
            | Self::WrongChunks(shelf)
            | Self::WrongManifest(shelf)
            | Self::NoManifest(shelf)
            | Self::NoChunks(shelf)
            | Self::Piece(shelf, ..) => answer_from(shelf, part),
        };
        match (&mut answer, self) {
            (SnapshotAnswer::Chunk { bytes, .. }, Self::WrongChunks(_)) => {
                *bytes.last_mut().unwrap() ^= 1;
            }
            (SnapshotAnswer::Manifest { bytes, .. }, Self::WrongManifest(_)) => {
                bytes[100] ^= 1;
            }
            (SnapshotAnswer::Manifest { bytes, length, .. }, Self::NoManifest(_)) => {
                (*bytes, *length) = (vec![7; 9], 9);
            }
            (SnapshotAnswer::Manifest { bytes, length, .. }, Self::Piece(_, all, piece)) => {
                (*bytes, *length) = (vec![7; *piece], *all);
            }
            _ => {}
        }
        Some(answer)
    }
}

type Kept = (Option<Vec<u8>>, BTreeMap<u32, Vec<u8>>);

pub(super) struct Ground {
    pub(super) machine: Joining,
    pub(super) roles: BTreeMap<Peer, Role>,
    pub(super) kept: Kept,
    queue: VecDeque<JoinInput>,
    pub(super) parted: Vec<(Peer, PeerFault)>,
    pub(super) events: Vec<JoinEvent>,
    /// How many parts each peer gave, its offers not counted.
    pub(super) gave: BTreeMap<Peer, usize>,
    pub(super) asked_chunks: usize,
    pub(super) told: usize,
    pub(super) forgotten: usize,
    pub(super) ticks: u32,
    end: Option<JoinEnd>,
}

impl Ground {
    pub(super) fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self::with(Kept::default(), roles)
    }

    pub(super) fn with(kept: Kept, roles: impl IntoIterator<Item = Role>) -> Self {
        let (machine, effects) = Joining::start(rules(Height::new(2)));
        let mut ground = Self {
            machine,
            roles: BTreeMap::new(),
            kept,
            queue: VecDeque::new(),
            parted: Vec::new(),
            events: Vec::new(),
            gave: BTreeMap::new(),
            asked_chunks: 0,
            told: 0,
            forgotten: 0,
            ticks: 0,
            end: None,
        };
        ground.perform(effects);
        for (number, role) in (1..).zip(roles) {
            ground.add(peer(number), role);
        }
        ground
    }

    /// Begins anew, for snapshots of that height at least.
    pub(super) fn restart(&mut self, height_min: Height) {
        let (machine, effects) = Joining::start(rules(height_min));
        self.machine = machine;
        self.queue.clear();
        self.perform(effects);
        for number in 1..=u32::try_from(self.roles.len()).unwrap() {
            self.give(JoinInput::PeerUp(peer(number)));
        }
    }

    pub(super) fn add(&mut self, peer: Peer, role: Role) {
        self.roles.insert(peer, role);
        self.give(JoinInput::PeerUp(peer));
    }

    pub(super) fn give(&mut self, input: JoinInput) {
        let effects = self.machine.step(input);
        self.perform(effects);
    }

    pub(super) fn hear(&mut self, from: Peer, message: Message) {
        let (class, bytes) = encoded(message);
        self.give(JoinInput::Received { from, class, bytes });
    }

    pub(super) fn say(&mut self, from: Peer, answer: SnapshotAnswer) {
        self.hear(from, Message::Snapshot(Box::new(answer)));
    }

    /// The next input, or a tick if there is none.
    pub(super) fn next(&mut self) {
        let input = self.queue.pop_front().unwrap_or_else(|| {
            self.ticks += 1;
            JoinInput::Tick
        });
        self.give(input);
    }

    pub(super) fn run_ticks(&mut self, ticks: u32) {
        let end = self.ticks + ticks;
        while self.ticks < end && self.end.is_none() {
            self.next();
        }
        while !self.queue.is_empty() {
            self.next();
        }
    }

    pub(super) fn run(&mut self) -> JoinEnd {
        for _ in 0..100_000 {
            if let Some(end) = self.end {
                return end;
            }
            self.next();
        }
        panic!("it does not end");
    }

    /// The root of the state that the kept chunks give, each proven again.
    pub(super) fn restored_root(&self) -> Hash32 {
        let manifest = Manifest::from_bytes(self.kept.0.as_ref().unwrap()).unwrap();
        let proven = manifest.verify(&trust(), &[], &RealChecker).unwrap();
        let mut restoring = proven.restore();
        for (index, bytes) in &self.kept.1 {
            restoring.take(*index as usize, bytes.clone()).unwrap();
        }
        restoring.finish().unwrap().root()
    }

    fn perform(&mut self, effects: Vec<JoinEffect>) {
        for effect in effects {
            match effect {
                JoinEffect::Send { to, class, frame } => self.sent(&to, class, &frame),
                JoinEffect::Timer { .. } => {}
                JoinEffect::Read(piece) => {
                    let bytes = match piece {
                        Piece::Manifest => self.kept.0.clone(),
                        Piece::Chunk(_, index) => self.kept.1.get(&index).cloned(),
                    };
                    self.queue.push_back(JoinInput::Read { piece, bytes });
                }
                JoinEffect::Check(job) => {
                    let checked = Box::new(job.run(&RealChecker));
                    self.queue.push_back(JoinInput::Checked(checked));
                }
                JoinEffect::Keep { piece, bytes } => {
                    match piece {
                        Piece::Manifest => self.kept = (Some(bytes.to_vec()), BTreeMap::new()),
                        Piece::Chunk(_, index) => {
                            self.kept.1.insert(index, bytes.to_vec());
                        }
                    }
                    self.queue.push_back(JoinInput::Kept(piece));
                }
                JoinEffect::Forget => {
                    self.kept = Kept::default();
                    self.forgotten += 1;
                }
                JoinEffect::Part { peer, fault } => self.parted.push((peer, fault)),
                JoinEffect::Event(event) => self.events.push(event),
                JoinEffect::End(end) => self.end = Some(end),
            }
        }
    }

    fn sent(&mut self, to: &Recipients, class: Class, frame: &[u8]) {
        let message = Frame::decode(class, frame).unwrap().message;
        let Recipients::Some(to) = to else {
            panic!("one peer at a time");
        };
        let part = match message {
            Some(Message::GetSnapshot(part)) => part,
            Some(Message::Snapshot(_)) => {
                self.told += 1;
                return;
            }
            _ => return,
        };
        self.asked_chunks += usize::from(matches!(part, SnapshotPart::Chunk { .. }));
        for from in to {
            let Some(answer) = self.roles.get(from).and_then(|role| role.answer(part)) else {
                continue;
            };
            let gives = !matches!(answer, SnapshotAnswer::Newest(_));
            if gives {
                *self.gave.entry(*from).or_default() += 1;
            }
            let (class, bytes) = encoded(Message::Snapshot(Box::new(answer)));
            let from = *from;
            self.queue
                .push_back(JoinInput::Received { from, class, bytes });
        }
    }
}

fn encoded(message: Message) -> (Class, Arc<[u8]>) {
    let frame = Frame {
        height: Height::new(50),
        acks: Vec::new(),
        message: Some(message),
    };
    (frame.class(), frame.encode())
}

fn rules(height_min: Height) -> JoinRules {
    JoinRules {
        trust: Arc::new(trust()),
        checkpoints: Vec::new(),
        height_min,
        tick_ns: 1,
    }
}

fn trust() -> Trust {
    Trust::of_genesis(&genesis())
}

/// A ledger after so many payments, and its certificate.
struct Chain {
    ledger: Ledger,
}

impl Chain {
    fn at(height: u64) -> Self {
        let mut ledger = Ledger::new(&genesis());
        while ledger.state.height() < Height::new(height) {
            let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), 1);
            ledger.run(BANK_A, Op::Transfer(payment), &[Who::Participant(BANK_A)]);
        }
        Self { ledger }
    }

    fn manifest(&self, cut: &Cut<'_>) -> Manifest {
        let ledger = &self.ledger;
        let (state, outcome) = (&ledger.state, ledger.last.clone().unwrap().outcome);
        let set = state.validators_at(state.height());
        let body = Body::default();
        let header = Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: ledger.chain().genesis_hash,
            height: state.height(),
            round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            parent_id: BlockId::default(),
            parent_outcome: OutcomeHash::default(),
            time_us: state.time_us(),
            set_hash: set.hash(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: 1,
            transaction_bytes: 0,
        };
        let value = Some(PrecommitValue {
            id: header.id(),
            outcome: outcome.hash(),
        });
        let (height, round) = (header.height, header.round);
        let statement = Statement::Precommit {
            height,
            round,
            value,
        };
        let message = statement.sign_bytes(ledger.chain());
        let votes: Vec<_> = (0..)
            .zip(set.members())
            .map(|(index, member)| {
                let key = Who::Validator(u64::from(member.id.get())).key();
                let signature = key.sign(message.as_slice());
                Vote::new(ValidatorIndex::new(index), statement, signature).unwrap()
            })
            .collect();
        let votes: Vec<_> = votes.iter().collect();
        let certificate = CommitCertificate::from_votes(set.len(), &votes).unwrap();
        let proof = CertifiedOutcome::new(header, outcome, &certificate).unwrap();
        Manifest::of(state, cut, proof).unwrap()
    }
}

fn shelf_of(height: u64, bytes_max: usize) -> (ShelfInMemory, Hash32) {
    let chain = Chain::at(height);
    let cut = Cut::within(chain.ledger.state.map(), bytes_max).unwrap();
    let chunks = (0..cut.parts().len()).map_while(|index| cut.chunk(index));
    let mut shelf = ShelfInMemory::default();
    shelf.put(&chain.manifest(&cut), chunks.collect());
    (shelf, chain.ledger.state.root())
}

fn early() -> &'static (ShelfInMemory, Hash32) {
    static EARLY: OnceLock<(ShelfInMemory, Hash32)> = OnceLock::new();
    EARLY.get_or_init(|| shelf_of(5, 300))
}

fn late() -> &'static (ShelfInMemory, Hash32) {
    static LATE: OnceLock<(ShelfInMemory, Hash32)> = OnceLock::new();
    LATE.get_or_init(|| shelf_of(9, 300))
}

/// A snapshot of a dozen chunks or more.
pub(super) fn shelf() -> ShelfInMemory {
    early().0.clone()
}

/// The same one, and a later one.
pub(super) fn shelves() -> [ShelfInMemory; 2] {
    [shelf(), late().0.clone()]
}

pub(super) fn root() -> Hash32 {
    early().1
}

pub(super) fn root_later() -> Hash32 {
    late().1
}

/// The state of [`shelf`] in smaller chunks.
pub(super) fn finer() -> ShelfInMemory {
    shelf_of(5, 1).0
}

/// The snapshot of [`shelf`] with a wrong count in its manifest.
pub(super) fn miscounted() -> ShelfInMemory {
    let shelf = shelf();
    let name = shelf.newest().unwrap();
    let (_, mut bytes) = shelf.manifest(name, 0).unwrap();
    // The last part ends with its count and its root.
    let at = bytes.len() - 36;
    bytes[at] ^= 1;
    let manifest = Manifest::from_bytes(&bytes).unwrap();
    let chunks = (0..).map_while(|index| shelf.chunk(name, index)).collect();
    let mut other = ShelfInMemory::default();
    other.put(&manifest, chunks);
    other
}

/// The manifest of [`shelf`].
pub(in crate::core) fn manifest_of_test_chain() -> Manifest {
    let shelf = shelf();
    let (_, bytes) = shelf.manifest(shelf.newest().unwrap(), 0).unwrap();
    Manifest::from_bytes(&bytes).unwrap()
}
