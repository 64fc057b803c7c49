//! Who lies, who is lost, whose execution or disk is spoilt: never more than consensus bears.

use super::{LOGS, MS_NS, SECOND_NS, Swarm, index, ppm};
use crate::byzantine::Behaviour;
use crate::chance::{Draw, Site};
use crate::disk::DiskDials;
use crate::fault::Fault;
use crate::types::{NodeIndex, SimTime};

const FAULTY: Site = Site::new("scenario/faulty");
const DIVERGE: Site = Site::new("scenario/diverge");
const SPOILT: Site = Site::new("scenario/bad-sector");
const ROTTEN: Site = Site::new("scenario/spoilt-disk");
const LYING: Site = Site::new("scenario/lying-disk");
const MISDIRECTED: Site = Site::new("scenario/misdirected-write");
const MISMATCHED: Site = Site::new("scenario/mismatched-genesis");
const LIES: Site = Site::new("scenario/lies");

impl Swarm<'_> {
    /// Up to f validators that lie, or that are lost for good at some time.
    pub(super) fn faulty(&mut self) {
        let budget = u64::from(self.scenario.fault_budget());
        let shape = self.draw(FAULTY, 0);
        let count = shape.word(0).within(0, budget);
        let first = shape.word(1).below(u64::from(self.scenario.validators));
        for number in 0..count {
            let draw = self.draw(FAULTY, 1 + number);
            let node = (first + number) % u64::from(self.scenario.validators);
            let node = NodeIndex::new(u16::try_from(node).expect("below the number of validators"));
            let at = self.time(draw.word(1));
            if !self.scenario.bears(node) {
                continue;
            }
            match draw.word(0).below(6) {
                0 => self.lie(node, &[Behaviour::Equivocate]),
                1 => self.lie(node, &[Behaviour::VoteTwice]),
                2 | 3 => self.lie(node, &[Behaviour::Equivocate, Behaviour::VoteTwice]),
                4 => self.lose(at, node, Fault::Crash(node)),
                _ => self.lose(at, node, Fault::TokenGone(node)),
            }
        }
    }

    fn lie(&mut self, node: NodeIndex, behaviours: &[Behaviour]) {
        let more = self.draw(LIES, u64::from(node.get())).word(0).get();
        let mut behaviours = behaviours.to_vec();
        // Beside those, each other lie with one chance in four.
        for (other, place) in Behaviour::ALL.into_iter().zip(0..) {
            if !behaviours.contains(&other) && more >> (2 * place) & 3 == 0 {
                behaviours.push(other);
            }
        }
        self.scenario.byzantine.insert(node, behaviours);
    }

    pub(super) fn lose(&mut self, at: SimTime, node: NodeIndex, fault: Fault) {
        self.scenario.lost.insert(node);
        self.add(at, fault);
    }

    /// One validator whose execution gives something else from some time on, if consensus bears one more that is faulty.
    pub(super) fn divergence(&mut self) {
        let draw = self.draw(DIVERGE, 0);
        if let Some(node) = self.one_more(&draw) {
            let at = self.time(draw.word(2));
            self.scenario.unsound.insert(node);
            self.lose(at, node, Fault::Diverge(node));
        }
    }

    /// A validator that is faulty from some time on, in a quarter of all runs, if consensus bears one more.
    pub(super) fn one_more(&self, draw: &Draw) -> Option<NodeIndex> {
        let (liars, lost) = (&self.scenario.byzantine, &self.scenario.lost);
        let node = self.node(draw.word(1));
        let is_new = !liars.contains_key(&node) && !lost.contains(&node);
        (draw.word(0).below(4) == 0 && is_new && self.scenario.bears(node)).then_some(node)
    }

    /// A sector that cannot be read; some time later the process is started again, and reads its logs whole.
    pub(super) fn bad_sectors(&mut self) {
        let draw = self.draw(SPOILT, 0);
        let Some(node) = self.one_more(&draw) else {
            return;
        };
        let at = self.time(draw.word(2));
        let log = LOGS[index(draw.word(3).below(3))];
        let chosen = draw.word(4).get() >> 1;
        self.lose(at, node, Fault::BadSector { node, log, chosen });
        let dies = at.after_ns(draw.word(5).log_uniform(10 * MS_NS, 5 * SECOND_NS));
        self.crash_and_back(node, dies, 10 * MS_NS, None);
    }

    /// A disk that rots or is put back to an older image, and one that forgets what it has promised to keep, if consensus bears one more.
    pub(super) fn spoilt_disks(&mut self) {
        self.spoilt_disk();
        self.lying_disk();
    }

    /// The power goes soon: without that a lie never shows.
    fn lying_disk(&mut self) {
        let draw = self.draw(LYING, 0);
        let Some(node) = self.one_more(&draw) else {
            return;
        };
        let at = self.time(draw.word(2));
        let log = LOGS[index(draw.word(3).below(3))];
        let dials = DiskDials {
            sync_lies: ppm(draw.word(4).log_uniform(300_000, 1_000_000)),
            ..DiskDials::CALM
        };
        self.scenario.unsound.insert(node);
        self.lose(at, node, Fault::Disk { node, log, dials });
        let dies = at.after_ns(draw.word(5).log_uniform(10 * MS_NS, 5 * SECOND_NS));
        self.crash_and_back(node, dies, 10 * MS_NS, None);
    }

    fn spoilt_disk(&mut self) {
        let draw = self.draw(ROTTEN, 0);
        let Some(node) = self.one_more(&draw) else {
            return;
        };
        let at = self.time(draw.word(2));
        let log = LOGS[index(draw.word(3).below(3))];
        self.scenario.unsound.insert(node);
        if draw.word(4).below(2) == 0 {
            let chosen = draw.word(5).get() >> 1;
            self.lose(at, node, Fault::Rot { node, log, chosen });
        } else {
            let age_ns = draw.word(5).log_uniform(10 * MS_NS, 5 * SECOND_NS);
            let taken = SimTime::new(at.get().saturating_sub(age_ns));
            self.add(taken, Fault::ImageTaken(node));
            self.lose(at, node, Fault::ImageRestored(node));
        }
        let dies = at.after_ns(draw.word(6).log_uniform(10 * MS_NS, 5 * SECOND_NS));
        self.crash_and_back(node, dies, 10 * MS_NS, None);
    }

    /// A write of one log that lands elsewhere, and shows when the power goes, if consensus bears one more.
    pub(super) fn misdirected_writes(&mut self) {
        let draw = self.draw(MISDIRECTED, 0);
        let Some(node) = self.one_more(&draw) else {
            return;
        };
        let at = self.time(draw.word(2));
        let log = LOGS[index(draw.word(3).below(3))];
        let chosen = draw.word(4).get() >> 1;
        self.scenario.unsound.insert(node);
        self.lose(at, node, Fault::Misdirect { node, log, chosen });
        let dies = at.after_ns(draw.word(5).log_uniform(10 * MS_NS, 5 * SECOND_NS));
        self.crash_and_back(node, dies, 10 * MS_NS, None);
    }

    /// A validator that is set up from another genesis, half of the time from the beginning on, if consensus bears one more.
    pub(super) fn mismatched_genesis(&mut self) {
        let draw = self.draw(MISMATCHED, 0);
        let Some(node) = self.one_more(&draw) else {
            return;
        };
        let later = draw.word(3).below(2) == 0;
        let at = if later {
            self.time(draw.word(2))
        } else {
            SimTime::START
        };
        self.scenario.unsound.insert(node);
        self.lose(at, node, Fault::OtherGenesis(node));
    }
}
