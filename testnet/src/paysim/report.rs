//! What a day of payments comes to.
//!
//! Shape: the JSON of `load --from FILE --json`: the keys of a load, counted in rows, then what the day needed and how it reconciles.

use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use tokio::time::Instant;

use super::clerk::Opening;
use super::desk::Verdict;
use super::reconcile::Reconciliation;
use crate::load::{FinalityMs, Report, histogram};

/// A day of payments.
#[derive(Clone, Debug, Serialize)]
pub struct Settlement {
    /// The rows: final when every step of one is.
    #[serde(flatten)]
    pub rows: Report,
    /// Transactions that were executed for them.
    pub transactions: u64,
    /// The accounts.
    pub openings: Openings,
    /// Proposals to issue, each for one row or more.
    pub issues: u64,
    /// Proposals to redeem.
    pub redemptions: u64,
    /// The closing.
    pub reconciliation: Reconciliation,
}

/// How accounts began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Openings {
    /// Opened, with what the file says that they held.
    pub opened: u64,
    /// Open already; they begin with what they hold.
    pub found: u64,
    /// Opened or not, but without their money, by code.
    pub rejected: BTreeMap<u16, u64>,
}

/// Something of the file that the ledger rejected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The line.
    pub line: u64,
    /// The type of the row, or `OPENING`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The account that starts the row, or is opened.
    pub account: String,
    /// The ledger's code.
    pub code: u16,
    /// Its name.
    pub name: &'static str,
}

/// Counts as rows become final.
pub(super) struct Counts {
    submitted: u64,
    settled: u64,
    rejected: BTreeMap<u16, u64>,
    openings: Openings,
    latency_us: Histogram<u64>,
    started: Instant,
    last: Instant,
}

impl Counts {
    /// None yet.
    #[must_use]
    pub(super) fn start() -> Self {
        let started = Instant::now();
        Self {
            submitted: 0,
            settled: 0,
            rejected: BTreeMap::new(),
            openings: Openings::default(),
            latency_us: histogram(),
            started,
            last: started,
        }
    }

    /// When the first row was meant to be sent.
    #[must_use]
    pub(super) const fn started(&self) -> Instant {
        self.started
    }

    /// A row is on its way.
    pub(super) fn submit(&mut self) {
        self.submitted += 1;
    }

    /// A row has its answer.
    pub(super) fn end(&mut self, verdict: Verdict, meant: Instant) {
        self.last = Instant::now();
        match verdict {
            Ok(()) => {
                self.settled += 1;
                let latency_us = (self.last - meant).as_micros();
                let latency_us = u64::try_from(latency_us).unwrap_or(u64::MAX);
                self.latency_us.saturating_record(latency_us);
            }
            Err(code) => *self.rejected.entry(code).or_default() += 1,
        }
    }

    /// An account has begun.
    pub(super) fn open(&mut self, opening: Opening) {
        match opening {
            Opening::Opened(_) => self.openings.opened += 1,
            Opening::Found(_) => self.openings.found += 1,
            Opening::Empty(code) | Opening::Refused(code) => {
                *self.openings.rejected.entry(code).or_default() += 1;
            }
        }
    }

    /// Sums it up.
    #[must_use]
    pub(super) fn close(
        self,
        transactions: u64,
        (issues, redemptions): (u64, u64),
        reconciliation: Reconciliation,
    ) -> Settlement {
        let seconds = (self.last - self.started).as_secs_f64();
        let tps = if seconds > 0.0 {
            self.settled as f64 / seconds
        } else {
            0.0
        };
        let rejected: u64 = self.rejected.values().sum();
        Settlement {
            rows: Report {
                submitted: self.submitted,
                settled: self.settled,
                unknown: self.submitted - self.settled - rejected,
                rejected: self.rejected,
                tps,
                finality_ms: FinalityMs::of(&self.latency_us),
                seconds,
            },
            transactions,
            openings: self.openings,
            issues,
            redemptions,
            reconciliation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: every row is counted once, and the last line has the keys of a load and those of the reconciliation.
    #[test]
    fn rows_are_counted_once() {
        let mut counts = Counts::start();
        (0..4).for_each(|_| counts.submit());
        counts.end(Ok(()), counts.started());
        counts.end(Err(3003), counts.started());
        counts.open(Opening::Opened(5));
        counts.open(Opening::Found(5));
        counts.open(Opening::Empty(3017));
        let settlement = counts.close(9, (2, 1), Reconciliation::default());
        assert_eq!(settlement.rows.unknown, 2);
        let json = serde_json::to_value(&settlement).unwrap();
        for (key, expected) in [
            ("/submitted", 4),
            ("/final", 1),
            ("/rejected/3003", 1),
            ("/transactions", 9),
            ("/openings/opened", 1),
            ("/openings/found", 1),
            ("/openings/rejected/3017", 1),
            ("/issues", 2),
            ("/redemptions", 1),
            ("/reconciliation/differ", 0),
        ] {
            assert_eq!(json.pointer(key), Some(&expected.into()), "{key}");
        }
        assert!(json.pointer("/finality_ms/p99").is_some());
    }
}
