//! What the node counts and tells: metrics for machines, log lines for people, the last alarms for the status.
//!
//! Invariant: labels are bounded by the validator list and closed enums; never a peer id, address, transaction id or error text.
//! Levels: one INFO line per height, DEBUG per round and refusal, TRACE per signature; an alarm is an ERROR and stays in the status.
//! Units: seconds in metrics, milliseconds in log lines.
//! Source: `docs/guide/metrics.md`.

mod fit;
mod heights;
mod links;
mod metrics;
mod scrape;
mod signer;
mod votes;

pub use links::LinkView;
pub use metrics::Metrics;
pub use scrape::{PeerScrape, Scrape};
pub use signer::SignerView;

use falaj_consensus::engine::{self, TimerKind};
use falaj_consensus::message::Kind;
use falaj_consensus::params::Parameters;
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Now, ValidatorId};
use falaj_hsm::purpose::Purpose;
use falaj_hsm::{Alarm, BackendError, Fault, Notice};
use falaj_ledger::rejection::Rejection;
use falaj_ledger::state::State;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::runtime::{Clock, SignerWitness};
use super::snapshot::SnapshotFault;
use crate::core::{Committed, Divergence, Event, GatesLacking, Peer, PeerFault, VoteSeen};
use fit::{Fit, Part, TimersFit};
use heights::HeightClock;
pub use heights::step_name;
use links::Links;
use signer::SignerLook;
use votes::VoteClock;

/// Most alarms that are remembered.
const ALARMS_MAX: usize = 64;

/// Something that a person has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNote {
    /// When, by this node's clock.
    pub time_us: u64,
    /// What.
    pub text: String,
}

/// The node's eyes.
pub struct Watch {
    clock: Clock,
    metrics: Metrics,
    alarms: Mutex<VecDeque<AlarmNote>>,
    heights: Mutex<HeightClock>,
    votes: Mutex<VoteClock>,
    signer: Mutex<SignerLook>,
    links: Mutex<Links>,
    diverged: Mutex<Option<Divergence>>,
    shut: Mutex<Option<GatesLacking>>,
    /// The features that each validator's program supports, as it said itself on its last connection.
    programs: Mutex<BTreeMap<u32, u64>>,
    fit: Mutex<TimersFit>,
}

impl Watch {
    /// Begins to watch; `backend` names where the consensus key signs, if the node votes.
    #[must_use]
    pub fn new(clock: Clock, backend: Option<&'static str>) -> Self {
        Self {
            clock,
            metrics: Metrics::new(backend.unwrap_or("none")),
            alarms: Mutex::new(VecDeque::new()),
            heights: Mutex::new(HeightClock::default()),
            votes: Mutex::new(VoteClock::default()),
            signer: Mutex::new(SignerLook::default()),
            links: Mutex::new(Links::default()),
            diverged: Mutex::new(None),
            shut: Mutex::new(None),
            programs: Mutex::new(BTreeMap::new()),
            fit: Mutex::new(TimersFit::default()),
        }
    }

    /// Whether the consensus key is in no hardware.
    pub fn test_signer(&self, test: bool) {
        self.metrics.test_signer(test);
    }

    /// The metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where the duration of a log's syncs goes, in seconds; a vote may wait for one.
    pub fn timed_log(self: &Arc<Self>, file: &'static str) -> impl Fn(f64) + Send + 'static {
        let (watch, timed) = (Arc::clone(self), self.timed_sync(file));
        move |seconds| {
            timed(seconds);
            watch.took(Part::Sync, seconds);
        }
    }

    /// Where the duration of a file's syncs goes, in seconds.
    pub fn timed_sync(self: &Arc<Self>, file: &'static str) -> impl Fn(f64) + Send + 'static {
        let histogram = self.metrics.sync(file);
        move |seconds| histogram.observe(seconds)
    }

    /// An event of the replica.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Consensus(event) => self.consensus(event),
            Event::Voted(seen) => self.voted(seen),
            // Told by the replica itself, with its height.
            Event::Alarm(
                engine::Alarm::OutcomeDiverged { .. } | engine::Alarm::GatesLacking { .. },
            ) => {}
            Event::GatesLacking(lacking) => self.gates_lacking(*lacking),
            Event::Alarm(alarm) => self.alarm_text(format!("{alarm:?}")),
            Event::Diverged(divergence) => self.diverged(*divergence),
            Event::Evidence(evidence) => {
                self.metrics.evidence();
                self.alarm_text(format!("evidence: {:?}", evidence.key()));
            }
            Event::StoreBehind { height, persisted } => {
                tracing::error!(
                    height = height.get(),
                    persisted = persisted.get(),
                    "the ledger's store is far behind: nothing is admitted or decided here until it has caught up"
                );
            }
            Event::PeerFault {
                peer,
                fault,
                is_news,
            } => self.peer_fault(*peer, *fault, *is_news),
            Event::PeerLimited { peer, dropped } => {
                self.metrics.peer_dropped(*peer, *dropped);
                let reason = dropped.code();
                tracing::debug!(?peer, reason, "what a peer sent was not taken");
            }
        }
    }

    fn consensus(&self, event: &engine::Event) {
        let now_ns = self.clock.now().mono_ns;
        match event {
            engine::Event::RoundBegun { .. } => {
                lock(&self.heights).begun(now_ns);
                lock(&self.votes).begun(now_ns);
            }
            engine::Event::RoundStarted {
                height,
                round,
                proposer,
            } => {
                if round.get() > 0 {
                    lock(&self.heights).begun(now_ns);
                }
                lock(&self.votes).round(*height, *round, now_ns);
                self.metrics.round(round.get());
                self.metrics.stands_in(Step::Propose);
                tracing::debug!(
                    height = height.get(),
                    round = round.get(),
                    proposer = proposer.get(),
                    "round"
                );
            }
            engine::Event::StepChanged {
                height,
                round,
                step,
            } => {
                if let Some((left, seconds)) = lock(&self.heights).step(*step, now_ns) {
                    self.metrics.step(left, seconds);
                }
                self.metrics.stands_in(*step);
                tracing::trace!(height = height.get(), round = round.get(), ?step, "step");
            }
            engine::Event::TimedOut(timer) => {
                self.metrics.timeout(timer_name(timer.kind));
                tracing::debug!(height = timer.height.get(), round = timer.round.get(), kind = ?timer.kind, "timeout");
            }
            engine::Event::SignRefused { statement, reason } => {
                tracing::debug!(height = statement.height().get(), ?reason, "not signed");
            }
            engine::Event::Locked(_)
            | engine::Event::ValidValue { .. }
            | engine::Event::Dropped { .. } => tracing::trace!(?event, "consensus"),
        }
    }

    /// The height after a state is open, decided by a set that may hold ourselves.
    pub fn opened(&self, own: Option<ValidatorId>, state: &State) {
        let height = state.height().next();
        lock(&self.votes).opened(own, height, state.validators_at(height));
    }

    fn voted(&self, seen: &VoteSeen) {
        let now_ns = self.clock.now().mono_ns;
        let Some(arrival) = lock(&self.votes).vote(seen, now_ns) else {
            return;
        };
        let phase = match seen.kind {
            Kind::Prevote => "prevote",
            Kind::Precommit => "precommit",
            Kind::Proposal => return,
        };
        self.metrics
            .vote_arrived(seen.validator.get(), phase, arrival.seconds);
        if arrival.is_quorum {
            self.metrics.quorum_after(arrival.seconds);
        }
    }

    /// Who took no part in a height that is final, and the opening of the next.
    fn close_votes(&self, block: &Committed) {
        let now_ns = self.clock.now().mono_ns;
        let linked = |member: ValidatorId| lock(&self.links).view(member.get(), now_ns).up;
        let mut votes = lock(&self.votes);
        for (member, cause) in votes.committed(&block.certificate, linked) {
            self.metrics.missed(member.get(), cause.name());
        }
        let state = &block.executed.state;
        let height = state.height().next();
        let own = votes.own();
        votes.opened(own, height, state.validators_at(height));
    }

    /// A block is final; those of its transactions that came to this node came at these times.
    pub fn committed(&self, block: &Committed, came: &[Now]) {
        let now_ns = self.clock.now().mono_ns;
        let seconds = lock(&self.heights).committed(now_ns);
        let waits = came
            .iter()
            .map(|came| seconds_between(came.mono_ns, now_ns));
        self.metrics.committed(block, seconds, waits);
        self.close_votes(block);
        tracing::info!(
            height = block.header.height.get(),
            round = block.certificate.round.get(),
            transactions = block.header.transactions,
            ms = seconds.map(|seconds| (seconds * 1_000.0).round()),
            own = came.len(),
            proposer = block.header.proposer.get(),
            block = %block.id.hash().short(),
            "final"
        );
        let open_height = block.header.height.next();
        self.judge_timers(&block.executed.state.parameters_at(open_height));
    }

    /// The newest snapshot that there is.
    pub fn snapshot_at(&self, height: Height) {
        self.metrics.snapshot_at(height.get());
    }

    /// A snapshot was taken, in so many seconds, or was not.
    pub fn snapshot(&self, height: Height, taken: &Result<f64, SnapshotFault>) {
        let height = height.get();
        match taken {
            Ok(seconds) => {
                self.metrics.snapshot_at(height);
                self.metrics.snapshot_took(*seconds);
                tracing::info!(height, ms = (seconds * 1_000.0).round(), "snapshot taken");
            }
            Err(error) => {
                let reason = error.code().unwrap_or("snapshot-disk");
                self.metrics.no_snapshot(reason);
                let source = std::error::Error::source(error).map(ToString::to_string);
                tracing::warn!(height, reason, %error, source, "no snapshot was taken");
            }
        }
    }

    /// The execution of a block took that long.
    pub fn executed(&self, seconds: f64) {
        self.took(Part::Execute, seconds);
    }

    /// The slowest link's round trip; a message takes half of it.
    pub fn round_trip(&self, microseconds: u64) {
        let ns = microseconds.saturating_mul(500);
        lock(&self.fit).took(Part::Delay, ns);
    }

    /// Judges the timers of the height that is open now.
    fn judge_timers(&self, parameters: &Parameters) {
        let now_ns = self.clock.now().mono_ns;
        let fit = lock(&self.fit).judge(parameters, now_ns);
        self.metrics.timers_fit(fit == Fit::Fits);
        let Fit::News(seen) = fit else { return };
        let timeouts = parameters.timeouts;
        tracing::warn!(
            delta_ms = milliseconds(seen.delta_ns),
            delay_ms = milliseconds(seen.delay_ns),
            sign_ms = milliseconds(seen.sign_ns),
            sync_ms = milliseconds(seen.sync_ns),
            execute_ms = milliseconds(seen.execute_ns),
            tick_ms = timeouts.tick_ms,
            propose_ms = timeouts.propose_ms,
            prevote_ms = timeouts.prevote_ms,
            precommit_ms = timeouts.precommit_ms,
            todo = "find what became slow; if it stays so, this chain needs longer timers",
            "the timers are too short for what this node sees: twice delta does not fit into them"
        );
    }

    fn took(&self, part: Part, seconds: f64) {
        // What is no duration was measured by no clock.
        if let Ok(duration) = Duration::try_from_secs_f64(seconds) {
            let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            lock(&self.fit).took(part, ns);
        }
    }

    /// A client's transaction was not admitted.
    pub fn not_admitted(&self, rejection: Rejection) {
        self.metrics.not_admitted(rejection);
    }

    /// How long ago the last block became final here; `None` before the first since the start.
    #[must_use]
    pub fn seconds_since_commit(&self) -> Option<f64> {
        let last_ns = lock(&self.heights).last_commit_ns()?;
        Some(seconds_between(last_ns, self.clock.now().mono_ns))
    }

    /// A validator can be reached from now on, or cannot.
    pub fn link(&self, validator: u32, up: bool) {
        let now_ns = self.clock.now().mono_ns;
        lock(&self.links).changed(validator, up, now_ns);
        tracing::info!(validator, up, "link");
    }

    /// Told to people once a strike: whoever floods us must not flood the log.
    fn peer_fault(&self, peer: Peer, fault: PeerFault, is_news: bool) {
        self.metrics.peer_fault(peer, fault);
        let what = fault.code();
        if is_news {
            tracing::warn!(?peer, what, "a peer sent what no correct node sends");
        } else {
            tracing::debug!(?peer, what, "a peer sent what no correct node sends");
        }
    }

    /// A peer's link is cut for a while.
    pub fn shunned(&self, peer: Peer, fault: PeerFault, for_ns: u64) {
        self.metrics.peer_shunned(peer, true);
        let (what, ms) = (fault.code(), milliseconds(for_ns));
        tracing::warn!(?peer, what, ms, "a peer is cut off for a while");
    }

    /// A peer whose link was cut may connect again.
    pub fn admitted(&self, peer: Peer) {
        self.metrics.peer_shunned(peer, false);
        tracing::info!(?peer, "a peer that was cut off may connect again");
    }

    /// A validator said which features its program supports.
    pub fn program(&self, validator: u32, supported: u64) {
        lock(&self.programs).insert(validator, supported);
    }

    /// The features that a validator's program supports; unknown while it cannot be reached.
    #[must_use]
    pub fn supported_by(&self, validator: u32) -> Option<u64> {
        let said = lock(&self.programs).get(&validator).copied();
        said.filter(|_| self.link_view(validator).up)
    }

    /// Since when a validator can be reached, or cannot.
    #[must_use]
    pub fn link_view(&self, validator: u32) -> LinkView {
        lock(&self.links).view(validator, self.clock.now().mono_ns)
    }

    /// The guard cannot be signed under, as its start showed.
    pub fn guard_unusable(&self, code: &'static str) {
        lock(&self.signer).refused(code);
    }

    /// What the signer's last answers say.
    #[must_use]
    pub fn signer(&self) -> SignerView {
        lock(&self.signer).view()
    }

    /// The last alarms, oldest first.
    #[must_use]
    pub fn alarms(&self) -> Vec<AlarmNote> {
        lock(&self.alarms).iter().cloned().collect()
    }

    /// The HSM was away when the node started, which was told then; the first signature clears it, or the backend's own once it is back.
    pub fn hsm_away(&self, error: &BackendError) {
        lock(&self.signer).answered(Some(error));
        self.metrics.hsm_up(false);
    }

    /// This node computes another outcome than a quorum certified; told once.
    pub fn diverged(&self, divergence: Divergence) {
        let known = lock(&self.diverged).replace(divergence);
        if known != Some(divergence) {
            self.alarm_text(format!(
                "diverged: {divergence}; nothing is signed, and reads are of the height before"
            ));
        }
    }

    /// Where this node and a quorum part, if they do.
    #[must_use]
    pub fn divergence(&self) -> Option<Divergence> {
        *lock(&self.diverged)
    }

    /// The next height needs a feature gate that this program lacks.
    fn gates_lacking(&self, lacking: GatesLacking) {
        *lock(&self.shut) = Some(lacking);
        self.metrics.gates_lacking();
        self.alarm_text(format!(
            "upgrade-needed: {lacking}; nothing is signed, and reads are of the height before"
        ));
    }

    /// The height that is shut to this program, if one is.
    #[must_use]
    pub fn shut(&self) -> Option<GatesLacking> {
        *lock(&self.shut)
    }

    fn alarm_text(&self, text: String) {
        tracing::error!(alarm = %text, "alarm");
        let time_us = self.clock.now().wall_us;
        let mut alarms = lock(&self.alarms);
        if alarms.len() == ALARMS_MAX {
            alarms.pop_front();
        }
        alarms.push_back(AlarmNote { time_us, text });
    }
}

impl SignerWitness for Watch {
    fn signed(&self, purpose: Purpose, seconds: f64, error: Option<&BackendError>) {
        let is_new = lock(&self.signer).answered(error);
        match error {
            Some(error) => {
                self.metrics.hsm_up(false);
                self.metrics.refused(error.fault.code());
                if error.fault == Fault::Timeout {
                    self.took(Part::Sign, seconds);
                }
                if is_new {
                    tracing::warn!(%error, code = error.fault.code(), "the HSM gives no signatures");
                }
                tracing::debug!(seconds, purpose = purpose.name(), %error, "the HSM gave no signature");
            }
            None => {
                if is_new {
                    tracing::info!("the HSM signs again");
                }
                self.metrics.hsm_up(true);
                self.metrics.signed(purpose.name(), seconds);
                self.took(Part::Sign, seconds);
                tracing::trace!(seconds, purpose = purpose.name(), "signed");
            }
        }
    }

    fn attended(&self, result: Result<(), &BackendError>) {
        match result {
            Err(error) => {
                self.metrics.hsm_up(false);
                if lock(&self.signer).answered(Some(error)) {
                    tracing::warn!(%error, code = error.fault.code(), "the HSM failed its check");
                }
            }
            Ok(()) if lock(&self.signer).recovered() => {
                self.metrics.hsm_up(true);
                tracing::info!("the HSM signs canaries again");
            }
            Ok(()) => {}
        }
    }

    fn refused(&self, code: &'static str) {
        lock(&self.signer).refused(code);
        // What the HSM did not give was counted when it did not.
        if !code.starts_with("backend_") {
            self.metrics.refused(code);
        }
        tracing::debug!(code, "not signed");
    }

    fn alarm(&self, alarm: &Alarm) {
        self.alarm_text(format!("signer: {alarm:?}"));
    }

    /// Trouble that repeats itself is told once, until the backend works again.
    fn notice(&self, notice: &Notice) {
        let is_new = lock(&self.signer).noticed(notice);
        match notice {
            Notice::Connected(text) => {
                if !is_new {
                    self.metrics.hsm_reconnected();
                }
                tracing::info!(text, "the HSM");
            }
            Notice::Trouble(text) if is_new => tracing::warn!(text, "the HSM"),
            Notice::Trouble(text) | Notice::Waiting(text) => tracing::debug!(text, "the HSM"),
        }
    }

    fn guard_at(&self, height: Height) {
        self.metrics.guard_at(height.get());
    }
}

const fn timer_name(kind: TimerKind) -> &'static str {
    match kind {
        TimerKind::Propose => "propose",
        TimerKind::Prevote => "prevote",
        TimerKind::Precommit => "precommit",
        TimerKind::Tick => "tick",
        TimerKind::Heartbeat => "heartbeat",
    }
}

/// Nanoseconds of the monotonic clock as seconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "a duration for people and histograms"
)]
fn seconds_between(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64 / 1e9
}

/// Whole milliseconds for people.
const fn milliseconds(ns: u64) -> u64 {
    ns / 1_000_000
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The warnings of some work, one JSON object each.
    fn warnings(work: impl FnOnce()) -> Vec<serde_json::Value> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::WARN)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let text = String::from_utf8(lock(&lines.0).clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn fits(watch: &Watch) -> bool {
        let text = watch.metrics().text(&Scrape::default());
        text.contains("falaj_timers_fit 1\n")
    }

    // Goal: each part counts from where it is measured, and what no longer fits is told once, with what was seen, the timers and the way out.
    #[test]
    fn timers_that_no_longer_fit_are_told_once() {
        let watch = Arc::new(Watch::new(Clock::start(), Some("pkcs11")));
        let parameters = Parameters::default();
        let timeout = BackendError::new(Fault::Timeout);
        let (log, store) = (watch.timed_log("block"), watch.timed_sync("store"));
        assert!(fits(&watch), "nothing was seen that does not fit");
        for _ in 0..16 {
            watch.round_trip(40_000);
            watch.signed(Purpose::Prevote, 0.05, None);
            watch.signed(Purpose::Prevote, 0.06, Some(&timeout));
            watch.signed(
                Purpose::Prevote,
                9.0,
                Some(&BackendError::new(Fault::Token)),
            );
            log(0.03);
            store(9.0);
            watch.executed(0.01);
        }
        assert!(warnings(|| watch.judge_timers(&parameters)).is_empty());
        assert!(fits(&watch), "2 (20 + 60 + 30 + 10 + 100) is 440");
        (0..16).for_each(|_| watch.executed(0.1));
        let told = warnings(|| {
            watch.judge_timers(&parameters);
            watch.judge_timers(&parameters);
        });
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(!fits(&watch));
        let fields = &told[0]["fields"];
        let seen = ["delta_ms", "delay_ms", "sign_ms", "sync_ms", "execute_ms"];
        assert_eq!(
            seen.map(|name| fields[name].as_u64().unwrap()),
            [310, 20, 60, 30, 100]
        );
        let timers = ["tick_ms", "prevote_ms", "precommit_ms", "propose_ms"];
        assert_eq!(
            timers.map(|name| fields[name].as_u64().unwrap()),
            [100, 610, 610, 1_300]
        );
        assert!(fields["todo"].as_str().unwrap().contains("longer timers"));
    }
}
