//! Nodes whose links are clogged: nothing is lost, and nothing arrives until they are free again, one node after the other.
//!
//! Invariant: what waits keeps its order; a connection that ends meanwhile takes it along.
//! Source: "swizzle-clogging" of Wilson, "Testing Distributed Systems w/ Deterministic Simulation" (Strange Loop 2014).

use super::World;
use super::event::Event;
use crate::marks::Mark;
use crate::types::NodeIndex;

impl World {
    /// Lets nothing more to and from a node arrive.
    pub(super) fn clog(&mut self, node: NodeIndex) {
        self.clogged.entry(node).or_default();
    }

    /// Lets all that has waited for a node arrive.
    pub(super) fn unclog(&mut self, node: NodeIndex) {
        let now = self.now();
        for event in self.clogged.remove(&node).unwrap_or_default() {
            self.queue.push(now, event);
        }
    }

    pub(super) fn unclog_all(&mut self) {
        let clogged: Vec<_> = self.clogged.keys().copied().collect();
        clogged.into_iter().for_each(|node| self.unclog(node));
    }

    /// An event, unless it is an arrival on a clogged link: then it waits.
    pub(super) fn unless_clogged(&mut self, event: Event) -> Option<Event> {
        let Event::Deliver { delivery, .. } = &event else {
            return Some(event);
        };
        let ends = [delivery.to, delivery.from];
        let Some(end) = ends.into_iter().find(|end| self.clogged.contains_key(end)) else {
            return Some(event);
        };
        self.clogged.entry(end).or_default().push(event);
        self.marks.hit(Mark::Clogged);
        None
    }
}
