//! Whose turn it is at an account, so that payments of one account happen in the order of the file.
//!
//! Invariant: what takes from an account waits for everything before it there, and everything after it waits for that; what only gives
//! to an account goes beside other giving, so that a merchant with a thousand customers is no queue. Turns wait only for earlier ones,
//! so nobody waits in a circle.
//! Shape: a turn ends when its [`Turn`] is dropped, however that happens.

use falaj_ledger::account::AccountId;
use std::collections::HashMap;
use tokio::sync::watch;

/// Open once whoever holds the other side has dropped it.
type Gate = watch::Receiver<()>;

/// What waits at each account.
#[derive(Debug, Default)]
pub(super) struct Turns {
    lanes: HashMap<AccountId, Lane>,
    sweep_at: usize,
}

#[derive(Debug, Default)]
struct Lane {
    /// The last that takes.
    taking: Option<Gate>,
    /// Those that give since.
    giving: Vec<Gate>,
}

/// A turn: to be waited for, then held until everything is done.
#[derive(Debug)]
pub(super) struct Turn {
    before: Vec<Gate>,
    _held: watch::Sender<()>,
}

/// Lanes that are kept before those are looked for at which nobody waits.
const SWEEP_MIN: usize = 1_024;

impl Turns {
    /// The next turn at the account that is taken from and the one that is given to.
    pub(super) fn next(&mut self, takes: Option<AccountId>, gives: Option<AccountId>) -> Turn {
        self.sweep();
        let (held, gate) = watch::channel(());
        let mut before = Vec::new();
        if let Some(account) = takes {
            let lane = self.lanes.entry(account).or_default();
            before.append(&mut lane.giving);
            before.extend(lane.taking.replace(gate.clone()));
        }
        if let Some(account) = gives.filter(|account| takes != Some(*account)) {
            let lane = self.lanes.entry(account).or_default();
            lane.forget_past();
            before.extend(lane.taking.clone());
            lane.giving.push(gate);
        }
        Turn {
            before,
            _held: held,
        }
    }

    /// Forgets lanes at which nothing is under way, now and then.
    fn sweep(&mut self) {
        if self.lanes.len() < self.sweep_at.max(SWEEP_MIN) {
            return;
        }
        self.lanes.retain(|_, lane| {
            lane.giving.retain(is_closed);
            !lane.giving.is_empty() || lane.taking.as_ref().is_some_and(is_closed)
        });
        self.sweep_at = self.lanes.len().saturating_mul(2);
    }
}

impl Lane {
    /// Those that gave already, whenever the list has grown.
    fn forget_past(&mut self) {
        if self.giving.len() == self.giving.capacity() {
            self.giving.retain(is_closed);
        }
    }
}

fn is_closed(gate: &Gate) -> bool {
    gate.has_changed().is_ok()
}

impl Turn {
    /// Waits until everything before it is done.
    pub(super) async fn comes(&mut self) {
        while let Some(gate) = self.before.last_mut() {
            // Nothing is ever sent: it ends by an error, when the other side is gone.
            while gate.changed().await.is_ok() {}
            self.before.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_ledger::participant::ParticipantNumber;
    use std::time::Duration;
    use tokio::time::timeout;

    fn account(number: u8) -> Option<AccountId> {
        Some(AccountId::new(ParticipantNumber::new(11), [number; 12]))
    }

    async fn has_come(turn: &mut Turn) -> bool {
        timeout(Duration::ZERO, turn.comes()).await.is_ok()
    }

    // Goal: a second payment of an account waits for the first, and comes when that is done.
    #[tokio::test]
    async fn what_takes_comes_one_after_the_other() {
        let mut turns = Turns::default();
        let mut first = turns.next(account(1), account(2));
        let mut second = turns.next(account(1), account(3));
        assert!(has_come(&mut first).await);
        assert!(!has_come(&mut turns.next(account(1), None)).await);
        drop(first);
        assert!(has_come(&mut second).await);
    }

    // Goal: money is there before it is passed on: what takes waits for what was given before it in the file.
    #[tokio::test]
    async fn what_takes_waits_for_what_was_given() {
        let mut turns = Turns::default();
        let gives = turns.next(account(1), account(2));
        let mut takes = turns.next(account(2), account(3));
        assert!(!has_come(&mut takes).await);
        let mut later = turns.next(account(4), account(2));
        assert!(!has_come(&mut later).await, "it waits for what takes");
        drop(gives);
        let mut again = turns.next(account(2), None);
        assert!(!has_come(&mut again).await);
        drop((takes, later));
        assert!(has_come(&mut again).await);
    }

    #[tokio::test]
    async fn those_who_give_do_not_wait_for_each_other() {
        let mut turns = Turns::default();
        let mut held: Vec<_> = (10..60)
            .map(|payer| turns.next(account(payer), account(1)))
            .collect();
        for turn in &mut held {
            assert!(has_come(turn).await);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_himself() {
        let mut turns = Turns::default();
        assert!(has_come(&mut turns.next(account(1), account(1))).await);
    }

    // Goal: memory is bounded by what is under way, not by the accounts of a file.
    #[tokio::test]
    async fn accounts_at_rest_are_forgotten() {
        let mut turns = Turns::default();
        for number in 0..20_000_u32 {
            let mut chosen = [0; 12];
            chosen[..4].copy_from_slice(&number.to_be_bytes());
            let bank = ParticipantNumber::new(11);
            drop(turns.next(Some(AccountId::new(bank, chosen)), account(1)));
        }
        assert!(turns.lanes.len() <= 2 * SWEEP_MIN, "{}", turns.lanes.len());
    }
}
