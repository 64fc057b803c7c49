//! Where the guard stands relative to the open height, as the engine takes it up.
//!
//! Invariant: whatever the guard recorded for the open height comes along, signed or not; nothing is invented and nothing replayed.
//! A stored proposal whose header is lost is left out of the messages, never out of the statements.
//! Source: `docs/spec/consensus.md`, "Restart loads, it does not replay"; `docs/spec/guard.md`, "Restart".

use falaj_consensus::engine::{GuardPosition, Own, Resume, ResumedLock};
use falaj_consensus::message::{Header, Statement};
use falaj_consensus::mutated;
use falaj_consensus::types::Height;
use falaj_consensus::verify::{SignedStatement, Verified};
use falaj_hsm::{Recorded, Recovered as Guard};

/// Compares the guard with the open height. `headers` are those of that height that the block log holds.
pub(super) fn guard_position(guard: Guard, open: Height, headers: &[Header]) -> GuardPosition {
    let is_below = guard.last.height < open;
    if is_below || mutated!(RestartWithoutVotes | GuardForgetsPlaces) {
        return GuardPosition::Below;
    }
    let recorded = guard.statements.iter();
    let here: Vec<_> = recorded
        .filter(|recorded| recorded.statement.height() == open)
        .collect();
    if guard.last.height > open {
        return GuardPosition::Above(said_in_order(&here));
    }
    let Guard {
        last,
        lock,
        own,
        intent,
        complete,
        ..
    } = guard;
    let own = own
        .into_iter()
        .filter_map(|signed| message(signed, headers))
        .collect();
    let lock = lock.map(|lock| ResumedLock {
        value: lock.value,
        polka: lock.polka,
    });
    let lock = lock.filter(|_| !mutated!(RestartWithoutLock));
    let (round, kind) = (last.round, last.step);
    GuardPosition::Here(Box::new(Resume {
        round,
        kind,
        lock,
        statements: here.iter().map(|recorded| recorded.statement).collect(),
        own,
        intent,
        complete,
    }))
}

/// What was signed and, if it was not, the highest: nothing is said for the first time after what comes after it.
fn said_in_order(recorded: &[&Recorded]) -> Vec<Statement> {
    let highest = recorded.last().map(|recorded| recorded.statement);
    recorded
        .iter()
        .filter(|recorded| recorded.is_signed || Some(recorded.statement) == highest)
        .map(|recorded| recorded.statement)
        .collect()
}

fn message(signed: Verified<SignedStatement>, headers: &[Header]) -> Option<Own> {
    match signed.get().statement {
        Statement::Proposal { id, .. } => {
            let header = headers.iter().find(|header| header.id() == id)?.clone();
            signed
                .into_proposal(header)
                .map(|proposal| Own::Proposal(Box::new(proposal)))
        }
        Statement::Prevote { .. } | Statement::Precommit { .. } => {
            signed.into_vote().map(Own::Vote)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_consensus::message::Kind;
    use falaj_consensus::types::Round;

    fn recorded(kind: Kind, is_signed: bool) -> Recorded {
        let (height, round) = (Height::new(7), Round::new(0));
        let statement = if kind == Kind::Prevote {
            Statement::Prevote {
                height,
                round,
                value: None,
            }
        } else {
            Statement::Precommit {
                height,
                round,
                value: None,
            }
        };
        Recorded {
            statement,
            is_signed,
        }
    }

    // docs/spec/consensus.md, "Restart loads, it does not replay": below the guard what is signed is said again, and the highest;
    // an unsigned prevote does not leave for the first time after its precommit.
    #[test]
    fn below_the_guard_the_signed_and_the_highest_are_said() {
        for (prevoted, precommitted, said) in [
            (true, true, 2),
            (true, false, 2),
            (false, false, 1),
            (false, true, 1),
        ] {
            let prevote = recorded(Kind::Prevote, prevoted);
            let precommit = recorded(Kind::Precommit, precommitted);
            let all = [prevote.statement, precommit.statement];
            let expected = &all[all.len() - said..];
            assert_eq!(said_in_order(&[&prevote, &precommit]), expected);
        }
        assert_eq!(said_in_order(&[]), []);
    }
}
