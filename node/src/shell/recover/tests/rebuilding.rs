//! What a start makes of a store that is missing, behind, ahead or wrong, beside logs that are whole.

use falaj_consensus::durable::LogId;
use falaj_consensus::hash;
use falaj_consensus::message::{Batch, Lane};
use falaj_consensus::types::{OutcomeHash, ValidatorId};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::block::BlockInput;
use falaj_ledger::execute::execute;
use falaj_ledger::store::memory::MemoryStore;
use falaj_ledger::testing::{BANK_A, BANK_B, Ledger, Who, account, transfer};
use falaj_ledger::transaction::Op;
use falaj_ledger::validate::{CheckedTx, Rules};

use super::*;
use crate::core::Committed;
use crate::storage::{BlockRecord, Floor, forge};

/// A chain of payments from one account to another: its logs, and its blocks as they were executed when they were decided.
struct Chain {
    genesis: Genesis,
    ledger: Ledger,
    logs: NodeLogs<MemDisk>,
    blocks: Vec<Committed>,
}

impl Chain {
    /// With so many heights decided, each with a batch of one payment.
    fn of(heights: usize) -> Self {
        let genesis = testing::genesis();
        let mut chain = Self {
            ledger: Ledger::new(&genesis),
            logs: NodeLogs::create(MemDisk::new(), MemDisk::new(), genesis.hash()).unwrap(),
            blocks: Vec::new(),
            genesis,
        };
        for _ in 0..heights {
            chain.decide(|outcome| outcome);
        }
        chain
    }

    /// Executes a block, and records it as decided with that outcome.
    fn decide(&mut self, certify: impl FnOnce(OutcomeHash) -> OutcomeHash) {
        let (block, batch) = self.execute();
        let at = self
            .logs
            .append(LogId::Batch, &hash::encode(&batch))
            .unwrap();
        let parts = (block.header.clone(), (*block.body).clone());
        let body = forge::propose(&mut self.logs, &parts);
        let mut certificate = block.certificate.clone();
        certificate.outcome = certify(certificate.outcome);
        let record = BlockRecord::decided(&certificate, body, &[at]);
        self.logs.append(LogId::Block, &record).unwrap();
        self.blocks.push(block);
    }

    /// The next block, of one payment, and the batch that has it.
    fn execute(&mut self) -> (Committed, Batch) {
        let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), 7);
        let op = Op::Transfer(payment);
        let paid = self.ledger.tx(BANK_A, op, &[Who::Participant(BANK_A)]);
        let batch = batch_of(&paid, self.blocks.len());
        let state = &self.ledger.state;
        let (mut header, body) = forge::block(state.height().next().get(), Some(&batch));
        header.time_us = state.time_us() + 1_000_000;
        let transactions = vec![paid];
        let executed = execute(
            state,
            &BlockInput::new(&header, &body, transactions.clone()),
        );
        let mut certificate = forge::certificate(&header);
        certificate.outcome = executed.outcome.hash();
        self.ledger.state = executed.state.clone();
        let block = Committed {
            id: header.id(),
            header,
            body: Arc::new(body),
            certificate,
            transactions,
            executed: Arc::new(executed),
        };
        (block, batch)
    }

    fn empty_store(&self) -> MemoryStore {
        MemoryStore::open(MemoryMedium::new(), self.genesis.hash()).unwrap()
    }

    /// A store of genesis and of so many blocks.
    fn store_of(&self, heights: usize) -> MemoryStore {
        let store = self.empty_store();
        base_of_genesis(&store, &self.genesis).unwrap();
        for block in &self.blocks[..heights] {
            store.commit(&block_write(block)).unwrap();
        }
        store
    }

    fn base_of(&self, store: &MemoryStore) -> Result<Option<Base>, StoreFault> {
        base_of_store(store, &self.logs, &self.logs.scan().unwrap())
    }

    /// Why that store is set aside.
    fn unfit(&self, store: &MemoryStore) -> StoreUnfit {
        match self.base_of(store) {
            Err(StoreFault::Unfit(unfit)) => unfit,
            other => panic!("{other:?}"),
        }
    }

    /// Brings a store up to the logs, and compares what comes out, and what is in it then, with the blocks as they were decided.
    #[track_caller]
    fn catches_up(&self, store: &MemoryStore, base: Base) {
        let rules = Rules::of_genesis(&self.genesis);
        let tools = JobTools {
            checker: &RealChecker,
            rules: &rules,
        };
        let found = self.logs.scan().unwrap();
        let (found, base) = catch_up(store, &self.logs, found, base, tools).unwrap();
        assert!(found.diverged().is_none());
        let last = &self.blocks.last().unwrap().executed;
        assert_eq!(base.outcome, last.outcome);
        assert_eq!(base.state.root(), self.ledger.state.root());
        let paid = 7 * i128::try_from(self.blocks.len()).unwrap();
        let payee = base.state.account(account(BANK_B, 1)).unwrap();
        assert_eq!(payee.posted(), 100_000 + paid);

        let again = self.base_of(store).unwrap().unwrap();
        assert_eq!(
            (again.outcome, again.state.root()),
            (base.outcome, base.state.root())
        );
        let history = History::new(store, Floor::default());
        for block in &self.blocks {
            let height = block.header.height;
            let page = history.block(height).unwrap().unwrap();
            assert_eq!(
                (page.header, page.certificate),
                (block.header.clone(), block.certificate.clone())
            );
            assert_eq!(history.receipts(height).unwrap(), block.executed.receipts);
        }
    }
}

fn batch_of(transaction: &CheckedTx, before: usize) -> Batch {
    Batch {
        author: ValidatorId::new(1),
        seq: u64::try_from(before).unwrap() + 1,
        lane: Lane::Retail,
        transactions: vec![transaction.tx().to_bytes()],
    }
}

// docs/spec/storage.md, "A copy, not the truth": whoever deletes the store has it again, with its history.
#[test]
fn a_missing_store_is_rebuilt() {
    let chain = Chain::of(3);
    let store = chain.empty_store();
    assert!(chain.base_of(&store).unwrap().is_none());
    let base = base_of_genesis(&store, &chain.genesis).unwrap();
    chain.catches_up(&store, base);
}

// What the store has is kept; only the blocks after it are executed.
#[test]
fn a_store_behind_goes_on_from_its_height() {
    let chain = Chain::of(3);
    for heights in 0..=3 {
        let store = chain.store_of(heights);
        let base = chain.base_of(&store).unwrap().unwrap();
        assert_eq!(base.state.height(), Height::new(heights as u64));
        chain.catches_up(&store, base);
    }
}

// A block that the log does not know was never final here: its certificate was not on disk.
#[test]
fn a_store_ahead_is_set_aside() {
    let mut chain = Chain::of(2);
    let (block, _) = chain.execute();
    chain.blocks.push(block);
    let StoreUnfit::Ahead { store, log } = chain.unfit(&chain.store_of(3)) else {
        panic!("for another reason")
    };
    assert_eq!((store, log), (Height::new(3), Height::new(2)));
}

#[test]
fn a_store_with_another_outcome_is_set_aside() {
    let mut chain = Chain::of(2);
    chain.decide(|_| OutcomeHash::default());
    let wrong = chain.unfit(&chain.store_of(3));
    assert!(
        matches!(wrong, StoreUnfit::Wrong(height) if height == Height::new(3)),
        "{wrong}"
    );
    assert!(chain.base_of(&chain.store_of(2)).unwrap().is_some());
}

#[test]
fn a_store_with_another_block_is_set_aside() {
    let mut chain = Chain::of(2);
    let last = chain.blocks.last_mut().unwrap();
    last.header.round = last.header.round.next();
    last.id = last.header.id();
    let wrong = chain.unfit(&chain.store_of(2));
    assert!(
        matches!(wrong, StoreUnfit::Wrong(height) if height == Height::new(2)),
        "{wrong}"
    );
}

#[test]
fn a_store_without_the_page_of_its_last_block_is_set_aside() {
    let chain = Chain::of(2);
    let store = chain.store_of(1);
    let mut write = block_write(&chain.blocks[1]);
    write.pages.clear();
    store.commit(&write).unwrap();
    let wrong = chain.unfit(&store);
    assert!(
        matches!(wrong, StoreUnfit::Wrong(height) if height == Height::new(2)),
        "{wrong}"
    );
}

#[test]
fn a_store_without_its_events_is_set_aside() {
    let chain = Chain::of(2);
    let store = chain.store_of(1);
    let mut write = block_write(&chain.blocks[1]);
    write.pages.retain(|page| !b"en".contains(&page.key[0]));
    store.commit(&write).unwrap();
    let unfit = chain.unfit(&store);
    assert!(
        matches!(unfit, StoreUnfit::NoEvents(height) if height == Height::new(2)),
        "{unfit}"
    );
}
