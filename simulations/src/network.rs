//! Links that lose, delay, reorder, duplicate and cut, by seed; what crosses them is bytes.
//!
//! Invariant: the fate of the n-th message of a link depends on (seed, link, n) and the dials alone, and each fault has a word
//! of its own: turning one dial to zero leaves all other fates as they were.
//! Shapes and units: a link is a directed pair; messages of one link and class arrive in order unless they are reordered;
//! delays in nanoseconds.
//! Errors: none; what is lost is lost in silence, as on a network, and is counted in [`Tally`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::chance::{Chance, Draw, Draws, Site};
use crate::types::{NodeIndex, Ppm, SimTime};

const MESSAGE: Site = Site::new("network/message");
const SWARM: Site = Site::new("network/swarm");

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
}

impl LinkDials {
    /// A local network on a good day: 50 µs to 1 ms, nothing lost.
    pub const CALM: Self = Self {
        loss: Ppm::NEVER,
        duplicate: Ppm::NEVER,
        reorder: Ppm::NEVER,
        delay_min_ns: 50_000,
        delay_cap_ns: 1_000_000,
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
}

/// All links.
#[derive(Debug)]
pub struct Network {
    chance: Chance,
    dials: LinkDials,
    special: BTreeMap<(NodeIndex, NodeIndex), LinkDials>,
    cut: BTreeSet<(NodeIndex, NodeIndex)>,
    links: BTreeMap<(NodeIndex, NodeIndex), Link>,
    tally: Tally,
}

#[derive(Debug)]
struct Link {
    draws: Draws,
    latest: BTreeMap<Class, SimTime>,
}

impl Network {
    /// Links that are all alike.
    #[must_use]
    pub const fn new(chance: Chance, dials: LinkDials) -> Self {
        Self {
            chance,
            dials,
            special: BTreeMap::new(),
            cut: BTreeSet::new(),
            links: BTreeMap::new(),
            tally: Tally {
                sent: 0,
                sent_bytes: 0,
                lost: 0,
                cut: 0,
                duplicated: 0,
                reordered: 0,
            },
        }
    }

    /// Gives every link these dials, and ends every cut and every exception: the time after which liveness is owed.
    pub fn stabilise(&mut self, dials: LinkDials) {
        self.dials = dials;
        self.special.clear();
        self.cut.clear();
    }

    /// Gives one directed link dials of its own.
    pub fn set_link(&mut self, from: NodeIndex, to: NodeIndex, dials: LinkDials) {
        self.special.insert((from, to), dials);
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
        self.tally.sent += 1;
        self.tally.sent_bytes += packet.len() as u64;
        let dials = self.special.get(&(from, to)).copied().unwrap_or(self.dials);
        let chance = self.chance;
        let link = self
            .links
            .entry((from, to))
            .or_insert_with(|| Link::new(&chance, from, to));
        // Drawn in any case, so that a cut does not move the fates of the messages after it.
        let fate = Fate::drawn(&link.draws.next(), &dials);
        if self.cut.contains(&(from, to)) {
            self.tally.cut += 1;
            return Vec::new();
        }
        if fate.lost {
            self.tally.lost += 1;
            return Vec::new();
        }
        self.tally.reordered += u64::from(fate.reordered);
        self.tally.duplicated += u64::from(fate.copy_delay_ns.is_some());
        let first = link.arrival(now, class, &fate);
        let copy = fate.copy_delay_ns.map(|delay_ns| now.after_ns(delay_ns));
        let arrivals = std::iter::once(first).chain(copy);
        arrivals
            .map(|at| Delivery {
                at,
                from,
                to,
                class,
                packet: Arc::clone(&packet),
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
        }
    }

    /// When the message arrives: after all before it in its class, unless it is reordered.
    fn arrival(&mut self, now: SimTime, class: Class, fate: &Fate) -> SimTime {
        let drawn = now.after_ns(fate.delay_ns);
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
        }
    }
}

fn ppm(parts: u64) -> Ppm {
    Ppm::new(u32::try_from(parts).expect("dials are bounded by a million"))
}

#[cfg(test)]
mod tests;
