//! What is kept of one configured peer for as long as it is configured, whatever happens to its connections.
//!
//! Invariant: budgets and rates belong to the peer, not to a connection, so that reconnecting gains nothing.
//! Shape: counters are atomics that are only ever added to; the current connection's queues stand behind a lock that is
//! held for a pointer copy.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use libp2p::{Multiaddr, PeerId};
use tokio::sync::Semaphore;

use super::class::{Class, PerClass};
use super::config::{ClassLimits, Limits, PeerConfig};
use super::error::{LinkError, SendError};
use super::queue::{Outbound, Pushed};
use super::rate::Rate;
use super::status::{ClassStatus, PeerStatus};

/// What is counted for one class of one peer.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) messages_in: AtomicU64,
    pub(super) bytes_in: AtomicU64,
    pub(super) messages_out: AtomicU64,
    pub(super) bytes_out: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) throttled: AtomicU64,
}

/// Adds to a counter. Counters are read one by one and order nothing, so relaxed is enough.
pub(super) fn count(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

impl Counters {
    fn status(&self) -> ClassStatus {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ClassStatus {
            messages_in: read(&self.messages_in),
            bytes_in: read(&self.bytes_in),
            messages_out: read(&self.messages_out),
            bytes_out: read(&self.bytes_out),
            queue_messages: 0,
            queue_bytes: 0,
            dropped: read(&self.dropped),
            refused: read(&self.refused),
            throttled: read(&self.throttled),
        }
    }
}

/// How fast one class of the peer may come.
#[derive(Debug)]
struct Pace {
    bytes: Rate,
    messages: Rate,
}

impl Pace {
    fn new(limits: &ClassLimits) -> Self {
        let per_s = |rate| Rate::new(rate, rate);
        Self {
            bytes: per_s(limits.inbound_bytes_per_s),
            messages: per_s(limits.inbound_messages_per_s),
        }
    }

    fn take(&mut self, now_ns: u64, bytes: u32) -> Duration {
        let wait_ns = self
            .bytes
            .take(now_ns, u64::from(bytes))
            .max(self.messages.take(now_ns, 1));
        Duration::from_nanos(wait_ns)
    }
}

#[derive(Debug)]
struct Settings {
    name: String,
    address: Option<Multiaddr>,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) id: PeerId,
    pub(super) limits: PerClass<ClassLimits>,
    pub(super) counters: PerClass<Counters>,
    /// Permits for bytes that are read but not yet taken by the host.
    pub(super) budgets: PerClass<Arc<Semaphore>>,
    paces: PerClass<Mutex<Pace>>,
    started: Instant,
    settings: Mutex<Settings>,
    up: Mutex<Option<Arc<Outbound>>>,
    connects: AtomicU64,
    rtt_us: AtomicU64,
    rtt_known: AtomicBool,
    last_error: Mutex<Option<LinkError>>,
}

impl Peer {
    pub(super) fn new(config: PeerConfig, limits: &Limits) -> Self {
        Self {
            id: config.peer,
            limits: limits.classes,
            counters: PerClass::default(),
            budgets: PerClass::from_fn(|class| {
                Arc::new(Semaphore::new(
                    limits.classes.get(class).inbound_bytes_max as usize,
                ))
            }),
            paces: PerClass::from_fn(|class| Mutex::new(Pace::new(limits.classes.get(class)))),
            started: Instant::now(),
            settings: Mutex::new(Settings {
                name: config.name,
                address: config.address,
            }),
            up: Mutex::default(),
            connects: AtomicU64::new(0),
            rtt_us: AtomicU64::new(0),
            rtt_known: AtomicBool::new(false),
            last_error: Mutex::default(),
        }
    }

    /// Takes over the name and address of a new list.
    pub(super) fn configure(&self, config: PeerConfig) {
        *lock(&self.settings) = Settings {
            name: config.name,
            address: config.address,
        };
    }

    pub(super) fn address(&self) -> Option<Multiaddr> {
        lock(&self.settings).address.clone()
    }

    /// Takes an incoming message of so many bytes into account; gives how long to wait before it is read.
    pub(super) fn pace(&self, class: Class, bytes: u32) -> Duration {
        let now_ns = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        lock(self.paces.get(class)).take(now_ns, bytes)
    }

    /// Queues a message for the current connection.
    pub(super) fn send(&self, class: Class, message: Bytes) -> Result<(), SendError> {
        let limits = self.limits.get(class);
        let (bytes, bytes_max) = (message.len(), limits.message_bytes_max);
        if bytes == 0 || bytes > bytes_max as usize {
            return Err(SendError::Size {
                class,
                bytes,
                bytes_max,
            });
        }
        let peer = self.id;
        let outbound = lock(&self.up)
            .clone()
            .ok_or(SendError::NotConnected { peer })?;
        match outbound.push(class, message, limits) {
            Pushed::Queued { dropped } => {
                count(&self.counters.get(class).dropped, dropped);
                Ok(())
            }
            Pushed::Refused => {
                count(&self.counters.get(class).refused, 1);
                Err(SendError::QueueFull { peer, class })
            }
        }
    }

    /// From now on messages go to this connection.
    pub(super) fn set_up(&self, outbound: Arc<Outbound>) {
        *lock(&self.up) = Some(outbound);
        count(&self.connects, 1);
        self.rtt_known.store(false, Ordering::Relaxed);
        *lock(&self.last_error) = None;
    }

    /// From now on there is nowhere to send to. What was queued is lost with the connection, and counted.
    pub(super) fn set_down(&self) {
        let Some(outbound) = lock(&self.up).take() else {
            return;
        };
        let lengths = outbound.lengths();
        for class in Class::ALL {
            count(
                &self.counters.get(class).dropped,
                lengths.get(class).messages,
            );
        }
    }

    pub(super) fn set_error(&self, error: LinkError) {
        *lock(&self.last_error) = Some(error);
    }

    /// Takes a measured round trip into the mean, an eighth of it at a time.
    pub(super) fn measured(&self, rtt_us: u64) {
        let mean = if self.rtt_known.swap(true, Ordering::Relaxed) {
            let before = self.rtt_us.load(Ordering::Relaxed);
            before - before / 8 + rtt_us / 8
        } else {
            rtt_us
        };
        self.rtt_us.store(mean, Ordering::Relaxed);
    }

    /// Smoothed round trip of the link that is up, once it is known.
    pub(super) fn rtt_us(&self) -> Option<u64> {
        let known = lock(&self.up).is_some() && self.rtt_known.load(Ordering::Relaxed);
        known.then(|| self.rtt_us.load(Ordering::Relaxed))
    }

    pub(super) fn status(&self) -> PeerStatus {
        let outbound = lock(&self.up).clone();
        let lengths = outbound
            .as_ref()
            .map(|outbound| outbound.lengths())
            .unwrap_or_default();
        let up = outbound.is_some();
        let settings = lock(&self.settings);
        PeerStatus {
            peer: self.id,
            name: settings.name.clone(),
            address: settings.address.clone(),
            up,
            connects: self.connects.load(Ordering::Relaxed),
            rtt_us: self.rtt_us(),
            last_error: lock(&self.last_error).as_ref().map(ToString::to_string),
            classes: PerClass::from_fn(|class| ClassStatus {
                queue_messages: lengths.get(class).messages,
                queue_bytes: lengths.get(class).bytes,
                ..self.counters.get(class).status()
            }),
        }
    }
}

/// Nothing that could panic runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
