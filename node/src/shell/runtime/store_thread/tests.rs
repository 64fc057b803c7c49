//! A store whose checkpoints take their time.

use falaj_consensus::message::{Body, CommitCertificate, Header};
use falaj_consensus::types::{BlockId, Height, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::state::State;
use falaj_ledger::state_map::StateMap;
use falaj_ledger::store::{BlockWrite, Loaded, Marker, Page};
use falaj_ledger::testing;
use std::sync::Mutex;
use std::time::Duration;

use super::super::checkpoints::CHECKPOINT_HEIGHTS;
use super::*;

/// A store that keeps nothing, and does this instead of a checkpoint of a height.
pub(in crate::shell) struct Idle<F>(pub(in crate::shell) F);

impl<F: Fn(Height) + Send + Sync> Store for Idle<F> {
    fn commit(&self, _: &BlockWrite) -> Result<(), StoreError> {
        Ok(())
    }

    fn begin(&self, _: &Marker, _: &StateMap, _: &[Page]) -> Result<(), StoreError> {
        Ok(())
    }

    fn checkpoint(&self, at: &Marker, _: &StateMap) -> Result<(), StoreError> {
        self.0(at.height);
        Ok(())
    }

    fn marker(&self) -> Result<Option<Marker>, StoreError> {
        Ok(None)
    }

    fn load(&self) -> Result<Option<Loaded>, StoreError> {
        Ok(None)
    }

    fn prune_below(&self, _: Height) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn range(&self, _: &[u8], _: usize) -> Result<Vec<Page>, StoreError> {
        Ok(Vec::new())
    }
}

/// An empty block, said to be of a height.
fn block(height: u64) -> Arc<Committed> {
    let state = State::open(&testing::genesis()).unwrap().state;
    let body = Body::default();
    let header = |height| Header {
        version: Header::VERSION,
        features: 0,
        genesis_hash: state.chain().genesis_hash,
        height,
        round: Round::new(0),
        proposer: ValidatorIndex::new(0),
        parent_id: BlockId::default(),
        parent_outcome: Default::default(),
        time_us: state.time_us() + 1,
        set_hash: Default::default(),
        body_root: body.root(),
        evidence_root: body.evidence_root(),
        transactions: 0,
        transaction_bytes: 0,
    };
    let executed = execute(
        &state,
        &BlockInput::new(&header(Height::new(1)), &body, Vec::new()),
    );
    let header = header(Height::new(height));
    let certificate = CommitCertificate {
        height: header.height,
        round: header.round,
        id: header.id(),
        outcome: executed.outcome.hash(),
        signers: Bitmap::none(4),
        signatures: Vec::new(),
    };
    Arc::new(Committed {
        id: header.id(),
        header,
        body: Arc::new(body),
        certificate,
        transactions: Vec::new(),
        executed: Arc::new(executed),
    })
}

// docs/spec/storage.md, "Order of writes": checkpoints are made off the blocks' path; of more than are made in time some are left out.
#[test]
fn a_checkpoint_holds_up_no_block() {
    let ((go, let_go), (made, checkpoints)) = (channel(), channel());
    let let_go = Mutex::new(let_go);
    let store = Idle(move |height| {
        let_go.lock().unwrap().recv().unwrap();
        made.send(height).unwrap();
    });
    let (results, inputs) = channel();
    let fatal = Fatal::with(|code, message| panic!("{code}: {message}"));
    let results = move |input| drop(results.send(input));
    let thread = StoreThread::start(Arc::new(store), results, |_| {}, None, fatal).unwrap();
    let sender = thread.sender().unwrap();
    let heights =
        (1..=4).flat_map(|turn| [turn * CHECKPOINT_HEIGHTS, turn * CHECKPOINT_HEIGHTS + 1]);
    for height in heights.clone() {
        sender.send(StoreCommand::Commit(block(height))).unwrap();
    }
    for height in heights {
        // Far longer than it takes, so that a thread that waits for ever fails the test.
        let input = inputs.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(matches!(input, Input::Persisted(persisted) if persisted.get() == height));
    }
    // Those that are not made any more find nobody to wait for.
    for _ in 0..4 {
        go.send(()).unwrap();
    }
    drop(sender);
    thread.finish();
    let made: Vec<_> = checkpoints.iter().map(Height::get).collect();
    assert_eq!(made[0], CHECKPOINT_HEIGHTS);
    assert!((1..=2).contains(&made.len()));
}
