//! Takes a guard up from its log: checks that the records are ours, whole and in order, and that nothing proves them old.
//!
//! Invariant: a guard is loaded from all that its log holds, or not at all.
//! Errors: [`GuardProblem`].
//! Source: `docs/spec/guard.md`, "Loading".

use falaj_consensus::durable::Position;

use super::state::State;
use super::{Identity, Record, Witness};
use crate::error::{AgeEvidence, GuardProblem, RecordFault};

/// Folds the records of a log, given in order, into a state.
pub(super) fn fold(
    identity: &Identity,
    records: impl IntoIterator<Item = (Position, Vec<u8>)>,
) -> Result<State, GuardProblem> {
    let mut state: Option<State> = None;
    for (position, bytes) in records {
        let bad = |fault| GuardProblem::BadRecord { position, fault };
        let record = Record::decode(&bytes).map_err(|_| bad(RecordFault::Encoding))?;
        check_owner(identity, &record)?;
        if record.seq != position.get() {
            return Err(bad(RecordFault::Number));
        }
        let so_far = state.get_or_insert_with(|| State::before(&record));
        so_far.apply(identity, &record, &bytes).map_err(bad)?;
    }
    let state = state.ok_or(GuardProblem::Lost)?;
    if state.lock_unknown {
        return Err(GuardProblem::BadRecord {
            position: Position::new(state.seq),
            fault: RecordFault::Lock,
        });
    }
    Ok(state)
}

fn check_owner(identity: &Identity, record: &Record) -> Result<(), GuardProblem> {
    let ours = record.chain_id == identity.chain.chain_id
        && record.key_fingerprint == identity.key.fingerprint()
        && record.algorithm == identity.key.algorithm();
    if ours {
        Ok(())
    } else {
        Err(GuardProblem::Foreign)
    }
}

/// Compares the log with what the node remembers of it.
pub(super) fn check_age(state: &State, witness: Option<&Witness>) -> Result<(), GuardProblem> {
    let Some(witness) = witness else {
        return Ok(());
    };
    let evidence = if witness.instance != state.instance {
        AgeEvidence::Instance
    } else if witness.fence_epoch > state.fence_epoch {
        AgeEvidence::FenceEpoch(witness.fence_epoch)
    } else if witness.place > state.last {
        AgeEvidence::Place(witness.place)
    } else {
        return Ok(());
    };
    Err(GuardProblem::Older { evidence })
}
