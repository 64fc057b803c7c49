//! A second process that signs with a node's key, as a standby does that was let in too early.
//!
//! Invariant: it goes past the node's guard and never says what the node has said; everybody hears it, the node itself through a peer.
//! Shape: where the node prevotes a block, the other one prevotes nil.
//! Source: `docs/spec/consensus.md`, "Own key elsewhere".

use std::sync::Arc;

use falaj_consensus::message::{Statement, Vote};
use falaj_node::core::{Frame, Message};

use super::World;
use crate::types::NodeIndex;

impl World {
    /// The node has said something: what the other user of its key says at the same place.
    pub(super) fn other_user(&mut self, place: NodeIndex, said: &Statement) {
        if !self.nodes[place.position()].shares_key {
            return;
        }
        let Statement::Prevote {
            height,
            round,
            value: Some(_),
        } = *said
        else {
            return;
        };
        let value = None;
        let other = Statement::Prevote {
            height,
            round,
            value,
        };
        let signature = self.sign_past_guard(place, &other);
        let Some(voter) = self.index_at(place, height) else {
            return;
        };
        let vote = Vote::new(voter, other, signature).expect("a prevote is a vote");
        let others: Vec<_> = self.nodes().filter(|node| *node != place).collect();
        self.pass_on(place, &others, &vote);
        let relay = others.into_iter().find(|node| self.height(*node).is_some());
        if let Some(relay) = relay {
            self.pass_on(relay, &[place], &vote);
        }
    }

    /// A vote leaves a node's machine, whoever made it.
    fn pass_on(&mut self, from: NodeIndex, to: &[NodeIndex], vote: &Vote) {
        let frame = Frame {
            height: self.height(from).unwrap_or_default(),
            acks: Vec::new(),
            message: Some(Message::Votes(vec![vote.clone()])),
        };
        let (class, bytes) = (frame.class(), frame.encode());
        self.transmit(from, to, class, &bytes, Some(&Arc::new(frame)));
    }
}
