//! Everything that can happen in a world.

use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::LogId;
use falaj_hsm::{BackendError, CallId};
use falaj_node::core::{Committed, ExecuteJob, Frame, Input, JoinInput, Ticket, Timer, VerifyJob};

use crate::hsm::KeyIndex;
use crate::network::Delivery;
use crate::timers::Punctuality;
use crate::types::NodeIndex;

/// An event to come.
#[derive(Debug)]
pub(super) enum Event {
    /// A frame arrives.
    Deliver {
        delivery: Delivery,
        /// What its bytes say, for the oracles; nothing if they are no frame.
        said: Option<Arc<Frame>>,
    },
    /// Something that a process has begun ends; it is forgotten if that process has ended first.
    Complete {
        node: NodeIndex,
        boot: u64,
        what: Completion,
    },
    /// A client's transaction reaches a node.
    Submit {
        node: NodeIndex,
        ticket: Ticket,
        transaction: Vec<u8>,
    },
    /// The workload does its next thing.
    Client(crate::workload::Step),
    /// The next entry of the schedule of faults.
    Fault(usize),
    /// A node starts, unless it runs.
    Start(NodeIndex),
    /// Two nodes find each other again after their connection has ended.
    Reconnect(NodeIndex, NodeIndex),
    /// The first has cut its link to the second, which learns of it.
    Part(NodeIndex, NodeIndex),
    /// The first lets the second in again.
    Rejoin(NodeIndex, NodeIndex),
    /// The first of what waits for a process that stood still comes.
    Wake(NodeIndex),
    /// Everything that can end has ended.
    Stabilise,
}

/// What ends. Jobs are run when they end: what a crash forgets costs nothing.
#[derive(Debug)]
pub(super) enum Completion {
    Timer(Timer, Punctuality),
    Verify(Box<VerifyJob>),
    Execute(Box<ExecuteJob>),
    Synced(LogId),
    /// A log that found no room tries again.
    Retry(LogId),
    /// The log of the guard of a key.
    GuardSynced(KeyIndex),
    Called {
        key: KeyIndex,
        call: CallId,
        result: Option<Result<Signature, BackendError>>,
    },
    /// A token answers a call that was given up.
    LateSuccess {
        key: KeyIndex,
        call: CallId,
        signature: Signature,
    },
    Input(Box<Input>),
    /// For the machine that joins.
    Joins(Box<JoinInput>),
    Stored(Arc<Committed>),
}

impl Event {
    /// The node whose process has to be awake for it.
    pub(super) const fn process(&self) -> Option<NodeIndex> {
        match self {
            Self::Deliver { delivery, .. } => Some(delivery.to),
            Self::Complete { node, .. } | Self::Submit { node, .. } => Some(*node),
            Self::Client(_)
            | Self::Fault(_)
            | Self::Start(_)
            | Self::Reconnect(..)
            | Self::Part(..)
            | Self::Rejoin(..)
            | Self::Wake(_)
            | Self::Stabilise => None,
        }
    }
}

impl Completion {
    /// Its name in traces.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Timer(..) => "timer",
            Self::Verify(_) => "verified",
            Self::Execute(_) => "executed",
            Self::Synced(_) => "synced",
            Self::Retry(_) => "retry",
            Self::GuardSynced(_) => "guard synced",
            Self::Called { .. } => "token",
            Self::LateSuccess { .. } => "late token",
            Self::Input(_) => "input",
            Self::Joins(_) => "joins",
            Self::Stored(_) => "stored",
        }
    }

    /// What ends, for a line of a trace.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Timer(timer, _) => format!("timer {timer:?}"),
            Self::Synced(log) => format!("synced the {} log", log.name()),
            Self::Retry(log) => format!("tries the {} log again", log.name()),
            Self::Stored(block) => format!("stored height {}", block.header.height),
            Self::Called { call, result, .. } => {
                let fault = result
                    .as_ref()
                    .map(|result| result.as_ref().err().map(|error| error.fault));
                format!("token answers call {}: {fault:?}", call.get())
            }
            Self::LateSuccess { call, .. } => {
                format!("token answers call {} when it was given up", call.get())
            }
            Self::Verify(_)
            | Self::Execute(_)
            | Self::Input(_)
            | Self::Joins(_)
            | Self::GuardSynced(_) => self.name().to_owned(),
        }
    }
}
