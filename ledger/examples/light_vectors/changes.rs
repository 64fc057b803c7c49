//! Chains of set changes from genesis: the blocks that fixed each set, and every way in which a link does not hold.

use falaj_consensus::message::Outcome;
use falaj_consensus::types::Hash32;
use falaj_consensus::validator_set::ValidatorSet;
use falaj_ledger::bundle::{Bundle, CertifiedOutcome, LogExtensionBundle, SetChange, SignedBlock};
use falaj_ledger::log_tree::{ConsistencyProof, empty_root};
use falaj_ledger::trust::Trust;

use crate::sheet::Sheet;
use crate::world::{Keys, header, trust};

/// A block of that height by those members, whose outcome fixes the set two heights on.
fn signed(keys: &Keys, height: u64, next: &ValidatorSet, by: &[u16]) -> SignedBlock {
    let base = trust().1;
    let chain = base.chain();
    let mut header = header(chain, height, &base);
    header.set_hash = keys.set().hash();
    let outcome = Outcome {
        version: Outcome::VERSION,
        state_root: Hash32::new([0x51; 32]),
        receipts_root: empty_root(),
        events_root: empty_root(),
        events: 0,
        supply: Vec::new(),
        set_hash: next.hash(),
        parameters_hash: Hash32::new([0x55; 32]),
    };
    let certificate = keys.certify(chain, &header, &outcome, (0, by));
    SignedBlock::new(header, outcome, &certificate).expect("it is of this block")
}

fn change(keys: &Keys, height: u64, next: &Keys) -> SetChange {
    SetChange {
        block: signed(keys, height, &next.set(), &[0, 1, 2]),
        validators: next.set(),
    }
}

/// A block of that height by three of a set that stays, after these changes: that its log extends itself.
fn bundle(keys: &Keys, height: u64, changes: Vec<SetChange>) -> Bundle {
    let block = signed(keys, height, &keys.set(), &[0, 1, 2]);
    let certified = CertifiedOutcome::new(
        block.header().clone(),
        block.outcome().clone(),
        &block.certificate(),
    );
    let certified = certified.and_then(|certified| certified.after(changes));
    let certified = certified.expect("a few changes of this block's set");
    Bundle::LogExtension(Box::new(LogExtensionBundle {
        earlier: certified.clone(),
        later: certified,
        consistency: ConsistencyProof::new(0, 0, Vec::new()),
    }))
}

pub(crate) fn write(sheet: &mut Sheet) {
    let base: Trust = trust().1;
    let trust = ("genesis", &base);
    let first = Keys::of_genesis();
    let second = Keys::new(&[(1, 1), (2, 1), (3, 1), (5, 1)]);
    let third = Keys::new(&[(1, 2), (2, 2), (5, 2), (6, 1)]);
    let one = || vec![change(&first, 10, &second)];
    let two = || vec![change(&first, 10, &second), change(&second, 12, &third)];
    sheet.good(
        "set-changed-once",
        "block 10 fixed the set of 12, which certified 12",
        trust,
        &bundle(&second, 12, one()),
    );
    sheet.good(
        "set-changed-long-ago",
        "the same at height 1,000",
        trust,
        &bundle(&second, 1_000, one()),
    );
    let back = vec![change(&first, 10, &second), change(&second, 12, &first)];
    sheet.good(
        "set-changed-back",
        "to a second set and back, each certified by the one before",
        trust,
        &bundle(&first, 14, back),
    );
    sheet.good(
        "set-changed-twice",
        "two changes in a row, the second with other powers",
        trust,
        &bundle(&third, 14, two()),
    );

    sheet.bad(
        "set-change-left-out",
        "certified by a set that nothing leads to",
        trust,
        &bundle(&second, 12, Vec::new()),
        "other-validator-set",
    );
    sheet.bad(
        "set-change-early",
        "a block of the new set at 11, where the old one is in force",
        trust,
        &bundle(&second, 11, one()),
        "set-not-in-force",
    );
    sheet.bad(
        "set-changes-reversed",
        "the second change first",
        trust,
        &bundle(&third, 14, two().into_iter().rev().collect()),
        "other-validator-set",
    );
    sheet.bad(
        "set-change-of-old-set",
        "after the change a block of the set before it",
        trust,
        &bundle(&first, 14, one()),
        "other-validator-set",
    );
    let early = vec![change(&first, 10, &second), change(&second, 11, &third)];
    sheet.bad(
        "set-change-before-in-force",
        "a second change by a set that is not in force yet",
        trust,
        &bundle(&third, 14, early),
        "set-not-in-force",
    );
    let forged = vec![SetChange {
        validators: third.set(),
        ..change(&first, 10, &second)
    }];
    sheet.bad(
        "set-change-to-another-set",
        "another set than the outcome fixes",
        trust,
        &bundle(&third, 14, forged),
        "set-change-set",
    );
    sheet.bad(
        "set-change-to-itself",
        "a block that changed nothing",
        trust,
        &bundle(&first, 14, vec![change(&first, 10, &first)]),
        "set-change-none",
    );
    let few = vec![SetChange {
        block: signed(&first, 10, &second.set(), &[0, 1]),
        validators: second.set(),
    }];
    sheet.bad(
        "set-change-by-two",
        "two of four fixed another set",
        trust,
        &bundle(&second, 12, few),
        "certificate-no-quorum",
    );
    let own = vec![change(&second, 10, &second)];
    sheet.bad(
        "set-change-by-itself",
        "a set that certifies its own coming",
        trust,
        &bundle(&second, 12, own),
        "other-validator-set",
    );
    let mut by_others = signed(&first, 10, &second.set(), &[0, 1, 2]);
    let mut certificate = by_others.certificate();
    certificate.signatures = signed(&second, 10, &second.set(), &[0, 1, 2])
        .certificate()
        .signatures;
    by_others = SignedBlock::new(
        by_others.header().clone(),
        by_others.outcome().clone(),
        &certificate,
    )
    .expect("it is of this block");
    let wrong = vec![SetChange {
        block: by_others,
        validators: second.set(),
    }];
    sheet.bad(
        "set-change-wrong-signatures",
        "signatures over another block",
        trust,
        &bundle(&second, 12, wrong),
        "certificate-signature",
    );
    let last = vec![change(&first, u64::MAX - 1, &second)];
    sheet.bad(
        "set-change-at-the-end",
        "a set that would be in force beyond the last height",
        trust,
        &bundle(&second, 14, last),
        "set-not-in-force",
    );
}
