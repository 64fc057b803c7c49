//! Processes that stand still for a while, as under a debugger, a migration of their machine, or memory that is swapped.
//!
//! Invariant: nothing is lost by a pause: whatever comes for the process, its own timers included, waits in order and comes when it goes
//! on. Other nodes see silence and no end of a connection.

use falaj_node::core::Input;

use super::World;
use super::event::{Completion, Event};
use crate::marks::Mark;
use crate::types::NodeIndex;

impl World {
    /// Lets a running process stand still.
    pub(super) fn pause(&mut self, node: NodeIndex) {
        if self.nodes[node.position()].is_up() {
            self.asleep.entry(node).or_default();
        }
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self, node: NodeIndex) {
        let now = self.now();
        for event in self.asleep.remove(&node).unwrap_or_default() {
            self.queue.push(now, event);
        }
    }

    pub(super) fn resume_all(&mut self) {
        let asleep: Vec<_> = self.asleep.keys().copied().collect();
        asleep.into_iter().for_each(|node| self.resume(node));
    }

    /// Ends a pause with its process: what waited is lost.
    pub(super) fn forget_pause(&mut self, node: NodeIndex) {
        self.asleep.remove(&node);
    }

    /// An event, unless its process stands still: then it waits.
    pub(super) fn unless_asleep(&mut self, event: Event) -> Option<Event> {
        let asleep = event.process().and_then(|node| self.asleep.get_mut(&node));
        let Some(waiting) = asleep else {
            return Some(event);
        };
        waiting.push(event);
        self.marks.hit(Mark::Paused);
        None
    }

    /// An input, unless its process stands still.
    pub(super) fn input_unless_asleep(&mut self, node: NodeIndex, input: Input) -> Option<Input> {
        let boot = self.nodes[node.position()].boot;
        let Some(waiting) = self.asleep.get_mut(&node) else {
            return Some(input);
        };
        let what = Completion::Input(Box::new(input));
        waiting.push(Event::Complete { node, boot, what });
        None
    }
}
