//! What the node counts and tells: metrics for machines, log lines for people, the last alarms for the status.
//!
//! Invariant: labels are bounded by the validator list and closed enums; never a peer id, address, transaction id or error text.
//! Levels: one INFO line per height, DEBUG per round and refusal, TRACE per signature; an alarm is an ERROR and stays in the status.
//! Units: seconds in metrics, milliseconds in log lines.
//! Source: `docs/guide/metrics.md`.

mod heights;
mod links;
mod metrics;
mod scrape;
mod signer;

pub use links::LinkView;
pub use metrics::Metrics;
pub use scrape::{PeerScrape, Scrape};
pub use signer::SignerView;

use falaj_consensus::engine::{self, TimerKind};
use falaj_consensus::round::Step;
use falaj_consensus::types::{Height, Now};
use falaj_hsm::purpose::Purpose;
use falaj_hsm::{Alarm, BackendError, Notice};
use falaj_ledger::rejection::Rejection;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::runtime::{Clock, SignerWitness};
use crate::core::{Committed, Divergence, Event};
use heights::HeightClock;
pub use heights::step_name;
use links::Links;
use signer::SignerLook;

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
    signer: Mutex<SignerLook>,
    links: Mutex<Links>,
    diverged: Mutex<Option<Divergence>>,
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
            signer: Mutex::new(SignerLook::default()),
            links: Mutex::new(Links::default()),
            diverged: Mutex::new(None),
        }
    }

    /// The metrics.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
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
            // Told by the replica itself, with its height.
            Event::Alarm(engine::Alarm::OutcomeDiverged { .. }) => {}
            Event::Alarm(alarm) => self.alarm_text(format!("{alarm:?}")),
            Event::Diverged(divergence) => self.diverged(*divergence),
            Event::Evidence(evidence) => {
                self.metrics.evidence();
                self.alarm_text(format!("evidence: {:?}", evidence.key()));
            }
            Event::PeerFault { peer, what } => {
                tracing::warn!(?peer, what, "a peer sent what it must not");
            }
            Event::PeerLimited { peer, what } => {
                tracing::debug!(?peer, what, "a peer sent more than it may");
            }
        }
    }

    fn consensus(&self, event: &engine::Event) {
        let now_ns = self.clock.now().mono_ns;
        match event {
            engine::Event::RoundBegun { .. } => lock(&self.heights).begun(now_ns),
            engine::Event::RoundStarted {
                height,
                round,
                proposer,
            } => {
                if round.get() > 0 {
                    lock(&self.heights).begun(now_ns);
                }
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

    /// A block is final; those of its transactions that came to this node came at these times.
    pub fn committed(&self, block: &Committed, came: &[Now]) {
        let now_ns = self.clock.now().mono_ns;
        let seconds = lock(&self.heights).committed(now_ns);
        let waits = came
            .iter()
            .map(|came| seconds_between(came.mono_ns, now_ns));
        self.metrics.committed(block, seconds, waits);
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

    /// The HSM was away when the node started, which was told then; the first signature clears it.
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
                tracing::trace!(seconds, purpose = purpose.name(), "signed");
            }
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

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
