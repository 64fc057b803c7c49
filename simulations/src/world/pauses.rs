//! Processes that stand still for a while, as under a debugger, a migration of their machine, or memory that is swapped.
//!
//! Invariant: nothing is lost by a pause: whatever comes for the process, its own timers included, waits in order and comes in order when it
//! goes on, before all that comes then. Other nodes see silence and no end of a connection.

use std::collections::VecDeque;

use falaj_node::core::Input;

use super::World;
use super::event::{Completion, Event};
use crate::marks::Mark;
use crate::types::NodeIndex;

/// A process that stands still, until all that has waited for it came.
#[derive(Debug, Default)]
pub(super) struct Asleep {
    waiting: VecDeque<Event>,
    /// Whether it goes on, and what waited is coming.
    wakes: bool,
}

impl World {
    /// Lets a running process stand still.
    pub(super) fn pause(&mut self, node: NodeIndex) {
        if self.nodes[node.position()].is_up() {
            self.asleep.entry(node).or_default().wakes = false;
        }
    }

    /// Lets it go on.
    pub(super) fn resume(&mut self, node: NodeIndex) {
        let now = self.now();
        let Some(asleep) = self.asleep.get_mut(&node) else {
            return;
        };
        if !std::mem::replace(&mut asleep.wakes, true) {
            self.queue.push(now, Event::Wake(node));
        }
    }

    pub(super) fn resume_all(&mut self) {
        let asleep: Vec<_> = self.asleep.keys().copied().collect();
        asleep.into_iter().for_each(|node| self.resume(node));
    }

    /// Lets the first that waited come; once all have come the process is awake.
    pub(super) fn wake(&mut self, sequence: u64, node: NodeIndex) {
        let Some(mut asleep) = self.asleep.remove(&node) else {
            return;
        };
        if !asleep.wakes {
            self.asleep.insert(node, asleep);
            return;
        }
        let Some(event) = asleep.waiting.pop_front() else {
            return;
        };
        let boot = self.nodes[node.position()].boot;
        if let Some(event) = self.unless_clogged(event) {
            self.happen(sequence, event);
        }
        let here = &self.nodes[node.position()];
        if here.is_up() && here.boot == boot {
            let now = self.now();
            self.asleep.insert(node, asleep);
            self.queue.push(now, Event::Wake(node));
        }
    }

    /// Ends a pause with its process: what waited is lost.
    pub(super) fn forget_pause(&mut self, node: NodeIndex) {
        self.asleep.remove(&node);
    }

    /// An event, unless its process stands still: then it waits.
    pub(super) fn unless_asleep(&mut self, event: Event) -> Option<Event> {
        let asleep = event.process().and_then(|node| self.asleep.get_mut(&node));
        let Some(asleep) = asleep else {
            return Some(event);
        };
        asleep.waiting.push_back(event);
        self.marks.hit(Mark::Paused);
        None
    }

    /// An input, unless its process stands still.
    pub(super) fn input_unless_asleep(&mut self, node: NodeIndex, input: Input) -> Option<Input> {
        let boot = self.nodes[node.position()].boot;
        let Some(asleep) = self.asleep.get_mut(&node) else {
            return Some(input);
        };
        let what = Completion::Input(Box::new(input));
        asleep
            .waiting
            .push_back(Event::Complete { node, boot, what });
        None
    }
}
