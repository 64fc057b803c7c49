//! Plainer numbers: each as on a good day if that still fails, else a round one.

use super::Search;
use super::number::rounder;
use crate::clock::Clock;
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::hsm::TokenDials;
use crate::network::LinkDials;
use crate::scenario::{Scenario, local_parameters};
use crate::types::{Ppm, SimTime};
use crate::workload::WorkloadDials;

impl Search<'_> {
    /// Makes every number plainer.
    pub(super) fn values(&mut self) {
        for change in plain() {
            self.with(change);
        }
        self.machines();
        for number in 0..self.best.faults.len() {
            self.time(number);
            self.numbers(number);
        }
    }

    fn machines(&mut self) {
        let nodes: Vec<_> = self.best.clocks.keys().copied().collect();
        for node in nodes {
            let changes: [fn(&mut Clock); 2] =
                [|clock| clock.offset_us = 0, |clock| clock.drift_ppm = 0];
            for change in changes {
                self.with(|scenario| {
                    scenario.clocks.entry(node).and_modify(change);
                });
            }
        }
        let slow: Vec<_> = self.best.slow.clone().into_iter().collect();
        for (node, factor) in slow {
            self.shrink(2, factor, |scenario, factor| {
                scenario.slow.insert(node, factor);
            });
        }
    }

    /// When a fault happens: as early as it can, in round numbers, as long as it keeps its place.
    fn time(&mut self, number: usize) {
        let time =
            |scenario: &Scenario, number: usize| scenario.faults.get(number).map(|timed| timed.at);
        let before = number
            .checked_sub(1)
            .and_then(|before| time(&self.best, before));
        let earliest = before.unwrap_or_default().get();
        let set = |scenario: &mut Scenario, ns: u64| {
            if let Some(timed) = scenario.faults.get_mut(number) {
                timed.at = SimTime::new(ns);
            }
        };
        let at = time(&self.best, number).unwrap_or_default();
        self.shrink(earliest, at.get(), set);
        let at = time(&self.best, number).unwrap_or_default();
        for round in rounder(at.get()).filter(|round| *round >= earliest) {
            if self.with(|scenario| set(scenario, round)) {
                return;
            }
        }
    }

    /// How bad a fault is.
    fn numbers(&mut self, number: usize) {
        for change in milder(self.best.faults.get(number)) {
            self.with(|scenario| {
                if let Some(timed) = scenario.faults.get_mut(number) {
                    timed.fault = change;
                }
            });
        }
        let fault = self.best.faults.get(number).map(|timed| &timed.fault);
        if let Some(Fault::PowerCut { after_changes, .. }) = fault {
            let now = *after_changes;
            self.shrink(0, now, |scenario, fewer| {
                let fault = scenario.faults.get_mut(number);
                if let Some(Fault::PowerCut { after_changes, .. }) =
                    fault.map(|timed| &mut timed.fault)
                {
                    *after_changes = fewer;
                }
            });
        }
    }
}

/// Milder forms of a fault.
fn milder(timed: Option<&Timed>) -> Vec<Fault> {
    let fault = timed.map(|timed| &timed.fault);
    let mut forms = Vec::new();
    if let Some(Fault::Partition { side, .. }) = fault {
        forms.push(Fault::Partition {
            side: side.clone(),
            noticed: false,
        });
    }
    if let Some(Fault::Restart { node, .. }) = fault {
        forms.push(Fault::Restart {
            node: *node,
            after_changes: None,
        });
    }
    if let Some(Fault::Token { node, dials }) = fault {
        let calm = TokenDials::CALM;
        let fast = TokenDials {
            latency_min_ns: calm.latency_min_ns,
            latency_cap_ns: calm.latency_cap_ns,
            ..*dials
        };
        let kept = TokenDials {
            session_loss: Ppm::NEVER,
            ..*dials
        };
        let told = TokenDials {
            lost_answer: Ppm::NEVER,
            ..*dials
        };
        let right = TokenDials {
            wrong_answer: Ppm::NEVER,
            ..*dials
        };
        let all = [fast, kept, told, right];
        forms.extend(all.map(|dials| Fault::Token { node: *node, dials }));
    }
    forms
}

/// Numbers of all nodes as on a good day, one after the other.
fn plain() -> [fn(&mut Scenario); 13] {
    [
        |scenario| scenario.network.loss = Ppm::NEVER,
        |scenario| scenario.network.duplicate = Ppm::NEVER,
        |scenario| scenario.network.reorder = Ppm::NEVER,
        |scenario| scenario.network.damage = Ppm::NEVER,
        |scenario| {
            let calm = LinkDials::CALM;
            scenario.network.bandwidth_bytes = calm.bandwidth_bytes;
            scenario.network.queue_bytes = calm.queue_bytes;
        },
        |scenario| {
            let calm = LinkDials::CALM;
            scenario.network.delay_min_ns = calm.delay_min_ns;
            scenario.network.delay_cap_ns = calm.delay_cap_ns;
        },
        |scenario| scenario.disk.sync_min_ns = DiskDials::CALM.sync_min_ns,
        |scenario| scenario.disk.sync_cap_ns = DiskDials::CALM.sync_cap_ns,
        |scenario| scenario.workload.patience_ns = WorkloadDials::CALM.patience_ns,
        |scenario| scenario.workload.burst = WorkloadDials::CALM.burst,
        |scenario| scenario.workload.hot = WorkloadDials::CALM.hot,
        |scenario| {
            let calm = local_parameters().timeouts;
            scenario.parameters.timeouts.heartbeat_ms = calm.heartbeat_ms;
        },
        |scenario| {
            let calm = local_parameters().timeouts;
            scenario.parameters.timeouts.growth_ms = calm.growth_ms;
            scenario.parameters.timeouts.growth_rounds_max = calm.growth_rounds_max;
        },
    ]
}
