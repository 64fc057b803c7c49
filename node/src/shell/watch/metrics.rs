//! The metrics by name: what is counted as it happens, and what is read when somebody asks.
//!
//! Invariant: every name is in `docs/guide/metrics.md` and begins with `falaj_`; the unit is in the name; label sets are bounded.
//! Form: OpenMetrics text 1.0.
//! Source: OpenMetrics 1.0; `docs/guide/metrics.md`.

use falaj_consensus::round::Step;
use falaj_ledger::rejection::Rejection;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use std::sync::atomic::AtomicU64;

use super::scrape::Scrape;
use crate::core::{Committed, Dropped, Peer, PeerFault};

pub(super) type Labels<const N: usize> = [(&'static str, String); N];
type Count<const N: usize> = Family<Labels<N>, Counter>;
type Level<const N: usize> = Family<Labels<N>, Gauge>;
type Seconds<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;
pub(super) type Real = Gauge<f64, AtomicU64>;

/// All metrics of a node.
pub struct Metrics {
    registry: Registry,
    backend: &'static str,
    pub(super) height: Gauge,
    round: Gauge,
    step: Gauge,
    rounds_per_height: Histogram,
    step_seconds: Seconds<1>,
    finality_seconds: Histogram,
    quorum_delay_seconds: Histogram,
    vote_arrival_seconds: Seconds<2>,
    missed: Count<2>,
    timeouts: Count<1>,
    timers_fit: Gauge,
    evidence: Counter,
    upgrade_needed: Gauge,
    pub(super) seconds_since_commit: Real,
    pub(super) behind_heights: Gauge,
    pub(super) waited_for: Level<2>,
    sign_seconds: Seconds<2>,
    sign_refused: Count<1>,
    hsm_up: Gauge,
    test_signer: Gauge,
    hsm_reconnects: Counter,
    guard_height: Gauge,
    tx: Count<2>,
    tx_e2e_seconds: Histogram,
    pub(super) supply: Family<Labels<1>, Real>,
    supply_check: Gauge,
    pub(super) mempool_tx: Gauge,
    pub(super) mempool_bytes: Gauge,
    pub(super) in_flight_tx: Gauge,
    mempool_rejected: Count<1>,
    pub(super) peer_up: Level<1>,
    pub(super) peer_rtt_seconds: Family<Labels<1>, Real>,
    peer_dropped: Count<2>,
    peer_faults: Count<2>,
    peer_shunned: Level<1>,
    pub(super) bytes: Count<2>,
    pub(super) stream_dropped: Count<1>,
    sync_seconds: Seconds<1>,
    snapshot_height: Gauge,
    snapshot_seconds: Histogram,
    snapshot_failures: Count<1>,
    pub(super) db_bytes: Gauge,
    pub(super) disk_free_bytes: Gauge,
    pub(super) ready: Level<1>,
}

/// From half a millisecond to half a minute.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_5, 2.0, 17))
}

/// Registers metrics as they are made.
struct Book(Registry);

impl Book {
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn gauge(&mut self, name: &str, help: &str) -> Gauge {
        self.add(name, help, Gauge::default())
    }

    fn real(&mut self, name: &str, help: &str) -> Real {
        self.add(name, help, Real::default())
    }

    fn seconds(&mut self, name: &str, help: &str) -> Histogram {
        self.add(name, help, seconds())
    }

    fn seconds_by<const N: usize>(&mut self, name: &str, help: &str) -> Seconds<N> {
        let family: Seconds<N> = Family::new_with_constructor(seconds);
        self.add(name, help, family)
    }

    fn count<const N: usize>(&mut self, name: &str, help: &str) -> Count<N> {
        self.add(name, help, Family::default())
    }

    fn level<const N: usize>(&mut self, name: &str, help: &str) -> Level<N> {
        self.add(name, help, Family::default())
    }

    fn real_by(&mut self, name: &str, help: &str) -> Family<Labels<1>, Real> {
        self.add(name, help, Family::default())
    }
}

impl Metrics {
    /// All of them as if nothing had happened yet; `backend` names where the consensus key signs.
    #[must_use]
    pub fn new(backend: &'static str) -> Self {
        let mut b = Book(Registry::with_prefix("falaj"));
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        b.0.register("build", "The running program", Info::new(version));
        let rounds = Histogram::new([1.0, 2.0, 3.0, 5.0, 8.0, 13.0]);
        let metrics = Self {
            backend,
            height: b.gauge("height", "Last final height"),
            round: b.gauge("round", "Round of the open height"),
            step: b.gauge(
                "step",
                "Step of the open height: 0 propose, 1 prevote, 2 precommit",
            ),
            rounds_per_height: b.add(
                "rounds_per_height",
                "Rounds until a height was final",
                rounds,
            ),
            step_seconds: b.seconds_by("step_seconds", "Time spent in a step of a round"),
            finality_seconds: b.seconds(
                "finality_seconds",
                "From the end of a height's idle wait to its certificate on disk",
            ),
            quorum_delay_seconds: b.seconds(
                "quorum_delay_seconds",
                "From the begin of a round to the prevotes of a quorum",
            ),
            vote_arrival_seconds: b.seconds_by(
                "vote_arrival_seconds",
                "From the begin of a round to a validator's vote in it",
            ),
            missed: b.count(
                "missed",
                "Final heights that a validator had not voted for, as seen here",
            ),
            timeouts: b.count("timeouts", "Timers of consensus that acted"),
            timers_fit: b.gauge(
                "timers_fit",
                "Whether the timers leave room for what this node sees",
            ),
            upgrade_needed: b.gauge(
                "upgrade_needed",
                "Whether the next height needs a feature that this program lacks",
            ),
            evidence: b.add(
                "evidence",
                "Proven misbehaviour of validators",
                Counter::default(),
            ),
            seconds_since_commit: b.real(
                "seconds_since_commit",
                "Since the last block became final here",
            ),
            behind_heights: b.gauge(
                "behind_heights",
                "How far validators with more than a third of the power are ahead",
            ),
            waited_for: b.level(
                "waited_for",
                "Whether the open height waits for a validator, and what is known of it",
            ),
            sign_seconds: b.seconds_by("sign_seconds", "Calls of the HSM that gave a signature"),
            sign_refused: b.count("sign_refused", "Statements that were not signed"),
            test_signer: b.gauge("test_signer", "Whether the consensus key is in no hardware"),
            hsm_up: b.gauge(
                "hsm_up",
                "Whether the last call of the HSM gave a signature",
            ),
            hsm_reconnects: b.add(
                "hsm_reconnects",
                "Connections to the HSM after the first",
                Counter::default(),
            ),
            guard_height: b.gauge(
                "guard_height",
                "Height of the signing guard's highest record",
            ),
            tx: b.count("tx", "Transactions of final blocks"),
            tx_e2e_seconds: b.seconds(
                "tx_e2e_seconds",
                "From a client's submission here to the receipt",
            ),
            supply: b.real_by("supply_minor_units", "Issued minus redeemed"),
            supply_check: b.gauge(
                "supply_check",
                "Whether conservation held at the last block",
            ),
            mempool_tx: b.gauge("mempool_tx", "Transactions that wait to be batched"),
            mempool_bytes: b.gauge("mempool_bytes", "Bytes of those"),
            in_flight_tx: b.gauge("in_flight_tx", "Transactions admitted here and not final"),
            mempool_rejected: b.count("mempool_rejected", "Transactions that were not admitted"),
            peer_up: b.level("peer_up", "Whether messages can be sent to the validator"),
            peer_rtt_seconds: b.real_by("peer_rtt_seconds", "Smoothed round trip to the validator"),
            peer_dropped: b.count(
                "peer_dropped",
                "Messages and requests of the validator that were not taken",
            ),
            peer_faults: b.count(
                "peer_faults",
                "What the validator sent that no correct node sends",
            ),
            peer_shunned: b.level(
                "peer_shunned",
                "Whether the validator is cut off for what it sent",
            ),
            bytes: b.count("bytes", "Bytes of messages with other nodes"),
            stream_dropped: b.count(
                "stream_dropped",
                "Messages dropped from a full queue or lost with their connection",
            ),
            sync_seconds: b.seconds_by("sync_seconds", "Syncs of a log, or commits of the store"),
            snapshot_height: b.gauge("snapshot_height", "Height of the last snapshot taken"),
            snapshot_seconds: b.seconds("snapshot_seconds", "Taking a snapshot of the state"),
            snapshot_failures: b.count("snapshot_failures", "Snapshots that were not taken"),
            db_bytes: b.gauge("db_bytes", "Size of the ledger's store"),
            disk_free_bytes: b.gauge("disk_free_bytes", "Room on the data's disk"),
            ready: b.level("ready", "Checks of readiness"),
            registry: b.0,
        };
        // Nothing was seen yet that does not fit.
        metrics.timers_fit(true);
        metrics
    }

    /// The text that a scraper gets.
    #[must_use]
    pub fn text(&self, scrape: &Scrape) -> String {
        scrape.give(self);
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("the metrics have no text form");
        }
        text
    }

    pub(super) fn sync(&self, file: &'static str) -> Histogram {
        self.sync_seconds
            .get_or_create(&[("file", file.to_owned())])
            .clone()
    }

    pub(super) fn snapshot_at(&self, height: u64) {
        let height = i64::try_from(height).unwrap_or(i64::MAX);
        self.snapshot_height.set(height);
    }

    pub(super) fn snapshot_took(&self, seconds: f64) {
        self.snapshot_seconds.observe(seconds);
    }

    pub(super) fn no_snapshot(&self, reason: &'static str) {
        let labels = [("reason", reason.to_owned())];
        self.snapshot_failures.get_or_create(&labels).inc();
    }

    pub(super) fn gates_lacking(&self) {
        self.upgrade_needed.set(1);
    }

    pub(super) fn evidence(&self) {
        self.evidence.inc();
    }

    pub(super) fn round(&self, round: u32) {
        self.round.set(i64::from(round));
    }

    pub(super) fn step(&self, step: &'static str, seconds: f64) {
        let labels = [("step", step.to_owned())];
        self.step_seconds.get_or_create(&labels).observe(seconds);
    }

    pub(super) fn timeout(&self, step: &'static str) {
        self.timeouts
            .get_or_create(&[("step", step.to_owned())])
            .inc();
    }

    pub(super) fn timers_fit(&self, fit: bool) {
        self.timers_fit.set(i64::from(fit));
    }

    pub(super) fn vote_arrived(&self, validator: u32, phase: &'static str, seconds: f64) {
        let labels = [
            ("validator", validator.to_string()),
            ("phase", phase.to_owned()),
        ];
        self.vote_arrival_seconds
            .get_or_create(&labels)
            .observe(seconds);
    }

    pub(super) fn quorum_after(&self, seconds: f64) {
        self.quorum_delay_seconds.observe(seconds);
    }

    pub(super) fn missed(&self, validator: u32, cause: &'static str) {
        let labels = [
            ("validator", validator.to_string()),
            ("cause", cause.to_owned()),
        ];
        self.missed.get_or_create(&labels).inc();
    }

    pub(super) fn stands_in(&self, step: Step) {
        self.step.set(match step {
            Step::Propose => 0,
            Step::Prevote => 1,
            Step::Precommit => 2,
        });
    }

    pub(super) fn hsm_reconnected(&self) {
        self.hsm_reconnects.inc();
    }

    pub(super) fn guard_at(&self, height: u64) {
        self.guard_height
            .set(i64::try_from(height).unwrap_or(i64::MAX));
    }

    pub(super) fn test_signer(&self, test: bool) {
        self.test_signer.set(i64::from(test));
    }

    pub(super) fn hsm_up(&self, up: bool) {
        self.hsm_up.set(i64::from(up));
    }

    pub(super) fn signed(&self, kind: &'static str, seconds: f64) {
        let labels = [
            ("backend", self.backend.to_owned()),
            ("kind", kind.to_owned()),
        ];
        self.sign_seconds.get_or_create(&labels).observe(seconds);
    }

    pub(super) fn refused(&self, reason: &'static str) {
        let labels = [("reason", reason.to_owned())];
        self.sign_refused.get_or_create(&labels).inc();
    }

    pub(super) fn not_admitted(&self, rejection: Rejection) {
        let labels = [("reason", rejection.name().to_owned())];
        self.mempool_rejected.get_or_create(&labels).inc();
    }

    pub(super) fn peer_dropped(&self, peer: Peer, dropped: Dropped) {
        count_of_peer(&self.peer_dropped, peer, "reason", dropped.code());
    }

    pub(super) fn peer_fault(&self, peer: Peer, fault: PeerFault) {
        count_of_peer(&self.peer_faults, peer, "fault", fault.code());
    }

    pub(super) fn peer_shunned(&self, peer: Peer, shunned: bool) {
        let labels = [("validator", name_of(peer))];
        self.peer_shunned
            .get_or_create(&labels)
            .set(i64::from(shunned));
    }

    pub(super) fn committed(
        &self,
        block: &Committed,
        seconds: Option<f64>,
        waits: impl Iterator<Item = f64>,
    ) {
        let rounds = f64::from(block.certificate.round.get()) + 1.0;
        self.rounds_per_height.observe(rounds);
        // Execution that does not conserve money ends in a panic, and never here.
        self.supply_check.set(1);
        if let Some(seconds) = seconds {
            self.finality_seconds.observe(seconds);
        }
        waits.for_each(|wait| self.tx_e2e_seconds.observe(wait));
        for (tx, receipt) in block.transactions.iter().zip(&block.executed.receipts) {
            let result = receipt
                .verdict
                .rejection()
                .map_or("executed", Rejection::name);
            let kind = tx.body().op.name();
            let labels = [("kind", kind.to_owned()), ("result", result.to_owned())];
            self.tx.get_or_create(&labels).inc();
        }
    }
}

fn count_of_peer(counter: &Count<2>, peer: Peer, why: &'static str, code: &'static str) {
    let labels = [("validator", name_of(peer)), (why, code.to_owned())];
    counter.get_or_create(&labels).inc();
}

/// All nodes without a vote go by one name, so that there are no more labels than validators.
fn name_of(peer: Peer) -> String {
    let validator = peer.validator();
    validator.map_or_else(|| "none".to_owned(), |id| id.get().to_string())
}

#[cfg(test)]
mod tests {
    use super::super::scrape::PeerScrape;
    use super::*;
    use falaj_consensus::types::ValidatorId;

    const GUIDE: &str = include_str!("../../../../docs/guide/metrics.md");

    fn full() -> Metrics {
        let metrics = Metrics::new("software");
        metrics.sync("block").observe(0.001);
        metrics.step("prevote", 0.002);
        metrics.timeout("propose");
        metrics.vote_arrived(2, "prevote", 0.25);
        metrics.quorum_after(0.5);
        metrics.missed(3, "silent");
        metrics.signed("prevote", 0.003);
        metrics.refused("latched");
        metrics.not_admitted(Rejection::InsufficientFunds);
        let peer = Peer::of(ValidatorId::new(2)).unwrap();
        metrics.peer_dropped(peer, Dropped::BatchQuota);
        metrics.peer_fault(peer, PeerFault::Frame);
        metrics.peer_shunned(peer, true);
        metrics.no_snapshot("snapshot-no-room");
        let labels = [
            ("kind", "transfer".to_owned()),
            ("result", "executed".to_owned()),
        ];
        metrics.tx.get_or_create(&labels).inc();
        metrics
    }

    fn scrape() -> Scrape {
        let peer = PeerScrape {
            validator: 2,
            up: true,
            rtt_us: Some(1_500),
            streams: vec![("votes", 10, 20, 1)],
        };
        Scrape {
            height: 7,
            supply: vec![("AED".into(), 1_000)],
            peers: vec![peer],
            db_bytes: Some(6),
            disk_free_bytes: Some(5),
            ready: vec![("disk", true)],
            waited_for: vec![(3, "silent")],
            ..Scrape::default()
        }
    }

    // A renamed metric fails here before it fails a dashboard.
    #[test]
    fn every_metric_is_in_the_guide_and_the_guide_names_no_other() {
        let text = full().text(&scrape());
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let names: Vec<_> = types.filter_map(|line| line.split(' ').next()).collect();
        let rows = GUIDE.lines().filter_map(|line| line.strip_prefix("| `"));
        let rows = rows.filter(|row| row.starts_with("falaj_"));
        let listed: Vec<_> = rows
            .filter_map(|row| row.split(['`', '{']).next())
            .map(|name| name.trim_end_matches("_total").trim_end_matches("_info"))
            .collect();
        assert!(names.len() > 25);
        assert_eq!(
            std::collections::BTreeSet::from_iter(names),
            std::collections::BTreeSet::from_iter(listed)
        );
    }

    #[test]
    fn what_is_read_on_asking_is_what_was_given() {
        let text = full().text(&scrape());
        for line in [
            "falaj_height 7",
            "falaj_db_bytes 6",
            "falaj_supply_minor_units{currency=\"AED\"} 1000.0",
            "falaj_peer_rtt_seconds{validator=\"2\"} 0.0015",
            "falaj_bytes_total{direction=\"out\",protocol=\"votes\"} 20",
            "falaj_stream_dropped_total{protocol=\"votes\"} 1",
            "falaj_ready{check=\"disk\"} 1",
            "falaj_vote_arrival_seconds_sum{validator=\"2\",phase=\"prevote\"} 0.25",
            "falaj_quorum_delay_seconds_sum 0.5",
            "falaj_missed_total{validator=\"3\",cause=\"silent\"} 1",
            "falaj_sign_refused_total{reason=\"latched\"} 1",
            "falaj_mempool_rejected_total{reason=\"insufficient-funds\"} 1",
            "falaj_peer_dropped_total{validator=\"2\",reason=\"batch_quota\"} 1",
            "falaj_peer_faults_total{validator=\"2\",fault=\"frame\"} 1",
            "falaj_peer_shunned{validator=\"2\"} 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }
}
