//! Machines that die and come back, stand still, compute slowly or have wrong clocks, and tokens that are slow, unreliable or gone.

use super::{MS_NS, SECOND_NS, Swarm, ppm};
use crate::chance::{Site, Word};
use crate::clock::Clock;
use crate::fault::{Fault, Timed};
use crate::hsm::TokenDials;
use crate::timers::TimerDials;
use crate::types::{NodeIndex, SimTime};

const CRASH: Site = Site::new("scenario/crash");
const TOGETHER: Site = Site::new("scenario/crash-of-all");
const KILL: Site = Site::new("scenario/kill");
const PAUSE: Site = Site::new("scenario/pause");
const LEAP: Site = Site::new("scenario/clock-leap");
const TOKEN: Site = Site::new("scenario/token");
const SLOW_TOKEN: Site = Site::new("scenario/slow-token");
const TIMERS: Site = Site::new("scenario/timers");
const CLOCK: Site = Site::new("scenario/clock");
const CPU: Site = Site::new("scenario/cpu");

impl Swarm<'_> {
    pub(super) fn crashes(&mut self) {
        for number in 0..self.times(CRASH, 6) {
            let draw = self.draw(CRASH, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let fault = if draw.word(2).below(2) == 0 {
                Fault::Crash(node)
            } else {
                let after_changes = draw.word(3).log_uniform(1, 200);
                Fault::PowerCut {
                    node,
                    after_changes,
                }
            };
            let again = draw.word(4).below(4) == 0;
            let after_changes = again.then(|| draw.word(5).below(40));
            let down_ns = draw.word(6).log_uniform(10 * MS_NS, 8 * SECOND_NS);
            self.add(at, fault);
            self.add(
                at.after_ns(down_ns),
                Fault::Restart {
                    node,
                    after_changes,
                },
            );
        }
    }

    /// All at once, as when a data centre loses its power.
    pub(super) fn crash_of_all(&mut self) {
        let draw = self.draw(TOGETHER, 0);
        if draw.word(0).below(8) != 0 {
            return;
        }
        let at = self.time(draw.word(1));
        for index in 0..self.scenario.validators {
            let node = NodeIndex::new(index);
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let down_ns = self
                .draw(TOGETHER, 1 + u64::from(index))
                .word(0)
                .log_uniform(10 * MS_NS, 4 * SECOND_NS);
            self.crash_and_back(node, at, down_ns, None);
        }
    }

    pub(super) fn crash_and_back(
        &mut self,
        node: NodeIndex,
        at: SimTime,
        down_ns: u64,
        after_changes: Option<u64>,
    ) {
        self.add(at, Fault::Crash(node));
        let restart = Fault::Restart {
            node,
            after_changes,
        };
        self.add(at.after_ns(down_ns), restart);
    }

    /// Processes are killed, some again and again, and are soon back on machines that have kept what was not synced.
    pub(super) fn kills(&mut self) {
        for number in 0..self.times(KILL, 6) {
            let draw = self.draw(KILL, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let down_ns = draw.word(2).log_uniform(10 * MS_NS, 3 * SECOND_NS);
            let after_changes = (draw.word(3).below(3) == 0).then(|| draw.word(4).below(40));
            if !self.scenario.lost.contains(&node) {
                self.add(at, Fault::Kill(node));
                let restart = Fault::Restart {
                    node,
                    after_changes,
                };
                self.add(at.after_ns(down_ns), restart);
            }
        }
    }

    /// Processes stand still, some for longer than any timeout.
    pub(super) fn pauses(&mut self) {
        for number in 0..self.times(PAUSE, 4) {
            let draw = self.draw(PAUSE, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let lasts_ns = draw.word(2).log_uniform(50 * MS_NS, 6 * SECOND_NS);
            if !self.scenario.lost.contains(&node) {
                self.add(at, Fault::Pause(node));
                self.add(at.after_ns(lasts_ns), Fault::Resume(node));
            }
        }
    }

    pub(super) fn clocks(&mut self) {
        for index in 0..self.scenario.validators {
            let draw = self.draw(CLOCK, u64::from(index));
            if draw.word(0).below(3) != 0 {
                continue;
            }
            let signed = |word: Word, most: i64| {
                i64::try_from(word.below(2 * most.unsigned_abs() + 1)).expect("a small number")
                    - most
            };
            let clock = Clock {
                offset_us: signed(draw.word(1), 150_000),
                drift_ppm: i32::try_from(signed(draw.word(2), 500)).expect("a small number"),
                ..Clock::default()
            };
            self.scenario.clocks.insert(NodeIndex::new(index), clock);
        }
    }

    /// Timer services that are early, late or both for a while, of any number of nodes.
    pub(super) fn timers(&mut self) {
        for number in 0..self.times(TIMERS, 4) {
            let draw = self.draw(TIMERS, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let lasts_ns = draw.word(2).log_uniform(200 * MS_NS, 8 * SECOND_NS);
            let early_ns = draw.word(3).log_uniform(MS_NS, 500 * MS_NS);
            let late_ns = draw.word(4).log_uniform(MS_NS, 2 * SECOND_NS);
            let (early_ns, late_ns) = match draw.word(5).below(3) {
                0 => (early_ns, 0),
                1 => (0, late_ns),
                _ => (early_ns, late_ns),
            };
            let dials = TimerDials { early_ns, late_ns };
            self.add(at, Fault::Timers { node, dials });
            let dials = TimerDials::RIGHT;
            self.add(at.after_ns(lasts_ns), Fault::Timers { node, dials });
        }
    }

    /// One wall clock, up to two minutes either way, of a validator that is no quorum with the liars: they could agree on a wrong time, and
    /// the chain would stand until it has come.
    pub(super) fn clock_leaps(&mut self) {
        let node = self.node(self.draw(LEAP, u64::MAX - 1).word(0));
        for number in 0..self.times(LEAP, 3) {
            let draw = self.draw(LEAP, number);
            let at = self.time(draw.word(0));
            let far_us = draw.word(1).log_uniform(10_000, 120_000_000);
            let far_us = i64::try_from(far_us).expect("two minutes");
            let by_us = if draw.word(2).below(2) == 0 {
                far_us
            } else {
                -far_us
            };
            let mut leapt = self.scenario.clone();
            let fault = Fault::ClockLeap { node, by_us };
            leapt.add(Timed { at, fault });
            if leapt.fault_budget() > 0 && leapt.is_within_budget() {
                *self.scenario = leapt;
            }
        }
    }

    pub(super) fn processors(&mut self) {
        let draw = self.draw(CPU, 0);
        if draw.word(0).below(4) == 0 {
            let node = self.node(draw.word(1));
            self.scenario
                .slow
                .insert(node, draw.word(2).log_uniform(2, 50));
        }
    }

    pub(super) fn tokens(&mut self) {
        for number in 0..self.times(TOKEN, 4) {
            let draw = self.draw(TOKEN, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let ends = at.after_ns(draw.word(2).log_uniform(100 * MS_NS, 8 * SECOND_NS));
            if self.scenario.lost.contains(&node) {
                continue;
            }
            if draw.word(3).below(3) == 0 {
                self.add(at, Fault::TokenGone(node));
                self.add(ends, Fault::TokenBack(node));
                continue;
            }
            let latency_cap_ns = draw.word(4).log_uniform(3 * MS_NS, 2 * SECOND_NS);
            // A quarter are slow with every call, so that answers come when nobody waits for them any more.
            let is_slow = self.draw(SLOW_TOKEN, number).word(0).below(4) == 0;
            let calm_ns = TokenDials::CALM.latency_min_ns;
            let dials = TokenDials {
                latency_min_ns: if is_slow { latency_cap_ns / 4 } else { calm_ns },
                latency_cap_ns,
                session_loss: ppm(draw.word(5).log_uniform(1_000, 500_000)),
                lost_answer: ppm(draw.word(6).log_uniform(1_000, 500_000)),
                wrong_answer: ppm(draw.word(7).log_uniform(1_000, 200_000)),
            };
            self.add(at, Fault::Token { node, dials });
            let dials = TokenDials::CALM;
            self.add(ends, Fault::Token { node, dials });
        }
    }
}
