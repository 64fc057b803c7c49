//! What the history says of a key that has more than one receipt.

use falaj_consensus::types::{BlockId, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::block::BlockInput;
use falaj_ledger::event::Event;
use falaj_ledger::execute::execute;
use falaj_ledger::log_tree::root;
use falaj_ledger::rejection::Rejection;
use falaj_ledger::store::memory::{MemoryMedium, MemoryStore};
use falaj_ledger::testing::{self, BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::{Op, TxBody};
use falaj_ledger::validate::CheckedTx;
use std::sync::Arc;

use super::*;
use crate::shell::recover::base_of_genesis;

const RIGHT: Who = Who::Participant(BANK_A);
const WRONG: Who = Who::Nobody;

/// A chain whose blocks go to a store.
struct Chain {
    ledger: Ledger,
    store: MemoryStore,
    events: Vec<Event>,
}

impl Chain {
    fn new() -> Self {
        let genesis = testing::genesis();
        let store = MemoryStore::open(MemoryMedium::new(), genesis.hash()).unwrap();
        base_of_genesis(&store, &genesis).unwrap();
        let ledger = Ledger::new(&genesis);
        let events = Vec::new();
        Self {
            ledger,
            store,
            events,
        }
    }

    fn payment(&mut self, minor_units: u64) -> TxBody {
        let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), minor_units);
        self.ledger.body(BANK_A, Op::Transfer(payment))
    }

    fn signed(&self, body: &TxBody, signer: Who) -> Arc<CheckedTx> {
        self.ledger.checked(body.clone(), &[signer])
    }

    /// Executes and stores a block; gives what became of its transactions.
    fn block(&mut self, transactions: Vec<Arc<CheckedTx>>) -> Vec<Option<Rejection>> {
        let state = &self.ledger.state;
        let body = Body::default();
        let header = Header {
            version: Header::VERSION,
            features: 0,
            genesis_hash: state.chain().genesis_hash,
            height: state.height().next(),
            round: Round::new(0),
            proposer: ValidatorIndex::new(0),
            parent_id: BlockId::default(),
            parent_outcome: Default::default(),
            time_us: state.time_us() + 1_000_000,
            set_hash: Default::default(),
            body_root: body.root(),
            evidence_root: body.evidence_root(),
            transactions: 0,
            transaction_bytes: 0,
        };
        let executed = execute(state, &BlockInput::new(&header, transactions.clone()));
        let certificate = CommitCertificate {
            height: header.height,
            round: header.round,
            id: header.id(),
            outcome: executed.outcome.hash(),
            signers: Bitmap::none(4),
            signatures: Vec::new(),
        };
        let block = Committed {
            id: header.id(),
            header,
            body: Arc::new(body),
            certificate,
            transactions,
            executed: Arc::new(executed),
        };
        self.store.commit(&block_write(&block)).unwrap();
        self.ledger.state = block.executed.state.clone();
        self.events.extend(block.executed.events.iter().cloned());
        let receipts = block.executed.receipts.iter();
        receipts
            .map(|receipt| receipt.verdict.rejection())
            .collect()
    }

    fn find(&self, body: &TxBody) -> Option<(u64, u32)> {
        let life_ms = self.ledger.state.chain().constants.id_life_ms();
        let last = self.ledger.state.height();
        let found = History::new(&self.store).find(body.key(), life_ms, last);
        found.unwrap().map(|(height, index)| (height.get(), index))
    }
}

// docs/spec/ledger.md, "What became of it": a skipped try answers nothing, so the executed one behind it is the key's answer.
#[test]
fn the_executed_receipt_is_found_behind_a_skipped_try() {
    let mut chain = Chain::new();
    let body = chain.payment(5);
    let (wrong, right) = (chain.signed(&body, WRONG), chain.signed(&body, RIGHT));
    assert_eq!(
        chain.block(vec![Arc::clone(&wrong)]),
        [Some(Rejection::Role)]
    );
    assert_eq!(chain.find(&body), Some((1, 0)));
    assert_eq!(
        chain.block(vec![wrong, Arc::clone(&right), right]),
        [Some(Rejection::Role), None, Some(Rejection::Exists)]
    );
    assert_eq!(chain.find(&body), Some((2, 1)));
    // What comes later changes nothing.
    let again = chain.signed(&body, RIGHT);
    assert_eq!(chain.block(vec![again]), [Some(Rejection::Exists)]);
    assert_eq!(chain.find(&body), Some((2, 1)));
}

// A pinned failure is the key's answer as well.
#[test]
fn the_pinned_failure_is_found_before_its_repetitions() {
    let mut chain = Chain::new();
    let body = chain.payment(900_000_000);
    let (wrong, right) = (chain.signed(&body, WRONG), chain.signed(&body, RIGHT));
    assert_eq!(
        chain.block(vec![wrong, Arc::clone(&right)]),
        [Some(Rejection::Role), Some(Rejection::InsufficientFunds)]
    );
    assert_eq!(chain.block(vec![right]), [Some(Rejection::FailedBefore)]);
    assert_eq!(chain.find(&body), Some((1, 1)));
}

#[test]
fn a_key_that_never_came_is_not_found() {
    let mut chain = Chain::new();
    let (came, other) = (chain.payment(5), chain.payment(6));
    let right = chain.signed(&came, RIGHT);
    chain.block(vec![right]);
    assert_eq!(chain.find(&other), None);
}

/// A chain of blocks with so many payments each.
fn chain_of(payments: &[usize]) -> Chain {
    let mut chain = Chain::new();
    for count in payments {
        let bodies: Vec<_> = (0..*count).map(|_| chain.payment(1)).collect();
        let signed = bodies.iter().map(|body| chain.signed(body, RIGHT));
        let signed = signed.collect();
        chain.block(signed);
    }
    chain
}

// One block has more events than a page holds, others have few or none.
#[test]
fn events_are_found_by_their_number() {
    let chain = chain_of(&[1, 0, 3, 450, 0, 40, 1]);
    let history = History::new(&chain.store);
    let all = &chain.events;
    assert_eq!((all.len(), history.events().unwrap()), (495, 495));
    for first in 0..=all.len() {
        for limit in [1, 5, 600] {
            let found = history.events_from(first as u64, limit).unwrap();
            let last = all.len().min(first + limit);
            assert_eq!(found, all[first..last], "{limit} from {first}");
        }
    }
    assert!(history.holds_events(495).unwrap());
    assert!(!history.holds_events(496).unwrap());
}

// The larger subtrees are stored as they are by definition; the smaller ones are left to whoever has the events.
#[test]
fn roots_of_the_event_log_are_found_by_their_place() {
    let chain = chain_of(&[1, 0, 3, 60, 0, 40, 1]);
    let history = History::new(&chain.store);
    let leaves: Vec<_> = chain.events.iter().map(Event::leaf_hash).collect();
    for level in 4..=6 {
        let size = 1_usize << level;
        for (at, subtree) in leaves.chunks_exact(size).enumerate() {
            let found = history.event_root((at * size) as u64, level).unwrap();
            assert_eq!(found, Some(root(subtree)), "{at} of level {level}");
        }
    }
    assert_eq!(history.event_root(0, 3).unwrap(), None);
    assert_eq!(history.event_root(0, 7).unwrap(), None);
}

// What a program wrote that kept no events is told from an empty log.
#[test]
fn a_store_without_events_is_told() {
    let chain = chain_of(&[2]);
    let history = History::new(&chain.store);
    assert!(history.holds_events(0).unwrap() && history.holds_events(2).unwrap());
    let empty = chain_of(&[0]);
    let history = History::new(&empty.store);
    assert!(history.holds_events(0).unwrap() && !history.holds_events(2).unwrap());
}
