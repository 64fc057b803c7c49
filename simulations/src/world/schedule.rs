//! Somebody chooses when messages arrive.
//!
//! Invariant: he sees all that leaves any node, and every timer; he ends nothing and says nothing.

use falaj_node::core::{Frame, Timer};

use super::World;
use crate::marks::Mark;
use crate::network::Delivery;
use crate::schedule::{Schedule, ScheduleDials};
use crate::types::{NodeIndex, SimTime};

impl World {
    /// From now on somebody chooses, until the run ends.
    pub(super) fn choose_schedule(&mut self, dials: ScheduleDials) {
        let stable_at = self.scenario.stabilise_at;
        let (chance, validators) = (self.shared.chance, self.scenario.validators);
        self.schedule = Some(Schedule::new(chance, validators, dials, stable_at));
    }

    /// All trouble has ended: he may hold messages back for less.
    pub(super) fn shorten_schedule(&mut self) {
        let now = self.now();
        if let Some(schedule) = &mut self.schedule {
            schedule.stabilise(now);
        }
    }

    pub(super) fn schedule_sees_timer(&mut self, node: NodeIndex, timer: Timer, due: SimTime) {
        if let (Some(schedule), Timer::Engine(id)) = (&mut self.schedule, timer) {
            schedule.timer(node, id, due);
        }
    }

    pub(super) fn schedule_sees(&mut self, node: NodeIndex, said: Option<&Frame>) {
        let now = self.now();
        if let (Some(schedule), Some(frame)) = (&mut self.schedule, said) {
            let alone = schedule.said(now, node, frame);
            self.marks.hit_if(alone, Mark::LoneLock);
        }
    }

    /// When a message may arrive at the earliest, if somebody chooses.
    pub(super) fn chosen_arrival(
        &mut self,
        to: NodeIndex,
        said: Option<&Frame>,
    ) -> Option<SimTime> {
        let now = self.now();
        let chosen = self.schedule.as_ref()?.arrival(now, to, said?);
        self.marks.hit_if(chosen.keeps_quorum, Mark::HeldQuorum);
        Some(chosen.at)
    }

    pub(super) fn schedule_sees_sent(
        &mut self,
        to: NodeIndex,
        said: Option<&Frame>,
        deliveries: &[Delivery],
    ) {
        let first = deliveries.iter().map(|delivery| delivery.at).min();
        if let (Some(schedule), Some(frame), Some(at)) = (&mut self.schedule, said, first) {
            schedule.reaches(to, frame, at);
        }
    }
}
