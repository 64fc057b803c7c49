//! The entries of a scenario file become faulty nodes and a schedule.
//!
//! Invariant: each repetition of each entry draws at a place of its own, and each of its numbers at a counter of its own.
//! Shape: who lies or is lost is settled first; what chance picks later leaves the lost alone, because nothing else can befall them.

mod governing;
mod links;
mod signers;
mod spoilt;
mod timers;

use falaj_consensus::durable::LogId;

use super::super::dial::{Dial, Ms, Unit};
use super::super::entries::{BadSector, Crash, FailingDisk, Log, Loss, PowerCut, SlowDisk, Token};
use super::super::{File, Who};
use crate::chance::{Chance, Draws, Site};
use crate::clock::Clock;
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::hsm::TokenDials;
use crate::scenario::Scenario;
use crate::types::{NodeIndex, SimTime};

const BYZANTINE: Site = Site::new("scenario/file/byzantine");
const LOST: Site = Site::new("scenario/file/lost");
const CLOCK: Site = Site::new("scenario/file/clock");
const SLOW: Site = Site::new("scenario/file/slow");
const PARTITION: Site = Site::new("scenario/file/partition");
const MUTE: Site = Site::new("scenario/file/mute");
const HEAL: Site = Site::new("scenario/file/heal");
const CRASH: Site = Site::new("scenario/file/crash");
const POWER_CUT: Site = Site::new("scenario/file/power-cut");
const RESTART: Site = Site::new("scenario/file/restart");
const TOKEN_GONE: Site = Site::new("scenario/file/token-gone");
const TOKEN_BACK: Site = Site::new("scenario/file/token-back");
const TOKEN: Site = Site::new("scenario/file/token");
const SLOW_DISK: Site = Site::new("scenario/file/slow-disk");
const DIVERGING: Site = Site::new("scenario/file/diverging");
const MISMATCHED: Site = Site::new("scenario/file/mismatched-genesis");
const BAD_SECTOR: Site = Site::new("scenario/file/bad-sector");
const FULL_DISK: Site = Site::new("scenario/file/full-disk");
const FAILING_DISK: Site = Site::new("scenario/file/failing-disk");
const PAUSE: Site = Site::new("scenario/file/pause");
const KILL: Site = Site::new("scenario/file/kill");
const CLOCK_LEAP: Site = Site::new("scenario/file/clock-leap");

/// Counters of one repetition; those below are for picking nodes.
const TIMES: u64 = 127;
const AT: u64 = 128;
const VALUES: u64 = 129;
const NODES: u64 = 256;
/// A longest sync for a shortest one.
const TAIL: u64 = 4;
/// How long a process with a bad sector runs on.
const RESTART_NS: u64 = 1_000_000_000;
/// How long it is down.
const DOWN_NS: u64 = 10_000_000;

/// One repetition of one entry.
struct Turn(Draws);

impl Turn {
    fn at(&self, at: &Dial<Ms>) -> SimTime {
        SimTime::new(at.value(self.0.at(AT).word(0)).ns())
    }

    /// The number of an entry's key; `key` is the key's own within the entry.
    fn value<T: Unit>(&self, key: u64, dial: Option<&Dial<T>>) -> Option<T> {
        dial.map(|dial| dial.value(self.0.at(VALUES + key).word(0)))
    }

    /// A number that each node draws for itself.
    fn own<T: Unit>(&self, node: NodeIndex, key: usize, dial: Option<&Dial<T>>) -> Option<T> {
        let draw = self.0.at(NODES + u64::from(node.get()));
        dial.map(|dial| dial.value(draw.word(key)))
    }
}

pub(super) struct Entries<'a> {
    chance: Chance,
    scenario: &'a mut Scenario,
}

impl<'a> Entries<'a> {
    pub(super) fn new(seed: u64, scenario: &'a mut Scenario) -> Self {
        let chance = Chance::new(seed);
        Self { chance, scenario }
    }

    /// Who lies, and who is lost.
    pub(super) fn faulty(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.byzantine) {
            let turn = self.turn(BYZANTINE, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let behaviours = entry.behaviours.clone();
                self.scenario.byzantine.insert(node, behaviours);
            }
        }
        for (number, entry) in (0..).zip(&file.lost) {
            let turn = self.turn(LOST, number, 0);
            let at = turn.at(&entry.at_ms);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                self.scenario.lost.insert(node);
                let fault = match entry.by {
                    Loss::Crash => Fault::Crash(node),
                    Loss::Token => Fault::TokenGone(node),
                };
                self.add(at, fault);
            }
        }
        for (number, entry) in (0..).zip(&file.diverging) {
            let turn = self.turn(DIVERGING, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                self.scenario.lost.insert(node);
                self.scenario.unsound.insert(node);
                self.add(turn.at(&entry.at_ms), Fault::Diverge(node));
            }
        }
        for (number, entry) in (0..).zip(&file.mismatched_genesis) {
            let turn = self.turn(MISMATCHED, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                self.scenario.lost.insert(node);
                self.scenario.unsound.insert(node);
                self.add(turn.at(&entry.at_ms), Fault::OtherGenesis(node));
            }
        }
        for (number, entry) in (0..).zip(&file.bad_sector) {
            let turn = self.turn(BAD_SECTOR, number, 0);
            self.bad_sector(entry, &turn);
        }
        self.unsound_signers(file);
        self.spoilt(file);
    }

    fn bad_sector(&mut self, entry: &BadSector, turn: &Turn) {
        let (at, log) = (turn.at(&entry.at_ms), log_of(entry.log));
        for node in entry.nodes.pick(&turn.0, &self.correct()) {
            self.scenario.lost.insert(node);
            let chosen = turn.0.at(NODES + u64::from(node.get())).word(1).get() >> 1;
            self.add(at, Fault::BadSector { node, log, chosen });
            let restart = turn.own(node, 0, entry.restart_ms.as_ref());
            let dies = at.after_ns(restart.map_or(RESTART_NS, Ms::ns));
            self.add(dies, Fault::Crash(node));
            let after_changes = None;
            let restart = Fault::Restart {
                node,
                after_changes,
            };
            self.add(dies.after_ns(DOWN_NS), restart);
        }
    }

    /// What goes wrong when.
    pub(super) fn faults(&mut self, file: &File) {
        self.machines(file);
        self.cuts(file);
        for (number, entry) in (0..).zip(&file.crash) {
            self.each(CRASH, number, entry.times.as_ref(), |this, turn| {
                this.crash(entry, turn);
            });
        }
        for (number, entry) in (0..).zip(&file.power_cut) {
            self.each(POWER_CUT, number, entry.times.as_ref(), |this, turn| {
                this.power_cut(entry, turn);
            });
        }
        for (number, entry) in (0..).zip(&file.restart) {
            let turn = self.turn(RESTART, number, 0);
            for node in self.standing(&entry.nodes, &turn) {
                let after_changes = turn.own(node, 0, entry.again_after_changes.as_ref());
                let fault = Fault::Restart {
                    node,
                    after_changes,
                };
                self.add(turn.at(&entry.at_ms), fault);
            }
        }
        self.tokens(file);
        self.unfit_tokens(file);
        for (number, entry) in (0..).zip(&file.slow_disk) {
            let turn = self.turn(SLOW_DISK, number, 0);
            self.slow_disk(entry, &turn);
        }
        self.disks(file);
        self.processes(file);
        self.timers(file);
        self.links(file);
        self.governing(file);
        for single in &file.fault {
            self.scenario.lost.extend(single.what.loses());
            self.scenario.unsound.extend(single.what.unsound());
            self.add(SimTime::new(single.at_ms.ns()), single.what.clone());
        }
    }

    /// Clocks and processors.
    fn machines(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.clock) {
            let turn = self.turn(CLOCK, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.all()) {
                let clock = Clock {
                    offset_us: entry.offset_us,
                    drift_ppm: entry.drift_ppm,
                    ..Clock::default()
                };
                self.scenario.clocks.insert(node, clock);
            }
        }
        for (number, entry) in (0..).zip(&file.slow) {
            let turn = self.turn(SLOW, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.all()) {
                if let Some(factor) = turn.own(node, 0, Some(&entry.factor)) {
                    self.scenario.slow.insert(node, factor);
                }
            }
        }
    }

    /// Disks that are full or fail.
    fn disks(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.full_disk) {
            self.each(FULL_DISK, number, entry.times.as_ref(), |this, turn| {
                let when = (&entry.nodes, &entry.at_ms, entry.for_ms.as_ref());
                this.while_it_lasts(turn, when, [Fault::DiskFull, Fault::DiskRoom]);
            });
        }
        for (number, entry) in (0..).zip(&file.failing_disk) {
            self.each(FAILING_DISK, number, entry.times.as_ref(), |this, turn| {
                this.failing_disk(entry, turn);
            });
        }
    }

    /// Processes that stand still or are killed, and clocks that leap.
    fn processes(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.pause) {
            self.each(PAUSE, number, entry.times.as_ref(), |this, turn| {
                let when = (&entry.nodes, &entry.at_ms, entry.for_ms.as_ref());
                this.while_it_lasts(turn, when, [Fault::Pause, Fault::Resume]);
            });
        }
        for (number, entry) in (0..).zip(&file.kill) {
            self.each(KILL, number, entry.times.as_ref(), |this, turn| {
                let at = turn.at(&entry.at_ms);
                for node in this.standing(&entry.nodes, turn) {
                    this.add(at, Fault::Kill(node));
                    this.back(turn, node, at, entry.for_ms.as_ref(), None);
                }
            });
        }
        for (number, entry) in (0..).zip(&file.clock_leap) {
            let turn = self.turn(CLOCK_LEAP, number, 0);
            let (at, by_us) = (turn.at(&entry.at_ms), entry.by_us);
            for node in entry.nodes.pick(&turn.0, &self.all()) {
                self.add(at, Fault::ClockLeap { node, by_us });
            }
        }
    }

    /// Something that befalls nodes, and ends if it is said when.
    fn while_it_lasts(
        &mut self,
        turn: &Turn,
        (nodes, at, lasts): (&Who, &Dial<Ms>, Option<&Dial<Ms>>),
        [begins, ends]: [fn(NodeIndex) -> Fault; 2],
    ) {
        let at = turn.at(at);
        for node in self.standing(nodes, turn) {
            self.add(at, begins(node));
            if let Some(lasts) = turn.own(node, 0, lasts) {
                self.add(at.after_ns(lasts.ns()), ends(node));
            }
        }
    }

    fn failing_disk(&mut self, entry: &FailingDisk, turn: &Turn) {
        let (at, log) = (turn.at(&entry.at_ms), log_of(entry.log));
        for node in self.standing(&entry.nodes, turn) {
            let fails = turn.own(node, 1, Some(&entry.sync_fails_ppm));
            let dials = DiskDials {
                sync_fails: fails.map_or(Default::default(), super::ppm),
                ..DiskDials::CALM
            };
            self.add(at, Fault::Disk { node, log, dials });
            if let Some(lasts) = turn.own(node, 0, entry.for_ms.as_ref()) {
                let dials = DiskDials::CALM;
                self.add(at.after_ns(lasts.ns()), Fault::Disk { node, log, dials });
            }
        }
    }

    /// Partitions, cuts of one direction, and their ends.
    fn cuts(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.partition) {
            self.each(PARTITION, number, entry.times.as_ref(), |this, turn| {
                let side = entry.side.pick(&turn.0, &this.all());
                let noticed = entry.noticed;
                let fault = Fault::Partition { side, noticed };
                this.cut(turn, &entry.at_ms, entry.for_ms.as_ref(), fault);
            });
        }
        for (number, entry) in (0..).zip(&file.mute) {
            self.each(MUTE, number, entry.times.as_ref(), |this, turn| {
                let side = entry.side.pick(&turn.0, &this.all());
                let fault = Fault::Mute { side };
                this.cut(turn, &entry.at_ms, entry.for_ms.as_ref(), fault);
            });
        }
        for (number, entry) in (0..).zip(&file.heal) {
            let turn = self.turn(HEAL, number, 0);
            self.add(turn.at(&entry.at_ms), Fault::Heal);
        }
    }

    fn cut(&mut self, turn: &Turn, at: &Dial<Ms>, lasts: Option<&Dial<Ms>>, fault: Fault) {
        let at = turn.at(at);
        self.add(at, fault);
        if let Some(lasts) = turn.value(0, lasts) {
            self.add(at.after_ns(lasts.ns()), Fault::Heal);
        }
    }

    fn crash(&mut self, entry: &Crash, turn: &Turn) {
        let at = turn.at(&entry.at_ms);
        for node in self.standing(&entry.nodes, turn) {
            self.add(at, Fault::Crash(node));
            let again = entry.again_after_changes.as_ref();
            self.back(turn, node, at, entry.for_ms.as_ref(), again);
        }
    }

    fn power_cut(&mut self, entry: &PowerCut, turn: &Turn) {
        let at = turn.at(&entry.at_ms);
        for node in self.standing(&entry.nodes, turn) {
            let after_changes = turn.own(node, 2, Some(&entry.after_changes));
            let cut = after_changes.map(|after_changes| Fault::PowerCut {
                node,
                after_changes,
            });
            cut.into_iter().for_each(|cut| self.add(at, cut));
            let again = entry.again_after_changes.as_ref();
            self.back(turn, node, at, entry.for_ms.as_ref(), again);
        }
    }

    /// A node starts again, if it is said when.
    fn back(
        &mut self,
        turn: &Turn,
        node: NodeIndex,
        at: SimTime,
        lasts: Option<&Dial<Ms>>,
        again: Option<&Dial<u64>>,
    ) {
        let after_changes = turn.own(node, 1, again);
        if let Some(lasts) = turn.own(node, 0, lasts) {
            let fault = Fault::Restart {
                node,
                after_changes,
            };
            self.add(at.after_ns(lasts.ns()), fault);
        }
    }

    /// Tokens.
    fn tokens(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.token_gone) {
            self.each(TOKEN_GONE, number, entry.times.as_ref(), |this, turn| {
                let when = (&entry.nodes, &entry.at_ms, entry.for_ms.as_ref());
                this.while_it_lasts(turn, when, [Fault::TokenGone, Fault::TokenBack]);
            });
        }
        for (number, entry) in (0..).zip(&file.token_back) {
            let turn = self.turn(TOKEN_BACK, number, 0);
            for node in self.standing(&entry.nodes, &turn) {
                self.add(turn.at(&entry.at_ms), Fault::TokenBack(node));
            }
        }
        for (number, entry) in (0..).zip(&file.token) {
            self.each(TOKEN, number, entry.times.as_ref(), |this, turn| {
                this.token(entry, turn);
            });
        }
    }

    fn token(&mut self, entry: &Token, turn: &Turn) {
        let at = turn.at(&entry.at_ms);
        for node in self.standing(&entry.nodes, turn) {
            let dials = token_dials(entry, turn, node);
            self.add(at, Fault::Token { node, dials });
            if let Some(lasts) = turn.own(node, 0, entry.for_ms.as_ref()) {
                let dials = TokenDials::CALM;
                self.add(at.after_ns(lasts.ns()), Fault::Token { node, dials });
            }
        }
    }

    fn slow_disk(&mut self, entry: &SlowDisk, turn: &Turn) {
        let log = log_of(entry.log);
        for node in entry.nodes.pick(&turn.0, &self.all()) {
            let Some(least) = turn.own(node, 0, Some(&entry.sync_min_ms)) else {
                continue;
            };
            let most = turn.own(node, 1, entry.sync_cap_ms.as_ref());
            let most_ns = most.map_or(TAIL * least.ns(), Ms::ns);
            let dials = DiskDials {
                sync_min_ns: least.ns(),
                sync_cap_ns: most_ns.max(least.ns()),
                ..DiskDials::CALM
            };
            self.add(turn.at(&entry.at_ms), Fault::Disk { node, log, dials });
        }
    }

    fn each(
        &mut self,
        site: Site,
        number: u64,
        times: Option<&Dial<u64>>,
        mut fault: impl FnMut(&mut Self, &Turn),
    ) {
        let first = self.turn(site, number, 0);
        let times = times.map_or(1, |times| times.value(first.0.at(TIMES).word(0)));
        for repetition in 0..times {
            let turn = self.turn(site, number, repetition);
            fault(self, &turn);
        }
    }

    fn turn(&self, site: Site, number: u64, repetition: u64) -> Turn {
        Turn(self.chance.draws(site, number << 32 | repetition))
    }

    fn add(&mut self, at: SimTime, fault: Fault) {
        self.scenario.add(Timed { at, fault });
    }

    fn all(&self) -> Vec<NodeIndex> {
        (0..self.scenario.validators).map(NodeIndex::new).collect()
    }

    /// Those that neither lie nor are lost, so far.
    fn correct(&self) -> Vec<NodeIndex> {
        let lies = &self.scenario.byzantine;
        let mut nodes = self.not_lost();
        nodes.retain(|node| !lies.contains_key(node));
        nodes
    }

    fn not_lost(&self) -> Vec<NodeIndex> {
        let lost = &self.scenario.lost;
        let mut nodes = self.all();
        nodes.retain(|node| !lost.contains(node));
        nodes
    }

    /// The nodes of an entry that can fall and get up again.
    fn standing(&self, who: &Who, turn: &Turn) -> Vec<NodeIndex> {
        let standing = self.not_lost();
        let mut nodes = who.pick(&turn.0, &standing);
        nodes.retain(|node| standing.contains(node));
        nodes
    }
}

fn token_dials(entry: &Token, turn: &Turn, node: NodeIndex) -> TokenDials {
    let calm = TokenDials::CALM;
    let least = turn.own(node, 1, entry.latency_min_ms.as_ref());
    let most = turn.own(node, 2, entry.latency_cap_ms.as_ref());
    let latency_min_ns = least.map_or(calm.latency_min_ns, Ms::ns);
    let part = |key, dial: &Option<Dial<u64>>| {
        turn.own(node, key, dial.as_ref())
            .map_or(Default::default(), super::ppm)
    };
    TokenDials {
        latency_min_ns,
        latency_cap_ns: most.map_or(calm.latency_cap_ns, Ms::ns).max(latency_min_ns),
        session_loss: part(3, &entry.session_loss_ppm),
        lost_answer: part(4, &entry.lost_answer_ppm),
        wrong_answer: part(5, &entry.wrong_answer_ppm),
    }
}

const fn log_of(log: Log) -> LogId {
    match log {
        Log::Guard => LogId::Guard,
        Log::Audit => LogId::Audit,
        Log::Block => LogId::Block,
        Log::Batch => LogId::Batch,
    }
}
