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

    /// Shows each node; whether somebody is left.
    fn retain(&mut self, keep: &mut dyn FnMut(&mut NodeIndex) -> bool) -> bool {
        match self {
            Self::Partition { side, .. } | Self::Mute { side } => {
                side.retain_mut(keep);
                !side.is_empty()
            }
            Self::Heal => true,
            Self::Crash(node)
            | Self::PowerCut { node, .. }
            | Self::Restart { node, .. }
            | Self::Disk { node, .. }
            | Self::DiskFull(node)
            | Self::DiskRoom(node)
            | Self::Diverge(node)
            | Self::Mend(node)
            | Self::TokenGone(node)
            | Self::TokenBack(node)
            | Self::Token { node, .. } => keep(node),
        }
    }
}
