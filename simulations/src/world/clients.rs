//! Clients at work: transactions reach nodes, and are asked for again elsewhere.

use falaj_ledger::rejection::Class;
use falaj_node::core::{Admission, Input, Ticket};

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
        if step == Step::Act {
            return self.act();
        }
        let Some(asked) = self.workload.ask(now, step) else {
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
        if asked.again {
            let again = now.after_ns(self.workload.patience_ns());
            self.queue.push(again, Event::Client(step));
        }
    }

    fn act(&mut self) {
        let now = self.now();
        let Some(gap_ns) = self.workload.gap_ns() else {
            return;
        };
        self.queue
            .push(now.after_ns(gap_ns), Event::Client(Step::Act));
        let steps = self.workload.act(now);
        self.take_up(steps);
    }

    /// What clients begin now.
    pub(super) fn take_up(&mut self, steps: Vec<Step>) {
        let now = self.now();
        for step in steps {
            if let Step::Ask(key) = step {
                self.judge.issued(key);
            }
            self.queue.push(now, Event::Client(step));
        }
    }

    /// A node answered a client. What lacks an authority rarely gets into a block, so the answer counts as well.
    pub(super) fn answered(&mut self, ticket: Ticket, answer: &Admission) {
        if let Admission::Refused(rejection) = answer
            && rejection.class() == Class::Authority
        {
            self.mark_rejection(*rejection);
        }
        let next = self.workload.answered(ticket, answer);
        let now = self.now();
        if let Some(next) = next {
            self.queue.push(now, Event::Client(next));
        }
    }
}
