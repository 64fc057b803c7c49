//! Connections that end, because of a damaged message or all of a node's at once, and are made again.
//!
//! Invariant: the bytes of a damaged message never reach a replica, because the transport authenticates them; both ends are told.
//! Source: `docs/spec/wire.md`, "Messages on a stream".

use falaj_node::core::Input;

use super::World;
use super::event::Event;
use super::host::peer;
use crate::chance::Site;
use crate::marks::Mark;
use crate::types::NodeIndex;

const RECONNECT: Site = Site::new("network/reconnect");
/// How long two nodes need to find each other again.
const RECONNECT_NS: (u64, u64) = (50_000_000, 1_000_000_000);

impl World {
    /// A damaged message arrived, or the connection was reset.
    pub(super) fn connection_ends(&mut self, one: NodeIndex, other: NodeIndex) {
        let Some(number) = self.network.disconnect(one, other) else {
            return;
        };
        self.marks.hit(Mark::ConnectionEnded);
        let place = u64::from(one.min(other).get()) << 16 | u64::from(one.max(other).get());
        let draw = self.shared.chance.draws(RECONNECT, place).at(number);
        let (min, max) = RECONNECT_NS;
        let back = self.now().after_ns(draw.word(0).log_uniform(min, max));
        self.queue.push(back, Event::Reconnect(one, other));
        self.input(one, Input::PeerDown(peer(other)));
        self.input(other, Input::PeerDown(peer(one)));
    }

    /// All connections of these nodes end.
    pub(super) fn reset(&mut self, side: &[NodeIndex]) {
        let all: Vec<_> = self.nodes().collect();
        for one in side {
            for other in all.iter().filter(|other| *other != one) {
                self.connection_ends(*one, *other);
            }
        }
        self.marks.hit_if(!side.is_empty(), Mark::ConnectionsReset);
    }

    /// The two have a connection again, unless they have one.
    pub(super) fn reconnect(&mut self, one: NodeIndex, other: NodeIndex) {
        if self.network.reconnect(one, other) {
            self.find_each_other(one, other);
        }
    }

    /// All who have lost their connection find each other.
    pub(super) fn reconnect_all(&mut self) {
        let nodes: Vec<_> = self.nodes().collect();
        for (place, one) in nodes.iter().enumerate() {
            for other in &nodes[place + 1..] {
                self.reconnect(*one, *other);
            }
        }
    }
}
