//! Clients at work: payments reach nodes, and are asked for again elsewhere.

use falaj_node::core::{Input, Ticket};

use super::World;
use super::event::Event;
use crate::trace::Tag;
use crate::types::NodeIndex;
use crate::workload::Step;

/// From a client to its node.
const ARRIVAL_NS: (u64, u64) = (100_000, 5_000_000);

impl World {
    pub(super) fn submit(
        &mut self,
        sequence: u64,
        node: NodeIndex,
        ticket: Ticket,
        transaction: Vec<u8>,
    ) {
        let at = self.now();
        self.trace
            .event(at, sequence, Tag::Submitted, node, &transaction);
        let input = Input::Submit {
            ticket,
            transaction,
        };
        self.input(node, input);
    }

    pub(super) fn client(&mut self, step: Step) {
        let now = self.now();
        let key = match step {
            Step::Ask(key) => key,
            Step::Pay => {
                let Some(gap_ns) = self.workload.gap_ns() else {
                    return;
                };
                let next = now.after_ns(gap_ns);
                self.queue.push(next, Event::Client(Step::Pay));
                let key = self.workload.pay(now);
                self.judge.issued(key);
                key
            }
        };
        let Some(asked) = self.workload.ask(key) else {
            return;
        };
        let draw = self.clients.next();
        let count = u64::from(self.scenario.validators);
        // The first node by chance, then round, so that a client meets a correct one before long.
        let node = (asked.first_node + asked.times) % count;
        let node = NodeIndex::new(u16::try_from(node).expect("below the number of validators"));
        let arrives = now.after_ns(draw.word(1).within(ARRIVAL_NS.0, ARRIVAL_NS.1));
        let (ticket, transaction) = (asked.ticket, asked.transaction);
        let submit = Event::Submit {
            node,
            ticket,
            transaction,
        };
        self.queue.push(arrives, submit);
        let again = now.after_ns(self.workload.patience_ns());
        self.queue.push(again, Event::Client(Step::Ask(key)));
    }
}
