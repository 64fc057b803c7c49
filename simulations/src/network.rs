//! Links that lose, delay, reorder, duplicate, damage, crowd and cut, by seed; what crosses them is bytes.
//!
//! Invariant: the fate of the n-th message of a link depends on (seed, link, n) and the dials alone, and each fault has a word
//! of its own: turning one dial to zero leaves all other fates as they were.
//! Shapes and units: a link is a directed pair; messages of one link and class arrive in order unless they are reordered;
//! delays in nanoseconds. Two nodes have one connection, which is encrypted and authenticated: a message that was damaged on its way,
//! by a flipped byte or a missing end, is noticed and ends the connection with all that is under way on it.
//! Errors: none; what is lost is lost in silence, as on a network, and is counted in [`Tally`].

mod connections;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::connections::Connections;
use crate::chance::{Chance, Draw, Draws, Site};
use crate::types::{NodeIndex, Ppm, SimTime};

const MESSAGE: Site = Site::new("network/message");
const SWARM: Site = Site::new("network/swarm");
const CROWD: Site = Site::new("network/crowd");
const SECOND_NS: u128 = 1_000_000_000;
/// Limits of links are whole numbers of it.
pub(crate) const KIB: u64 = 1_024;

/// Bytes on their way, shared between the copies.
pub type Packet = Arc<[u8]>;

/// Messages of one class keep their order on a link, as on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

impl Class {
    /// The class of that number.
    #[must_use]
    pub const fn new(number: u8) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// How bad a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkDials {
    /// Messages that never arrive.
    pub loss: Ppm,
    /// Messages that arrive twice.
    pub duplicate: Ppm,
    /// Messages that may overtake those before them.
    pub reorder: Ppm,
    /// The shortest delay.
    pub delay_min_ns: u64,
    /// The longest delay; between the two the tail is heavy.
    pub delay_cap_ns: u64,
    /// Messages that are damaged on their way, which ends the connection.
    pub damage: Ppm,
    /// Bytes that leave in a second; `u64::MAX` is no limit.
    pub bandwidth_bytes: u64,
    /// Bytes that may wait to leave; what finds no room is lost.
    pub queue_bytes: u64,
}

impl LinkDials {
    /// A local network on a good day: 50 µs to 1 ms, nothing lost.
    pub const CALM: Self = Self {
        loss: Ppm::NEVER,
        duplicate: Ppm::NEVER,
        reorder: Ppm::NEVER,
        delay_min_ns: 50_000,
        delay_cap_ns: 1_000_000,
        damage: Ppm::NEVER,
        bandwidth_bytes: u64::MAX,
        queue_bytes: u64::MAX,
    };

    /// Dials for one run: each fault is there in half of all runs, log-uniform in strength.
    #[must_use]
    pub fn swarm(chance: &Chance) -> Self {
        let on = chance.draws(SWARM, 0).at(0);
        let strength = chance.draws(SWARM, 0).at(1);
        let dial = |index: usize, high: u64| {
            let parts = strength.word(index).log_uniform(100, high);
            if on.word(index).happens(Ppm::new(500_000)) {
                ppm(parts)
            } else {
                Ppm::NEVER
            }
        };
        let delay_min_ns = strength.word(3).log_uniform(50_000, 40_000_000);
        let tail = strength.word(4).log_uniform(2, 200);
        Self {
            loss: dial(0, 200_000),
            duplicate: dial(1, 200_000),
            reorder: dial(2, 500_000),
            delay_min_ns,
            delay_cap_ns: delay_min_ns * tail,
            ..Self::crowded(chance)
        }
    }

    /// The longest that a link with these takes for a message.
    fn longest_ns(&self) -> u64 {
        let queue = u128::from(self.queue_bytes) * SECOND_NS / u128::from(self.bandwidth_bytes);
        let is_limited = self.bandwidth_bytes < u64::MAX;
        let queue_ns = u64::try_from(queue).unwrap_or(u64::MAX / 2);
        self.delay_cap_ns + if is_limited { queue_ns } else { 0 }
    }

    /// Damage in a quarter of all runs; links that carry less than is sent in another, with room for up to half a second.
    fn crowded(chance: &Chance) -> Self {
        let draw = chance.draws(CROWD, 0).next();
        let bandwidth_kib = draw.word(3).log_uniform(100, 10_000);
        let damaged = draw.word(0).below(4) == 0;
        let crowded = draw.word(1).below(4) == 0;
        Self {
            damage: if damaged {
                ppm(draw.word(2).log_uniform(100, 20_000))
            } else {
                Ppm::NEVER
            },
            bandwidth_bytes: if crowded {
                bandwidth_kib * KIB
            } else {
                u64::MAX
            },
            queue_bytes: if crowded {
                bandwidth_kib / draw.word(4).within(2, 20) * KIB
            } else {
                u64::MAX
            },
            ..Self::CALM
        }
    }
}

/// What became of the messages so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages given to the network.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Lost because the link was cut.
    pub cut: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Let out of the order of their class.
    pub reordered: u64,
    /// Damaged on their way.
    pub damaged: u64,
    /// Lost because too much waited before them.
    pub overflowed: u64,
}

/// A message that will arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// When.
    pub at: SimTime,
    /// From whom.
    pub from: NodeIndex,
    /// To whom.
    pub to: NodeIndex,
    /// On which stream.
    pub class: Class,
    /// What was sent.
    pub packet: Packet,
    /// On which of the connections that the two have had.
    pub connection: u64,
    /// Whether it was damaged on its way.
    pub damaged: bool,
}

/// All links.
#[derive(Debug)]
pub struct Network {
    chance: Chance,
    dials: LinkDials,
    special: BTreeMap<(NodeIndex, NodeIndex), LinkDials>,
    cut: BTreeSet<(NodeIndex, NodeIndex)>,
    /// How long the way alone takes, where that is not nothing.
    ways_ns: BTreeMap<(NodeIndex, NodeIndex), u64>,
    links: BTreeMap<(NodeIndex, NodeIndex), Link>,
    connections: Connections,
    /// The longest that any link so far takes for a message, but for its way.
    longest_ns: u64,
    tally: Tally,
}

#[derive(Debug)]
struct Link {
    draws: Draws,
    latest: BTreeMap<Class, SimTime>,
    /// When all that waits has left.
    free_at: SimTime,
}

impl Network {
    /// Links that are all alike.
    #[must_use]
    pub fn new(chance: Chance, dials: LinkDials) -> Self {
        Self {
            chance,
            dials,
            longest_ns: dials.longest_ns(),
            special: BTreeMap::new(),
            cut: BTreeSet::new(),
            ways_ns: BTreeMap::new(),
            links: BTreeMap::new(),
            connections: Connections::new(),
            tally: Tally {
                sent: 0,
                sent_bytes: 0,
                lost: 0,
                cut: 0,
                duplicated: 0,
                reordered: 0,
                damaged: 0,
                overflowed: 0,
            },
        }
    }

    /// Gives every link these dials, and ends every cut and every exception: the time after which liveness is owed. What is on its way
    /// may still take as long as it was to take, and holds up nothing that is sent from now on.
    pub fn stabilise(&mut self, dials: LinkDials) {
        self.dials = dials;
        self.links.values_mut().for_each(|link| link.latest.clear());
        self.longest_ns = self.longest_ns.max(dials.longest_ns());
        self.special.clear();
        self.cut.clear();
    }

    /// Gives links a way, which takes its time whatever else delays a message; the stabilisation does not shorten it.
    #[must_use]
    pub fn over(self, ways_ns: BTreeMap<(NodeIndex, NodeIndex), u64>) -> Self {
        Self { ways_ns, ..self }
    }

    /// Gives one directed link dials of its own.
    pub fn set_link(&mut self, from: NodeIndex, to: NodeIndex, dials: LinkDials) {
        self.special.insert((from, to), dials);
        self.longest_ns = self.longest_ns.max(dials.longest_ns());
    }

    /// Cuts one direction.
    pub fn cut(&mut self, from: NodeIndex, to: NodeIndex) {
        self.cut.insert((from, to));
    }

    /// Ends the cut of one direction.
    pub fn heal(&mut self, from: NodeIndex, to: NodeIndex) {
        self.cut.remove(&(from, to));
    }

    /// Cuts both directions between `side` and everybody else of `all`.
    pub fn partition(&mut self, side: &[NodeIndex], all: &[NodeIndex]) {
        for inside in side {
            for outside in all.iter().filter(|node| !side.contains(node)) {
                self.cut(*inside, *outside);
                self.cut(*outside, *inside);
            }
        }
    }

    /// Cuts one direction only: `side` hears the others and is not heard.
    pub fn mute(&mut self, side: &[NodeIndex], all: &[NodeIndex]) {
        for inside in side {
            for outside in all.iter().filter(|node| !side.contains(node)) {
                self.cut(*inside, *outside);
            }
        }
    }

    /// Ends all cuts.
    pub fn heal_all(&mut self) {
        self.cut.clear();
    }

    /// Whether a link carries anything now. A message in flight is lost when its link is cut as it arrives: ask again then.
    #[must_use]
    pub fn is_open(&self, from: NodeIndex, to: NodeIndex) -> bool {
        !self.cut.contains(&(from, to))
    }

    /// Whether two nodes have a connection that carries both ways.
    #[must_use]
    pub fn are_joined(&self, one: NodeIndex, other: NodeIndex) -> bool {
        let connected = self.connections.current(one, other).is_some();
        connected && self.is_open(one, other) && self.is_open(other, one)
    }

    /// Whether a message that arrives now is carried to its end: its link is not cut, and its connection is still there.
    #[must_use]
    pub fn carries(&self, delivery: &Delivery) -> bool {
        let (from, to) = (delivery.from, delivery.to);
        let connection = self.connections.current(from, to);
        self.is_open(from, to) && connection == Some(delivery.connection)
    }

    /// Ends the connection of two nodes with all that is under way on it; which of theirs it was, if they had one.
    pub fn disconnect(&mut self, one: NodeIndex, other: NodeIndex) -> Option<u64> {
        self.connections.end(one, other)
    }

    /// Gives two nodes a connection again; whether they had none.
    pub fn reconnect(&mut self, one: NodeIndex, other: NodeIndex) -> bool {
        self.connections.make(one, other)
    }

    /// The longest that a message can be on its way, with all that waits before it, be it one that was sent before the links got better.
    #[must_use]
    pub fn longest_ns(&self) -> u64 {
        let way_ns = self.ways_ns.values().copied().max();
        self.longest_ns + way_ns.unwrap_or_default()
    }

    /// What became of the messages so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Sends bytes; gives the deliveries to come: none, one, or two.
    pub fn send(
        &mut self,
        now: SimTime,
        from: NodeIndex,
        to: NodeIndex,
        class: Class,
        packet: Packet,
    ) -> Vec<Delivery> {
        self.send_for(now, (from, to), class, packet, None)
    }

    /// The same; if somebody has chosen a time it leaves then at the earliest, takes no longer than its link has to, and may overtake.
    pub fn send_for(
        &mut self,
        now: SimTime,
        (from, to): (NodeIndex, NodeIndex),
        class: Class,
        packet: Packet,
        chosen: Option<SimTime>,
    ) -> Vec<Delivery> {
        self.tally.sent += 1;
        self.tally.sent_bytes += packet.len() as u64;
        let dials = self.special.get(&(from, to)).copied().unwrap_or(self.dials);
        let chance = self.chance;
        let link = self
            .links
            .entry((from, to))
            .or_insert_with(|| Link::new(&chance, from, to));
        // Drawn in any case, so that a cut does not move the fates of the messages after it.
        let mut fate = Fate::drawn(&link.draws.next(), &dials);
        let connection = self.connections.current(from, to);
        let (Some(connection), false) = (connection, self.cut.contains(&(from, to))) else {
            self.tally.cut += 1;
            return Vec::new();
        };
        if fate.lost {
            self.tally.lost += 1;
            return Vec::new();
        }
        let Some(leaves) = link.departure(now, &dials, packet.len() as u64) else {
            self.tally.overflowed += 1;
            return Vec::new();
        };
        let way_ns = self.ways_ns.get(&(from, to)).copied().unwrap_or_default();
        let leaves = leaves.after_ns(way_ns);
        self.tally.damaged += u64::from(fate.damaged);
        self.tally.reordered += u64::from(fate.reordered);
        self.tally.duplicated += u64::from(fate.copy_delay_ns.is_some());
        let leaves = chosen.map_or(leaves, |chosen| {
            (fate.delay_ns, fate.reordered) = (dials.delay_min_ns, true);
            leaves.max(chosen)
        });
        let first = link.arrival(leaves, class, &fate);
        let copy = fate.copy_delay_ns.map(|delay_ns| leaves.after_ns(delay_ns));
        let arrivals = std::iter::once(first).chain(copy);
        arrivals
            .map(|at| Delivery {
                at,
                from,
                to,
                class,
                packet: Arc::clone(&packet),
                connection,
                damaged: fate.damaged,
            })
            .collect()
    }
}

impl Link {
    fn new(chance: &Chance, from: NodeIndex, to: NodeIndex) -> Self {
        let place = u64::from(from.get()) << 16 | u64::from(to.get());
        Self {
            draws: chance.draws(MESSAGE, place),
            latest: BTreeMap::new(),
            free_at: SimTime::START,
        }
    }

    /// When the last byte of a message has left, if there is room for it to wait.
    fn departure(&mut self, now: SimTime, dials: &LinkDials, bytes: u64) -> Option<SimTime> {
        if dials.bandwidth_bytes == u64::MAX {
            return Some(now);
        }
        let (bandwidth, bytes) = (u128::from(dials.bandwidth_bytes), u128::from(bytes));
        let waits_ns = u128::from(self.free_at.get().saturating_sub(now.get()));
        let waiting = waits_ns * bandwidth / SECOND_NS;
        if waiting + bytes > u128::from(dials.queue_bytes) {
            return None;
        }
        let takes_ns = u64::try_from(bytes * SECOND_NS / bandwidth).unwrap_or(u64::MAX);
        self.free_at = self.free_at.max(now).after_ns(takes_ns);
        Some(self.free_at)
    }

    /// When the message arrives: after all before it in its class, unless it is reordered.
    fn arrival(&mut self, leaves: SimTime, class: Class, fate: &Fate) -> SimTime {
        let drawn = leaves.after_ns(fate.delay_ns);
        if fate.reordered {
            return drawn;
        }
        let latest = self.latest.entry(class).or_default();
        *latest = drawn.max(*latest);
        *latest
    }
}

/// What chance has for one message; each field from a word of its own.
struct Fate {
    lost: bool,
    delay_ns: u64,
    reordered: bool,
    copy_delay_ns: Option<u64>,
    damaged: bool,
}

impl Fate {
    fn drawn(draw: &Draw, dials: &LinkDials) -> Self {
        let delay_ns = |index: usize| {
            draw.word(index)
                .heavy_tail(dials.delay_min_ns, dials.delay_cap_ns)
        };
        Self {
            lost: draw.word(0).happens(dials.loss),
            delay_ns: delay_ns(1),
            reordered: draw.word(2).happens(dials.reorder),
            copy_delay_ns: draw.word(3).happens(dials.duplicate).then(|| delay_ns(4)),
            damaged: draw.word(5).happens(dials.damage),
        }
    }
}

fn ppm(parts: u64) -> Ppm {
    Ppm::new(u32::try_from(parts).expect("dials are bounded by a million"))
}

#[cfg(test)]
mod tests;
