//! What the node counts and tells: metrics for machines, log lines for people, the last alarms for the status.
//!
//! Invariant: labels are bounded by the validator list and closed enums; never a peer id, address, transaction id or error text.
//! Source: `docs/guide/metrics.md`.

use falaj_consensus::engine;
use falaj_consensus::types::Now;
use falaj_hsm::{Alarm, BackendError};
use falaj_ledger::genesis::Genesis;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::runtime::SignerWitness;
use crate::core::{Committed, Event};

/// Most alarms that are remembered.
const ALARMS_MAX: usize = 64;

/// The node's eyes.
pub struct Watch {
    alarms: Mutex<VecDeque<String>>,
}

impl Watch {
    /// Begins to watch.
    #[must_use]
    pub fn new(_genesis: &Genesis, _validator: Option<u32>) -> Self {
        Self {
            alarms: Mutex::new(VecDeque::new()),
        }
    }

    /// Where the duration of a file's syncs goes, in seconds.
    pub fn timed_sync(self: &Arc<Self>, _file: &'static str) -> impl Fn(f64) + Send + 'static {
        move |_seconds| {}
    }

    /// An event of the replica.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Consensus(engine::Event::Dropped { .. }) => {}
            Event::Consensus(event) => tracing::debug!(?event, "consensus"),
            Event::Alarm(alarm) => self.alarm_text(format!("{alarm:?}")),
            Event::Evidence(evidence) => self.alarm_text(format!("evidence: {:?}", evidence.key())),
            Event::PeerFault { peer, what } => {
                tracing::warn!(?peer, what, "a peer sent what it must not")
            }
            Event::PeerLimited { peer, what } => {
                tracing::debug!(?peer, what, "a peer sent more than it may")
            }
        }
    }

    /// A block is final; those of its transactions that came to this node came at these times.
    pub fn committed(&self, block: &Committed, came: &[Now]) {
        let header = &block.header;
        tracing::info!(
            height = header.height.get(),
            round = block.certificate.round.get(),
            transactions = header.transactions,
            own = came.len(),
            block = %block.id.hash().short(),
            "final"
        );
    }

    /// The last alarms, oldest first.
    #[must_use]
    pub fn alarms(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    fn alarm_text(&self, text: String) {
        tracing::error!(alarm = %text, "alarm");
        let mut alarms = self.lock();
        if alarms.len() == ALARMS_MAX {
            alarms.pop_front();
        }
        alarms.push_back(text);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SignerWitness for Watch {
    fn signed(&self, seconds: f64, error: Option<&BackendError>) {
        match error {
            Some(error) => tracing::warn!(seconds, %error, "the HSM gave no signature"),
            None => tracing::trace!(seconds, "signed"),
        }
    }

    fn refused(&self, code: &'static str) {
        tracing::debug!(code, "not signed");
    }

    fn alarm(&self, alarm: &Alarm) {
        self.alarm_text(format!("signer: {alarm:?}"));
    }
}
