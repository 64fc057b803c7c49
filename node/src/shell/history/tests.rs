//! What the history says of a key that has more than one receipt, of blocks of any size, and of events.

use falaj_consensus::crypto::{SIGNATURE_BYTES_MAX, Signature};
use falaj_consensus::message::{BODY_BATCHES_MAX, BatchRef, INLINE_BYTES_MAX};
use falaj_consensus::types::{BatchDigest, BlockId, Round, ValidatorId, ValidatorIndex};
use falaj_consensus::validator_set::{Bitmap, VALIDATORS_MAX};
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
        let block = self.made(transactions, Body::default(), (Bitmap::none(4), Vec::new()));
        self.store.commit(&block_write(&block)).unwrap();
        let receipts = block.executed.receipts.iter();
        receipts
            .map(|receipt| receipt.verdict.rejection())
            .collect()
    }

    /// Executes a block of these transactions under that body, with these signatures.
    fn made(
        &mut self,
        transactions: Vec<Arc<CheckedTx>>,
        body: Body,
        (signers, signatures): (Bitmap, Vec<Signature>),
    ) -> Committed {
        let state = &self.ledger.state;
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
        let executed = execute(
            state,
            &BlockInput::new(&header, &body, transactions.clone()),
        );
        let certificate = CommitCertificate {
            height: header.height,
            round: header.round,
            id: header.id(),
            outcome: executed.outcome.hash(),
            signers,
            signatures,
        };
        let block = Committed {
            id: header.id(),
            header,
            body: Arc::new(body),
            certificate,
            transactions,
            executed: Arc::new(executed),
        };
        self.ledger.state = block.executed.state.clone();
        self.events.extend(block.executed.events.iter().cloned());
        block
    }

    fn find(&self, body: &TxBody) -> Option<(u64, u32)> {
        let life_ms = self.ledger.state.chain().constants.id_life_ms();
        let last = self.ledger.state.height();
        let found = History::new(&self.store, Floor::default()).find(body.key(), life_ms, last);
        found.unwrap().map(|(height, index)| (height.get(), index))
    }
}

// docs/spec/ledger.md, "What an answer is": a skipped try answers nothing, so the executed one behind it is the key's answer.
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
    let history = History::new(&chain.store, Floor::default());
    let all = &chain.events;
    assert_eq!(all.len(), 495);
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
    let history = History::new(&chain.store, Floor::default());
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
    let history = History::new(&chain.store, Floor::default());
    assert!(history.holds_events(0).unwrap() && history.holds_events(2).unwrap());
    let empty = chain_of(&[0]);
    let history = History::new(&empty.store, Floor::default());
    assert!(history.holds_events(0).unwrap() && !history.holds_events(2).unwrap());
}

// docs/spec/storage.md, "History": a store that began with a snapshot has no event from before it, and of the roots all that the log needs
// to go on: whatever is proven of later events is what a store from genesis proves.
#[test]
fn a_store_that_began_with_a_snapshot_goes_on_with_the_event_log() {
    for early in [0, 1, 15, 16, 17, 60, 75, 96] {
        let mut chain = chain_of(&[early]);
        let (state, floor) = (chain.ledger.state.clone(), chain.ledger.state.height());
        let late = MemoryStore::open(MemoryMedium::new(), state.chain().genesis_hash).unwrap();
        let marker = Marker {
            height: floor,
            block_id: BlockId::default(),
            outcome: Default::default(),
            state_root: state.root(),
        };
        late.begin(&marker, state.map(), &peak_pages(&state.events()))
            .unwrap();
        let floor = Floor {
            height: floor,
            events: early as u64,
        };
        let here = History::new(&late, floor);
        assert!(here.holds_events(early as u64).unwrap());
        assert!(early == 0 || !here.holds_events(early as u64 + 1).unwrap());
        for payments in [30, 0, 80] {
            let bodies: Vec<_> = (0..payments).map(|_| chain.payment(1)).collect();
            let signed = bodies
                .iter()
                .map(|body| chain.signed(body, RIGHT))
                .collect();
            let block = chain.made(signed, Body::default(), (Bitmap::none(4), Vec::new()));
            chain.store.commit(&block_write(&block)).unwrap();
            late.commit(&block_write(&block)).unwrap();
        }
        let whole = History::new(&chain.store, Floor::default());
        let size = chain.events.len() as u64;
        assert!(here.holds_events(size).unwrap() && !here.holds_events(size + 1).unwrap());
        for (sequence, event) in (0..).zip(&chain.events) {
            let found = here.events_from(sequence, 1).unwrap();
            let expected = (sequence >= floor.events).then(|| event.clone());
            assert_eq!(found, Vec::from_iter(expected), "{sequence} after {early}");
        }
        let peaks: Vec<_> = state
            .events()
            .peaks()
            .map(|(start, level, _)| (start, level))
            .collect();
        for level in 4..=7 {
            for start in (0..size).step_by(1 << level) {
                let (found, end) = (here.event_root(start, level).unwrap(), start + (1 << level));
                let expected = whole.event_root(start, level).unwrap();
                let is_known = end > floor.events || peaks.contains(&(start, level));
                assert_eq!(
                    found,
                    expected.filter(|_| is_known),
                    "{start} {level} after {early}"
                );
            }
        }
    }
}

/// A body as long as bodies get without evidence, which no block carries yet.
fn full_body() -> Body {
    let batch = |number: usize| BatchRef {
        digest: BatchDigest::default(),
        author: ValidatorId::new(1),
        seq: number as u64,
        transactions: 1,
        bytes: 1,
    };
    Body {
        batches: (0..BODY_BATCHES_MAX).map(batch).collect(),
        inline: vec![vec![7; INLINE_BYTES_MAX]],
        evidence: Vec::new(),
    }
}

/// Signatures of the longest kind by so many validators.
fn signatures(count: usize) -> (Bitmap, Vec<Signature>) {
    let mut signers = Bitmap::none(count);
    for index in 0..count {
        signers.insert(ValidatorIndex::new(u16::try_from(index).unwrap()));
    }
    let signature = Signature::new(vec![5; SIGNATURE_BYTES_MAX]).unwrap();
    (signers, vec![signature; count])
}

// docs/spec/storage.md, "History": no certificate or body that a genesis admits is too long for the store, nor one that fills chunks exactly.
#[test]
fn the_largest_block_is_stored_and_read() {
    let mut chain = Chain::new();
    let mut blocks = Vec::new();
    for count in [0, 1, 100, VALIDATORS_MAX] {
        blocks.push(chain.made(Vec::new(), full_body(), signatures(count)));
    }
    let short = chain.made(Vec::new(), Body::default(), (Bitmap::none(4), Vec::new()));
    let lacking = 2 * CHUNK_BYTES - hash::encode(&page_of(&short)).len() - size_of::<u32>();
    let (mut filling, each) = (Body::default(), size_of::<u32>() + SIGNATURE_BYTES_MAX);
    filling.inline = vec![vec![7; lacking % each]];
    let filled = (Bitmap::none(4), signatures(lacking / each).1);
    let exact = chain.made(Vec::new(), filling, filled);
    assert_eq!(hash::encode(&page_of(&exact)).len(), 2 * CHUNK_BYTES);
    blocks.extend([short, exact]);
    for block in &blocks {
        chain.store.commit(&block_write(block)).unwrap();
    }
    let history = History::new(&chain.store, Floor::default());
    for block in &blocks {
        let (height, time_us) = (block.header.height, block.header.time_us);
        assert_eq!(history.block(height).unwrap(), Some(page_of(block)));
        let last = Height::new(blocks.len() as u64);
        assert_eq!(history.first_at_or_after(time_us, last).unwrap(), height);
    }
}

// What an earlier build wrote as one page, longer than a chunk, reads as before.
#[test]
fn a_block_in_one_page_is_read() {
    let mut chain = Chain::new();
    let block = chain.made(Vec::new(), full_body(), signatures(0));
    let page = page_of(&block);
    let mut write = block_write(&block);
    write.pages.retain(|page| page.key[0] != BLOCK);
    let (key, value) = (key(BLOCK, block.header.height, 0), hash::encode(&page));
    assert!(value.len() > CHUNK_BYTES);
    write.pages.push(Page { key, value });
    chain.store.commit(&write).unwrap();
    let found = History::new(&chain.store, Floor::default()).block(block.header.height);
    assert_eq!(found.unwrap(), Some(page));
}
