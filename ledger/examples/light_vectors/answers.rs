//! What bundles of each kind prove, and answers that a right certificate does not bear out.

use falaj_consensus::types::Hash32;
use falaj_ledger::account::Account;
use falaj_ledger::amount::Units;
use falaj_ledger::bundle::{
    AccountBundle, Bundle, CertifiedOutcome, EventBundle, LogExtensionBundle, NoExecutionBundle,
    ReceiptBundle,
};
use falaj_ledger::log_tree::{
    ConsistencyProof, InclusionProof, prove_consistency, prove_inclusion,
};
use falaj_ledger::state::key;
use falaj_ledger::testing::{BANK_A, BANK_B, GENESIS_MS, account};

use crate::sheet::Sheet;
use crate::world::{Block, World, receipt, trust};

const HOUR_MS: u64 = 3_600_000;

pub(crate) fn write(sheet: &mut Sheet) {
    receipts(sheet);
    accounts(sheet);
    no_execution(sheet);
    events(sheet);
    log_extension(sheet);
}

fn receipts(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let mut world = World::new();
    let block = world.payments(5);
    let certified = block.certified(&world.chain());
    let of = |index| receipt(certified.clone(), &block.receipts, index);
    sheet.good(
        "receipt-executed",
        "the first of five payments",
        trust,
        &of(0),
    );
    sheet.good(
        "receipt-middle",
        "the third of five payments",
        trust,
        &of(2),
    );
    sheet.good(
        "receipt-failed",
        "the last of five, which was not covered",
        trust,
        &of(4),
    );
    let alone = World::new().payments(1);
    let bundle = receipt(alone.certified(&world.chain()), &alone.receipts, 0);
    sheet.good(
        "receipt-alone",
        "the one receipt of a block: a path of no nodes",
        trust,
        &bundle,
    );

    let changed = |change: &dyn Fn(&mut ReceiptBundle)| {
        let Bundle::Receipt(mut bundle) = of(1) else {
            panic!("a receipt")
        };
        change(&mut bundle);
        Bundle::Receipt(bundle)
    };
    let bundle = changed(&|bundle| bundle.answer.receipt.time_us += 1);
    sheet.bad(
        "receipt-other-time",
        "its time is not the header's",
        trust,
        &bundle,
        "receipt-place",
    );
    let bundle = changed(&|bundle| {
        bundle.answer.receipt.place.height = bundle.answer.receipt.place.height.next();
    });
    sheet.bad(
        "receipt-other-height",
        "its height is not the header's",
        trust,
        &bundle,
        "receipt-place",
    );
    let bundle = changed(&|bundle| bundle.answer.receipt.place.index = 2);
    sheet.bad(
        "receipt-other-index",
        "its index is not its path's",
        trust,
        &bundle,
        "receipt-place",
    );
    let bundle = changed(&|bundle| {
        let path = bundle.answer.inclusion.path().to_vec();
        bundle.answer.inclusion = InclusionProof::new(1, 6, path);
    });
    sheet.bad(
        "receipt-other-size",
        "a path in a tree of six, where the header counts five",
        trust,
        &bundle,
        "receipt-place",
    );
    let bundle = changed(&|bundle| {
        let mut path = bundle.answer.inclusion.path().to_vec();
        path[1] = Hash32::new([7; 32]);
        bundle.answer.inclusion = InclusionProof::new(1, 5, path);
    });
    sheet.bad(
        "receipt-other-path",
        "a node of its path is another",
        trust,
        &bundle,
        "receipt-path",
    );
    let bundle = changed(&|bundle| bundle.answer.receipt.verdict = block.receipts[4].verdict);
    sheet.bad(
        "receipt-other-verdict",
        "executed, and said to have failed",
        trust,
        &bundle,
        "receipt-path",
    );
    let bundle = changed(&|bundle| bundle.answer.receipt.body_hash = block.receipts[0].body_hash);
    sheet.bad(
        "receipt-other-body",
        "the hash of another body",
        trust,
        &bundle,
        "receipt-path",
    );
}

fn accounts(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let mut world = World::new();
    let block = world.payments(3);
    let certified = block.certified(&world.chain());
    let bundle = |number: u8, held: Option<Account>| {
        let id = account(BANK_A, number);
        Bundle::Account(AccountBundle {
            certified: certified.clone(),
            id,
            account: held,
            path: world.ledger.state.prove(&key::account(id)),
        })
    };
    let held = |number| world.ledger.state.account(account(BANK_A, number));
    sheet.good(
        "account-of-participant",
        "an account that its bank signs for",
        trust,
        &bundle(1, held(1)),
    );
    sheet.good(
        "account-of-keys",
        "an account with two of three keys of its own",
        trust,
        &bundle(3, held(3)),
    );
    let absent: Vec<u8> = (10..40).filter(|number| held(*number).is_none()).collect();
    for number in &absent[..4] {
        let name = format!("account-absent-{number}");
        sheet.good(
            &name,
            "there is no such account",
            trust,
            &bundle(*number, None),
        );
    }
    let richer = held(1).map(|account| Account {
        credits: Units::new(account.credits.get() + 1),
        ..account
    });
    sheet.bad(
        "account-richer",
        "a minor unit more than it holds",
        trust,
        &bundle(1, richer),
        "state-path",
    );
    sheet.bad(
        "account-denied",
        "an account that is there, said to be absent",
        trust,
        &bundle(1, None),
        "state-path",
    );
    sheet.bad(
        "account-invented",
        "an account that is absent, said to be there",
        trust,
        &bundle(10, held(1)),
        "state-path",
    );
    let swapped = AccountBundle {
        certified: certified.clone(),
        id: account(BANK_B, 1),
        account: held(1),
        path: world.ledger.state.prove(&key::account(account(BANK_A, 1))),
    };
    sheet.bad(
        "account-of-another",
        "the path and record of another account",
        trust,
        &Bundle::Account(swapped),
        "state-path",
    );
    let elsewhere = AccountBundle {
        certified,
        id: account(BANK_A, 1),
        account: None,
        path: world.ledger.state.prove(&key::account(account(BANK_A, 10))),
    };
    sheet.bad(
        "account-denied-elsewhere",
        "the proof that another account is absent",
        trust,
        &Bundle::Account(elsewhere),
        "state-path",
    );
}

fn no_execution(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let bundle = |after_ms: u64, valid_until_ms| {
        let mut world = World::new();
        let key = world.pay(1).key();
        let time_us = world.ledger.state.time_us() + after_ms * 1_000;
        let block = world.block(time_us, Vec::new());
        Bundle::NoExecution(NoExecutionBundle {
            certified: block.certified(&world.chain()),
            key,
            valid_until_ms,
            absence: world.ledger.state.prove_dedup(key),
        })
    };
    let until = Some(GENESIS_MS + 1_000);
    sheet.good(
        "no-execution-after-id",
        "a millisecond after the last moment its id allows",
        trust,
        &bundle(HOUR_MS + 1, None),
    );
    sheet.good(
        "no-execution-end-of-life",
        "the last moment of its id's life",
        trust,
        &bundle(2 * HOUR_MS, None),
    );
    sheet.good(
        "no-execution-after-window",
        "a millisecond after the end of its window",
        trust,
        &bundle(1_001, until),
    );
    sheet.bad(
        "no-execution-at-end",
        "the last moment its id allows",
        trust,
        &bundle(HOUR_MS, None),
        "too-early",
    );
    sheet.bad(
        "no-execution-in-window",
        "the end of its window",
        trust,
        &bundle(1_000, until),
        "too-early",
    );
    let beyond = Some(GENESIS_MS + 24 * HOUR_MS);
    sheet.bad(
        "no-execution-beyond-id",
        "a window that goes beyond what its id allows",
        trust,
        &bundle(HOUR_MS, beyond),
        "too-early",
    );
    sheet.bad(
        "no-execution-forgotten",
        "a millisecond after its id's life",
        trust,
        &bundle(2 * HOUR_MS + 1, None),
        "too-late",
    );

    let mut world = World::new();
    let tx = world.pay(1);
    let key = tx.key();
    let time_us = world.ledger.state.time_us();
    world.block(time_us + 1_000_000, vec![tx]);
    let block = world.block(time_us + (HOUR_MS + 1) * 1_000, Vec::new());
    let executed = NoExecutionBundle {
        certified: block.certified(&world.chain()),
        key,
        valid_until_ms: None,
        absence: world.ledger.state.prove_dedup(key),
    };
    sheet.bad(
        "no-execution-of-executed",
        "it was executed, and is in the dedup map",
        trust,
        &Bundle::NoExecution(executed),
        "state-path",
    );
}

fn events(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let mut world = World::new();
    let first = world.payments(4).certified(&world.chain());
    let later = world.payments(4).certified(&world.chain());
    let bundle = |certified: &CertifiedOutcome, index: usize, size: usize| EventBundle {
        certified: certified.clone(),
        event: world.log[index].clone(),
        inclusion: prove_inclusion(&world.leaves()[..size], index as u64).expect("a leaf"),
    };
    let last = world.log.len();
    sheet.good(
        "event-own-block",
        "under its own block",
        trust,
        &Bundle::Event(bundle(&first, 1, 3)),
    );
    sheet.good(
        "event-later-block",
        "under a later block",
        trust,
        &Bundle::Event(bundle(&later, 1, last)),
    );
    sheet.good(
        "event-last",
        "the last of six",
        trust,
        &Bundle::Event(bundle(&later, last - 1, last)),
    );
    let good = bundle(&first, 2, 3);
    let shorter = EventBundle {
        inclusion: InclusionProof::new(1, 2, good.inclusion.path().to_vec()),
        ..good.clone()
    };
    sheet.bad(
        "event-shorter-log",
        "a path that holds in a tree of another size",
        trust,
        &Bundle::Event(shorter),
        "event-place",
    );
    let elsewhere = EventBundle {
        inclusion: bundle(&first, 1, 3).inclusion,
        ..good.clone()
    };
    sheet.bad(
        "event-elsewhere",
        "the path of its neighbour",
        trust,
        &Bundle::Event(elsewhere),
        "event-place",
    );
    let mut from_above = good.clone();
    from_above.event.place.height = from_above.event.place.height.next();
    sheet.bad(
        "event-from-above",
        "an event of a later height than the header's",
        trust,
        &Bundle::Event(from_above),
        "event-place",
    );
    let mut other = good;
    other.event.place.index += 1;
    sheet.bad(
        "event-other-index",
        "another transaction's place in the block",
        trust,
        &Bundle::Event(other),
        "event-path",
    );
}

fn log_extension(sheet: &mut Sheet) {
    let (name, trust) = trust();
    let trust = (name, &trust);
    let mut world = World::new();
    let certified = |block: &Block, world: &World| block.certified(&world.chain());
    let empty = world.payments(1);
    let empty = certified(&empty, &world);
    let first = world.payments(4);
    let first = certified(&first, &world);
    let later = world.payments(5);
    let later = certified(&later, &world);
    let bundle = |earlier: &CertifiedOutcome, later: &CertifiedOutcome, proof: ConsistencyProof| {
        Bundle::LogExtension(Box::new(LogExtensionBundle {
            earlier: earlier.clone(),
            later: later.clone(),
            consistency: proof,
        }))
    };
    let leaves = world.leaves();
    let proof =
        |old: u64, new: usize| prove_consistency(&leaves[..new], old).expect("a shorter log");
    sheet.good(
        "log-extends",
        "a log of seven begins with one of three",
        trust,
        &bundle(&first, &later, proof(3, 7)),
    );
    sheet.good(
        "log-extends-itself",
        "one block twice",
        trust,
        &bundle(&later, &later, proof(7, 7)),
    );
    sheet.good(
        "log-extends-nothing",
        "a log of three begins with one of none",
        trust,
        &bundle(&empty, &first, proof(0, 3)),
    );
    sheet.bad(
        "log-backwards",
        "the later block first",
        trust,
        &bundle(&later, &first, proof(3, 7)),
        "event-place",
    );
    sheet.bad(
        "log-other-size",
        "a path between other sizes",
        trust,
        &bundle(&first, &later, proof(4, 7)),
        "event-place",
    );
    let mut path = proof(3, 7).path().to_vec();
    path.swap(0, 1);
    let swapped = ConsistencyProof::new(3, 7, path);
    sheet.bad(
        "log-other-path",
        "two nodes of the path exchanged",
        trust,
        &bundle(&first, &later, swapped),
        "log-path",
    );
}
