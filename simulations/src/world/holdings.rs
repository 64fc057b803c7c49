//! Looks at what replicas hold, for the oracles.
//!
//! Invariant: a look changes nothing, neither the replica nor the trace. When it is taken depends on the events alone.
//! Shape: with each block that becomes final, with every so many inputs of a process, and at the end of a run.

use falaj_node::core::{Effect, Input};

use super::World;
use super::node::Process;
use crate::checker::{Observation, UnderWay};
use crate::types::NodeIndex;

/// How many inputs of a process there are from one look to the next.
const INPUTS_A_LOOK: u64 = 64;

impl World {
    /// Shows what every node holds.
    pub(crate) fn look_at_all(&mut self) {
        for place in self.nodes() {
            self.look(place);
        }
    }

    /// Shows what a node holds, if it runs.
    pub(super) fn look(&mut self, place: NodeIndex) {
        let Some(process) = &self.nodes[place.position()].process else {
            return;
        };
        let holdings = process.replica.holdings();
        let under_way = UnderWay {
            outputs: process.pending.len() as u64,
            ..process.under_way
        };
        let holdings = &holdings;
        self.observe(
            place,
            Observation::Held {
                holdings,
                under_way,
            },
        );
    }

    /// Has a node looked at once what it is letting out has left.
    pub(super) fn look_soon(&mut self, place: NodeIndex) {
        if let Some(process) = &mut self.nodes[place.position()].process {
            process.is_look_due = true;
        }
    }

    pub(super) fn look_now_and_then(&mut self, place: NodeIndex) {
        let Some(process) = &mut self.nodes[place.position()].process else {
            return;
        };
        let is_due = std::mem::take(&mut process.is_look_due);
        if is_due || process.inputs.is_multiple_of(INPUTS_A_LOOK) {
            self.look(place);
        }
    }
}

impl Process {
    /// Counts what a step has begun.
    pub(super) fn begun(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Verify(_) => self.under_way.checks += 1,
                Effect::Sign { .. } => self.under_way.signatures += 1,
                Effect::Read { .. } | Effect::Find { .. } | Effect::ReadSnapshot { .. } => {
                    self.under_way.reads += 1;
                }
                Effect::LatchSigning
                | Effect::OpenLatch
                | Effect::OwnStatementSeen { .. }
                | Effect::SetDecided(_)
                | Effect::Execute(_)
                | Effect::Append { .. }
                | Effect::Timer { .. } => {}
            }
        }
    }

    /// Counts what has ended with an input.
    pub(super) fn ended(&mut self, input: &Input) {
        self.inputs += 1;
        let ended = match input {
            Input::Verified(_) => &mut self.under_way.checks,
            Input::Signed { .. } => &mut self.under_way.signatures,
            Input::Read { .. } | Input::Found { .. } | Input::SnapshotRead { .. } => {
                &mut self.under_way.reads
            }
            Input::Received { .. }
            | Input::PeerUp(_)
            | Input::PeerDown(_)
            | Input::Submit { .. }
            | Input::Executed(_)
            | Input::Timer(_)
            | Input::Synced(_)
            | Input::DiskFull(_)
            | Input::DiskRoom(_)
            | Input::Persisted(_) => return,
        };
        *ended = ended.saturating_sub(1);
    }
}
