//! Whom to dial, and when.
//!
//! Invariant: at most one dial per peer is under way, and none to a peer that is connected. Waits between failures
//! grow to a cap; after a refusal, to a longer one.
//! The smaller identity dials first: the larger one gives it a head start, so that two ends rarely dial at once.
//! Units: milliseconds, on tokio's clock.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::PeerId;
use libp2p::swarm::DialError;
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use tokio::time::{Instant, Sleep, sleep_until};

use super::super::backoff::Backoff;
use super::super::chance::Chance;
use super::super::config::Timing;
use super::super::error::LinkError;
use super::super::peer::Peer;

/// How long to wait before looking again whether the host has caught up.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Target {
    peer: Arc<Peer>,
    backoff: Backoff,
    under_way: bool,
    /// When to dial; never, while it is connected or has no address.
    due: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Dialing {
    local: PeerId,
    timing: Timing,
    targets: BTreeMap<PeerId, Target>,
    chance: Chance,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Dialing {
    pub(super) fn new(local: PeerId, timing: Timing) -> Self {
        Self {
            local,
            timing,
            targets: BTreeMap::new(),
            chance: Chance::new(),
            timer: None,
        }
    }

    pub(super) fn add(&mut self, peer: Arc<Peer>) {
        let due = self.first_due(peer.id);
        let target = Target {
            due: Some(due),
            backoff: Backoff::default(),
            under_way: false,
            peer,
        };
        self.targets.insert(target.peer.id, target);
    }

    pub(super) fn remove(&mut self, peer: PeerId) {
        self.targets.remove(&peer);
    }

    /// Its address may be another one now.
    pub(super) fn soon(&mut self, peer: PeerId) {
        let due = self.first_due(peer);
        if let Some(target) = self.targets.get_mut(&peer) {
            target.due = Some(target.due.map_or(due, |before| before.min(due)));
        }
    }

    /// A dial has led to a connection.
    pub(super) fn connected(&mut self, peer: PeerId) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.under_way = false;
        }
    }

    /// Both ends have accepted each other.
    pub(super) fn succeeded(&mut self, peer: PeerId) {
        if let Some(target) = self.targets.get_mut(&peer) {
            target.backoff.succeeded();
        }
    }

    /// A connection has ended, whoever dialed it.
    pub(super) fn ended(&mut self, peer: PeerId, was_up: bool, reason: &LinkError) {
        if was_up && !reason.is_refusal() {
            let due = self.first_due(peer);
            if let Some(target) = self.targets.get_mut(&peer) {
                target.due = Some(due);
            }
        } else {
            self.back_off(peer, reason);
        }
    }

    /// A dial has led to nothing.
    pub(super) fn failed(&mut self, peer: PeerId, error: &DialError) {
        self.connected(peer);
        let Some(reason) = reason(error) else {
            return self.soon(peer);
        };
        if let Some(target) = self.targets.get(&peer) {
            target.peer.set_error(reason.clone());
        }
        self.back_off(peer, &reason);
    }

    fn back_off(&mut self, peer: PeerId, reason: &LinkError) {
        let Timing {
            redial_base_ms,
            redial_cap_ms,
            redial_refused_cap_ms,
            ..
        } = self.timing;
        let cap_ms = if reason.is_refusal() {
            redial_refused_cap_ms
        } else {
            redial_cap_ms
        };
        let chance = self.chance.next();
        if let Some(target) = self.targets.get_mut(&peer) {
            let wait_ms = target.backoff.failed_ms(redial_base_ms, cap_ms, chance);
            target.due = Some(Instant::now() + Duration::from_millis(wait_ms));
        }
    }

    fn first_due(&self, peer: PeerId) -> Instant {
        let head_start_ms = if self.local < peer {
            0
        } else {
            self.timing.dial_head_start_ms
        };
        Instant::now() + Duration::from_millis(head_start_ms)
    }

    /// Dials nobody for a moment.
    pub(super) fn postpone(&mut self) {
        let later = Instant::now() + LOOK_AGAIN;
        for target in self.targets.values_mut() {
            target.due = target.due.map(|due| due.max(later));
        }
    }

    /// The next dial that is due, among the peers that are wanted.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        wanted: impl Fn(&PeerId) -> bool,
    ) -> Poll<DialOpts> {
        loop {
            if let Some(opts) = self.next_due(Instant::now(), &wanted) {
                return Poll::Ready(opts);
            }
            std::task::ready!(self.poll_timer(cx));
        }
    }

    fn next_due(&mut self, now: Instant, wanted: &impl Fn(&PeerId) -> bool) -> Option<DialOpts> {
        self.targets.iter_mut().find_map(|(peer, target)| {
            if target.under_way || target.due.is_none_or(|due| due > now) {
                return None;
            }
            target.due = None;
            let address = target.peer.address().filter(|_| wanted(peer))?;
            target.under_way = true;
            Some(dial(*peer, address))
        })
    }

    /// Ready when the next dial is due.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.targets.values().filter(|target| !target.under_way);
        let Some(due) = idle.filter_map(|target| target.due).min() else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }
}

fn dial(peer: PeerId, address: libp2p::Multiaddr) -> DialOpts {
    DialOpts::peer_id(peer)
        .condition(PeerCondition::Always)
        .addresses(vec![address])
        .allocate_new_port()
        .build()
}

/// Why a dial failed; nothing if another connection was kept instead, or nothing was tried.
fn reason(error: &DialError) -> Option<LinkError> {
    match error {
        DialError::Denied { .. } | DialError::Aborted | DialError::DialPeerConditionFalse(_) => {
            None
        }
        DialError::WrongPeerId { obtained, .. } => {
            Some(LinkError::WrongIdentity { found: *obtained })
        }
        DialError::Transport(attempts) => {
            let reason = attempts
                .first()
                .map_or_else(|| error.to_string(), |(_, error)| root(error));
            Some(LinkError::Dial { reason })
        }
        DialError::LocalPeerId { .. } | DialError::NoAddresses => Some(LinkError::Dial {
            reason: error.to_string(),
        }),
    }
}

/// The innermost cause, which is the one that says something.
pub(super) fn root(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}
