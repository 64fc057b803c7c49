//! What leaves a replica: frames, answers, final blocks, reports.
//!
//! Invariant: everything here was released by the pending queue; a liar's frames are changed on their way, nobody else's.

use std::sync::Arc;

use falaj_consensus::crypto::Signature;
use falaj_consensus::message::{Kind, Statement};
use falaj_consensus::types::{ChainContext, Height};
use falaj_hsm::purpose::Purpose;
use falaj_ledger::state::State;
use falaj_node::core::{Class, Committed, Frame, Output, Recipients};

use super::World;
use super::event::{Completion, Event};
use super::host::number_of;
use crate::byzantine::{Liar, Lie, Words};
use crate::checker::Observation;
use crate::economy::{key_of, node_of, validator_of};
use crate::hsm::{KeyIndex, Keys, Order};
use crate::marks::Mark;
use crate::network::Packet;
use crate::trace::Tag;
use crate::types::NodeIndex;

impl World {
    pub(super) fn output(&mut self, place: NodeIndex, output: Output) {
        match output {
            Output::Send { to, class, frame } => self.send(place, &to, class, &frame),
            Output::Answer { ticket, answer } => self.answered(ticket, &answer),
            Output::Committed(committed) => self.committed(place, committed),
            Output::Event(event) => {
                let at = self.now();
                self.trace.tell(|| format!("{at} {place} {event:?}"));
                if !self.is_lying(place) {
                    self.mark_event(place, &event);
                }
                self.observe(place, Observation::Reported(&event));
            }
            Output::Shun { peer, .. } => self.part(place, peer),
            Output::Admit(peer) => self.rejoin(place, peer),
        }
    }

    fn committed(&mut self, place: NodeIndex, committed: Arc<Committed>) {
        let (at, height) = (self.now(), committed.header.height);
        let id = committed.id.hash();
        self.trace
            .event(at, height.get(), Tag::Committed, place, id.bytes());
        self.trace.tell(|| {
            let (round, count) = (committed.certificate.round, committed.transactions.len());
            let id = id.short();
            format!(
                "{at} {place} decided height {height}: {id}, round {round}, {count} transactions"
            )
        });
        self.observe(place, Observation::Committed(&committed));
        self.look_soon(place);
        if !self.is_lying(place) {
            self.mark_committed(&committed);
        }
        self.show_clients(place, &committed);
        let node = &mut self.nodes[place.position()];
        let cost_ns = node.costs.store_ns();
        let Some(process) = &mut node.process else {
            return;
        };
        // One block after the other.
        process.stores_until = process.stores_until.max(at).after_ns(cost_ns);
        let after_ns = process.stores_until.get() - at.get();
        self.later(place, after_ns, Completion::Stored(committed));
    }

    /// Clients learn of a final block's receipts from any node that they can believe, also from one that decided it before a crash and
    /// comes back.
    pub(super) fn show_clients(&mut self, place: NodeIndex, committed: &Committed) {
        if self.is_lying(place) {
            return;
        }
        let executed = &committed.executed;
        let now = self.now();
        if let Some((_, set)) = executed.state.validator_sets().last() {
            let height = committed.header.height;
            let parameters = executed.state.parameters_at(height.next().next());
            let decided = (set, parameters);
            let step = self.workload.heard(now, height, decided);
            self.take_up(step.into_iter().collect());
        }
        let steps = self.workload.settled(now, &executed.receipts);
        self.take_up(steps);
    }

    pub(super) fn send(&mut self, place: NodeIndex, to: &Recipients, class: Class, bytes: &Packet) {
        let to = self.recipients(place, to);
        let Ok(frame) = Frame::decode(class, bytes) else {
            let (at, what) = (self.now(), format!("a frame of {class:?} does not decode"));
            return self.judge.blame("codec", at, place, what);
        };
        self.observe(place, Observation::Sent(&frame));
        if !self.scenario.byzantine.is_empty() {
            self.plot.overhear(&frame);
        }
        if self.nodes[place.position()].lies.is_empty() {
            self.transmit(place, &to, class, bytes, Some(&Arc::new(frame)));
            return;
        }
        for Lie { to, words } in self.lie(place, to, frame) {
            let (class, bytes, said) = match words {
                Words::Frame(frame) => (frame.class(), frame.encode(), Some(frame)),
                Words::Bytes(class, bytes) => {
                    let said = Frame::decode(class, &bytes).ok();
                    (class, bytes.into(), said)
                }
            };
            self.transmit(place, &to, class, &bytes, said.map(Arc::new).as_ref());
        }
    }

    fn recipients(&self, place: NodeIndex, to: &Recipients) -> Vec<NodeIndex> {
        match to {
            Recipients::All => self.nodes().filter(|node| *node != place).collect(),
            Recipients::Some(peers) => peers
                .iter()
                .filter_map(|peer| peer.validator().and_then(node_of))
                .collect(),
        }
    }

    pub(super) fn transmit(
        &mut self,
        place: NodeIndex,
        to: &[NodeIndex],
        class: Class,
        bytes: &Packet,
        said: Option<&Arc<Frame>>,
    ) {
        let (now, before) = (self.now(), self.network.tally());
        self.schedule_sees(place, said.map(Arc::as_ref));
        let content = self.content_of(said);
        let propose_ms = self.scenario.parameters.timeouts.propose_ms;
        let long = now.after_ns(u64::from(propose_ms) * 1_000_000);
        for to in to {
            let packet = Arc::clone(bytes);
            let chosen = self.chosen_arrival(*to, said.map(Arc::as_ref));
            let way = (place, *to);
            let deliveries = self
                .network
                .send_for(now, way, number_of(class), packet, chosen);
            self.schedule_sees_sent(*to, said.map(Arc::as_ref), &deliveries);
            self.write_sent(place, *to, content.as_ref(), &deliveries);
            for delivery in deliveries {
                self.marks.hit_if(delivery.at > long, Mark::LongDelay);
                let (at, said) = (delivery.at, said.map(Arc::clone));
                self.queue.push(at, Event::Deliver { delivery, said });
            }
        }
        let after = self.network.tally();
        self.marks.hit_if(after.lost > before.lost, Mark::Loss);
        self.marks
            .hit_if(after.duplicated > before.duplicated, Mark::Duplicate);
        self.marks
            .hit_if(after.reordered > before.reordered, Mark::Reorder);
        self.marks
            .hit_if(after.overflowed > before.overflowed, Mark::Overflow);
    }

    /// A signature of a node's key that its guard knows nothing of.
    pub(super) fn sign_past_guard(&mut self, place: NodeIndex, statement: &Statement) -> Signature {
        let keys = self.registry.keys();
        let key = self.ledger(place).map_or(key_of(place), |state| {
            key_in(keys, state, place, statement.height())
        });
        let order = order_of((place, key), statement, &self.shared.chain);
        self.registry.sign(self.queue.now(), order)
    }

    /// What leaves a liar instead of a frame.
    fn lie(&mut self, place: NodeIndex, to: Vec<NodeIndex>, frame: Frame) -> Vec<Lie> {
        let at = self.now();
        let victims: Vec<_> = self.nodes().filter(|node| !self.is_lying(*node)).collect();
        let (registry, chain) = (&mut self.registry, &self.shared.chain);
        let node = &self.nodes[place.position()];
        let Some(process) = &node.process else {
            return Vec::new();
        };
        let state = process.replica.state();
        let mut sign = |statement: &Statement| {
            let key = key_in(registry.keys(), state, place, statement.height());
            registry.sign(at, order_of((place, key), statement, chain))
        };
        self.plot.remember(place, &frame);
        let mut liar = Liar {
            place,
            number: self.said[place.position()],
            state: process.replica.state(),
            victims: &victims,
            plot: &mut self.plot,
            chance: &self.shared.chance,
            marks: &mut self.marks,
            sign: &mut sign,
        };
        self.said[place.position()] += 1;
        let mut lies = vec![Lie::frame(to, frame)];
        for behaviour in &node.lies {
            let rewrite = |Lie { to, words }| match words {
                Words::Frame(frame) => behaviour.rewrite(&mut liar, to, frame),
                Words::Bytes(..) => vec![Lie { to, words }],
            };
            lies = lies.into_iter().flat_map(rewrite).collect();
        }
        lies
    }
}

/// The key that a ledger's set of a height has for a node, or else that of genesis.
fn key_in(keys: &Keys, state: &State, place: NodeIndex, height: Height) -> KeyIndex {
    let mut sets = state.validator_sets();
    let in_force = sets.by_ref().take_while(|(from, _)| *from <= height).last();
    let member = in_force.and_then(|(_, set)| set.get(set.index_of(validator_of(place))?));
    let key = member.and_then(|member| keys.index_of(&member.key));
    key.unwrap_or(key_of(place))
}

/// What a token is asked for by somebody who goes past the guard.
fn order_of(
    (place, key): (NodeIndex, KeyIndex),
    statement: &Statement,
    chain: &ChainContext,
) -> Order {
    Order {
        node: place,
        key,
        purpose: purpose_of(statement.kind()),
        message: statement.sign_bytes(chain).as_slice().to_vec(),
    }
}

const fn purpose_of(kind: Kind) -> Purpose {
    match kind {
        Kind::Proposal => Purpose::Proposal,
        Kind::Prevote => Purpose::Prevote,
        Kind::Precommit => Purpose::Precommit,
    }
}
