//! What metrics take from the node only when somebody asks.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::metrics::Metrics;

/// The node at one moment.
#[derive(Clone, Debug, Default)]
pub struct Scrape {
    /// The last final height.
    pub height: u64,
    /// Since the last block became final here.
    pub seconds_since_commit: Option<f64>,
    /// How far validators with more than a third of the power are ahead.
    pub behind_heights: u64,
    /// Validators that are waited for, and what is known of each.
    pub waited_for: Vec<(u32, &'static str)>,
    /// Transactions that wait to be batched.
    pub mempool_tx: u64,
    /// Their bytes.
    pub mempool_bytes: u64,
    /// Transactions admitted here and not final.
    pub in_flight_tx: u64,
    /// Supply in minor units by currency.
    pub supply: Vec<(String, u128)>,
    /// The other validators.
    pub peers: Vec<PeerScrape>,
    /// Size of the ledger's store, if it can be read.
    pub db_bytes: Option<u64>,
    /// Room on the data's disk, if the system says.
    pub disk_free_bytes: Option<u64>,
    /// Checks of readiness by name.
    pub ready: Vec<(&'static str, bool)>,
}

/// A peer at that moment.
#[derive(Clone, Debug, Default)]
pub struct PeerScrape {
    /// The validator behind it.
    pub validator: u32,
    /// Whether messages can be sent to it.
    pub up: bool,
    /// Smoothed round trip in microseconds.
    pub rtt_us: Option<u64>,
    /// By stream: bytes in, bytes out, messages dropped.
    pub streams: Vec<(&'static str, u64, u64, u64)>,
}

impl Scrape {
    pub(super) fn give(&self, metrics: &Metrics) {
        metrics.height.set(level(self.height));
        let since = self.seconds_since_commit.unwrap_or_default();
        metrics.seconds_since_commit.set(since);
        metrics.behind_heights.set(level(self.behind_heights));
        // Who is waited for no more has no line.
        metrics.waited_for.clear();
        for (validator, cause) in &self.waited_for {
            let cause = (*cause).to_owned();
            let labels = [("validator", validator.to_string()), ("cause", cause)];
            metrics.waited_for.get_or_create(&labels).set(1);
        }
        metrics.mempool_tx.set(level(self.mempool_tx));
        metrics.mempool_bytes.set(level(self.mempool_bytes));
        metrics.in_flight_tx.set(level(self.in_flight_tx));
        for (currency, units) in &self.supply {
            let labels = [("currency", currency.clone())];
            metrics.supply.get_or_create(&labels).set(real(*units));
        }
        for peer in &self.peers {
            peer.give(metrics);
        }
        give_streams(&self.peers, metrics);
        if let Some(bytes) = self.db_bytes {
            metrics.db_bytes.set(level(bytes));
        }
        if let Some(free) = self.disk_free_bytes {
            metrics.disk_free_bytes.set(level(free));
        }
        for (check, ready) in &self.ready {
            let labels = [("check", (*check).to_owned())];
            metrics.ready.get_or_create(&labels).set(i64::from(*ready));
        }
    }
}

impl PeerScrape {
    fn give(&self, metrics: &Metrics) {
        let labels = [("validator", self.validator.to_string())];
        metrics
            .peer_up
            .get_or_create(&labels)
            .set(i64::from(self.up));
        if let Some(rtt_us) = self.rtt_us {
            let seconds = real(u128::from(rtt_us)) / 1e6;
            metrics.peer_rtt_seconds.get_or_create(&labels).set(seconds);
        }
    }
}

/// The transport counts; its sums are only copied.
fn give_streams(peers: &[PeerScrape], metrics: &Metrics) {
    let mut sums = BTreeMap::<&'static str, [u64; 3]>::new();
    for (stream, came, went, dropped) in peers.iter().flat_map(|peer| &peer.streams) {
        let sum = sums.entry(stream).or_default();
        for (sum, more) in sum.iter_mut().zip([came, went, dropped]) {
            *sum = sum.saturating_add(*more);
        }
    }
    for (stream, [came, went, dropped]) in sums {
        for (direction, bytes) in [("in", came), ("out", went)] {
            let labels = [
                ("direction", direction.to_owned()),
                ("protocol", stream.to_owned()),
            ];
            let counter = metrics.bytes.get_or_create(&labels);
            counter.inner().store(bytes, Ordering::Relaxed);
        }
        let counter = metrics
            .stream_dropped
            .get_or_create(&[("protocol", stream.to_owned())]);
        counter.inner().store(dropped, Ordering::Relaxed);
    }
}

fn level(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What a scraper gets of a sum: exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; the API gives the exact number"
)]
const fn real(value: u128) -> f64 {
    value as f64
}
