//! A look at the replica between two of its steps.
//!
//! Invariant: the core is asked and never made to wait; one that does not answer in time is not alive.

use falaj_ledger::transaction::TxKey;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

use crate::core::{Proposed, Reach, Replica, Why};
use crate::shell::runtime::{Clock, CoreHandle};

/// Longest wait for the core.
const PATIENCE: Duration = Duration::from_secs(1);
/// How old the peers' heights may be before it is asked for again.
const STALE_NS: u64 = 1_000_000_000;

/// What was seen.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Where the engine stands, what it waits for, and whom.
    pub(super) why: Why,
    /// How far more than a third of the power is ahead; a single peer's claim of its height counts for nothing.
    pub(super) behind: u64,
    /// How much of the power can be reached, our own included.
    pub(super) reach: Reach,
    /// Whether a height is being decided without a vote of ours.
    pub(super) is_silent: bool,
    /// Transactions that wait to be batched.
    pub(super) mempool_tx: u64,
    /// Their bytes.
    pub(super) mempool_bytes: u64,
}

impl Look {
    fn at(replica: &Replica) -> Self {
        let mempool = replica.mempool();
        Self {
            why: replica.why(),
            behind: replica.behind(),
            reach: replica.reach(),
            is_silent: replica.is_silent(),
            mempool_tx: u64::try_from(mempool.len()).unwrap_or(u64::MAX),
            mempool_bytes: mempool.bytes(),
        }
    }
}

/// Looks; `None` if the core does not answer in time.
pub(super) async fn look(core: &CoreHandle) -> Option<Look> {
    ask(core, Look::at).await
}

/// How far this node is behind; `None` if the core does not answer in time.
pub(super) async fn behind(core: &CoreHandle) -> Option<u64> {
    ask(core, Replica::behind).await
}

/// The valid block that carries a transaction and is not final, if there is one. The core hands over what it has; the search is done here.
pub(super) async fn including(core: &CoreHandle, key: TxKey) -> Option<Proposed> {
    let proposed = ask(core, Replica::proposed).await?;
    let including = proposed.into_iter().filter(|block| block.holds(key));
    including.max_by_key(|block| block.time_us)
}

async fn ask<T: Send + 'static>(core: &CoreHandle, question: fn(&Replica) -> T) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    core.ask(Box::new(move |replica| {
        // Who asked may have gone.
        drop(answer.send(question(replica)));
    }));
    tokio::time::timeout(PATIENCE, answered).await.ok()?.ok()
}

/// How far this node was behind when it was last looked at, for whoever cannot wait.
#[derive(Debug, Default)]
pub(super) struct Behind {
    heights: AtomicU64,
    asked_ns: AtomicU64,
}

impl Behind {
    /// The heights, and whether it is time to look again; one caller is told so.
    pub(super) fn get(&self, clock: &Clock) -> (u64, bool) {
        let (now_ns, asked_ns) = (clock.now().mono_ns, self.asked_ns.load(Ordering::Relaxed));
        let due = now_ns.saturating_sub(asked_ns) >= STALE_NS;
        let mine = due
            && self
                .asked_ns
                .compare_exchange(asked_ns, now_ns, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        (self.heights.load(Ordering::Relaxed), mine)
    }

    pub(super) fn set(&self, heights: u64) {
        self.heights.store(heights, Ordering::Relaxed);
    }
}
