//! Execution: a state and an ordered block give the next state, the outcome, a receipt a transaction, and events.
//!
//! Invariant: a function of its two arguments alone; a transaction is executed whole or changes nothing.
//! Order in a block: what is over is dropped (budgeted), then evidence, then governance, then the rest, each in block order; receipts are in block order.
//! Order of checks in a transaction: duplicate, window, submitter, entitlement, then the ladder of its operation;
//! below the last check there are only writes that cannot fail.
//! Errors: none. A [`crate::supply::Breach`] is a broken belief and panics, so that no outcome of it is ever signed.
//! Source: `docs/spec/ledger.md`, "Execution".

mod admit;
mod approve;
mod enact;
mod entitle;
mod evidence;
mod gates;
mod govern;
mod open_account;
mod overlay;
mod propose;
mod refusal;
mod supply_change;
mod sweep;
mod table;
mod transfer;
mod veto;

use falaj_consensus::message::Outcome;
use falaj_consensus::mutated;
use falaj_consensus::types::Height;

use crate::account::Place;
use crate::block::BlockInput;
use crate::dedup;
use crate::event::Event;
use crate::log_tree::Frontier;
use crate::receipt::{Receipt, Verdict, receipts_root};
use crate::rejection::Rejection;
use crate::state::{State, Tip};
use crate::transaction::Op;
use crate::validate::CheckedTx;
use crate::write_set::WriteSet;

use overlay::Overlay;
use refusal::Refusal;

/// What executing a block gave.
#[derive(Clone, Debug)]
pub struct Executed {
    /// The state after the block.
    pub state: State,
    /// What a precommit names.
    pub outcome: Outcome,
    /// One a transaction, in block order.
    pub receipts: Vec<Receipt>,
    /// What changed, in the order it changed.
    pub events: Vec<Event>,
    /// The right edge of the event log before the block.
    pub log_before: Frontier,
    /// What the block changed in the state, for the store.
    pub write_set: WriteSet,
}

/// One transaction where it is executed.
#[derive(Clone, Copy)]
struct Call<'a> {
    tx: &'a CheckedTx,
    place: Place,
}

/// Executes a block on the state before it.
///
/// # Panics
/// If the block is not the next one: another height, or a time not after the state's; and if money was made or lost,
/// which no input can cause.
#[must_use]
pub fn execute(state: &State, block: &BlockInput) -> Executed {
    assert_eq!(
        block.height,
        state.height().next(),
        "a block is executed on the state before it"
    );
    let is_later = block.time_us > state.time_us() || mutated!(BlockTimeStands);
    assert!(is_later, "block time moves forward");
    let mut overlay = Overlay::new(state, block.height, block.time_us);
    sweep::sweep(&mut overlay);
    evidence::record(&mut overlay, &block.offences);
    let receipts = run_all(&mut overlay, block);
    if !mutated!(DebitForgotten | OverdraftAllowed) {
        overlay.check_conservation();
    }
    finish(state, block, overlay, receipts)
}

/// Advises whether a transaction would be executed on a state at a time; decides and records nothing.
///
/// # Errors
/// The [`Rejection`] that execution would give.
pub fn precheck(state: &State, tx: &CheckedTx, now_us: u64) -> Result<(), Rejection> {
    let time_us = now_us.max(state.time_us().saturating_add(1));
    let height = state.height().next();
    let mut overlay = Overlay::new(state, height, time_us);
    let call = Call {
        tx,
        place: Place { height, index: 0 },
    };
    let verdict = verdict(&mut overlay, call);
    verdict.rejection().map_or(Ok(()), Err)
}

fn run_all(overlay: &mut Overlay<'_>, block: &BlockInput) -> Vec<Receipt> {
    let calls: Vec<_> = calls(block).collect();
    let mut verdicts = vec![None; calls.len()];
    for governance in [true, false] {
        for (call, verdict) in calls.iter().zip(&mut verdicts) {
            if call.tx.body().op.is_governance() == governance {
                *verdict = Some(run(overlay, *call));
            }
        }
    }
    let both = calls.iter().zip(verdicts);
    let mut receipts: Vec<Receipt> = both
        .map(|(call, verdict)| receipt(*call, block.time_us, verdict))
        .collect();
    if mutated!(ReceiptsOutOfOrder) {
        receipts.reverse();
    }
    receipts
}

fn calls(block: &BlockInput) -> impl Iterator<Item = Call<'_>> {
    let place = |index| Place {
        height: block.height,
        index,
    };
    block
        .transactions
        .iter()
        .zip(0_u32..)
        .map(move |(tx, index)| Call {
            tx,
            place: place(index),
        })
}

fn receipt(call: Call<'_>, time_us: u64, verdict: Option<Verdict>) -> Receipt {
    Receipt {
        key: call.tx.key(),
        body_hash: call.tx.body_hash(),
        place: call.place,
        time_us,
        verdict: verdict.expect("each transaction is in one of the two lanes"),
    }
}

/// Executes a transaction, and remembers its id if the answer is final.
fn run(overlay: &mut Overlay<'_>, call: Call<'_>) -> Verdict {
    let verdict = verdict(overlay, call);
    match verdict {
        Verdict::Executed => remember(overlay, call, None),
        Verdict::Failed { code, pinned: true } => remember(overlay, call, Some(code)),
        Verdict::Failed { pinned: false, .. } | Verdict::Skipped { .. } => {}
    }
    verdict
}

/// What becomes of a transaction. A failure that would be pinned beyond the quota is not decided at all (6002).
fn verdict(overlay: &mut Overlay<'_>, call: Call<'_>) -> Verdict {
    match decide(overlay, call) {
        Ok(()) => Verdict::Executed,
        Err(refusal) if refusal.is_pinned() && is_over_quota(overlay, call) => {
            Refusal::skip(Rejection::Quota).verdict()
        }
        Err(refusal) => refusal.verdict(),
    }
}

fn is_over_quota(overlay: &mut Overlay<'_>, call: Call<'_>) -> bool {
    let number = call.tx.body().participant;
    let quota = overlay
        .participant(number)
        .map_or(0, |submitter| submitter.quota);
    overlay.pins(number) >= quota
}

fn remember(overlay: &mut Overlay<'_>, call: Call<'_>, pinned: Option<Rejection>) {
    let uetr = match &call.tx.body().op {
        Op::Transfer(transfer) if pinned.is_none() => transfer.references.uetr,
        Op::Transfer(_)
        | Op::OpenAccount(_)
        | Op::Propose(_)
        | Op::Approve(_)
        | Op::Execute(_)
        | Op::Veto(_) => None,
    };
    let entry = dedup::Entry {
        content: call.tx.content_hash(),
        place: call.place,
        pinned,
        uetr,
    };
    overlay.remember(call.tx.key(), entry);
}

/// All checks, then all writes.
fn decide(overlay: &mut Overlay<'_>, call: Call<'_>) -> Result<(), Refusal> {
    let submitter = admit::admit(overlay, call)?;
    match &call.tx.body().op {
        Op::OpenAccount(open) => open_account::run(overlay, call, &submitter, open),
        Op::Transfer(transfer) => transfer::run(overlay, call, &submitter, transfer),
        Op::Propose(propose) => propose::run(overlay, call, &submitter, propose),
        Op::Approve(proposal) => approve::run(overlay, call, *proposal),
        Op::Execute(proposal) => enact::run(overlay, call, &submitter, *proposal),
        Op::Veto(proposal) => veto::run(overlay, call, *proposal),
    }
}

fn finish(
    state: &State,
    block: &BlockInput,
    overlay: Overlay<'_>,
    receipts: Vec<Receipt>,
) -> Executed {
    let set = state.validators_at(block.height);
    let bench = state.bench();
    let next_set = state.validators_at(block.height.next());
    let (round, author) = (block.header_round, block.proposer);
    let bench_after = bench.after_block(&set, &next_set, block.height, round, author);
    let tip = Tip {
        height: block.height,
        time_us: block.time_us,
    };
    let log_before = state.events();
    let ages = evidence::ages_after(state, tip);
    let (write_set, events) = overlay.into_writes(
        tip,
        (bench_after != bench).then_some(&bench_after),
        ages.as_ref(),
    );
    let state = state.after(tip, &write_set);
    let mut outcome = state.outcome(receipts_root(&receipts));
    if mutated!(SupplyMisstated) {
        outcome
            .supply
            .iter_mut()
            .for_each(|one| one.minor_units = one.minor_units.saturating_add(1));
    }
    Executed {
        state,
        outcome,
        receipts,
        events,
        log_before,
        write_set,
    }
}

/// Height of the block that a call is in.
fn height(call: Call<'_>) -> Height {
    call.place.height
}

#[cfg(test)]
mod tests;
