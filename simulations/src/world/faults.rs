//! Faults as they happen, and their end.
//!
//! Invariant: a crash takes the process and what its disks had not synced, nothing else; whatever ends, ends at stabilisation,
//! but for nodes that lie or are lost for good.

use falaj_consensus::durable::LogError;
use falaj_node::core::{Input, Peer};

use super::World;
use super::event::Event;
use super::host::peer;
use crate::chance::Word;
use crate::disk::{DiskDials, SimDisk};
use crate::economy::node_of;
use crate::fault::Fault;
use crate::hsm::{TokenDials, Unfit};
use crate::marks::Mark;
use crate::network::LinkDials;
use crate::timers::TimerDials;
use crate::trace::Tag;
use crate::types::NodeIndex;

impl World {
    pub(super) fn fault(&mut self, number: usize) {
        let fault = self.scenario.faults[number].fault.clone();
        let at = self.now();
        let text = format!("{fault:?}");
        let nobody = NodeIndex::new(u16::MAX);
        self.trace
            .event(at, number as u64, Tag::Fault, nobody, text.as_bytes());
        self.trace.tell(|| format!("{at} fault {text}"));
        self.write_trouble(Some(&fault));
        if self.stable && !matches!(fault, Fault::Restart { .. }) {
            return;
        }
        self.ask_why();
        self.motion.moves(at);
        match fault {
            Fault::Partition { side, noticed } => self.partition(&side, noticed),
            Fault::Mute { side } => {
                let all: Vec<_> = self.nodes().collect();
                self.network.mute(&side, &all);
                self.marks.hit(Mark::OneWay);
            }
            Fault::WorstSchedule(dials) => self.choose_schedule(dials),
            Fault::Heal => self.heal(),
            Fault::Reset { side } => self.reset(&side),
            Fault::Eclipse { node, by } => self.eclipse(node, &by),
            Fault::Clog(node) => self.clog(node),
            Fault::Unclog(node) => self.unclog(node),
            Fault::Crash(node) => self.crash(node),
            Fault::Kill(node) => self.kill(node),
            Fault::PowerCut {
                node,
                after_changes,
            } => self.cut_power(node, after_changes),
            Fault::Restart {
                node,
                after_changes,
            } => self.restart(node, after_changes),
            Fault::Disk { node, log, dials } => {
                self.nodes[node.position()].disks.of(log).set_dials(dials);
            }
            Fault::BadSector { node, log, chosen } => {
                let word = Word::new(chosen);
                let disk = self.nodes[node.position()].disks.of(log);
                disk.spoil_sector(word, Word::new(chosen.rotate_left(32)));
            }
            Fault::Rot { node, log, chosen } => self.rot(node, log, chosen),
            Fault::Misdirect { node, log, chosen } => {
                self.nodes[node.position()].disks.of(log).misdirect(chosen);
            }
            Fault::ImageTaken(node) => self.take_image(node),
            Fault::ImageRestored(node) => self.restore_image(node),
            Fault::Pause(node) => self.pause(node),
            Fault::Resume(node) => self.resume(node),
            Fault::ClockLeap { node, by_us } => self.leap(node, by_us),
            Fault::Timers { node, dials } => self.misset_timers(node, dials),
            Fault::DiskFull(node) => self.each_disk(node, SimDisk::fill),
            Fault::DiskRoom(node) => self.each_disk(node, SimDisk::make_room),
            Fault::Diverge(node) => self.nodes[node.position()].diverges = true,
            Fault::OtherGenesis(node) => self.set_up_elsewhere(node),
            Fault::Arrive(node) => self.arrive(node),
            Fault::Mend(node) => self.nodes[node.position()].diverges = false,
            Fault::Program { node, features } => self.change_program(node, features),
            Fault::TokenGone(node) => self.nodes[node.position()].token.set_present(false),
            Fault::TokenBack(node) => self.nodes[node.position()].token.set_present(true),
            Fault::Token { node, dials } => self.nodes[node.position()].token.set_dials(dials),
            Fault::PinLocked(node) => self.spoil_token(node, Unfit::PinLocked),
            Fault::KeyMissing(node) => self.spoil_token(node, Unfit::KeyMissing),
            Fault::TokenMended(node) => self.mend_token(node),
            Fault::SharedKey(node) => self.nodes[node.position()].shares_key = true,
            Fault::GuardCopied(node) => self.copy_guard(node),
            Fault::Failover { node, remembers } => self.fail_over(node, remembers),
            Fault::Rotate { side } => self.rotate(&side),
            Fault::Join { side } => self.join(&side),
            Fault::Leave { .. } | Fault::Return { .. } | Fault::Reweigh { .. } | Fault::Tune(_) => {
                self.ask_authority(fault);
            }
        }
    }

    /// Another program is put in the place of the one that runs; a node that is down runs it once it is started again.
    fn change_program(&mut self, node: NodeIndex, features: u64) {
        let was_up = self.nodes[node.position()].is_up();
        self.kill(node);
        self.nodes[node.position()].supported = features;
        self.judge.program_changed(node, features);
        if was_up {
            self.start(node);
        }
    }

    fn spoil_token(&mut self, node: NodeIndex, unfit: Unfit) {
        self.nodes[node.position()].token.set_unfit(Some(unfit));
    }

    fn each_disk(&self, node: NodeIndex, change: impl Fn(&SimDisk)) {
        let disks = &self.nodes[node.position()].disks;
        disks.all().into_iter().for_each(change);
    }

    fn leap(&mut self, node: NodeIndex, by_us: i64) {
        let node = &mut self.nodes[node.position()];
        node.clock.offset_us = node.clock.offset_us.saturating_add(by_us);
        self.marks.hit_if(node.is_up(), Mark::ClockLeapt);
    }

    /// Timers go wrong, or right again; how early a node may be with a nil prevote is for the oracles to know.
    fn misset_timers(&mut self, node: NodeIndex, dials: TimerDials) {
        self.nodes[node.position()].timers.set_dials(dials);
        self.judge.timers_may_be_early(node, dials.early_ns);
    }

    fn partition(&mut self, side: &[NodeIndex], noticed: bool) {
        let all: Vec<_> = self.nodes().collect();
        self.network.partition(side, &all);
        if !noticed {
            return;
        }
        for (one, other) in self.cut_pairs() {
            self.input(one, Input::PeerDown(peer(other)));
        }
    }

    /// A node hears some alone; nobody is told.
    fn eclipse(&mut self, node: NodeIndex, by: &[NodeIndex]) {
        let hidden = self
            .nodes()
            .filter(|other| *other != node && !by.contains(other));
        for other in hidden.collect::<Vec<_>>() {
            self.network.cut(node, other);
            self.network.cut(other, node);
        }
        self.marks.hit(Mark::Eclipsed);
    }

    fn heal(&mut self) {
        let cut = self.cut_pairs();
        self.marks.hit_if(!cut.is_empty(), Mark::PartitionHealed);
        self.network.heal_all();
        for (one, other) in cut {
            self.find_each_other(one, other);
        }
    }

    /// Directed pairs of which one direction at least carries nothing.
    fn cut_pairs(&self) -> Vec<(NodeIndex, NodeIndex)> {
        let pairs = self
            .nodes()
            .flat_map(|one| self.nodes().map(move |other| (one, other)));
        pairs
            .filter(|(one, other)| one != other && !self.network.is_open(*one, *other))
            .collect()
    }

    /// Whether some link carries nothing.
    pub(super) fn is_cut(&self) -> bool {
        !self.cut_pairs().is_empty()
    }

    /// A node cuts its link to a peer.
    pub(super) fn part(&mut self, place: NodeIndex, other: Peer) {
        if let Some(other) = other.validator().and_then(node_of) {
            let now = self.now();
            self.queue.push(now, Event::Part(place, other));
        }
    }

    /// It hears no more of the peer by itself, so the peer alone has to be told.
    pub(super) fn parted(&mut self, by: NodeIndex, other: NodeIndex) {
        self.input(other, Input::PeerDown(peer(by)));
    }

    /// A node lets a peer in again, where the network carries.
    pub(super) fn rejoin(&mut self, place: NodeIndex, other: Peer) {
        if let Some(other) = other.validator().and_then(node_of) {
            let now = self.now();
            self.queue.push(now, Event::Rejoin(place, other));
        }
    }

    /// Two nodes find each other, if both run and the network carries between them.
    pub(super) fn find_each_other(&mut self, one: NodeIndex, other: NodeIndex) {
        let both_up = [one, other]
            .iter()
            .all(|node| self.nodes[node.position()].is_up());
        if both_up && self.network.are_joined(one, other) {
            self.motion.finds(self.now(), one, other);
            self.input(one, Input::PeerUp(peer(other)));
            self.input(other, Input::PeerUp(peer(one)));
        }
    }

    fn cut_power(&mut self, node: NodeIndex, after_changes: u64) {
        let Some(which) = after_changes.checked_rem(4) else {
            return;
        };
        let disks = self.nodes[node.position()].disks.clone();
        let disk = disks.all()[usize::try_from(which).expect("below four")];
        disk.cut_power_after(after_changes / 4);
    }

    fn restart(&mut self, node: NodeIndex, after_changes: Option<u64>) {
        if self.nodes[node.position()].is_up() {
            return;
        }
        if let Some(after_changes) = after_changes.filter(|_| !self.stable) {
            self.cut_power(node, after_changes);
        }
        self.start(node);
    }

    /// Ends a process; its disks keep what they keep of unsynced changes.
    pub(super) fn crash(&mut self, place: NodeIndex) {
        self.each_disk(place, SimDisk::crash);
        self.strays_land(place);
        let lies = |disk: &SimDisk| disk.tally().lying_syncs > 0 && disk.tally().lost_synced > 0;
        let lied = self.nodes[place.position()].disks.any(lies);
        self.marks.hit_if(lied, Mark::LyingSync);
        self.end_process(place);
    }

    /// Ends a process; its machine goes on, with all that was written.
    pub(super) fn kill(&mut self, place: NodeIndex) {
        let node = &self.nodes[place.position()];
        let disks = node.disks.all();
        let unsynced = disks.into_iter().filter(|disk| disk.kill()).count();
        let was_up = node.is_up();
        self.marks.hit_if(was_up && unsynced > 0, Mark::Killed);
        self.end_process(place);
    }

    fn end_process(&mut self, place: NodeIndex) {
        let node = &mut self.nodes[place.position()];
        let (process, joiner) = (node.process.take(), node.joiner.take());
        self.forget_pause(place);
        if joiner.is_some() {
            self.tear_draft(place);
        }
        if process.is_none() && joiner.is_none() {
            return;
        }
        self.write_ended(place);
        let others: Vec<_> = self.nodes().filter(|other| *other != place).collect();
        for other in others {
            self.input(other, Input::PeerDown(peer(place)));
        }
    }

    /// A disk operation failed: the process ends, and comes back unless the disk is spoilt for good. With a disk that is neither
    /// without power nor failing nor spoilt that is nothing a correct node may meet.
    pub(super) fn disk_failed(&mut self, place: NodeIndex, error: &LogError) {
        let failing = self.nodes[place.position()].disks.any(SimDisk::is_failing);
        self.marks.hit_if(failing, Mark::SyncFailed);
        if self.is_lost_by_disk(place) || self.scenario.unsound.contains(&place) {
            return self.crash(place);
        }
        let node = &mut self.nodes[place.position()];
        if node.disks.have_power() && !failing {
            let at = self.now();
            self.judge
                .blame("recovery", at, place, format!("a disk failed: {error}"));
            return;
        }
        self.power_lost(place);
    }

    /// Whether a node that is lost for good has met a sector that cannot be read.
    pub(super) fn is_lost_by_disk(&mut self, place: NodeIndex) -> bool {
        let disks = &self.nodes[place.position()].disks;
        let met = disks.any(|disk| disk.tally().unreadable > 0);
        self.marks.hit_if(met, Mark::BadSector);
        met && self.scenario.lost.contains(&place)
    }

    /// The power went in the middle of something; it comes back after a while.
    pub(super) fn power_lost(&mut self, place: NodeIndex) {
        self.crash(place);
        let after_ns = self.nodes[place.position()].costs.down_ns();
        let back = self.now().after_ns(after_ns);
        self.queue.push(back, Event::Start(place));
    }

    /// Ends everything that can end: from now on liveness is owed.
    pub fn stabilise(&mut self) {
        if std::mem::replace(&mut self.stable, true) {
            return;
        }
        let at = self.now();
        self.trace.tell(|| format!("{at} the network stabilises"));
        self.ask_why();
        self.motion.moves(at);
        self.write_trouble(None);
        self.heal();
        self.network.stabilise(LinkDials::CALM);
        self.shorten_schedule();
        self.reconnect_all();
        self.unclog_all();
        self.resume_all();
        let nodes: Vec<_> = self.nodes().collect();
        for place in nodes {
            let node = &mut self.nodes[place.position()];
            node.costs.set_slowness(1);
            node.timers.set_dials(TimerDials::RIGHT);
            let clock = self.scenario.clocks.get(&place).copied();
            node.clock.offset_us = clock.unwrap_or_default().offset_us;
            for disk in node.disks.all() {
                disk.set_dials(DiskDials::CALM);
                disk.keep_power();
            }
            if !self.scenario.lost.contains(&place) {
                let node = &mut self.nodes[place.position()];
                node.token.set_present(true);
                node.token.set_dials(TokenDials::CALM);
                self.mend_token(place);
                self.start(place);
            }
        }
    }
}
