//! Whom a fault is about.

use super::Fault;
use crate::types::NodeIndex;

impl Fault {
    /// The nodes that it names.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeIndex> {
        let mut nodes = Vec::new();
        self.clone().retain(&mut |node| {
            nodes.push(*node);
            true
        });
        nodes
    }

    /// The same fault among nodes that are counted otherwise; `None` when nobody is left whom it is about.
    #[must_use]
    pub fn renamed(&self, name: impl Fn(NodeIndex) -> Option<NodeIndex>) -> Option<Self> {
        let mut fault = self.clone();
        let is_left = fault.retain(&mut |node| {
            let named = name(*node);
            *node = named.unwrap_or(*node);
            named.is_some()
        });
        is_left.then_some(fault)
    }

    /// Whose words nobody judges from then on: they go past the guard, or come of another execution.
    #[must_use]
    pub const fn unsound(&self) -> Option<NodeIndex> {
        if let Self::BadSector { .. } = self {
            None
        } else {
            self.loses()
        }
    }

    /// Whom it takes for good, if it does: a program that computes something else, a genesis that is not the others', a log that cannot be
    /// read, a key with two users, a guard that is an older copy.
    #[must_use]
    pub const fn loses(&self) -> Option<NodeIndex> {
        match self {
            // A sync that lies is told from one that is slow by its dial.
            Self::Disk { node, dials, .. } if !dials.sync_lies.is_never() => Some(*node),
            Self::Diverge(node)
            | Self::OtherGenesis(node)
            | Self::BadSector { node, .. }
            | Self::Rot { node, .. }
            | Self::Misdirect { node, .. }
            | Self::ImageRestored(node)
            | Self::SharedKey(node)
            | Self::Failover { node, .. } => Some(*node),
            Self::Partition { .. }
            | Self::Mute { .. }
            | Self::Heal
            | Self::WorstSchedule(_)
            | Self::Reset { .. }
            | Self::Eclipse { .. }
            | Self::Clog(_)
            | Self::Unclog(_)
            | Self::Kill(_)
            | Self::Arrive(_)
            | Self::ImageTaken(_)
            | Self::Crash(_)
            | Self::PowerCut { .. }
            | Self::Restart { .. }
            | Self::Disk { .. }
            | Self::DiskFull(_)
            | Self::DiskRoom(_)
            | Self::Mend(_)
            | Self::Program { .. }
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::ClockLeap { .. }
            | Self::Timers { .. }
            | Self::TokenGone(_)
            | Self::TokenBack(_)
            | Self::Token { .. }
            | Self::PinLocked(_)
            | Self::KeyMissing(_)
            | Self::TokenMended(_)
            | Self::GuardCopied(_)
            | Self::Leave { .. }
            | Self::Return { .. }
            | Self::Reweigh { .. }
            | Self::Join { .. }
            | Self::Rotate { .. }
            | Self::Tune(_) => None,
        }
    }

    /// Whether it is a step from one validator set to another.
    #[must_use]
    pub const fn is_set_change(&self) -> bool {
        matches!(
            self,
            Self::Leave { .. }
                | Self::Return { .. }
                | Self::Reweigh { .. }
                | Self::Join { .. }
                | Self::Rotate { .. }
        )
    }

    /// Shows each node; whether somebody is left.
    fn retain(&mut self, keep: &mut dyn FnMut(&mut NodeIndex) -> bool) -> bool {
        match self {
            Self::Partition { side, .. }
            | Self::Mute { side }
            | Self::Reset { side }
            | Self::Leave { side }
            | Self::Return { side }
            | Self::Reweigh { side, .. }
            | Self::Join { side }
            | Self::Rotate { side } => {
                side.retain_mut(keep);
                !side.is_empty()
            }
            Self::Heal | Self::WorstSchedule(_) | Self::Tune(_) => true,
            Self::Eclipse { node, by } => {
                by.retain_mut(&mut *keep);
                keep(node)
            }
            Self::Crash(node)
            | Self::PowerCut { node, .. }
            | Self::Restart { node, .. }
            | Self::Disk { node, .. }
            | Self::DiskFull(node)
            | Self::DiskRoom(node)
            | Self::Diverge(node)
            | Self::OtherGenesis(node)
            | Self::Mend(node)
            | Self::Program { node, .. }
            | Self::BadSector { node, .. }
            | Self::Rot { node, .. }
            | Self::Misdirect { node, .. }
            | Self::ImageTaken(node)
            | Self::ImageRestored(node)
            | Self::Clog(node)
            | Self::Unclog(node)
            | Self::Kill(node)
            | Self::Arrive(node)
            | Self::Pause(node)
            | Self::Resume(node)
            | Self::ClockLeap { node, .. }
            | Self::Timers { node, .. }
            | Self::TokenGone(node)
            | Self::TokenBack(node)
            | Self::Token { node, .. }
            | Self::PinLocked(node)
            | Self::KeyMissing(node)
            | Self::TokenMended(node)
            | Self::SharedKey(node)
            | Self::GuardCopied(node)
            | Self::Failover { node, .. } => keep(node),
        }
    }
}
