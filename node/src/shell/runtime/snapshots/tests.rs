//! Snapshots of a small chain, taken while it goes on.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::testing::{CENTRAL_BANK, Ledger, Who, genesis_governed, propose, set_change};
use falaj_ledger::transaction::Op;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::*;
use crate::shell::snapshot::tests::committed;
use crate::shell::view::SetPath;

/// The authority over validators of the test world.
const VALIDATORS: u32 = 5;

type Told = (Height, Result<f64, SnapshotFault>);

struct World {
    ledger: Ledger,
    path: Arc<SetPath>,
    snapshots: Snapshots,
    told: Receiver<Told>,
    shelf: Shelf,
}

impl World {
    fn new(data: &Path, interval: u64, ledger: Ledger) -> Self {
        Self::within(data, interval, ledger, u64::MAX)
    }

    /// With room for so many bytes.
    fn within(data: &Path, interval: u64, ledger: Ledger, room: u64) -> Self {
        let path = Arc::new(SetPath::default());
        let (sender, told) = channel();
        let (shelf, known) = (Shelf::of(data), Arc::clone(&path));
        let sender = Mutex::new(sender);
        let taking = Taking {
            interval: NonZero::new(interval).unwrap(),
            shelf: shelf.clone(),
            trust: Trust::of_genesis(&genesis_governed()),
            checker: Box::new(RealChecker),
            changes: Box::new(move |height, state| known.to(height, state)),
            has_room: Box::new(move |bytes| bytes <= room),
            told: Box::new(move |height, taken| {
                sender.lock().unwrap().send((height, taken)).unwrap();
            }),
        };
        Self {
            snapshots: Snapshots::start(taking).unwrap(),
            ledger,
            path,
            told,
            shelf,
        }
    }

    /// Goes on by a block of these, and gives the height at which a snapshot was taken or tried of it.
    fn block(&mut self, of: Vec<Arc<falaj_ledger::validate::CheckedTx>>) -> Option<Told> {
        let verdicts = self.ledger.block(of);
        assert!(verdicts.iter().all(|verdict| verdict.is_executed()));
        let block = committed(&self.ledger);
        self.path.push(&block);
        let before = self.snapshots.last;
        self.snapshots.offer(&block);
        (self.snapshots.last > before).then(|| self.told.recv().unwrap())
    }

    /// Heights of the snapshots that this many blocks lead to.
    fn go_on(&mut self, blocks: u64) -> Vec<u64> {
        let told = (0..blocks).filter_map(|_| self.block(Vec::new()));
        let taken = told.map(|(height, taken)| {
            taken.unwrap();
            height.get()
        });
        taken.collect()
    }

    fn heights(&self) -> Vec<u64> {
        let heights = self.shelf.heights().unwrap();
        heights.into_iter().map(Height::get).collect()
    }
}

fn ledger() -> Ledger {
    Ledger::new(&genesis_governed())
}

// docs/spec/snapshots.md, "Taken while the node runs": at each multiple of the interval, also of a node that starts again, and at once by
// one that has missed its turn.
#[test]
fn a_snapshot_is_taken_at_each_interval() {
    let data = tempfile::tempdir().unwrap();
    let mut world = World::new(data.path(), 4, ledger());
    assert_eq!(world.go_on(13), [4, 8, 12]);
    assert_eq!(world.heights(), [8, 12]);
    let newest = Height::new(12);
    let trust = Trust::of_genesis(&genesis_governed());
    let folder = world.shelf.folder_of(newest);
    let proven = snapshot::read(&folder, &trust, &[], &RealChecker).unwrap();
    assert_eq!(proven.state.height(), newest);

    let World { ledger, .. } = world;
    let mut again = World::new(data.path(), 4, ledger);
    assert_eq!(again.go_on(2), Vec::<u64>::new());
    assert_eq!(again.go_on(2), [16]);
    let World { ledger, .. } = again;
    let data = tempfile::tempdir().unwrap();
    let mut late = World::new(data.path(), 5, ledger);
    assert_eq!(late.go_on(5), [18, 20]);
}

// The same: while a change of validators is under way none is taken, and the first block after it is the one; what proves it has the change.
#[test]
fn a_change_under_way_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let mut world = World::new(data.path(), 4, ledger());
    let central = [Who::Participant(CENTRAL_BANK)];
    let set = world.ledger.state.validators_at(Height::new(1));
    let change = set_change(world.ledger.chain(), &set, &[(9, 1, 9)], &[]);
    let proposing = propose(VALIDATORS, Action::Validators(change));
    let proposing = world.ledger.tx(CENTRAL_BANK, proposing, &central);
    let id = ProposalId::new(proposing.content_hash().hash());
    let two = [Who::Member(0), Who::Member(1)];
    let approving = world.ledger.tx(CENTRAL_BANK, Op::Approve(id), &two);
    let executing = world.ledger.tx(CENTRAL_BANK, Op::Execute(id), &central);
    // Block 4 decides the change, which is in force from block 6 on.
    assert!(world.block(Vec::new()).is_none());
    assert!(world.block(vec![proposing]).is_none());
    assert!(world.block(vec![approving]).is_none());
    assert!(world.block(vec![executing]).is_none());
    assert_eq!(world.go_on(3), [6]);
    let manifest = world.shelf.manifest(Height::new(6)).unwrap();
    assert_eq!(manifest.proof().set_changes().len(), 1);
    assert_eq!(world.go_on(1), [8]);

    // A node that lacks the block of the change says so, and takes none.
    let World { ledger, .. } = world;
    let data = tempfile::tempdir().unwrap();
    let mut lacking = World::new(data.path(), 4, ledger);
    let (_, taken) = lacking.block(Vec::new()).unwrap();
    assert_eq!(taken.unwrap_err().code(), Some("snapshot-no-path"));
}

// The same: without room none is taken and nothing is left, the one before stays, and the next turn is tried.
#[test]
fn without_room_none_is_taken() {
    let data = tempfile::tempdir().unwrap();
    let mut world = World::new(data.path(), 2, ledger());
    assert_eq!(world.go_on(2), [2]);
    let World { ledger, .. } = world;
    let mut full = World::within(data.path(), 2, ledger, 1_000);
    for _ in 0..2 {
        assert!(full.block(Vec::new()).is_none());
        let (_, taken) = full.block(Vec::new()).unwrap();
        assert_eq!(taken.unwrap_err().code(), Some("snapshot-no-room"));
    }
    assert_eq!(full.heights(), [2]);
    let entries = std::fs::read_dir(data.path().join("snapshots")).unwrap();
    assert_eq!(entries.count(), 1);
}
