//! Connections: one between any two nodes, numbered; what travels on one that has ended is lost.
//!
//! Shape: by the pair without a direction; a pair that was never disconnected has its first.

use std::collections::BTreeMap;

use crate::types::NodeIndex;

#[derive(Debug)]
pub(super) struct Connections(BTreeMap<(NodeIndex, NodeIndex), Connection>);

#[derive(Clone, Copy, Debug)]
struct Connection {
    number: u64,
    up: bool,
}

const FIRST: Connection = Connection {
    number: 0,
    up: true,
};

impl Connections {
    pub(super) const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The number of the connection that two nodes have now.
    pub(super) fn current(&self, one: NodeIndex, other: NodeIndex) -> Option<u64> {
        let connection = self.0.get(&one.pair(other)).unwrap_or(&FIRST);
        connection.up.then_some(connection.number)
    }

    /// Ends it; its number, if there was one.
    pub(super) fn end(&mut self, one: NodeIndex, other: NodeIndex) -> Option<u64> {
        let number = self.current(one, other)?;
        let up = false;
        self.0.insert(one.pair(other), Connection { number, up });
        Some(number)
    }

    /// Makes the next one; whether there was none.
    pub(super) fn make(&mut self, one: NodeIndex, other: NodeIndex) -> bool {
        let Some(connection) = self.0.get_mut(&one.pair(other)) else {
            return false;
        };
        let was_down = !connection.up;
        connection.number += u64::from(was_down);
        connection.up = true;
        was_down
    }
}
