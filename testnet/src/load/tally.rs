//! What became of every transaction of a load.
//!
//! Invariant: a transaction is open from before it is sent until its first receipt, refusal or the end; it is counted once, however often
//! it was sent. Latency is from when it was meant to be sent to when a certified block with it was told.
//! Shapes and units: latencies in microseconds inside, up to an hour, to three digits.

use falaj_ledger::transaction::TxKey;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::report::{FinalityMs, Report};
use crate::wallet::Signed;

const LATENCY_US_MAX: u64 = 3_600_000_000;
const DIGITS: u8 = 3;

/// Counts of a load.
pub struct Tally {
    counts: Mutex<Counts>,
    /// The last height whose receipts were told.
    height: AtomicU64,
}

/// How a transaction ended, for whoever watches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A certified block has it, with this code; 0 is executed.
    Final(u16),
    /// A node did not take it: its advice on the state it had, not an answer.
    Refused {
        /// Why.
        code: u16,
        /// Which node.
        node: usize,
    },
}

struct Counts {
    open: HashMap<TxKey, Open>,
    submitted: u64,
    settled: u64,
    rejected: BTreeMap<u16, u64>,
    latency_us: Histogram<u64>,
    recent_us: Histogram<u64>,
    last_final: Option<Instant>,
}

/// A transaction whose end is not known.
#[derive(Debug)]
struct Open {
    signed: Signed,
    meant: Instant,
    /// Where and when it was last taken.
    taken: Option<(usize, u64, Instant)>,
    watcher: Option<oneshot::Sender<Word>>,
}

/// Sums at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Sent.
    pub submitted: u64,
    /// Final and executed.
    pub settled: u64,
    /// Refused, or final and rejected.
    pub rejected: u64,
    /// Open.
    pub open: usize,
    /// Latency since the totals were last taken.
    pub recent: FinalityMs,
}

impl Default for Tally {
    fn default() -> Self {
        let counts = Counts {
            open: HashMap::new(),
            submitted: 0,
            settled: 0,
            rejected: BTreeMap::new(),
            latency_us: histogram(),
            recent_us: histogram(),
            last_final: None,
        };
        Self {
            counts: Mutex::new(counts),
            height: AtomicU64::new(0),
        }
    }
}

/// An empty histogram of latencies in microseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_max(LATENCY_US_MAX, DIGITS)
        .expect("one hour to three digits is a histogram")
}

impl Tally {
    /// A transaction is about to be sent.
    pub fn open(&self, signed: &Signed, meant: Instant) {
        self.note(signed, meant, None);
    }

    /// The same, and whoever sends it waits for its end.
    pub fn watch(&self, signed: &Signed) -> oneshot::Receiver<Word> {
        let (watcher, word) = oneshot::channel();
        self.note(signed, Instant::now(), Some(watcher));
        word
    }

    fn note(&self, signed: &Signed, meant: Instant, watcher: Option<oneshot::Sender<Word>>) {
        let mut counts = self.lock();
        counts.submitted += 1;
        counts.open.insert(
            signed.key,
            Open {
                signed: signed.clone(),
                meant,
                taken: None,
                watcher,
            },
        );
    }

    /// The receipts of a height are about to be told.
    pub fn reached(&self, height: u64) {
        self.height.fetch_max(height, Ordering::Relaxed);
    }

    /// The last height whose receipts were told.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height.load(Ordering::Relaxed)
    }

    /// A node took it, in one of its lives.
    pub fn taken(&self, key: TxKey, node: usize, life: u64) {
        if let Some(open) = self.lock().open.get_mut(&key) {
            open.taken = Some((node, life, Instant::now()));
        }
    }

    /// It is final with a code; 0 is executed. Says whether it was open.
    pub fn end(&self, key: TxKey, code: u16) -> bool {
        self.close(key, Word::Final(code))
    }

    /// A node refused it. Says whether it was open.
    pub fn refused(&self, key: TxKey, code: u16, node: usize) -> bool {
        self.close(key, Word::Refused { code, node })
    }

    fn close(&self, key: TxKey, word: Word) -> bool {
        let mut counts = self.lock();
        let Some(open) = counts.open.remove(&key) else {
            return false;
        };
        match word {
            Word::Final(0) => counts.settle(open.meant),
            Word::Final(code) | Word::Refused { code, .. } => {
                *counts.rejected.entry(code).or_default() += 1;
            }
        }
        if let Some(watcher) = open.watcher {
            // Whoever watched may have given up.
            let _: Result<(), Word> = watcher.send(word);
        }
        true
    }

    /// Transactions that a node took and will not bring forward: it died since, or has had them for too long.
    pub fn overdue(&self, is_dead: impl Fn(usize, u64) -> bool, patience: Duration) -> Vec<Signed> {
        let mut counts = self.lock();
        let late = counts.open.values_mut().filter_map(|open| {
            let (node, life, at) = open.taken?;
            let overdue = is_dead(node, life) || at.elapsed() > patience;
            overdue.then(|| {
                open.taken = None;
                open.signed.clone()
            })
        });
        late.collect()
    }

    /// Sums so far; what is recent begins anew.
    pub fn totals(&self) -> Totals {
        let mut counts = self.lock();
        let recent = FinalityMs::of(&counts.recent_us);
        counts.recent_us.reset();
        Totals {
            submitted: counts.submitted,
            settled: counts.settled,
            rejected: counts.rejected.values().sum(),
            open: counts.open.len(),
            recent,
        }
    }

    /// Sums it up.
    #[must_use]
    pub fn report(&self, started: Instant) -> Report {
        let counts = self.lock();
        let seconds = counts
            .last_final
            .map_or(0.0, |last| (last - started).as_secs_f64());
        let tps = if seconds > 0.0 {
            counts.settled as f64 / seconds
        } else {
            0.0
        };
        Report {
            submitted: counts.submitted,
            settled: counts.settled,
            rejected: counts.rejected.clone(),
            unknown: counts.open.len() as u64,
            tps,
            finality_ms: FinalityMs::of(&counts.latency_us),
            seconds,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn settle(&mut self, meant: Instant) {
        let now = Instant::now();
        let latency_us = u64::try_from((now - meant).as_micros()).unwrap_or(LATENCY_US_MAX);
        self.settled += 1;
        self.latency_us.saturating_record(latency_us);
        self.recent_us.saturating_record(latency_us);
        self.last_final = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_ledger::participant::ParticipantNumber;
    use falaj_ledger::transaction::TxId;

    fn signed(number: u8) -> Signed {
        let key = TxKey {
            participant: ParticipantNumber::new(1),
            id: TxId::new(1, [number; 10]).unwrap(),
        };
        Signed {
            key,
            bytes: vec![number].into(),
        }
    }

    fn opened(count: u8) -> Tally {
        let tally = Tally::default();
        (0..count).for_each(|number| tally.open(&signed(number), Instant::now()));
        tally
    }

    // Goal: every transaction is counted once, as exactly one thing.
    #[test]
    fn each_transaction_ends_once() {
        let tally = opened(4);
        assert!(tally.end(signed(0).key, 0));
        assert!(!tally.end(signed(0).key, 2001));
        assert!(tally.end(signed(1).key, 3003));
        assert!(tally.end(signed(2).key, 3003));
        let report = tally.report(Instant::now());
        assert_eq!(
            (report.submitted, report.settled, report.unknown),
            (4, 1, 1)
        );
        assert_eq!(report.rejected, [(3003, 2)].into());
    }

    // Goal: latency is from the intended time, however late the transaction was sent.
    #[tokio::test(start_paused = true)]
    async fn latency_is_from_the_intended_time() {
        let tally = Tally::default();
        let meant = Instant::now();
        tokio::time::advance(Duration::from_millis(250)).await;
        tally.open(&signed(0), meant);
        tokio::time::advance(Duration::from_millis(250)).await;
        tally.end(signed(0).key, 0);
        let report = tally.report(meant);
        assert!((report.finality_ms.max - 500.0).abs() < 1.0, "{report:?}");
        assert!((report.seconds - 0.5).abs() < 1e-6);
        assert!((report.tps - 2.0).abs() < 1e-6);
    }

    // Goal: whoever watches a transaction is told how it ended, and whether a block says so or one node.
    #[tokio::test]
    async fn a_watcher_is_told_the_end() {
        let tally = Tally::default();
        let (first, second) = (tally.watch(&signed(0)), tally.watch(&signed(1)));
        tally.refused(signed(0).key, 3003, 2);
        tally.end(signed(1).key, 0);
        let refused = Word::Refused {
            code: 3003,
            node: 2,
        };
        assert_eq!(first.await, Ok(refused));
        assert_eq!(second.await, Ok(Word::Final(0)));
        assert_eq!(tally.totals().open, 0);
    }

    // Goal: what a node took and died with is sent again, once, to somebody else.
    #[test]
    fn what_a_dead_node_took_is_overdue() {
        let tally = opened(3);
        tally.taken(signed(0).key, 0, 1);
        tally.taken(signed(1).key, 1, 1);
        let overdue = tally.overdue(|node, life| node == 0 && life < 2, Duration::from_secs(60));
        assert_eq!(overdue.len(), 1);
        assert_eq!(overdue[0].key, signed(0).key);
        assert!(
            tally
                .overdue(|_, _| false, Duration::from_secs(60))
                .is_empty()
        );
    }
}
