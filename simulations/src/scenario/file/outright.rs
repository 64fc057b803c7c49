//! From a scenario to the file that says it outright, drawing nothing.
//!
//! Invariant: the file gives the same scenario for every seed, but for what changes nothing: faults when all trouble has ended, cuts
//! without another side, and nodes that are lost without a fault that loses them.
//! Errors: [`Unsayable`], for what no key says.

use std::collections::BTreeMap;

use falaj_consensus::params::{Parameters, Timeouts as Waits};
use falaj_consensus::types::Height;

use super::dial::{Dial, Ms};
use super::entries::{Byzantine, Clock as ClockEntry, Gate, Loss, Lost, Single, Slow};
use super::who::Who;
use super::{Arithmetic, Clients, Disk, Drawn, Expect, File, Network, Timeouts};
use crate::cities::{City, STRETCH_PERCENT};
use crate::disk::DiskDials;
use crate::fault::{Fault, Timed};
use crate::network::{KIB, LinkDials};
use crate::scenario::{Scenario, Signatures};
use crate::types::{NodeIndex, SimTime};
use crate::workload::WorkloadDials;

/// A part of a scenario that no key of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scenario file can say {0}")]
pub struct Unsayable(&'static str);

pub(super) fn file(scenario: &Scenario) -> Result<File, Unsayable> {
    let Scenario {
        validators,
        powers,
        parameters,
        signatures,
        network,
        cities,
        stretch_percent,
        disk,
        workload,
        clocks,
        slow,
        byzantine,
        lost: _,
        unsound: _,
        faults: _,
        stabilise_at,
        heights,
        gates,
    } = scenario;
    let gates = gates.iter().map(|(feature, from)| Gate {
        feature: *feature,
        from: from.get(),
    });
    let horizon = stabilise_at.ok_or(Unsayable("a run whose trouble has no end"))?;
    let (lost, singles) = faults(scenario, horizon);
    let clocks = clocks.iter().map(|(node, clock)| ClockEntry {
        nodes: this(*node),
        offset_us: clock.offset_us,
        drift_ppm: clock.drift_ppm,
    });
    let slow = slow.iter().map(|(node, factor)| Slow {
        nodes: this(*node),
        factor: Dial::Fixed(*factor),
    });
    let byzantine = byzantine.iter().map(|(node, behaviours)| Byzantine {
        nodes: this(*node),
        behaviours: behaviours.clone(),
    });
    Ok(File {
        about: String::new(),
        seed: None,
        drawn: Drawn::default(),
        validators: Some(Dial::Fixed(u64::from(*validators))),
        powers: if powers.is_empty() {
            Vec::new()
        } else {
            let nodes = (0..*validators).map(NodeIndex::new);
            nodes.map(|node| scenario.power_of(node)).collect()
        },
        horizon_ms: Some(Dial::Fixed(Ms::of_ns(horizon.get()))),
        heights: heights.map(Height::get).map(Dial::Fixed),
        signatures: match signatures {
            Signatures::Simulated => None,
            Signatures::Real => Some(Arithmetic::Real),
        },
        timeouts: timeouts(parameters)?,
        cities: places(cities, *validators)?,
        network: Network {
            stretch_percent: (*stretch_percent != STRETCH_PERCENT)
                .then_some(Dial::Fixed(*stretch_percent)),
            ..links(network)?
        },
        disk: disks(disk)?,
        clients: clients(workload),
        gate: gates.collect(),
        byzantine: byzantine.collect(),
        lost,
        diverging: Vec::new(),
        mismatched_genesis: Vec::new(),
        bad_sector: Vec::new(),
        clock: clocks.collect(),
        slow: slow.collect(),
        partition: Vec::new(),
        mute: Vec::new(),
        heal: Vec::new(),
        crash: Vec::new(),
        power_cut: Vec::new(),
        restart: Vec::new(),
        token_gone: Vec::new(),
        token_back: Vec::new(),
        token: Vec::new(),
        pin_locked: Vec::new(),
        key_missing: Vec::new(),
        shared_key: Vec::new(),
        failover: Vec::new(),
        leave: Vec::new(),
        reweigh: Vec::new(),
        rotate: Vec::new(),
        join: Vec::new(),
        tune: Vec::new(),
        slow_disk: Vec::new(),
        full_disk: Vec::new(),
        failing_disk: Vec::new(),
        kill: Vec::new(),
        reset: Vec::new(),
        eclipse: Vec::new(),
        swizzle: Vec::new(),
        rot: Vec::new(),
        old_image: Vec::new(),
        lying_disk: Vec::new(),
        misdirected_write: Vec::new(),
        pause: Vec::new(),
        clock_leap: Vec::new(),
        worst_schedule: Vec::new(),
        timers: Vec::new(),
        fault: singles,
        regression: None,
        expect: Expect::default(),
        sweep: Default::default(),
    })
}

/// What differs from a good day.
fn unlike(ns: u64, calm_ns: u64) -> Option<Dial<Ms>> {
    (ns != calm_ns).then(|| Dial::Fixed(Ms::of_ns(ns)))
}

fn this(node: NodeIndex) -> Who {
    Who::These(vec![node.get()])
}

fn timeouts(parameters: &Parameters) -> Result<Timeouts, Unsayable> {
    let calm = crate::scenario::local_parameters();
    let said = Parameters {
        timeouts: parameters.timeouts,
        ..calm
    };
    if said != *parameters {
        return Err(Unsayable("parameters that are no timeouts"));
    }
    let Waits {
        propose_ms,
        prevote_ms,
        precommit_ms,
        growth_ms,
        growth_rounds_max,
        tick_ms,
        heartbeat_ms,
    } = parameters.timeouts;
    let calm = calm.timeouts;
    let wait = |ms: u32, calm: u32| (ms != calm).then(|| Dial::Fixed(Ms::new(u64::from(ms))));
    let rounds = u64::from(growth_rounds_max);
    Ok(Timeouts {
        propose_ms: wait(propose_ms, calm.propose_ms),
        prevote_ms: wait(prevote_ms, calm.prevote_ms),
        precommit_ms: wait(precommit_ms, calm.precommit_ms),
        growth_ms: wait(growth_ms, calm.growth_ms),
        growth_rounds_max: (growth_rounds_max != calm.growth_rounds_max)
            .then_some(Dial::Fixed(rounds)),
        tick_ms: wait(tick_ms, calm.tick_ms),
        heartbeat_ms: wait(heartbeat_ms, calm.heartbeat_ms),
    })
}

fn links(dials: &LinkDials) -> Result<Network, Unsayable> {
    let LinkDials {
        loss,
        duplicate,
        reorder,
        delay_min_ns,
        delay_cap_ns,
        damage,
        bandwidth_bytes,
        queue_bytes,
    } = *dials;
    let calm = LinkDials::CALM;
    let part =
        |ppm: crate::types::Ppm| (!ppm.is_never()).then(|| Dial::Fixed(u64::from(ppm.get())));
    let is_slow = (delay_min_ns, delay_cap_ns) != (calm.delay_min_ns, calm.delay_cap_ns);
    Ok(Network {
        loss_ppm: part(loss),
        duplicate_ppm: part(duplicate),
        reorder_ppm: part(reorder),
        delay_ms: is_slow.then(|| Dial::Fixed(Ms::of_ns(delay_min_ns))),
        delay_cap_ms: is_slow.then(|| Dial::Fixed(Ms::of_ns(delay_cap_ns))),
        damage_ppm: part(damage),
        bandwidth_kib: kib(bandwidth_bytes)?,
        queue_kib: kib(queue_bytes)?,
        stretch_percent: None,
    })
}

/// Where everybody stands, if anybody stands anywhere.
fn places(cities: &BTreeMap<NodeIndex, City>, validators: u16) -> Result<Vec<City>, Unsayable> {
    let everybody = (0..validators).map(NodeIndex::new);
    match cities.is_empty() {
        true => Ok(Vec::new()),
        false => everybody
            .map(|node| cities.get(&node).copied())
            .collect::<Option<_>>()
            .ok_or(Unsayable("cities of some nodes and not of others")),
    }
}

/// A limit in whole KiB, if there is one.
fn kib(bytes: u64) -> Result<Option<Dial<u64>>, Unsayable> {
    match bytes {
        u64::MAX => Ok(None),
        bytes if bytes.is_multiple_of(KIB) => Ok(Some(Dial::Fixed(bytes / KIB))),
        _ => Err(Unsayable("links whose limits are no whole KiB")),
    }
}

fn disks(dials: &DiskDials) -> Result<Disk, Unsayable> {
    let calm = DiskDials::CALM;
    let said = DiskDials {
        sync_min_ns: dials.sync_min_ns,
        sync_cap_ns: dials.sync_cap_ns,
        ..calm
    };
    if said != *dials {
        return Err(Unsayable("disks of all nodes that lie, fail or are full"));
    }
    Ok(Disk {
        sync_min_ms: unlike(dials.sync_min_ns, calm.sync_min_ns),
        sync_cap_ms: unlike(dials.sync_cap_ns, calm.sync_cap_ns),
    })
}

fn clients(dials: &WorkloadDials) -> Clients {
    let WorkloadDials {
        gap_min_ns,
        gap_cap_ns,
        patience_ns,
        burst,
        hot,
    } = *dials;
    let calm = WorkloadDials::CALM;
    Clients {
        gap_min_ms: unlike(gap_min_ns, calm.gap_min_ns),
        gap_cap_ms: unlike(gap_cap_ns, calm.gap_cap_ns),
        patience_ms: unlike(patience_ns, calm.patience_ns),
        burst: (burst != calm.burst).then_some(Dial::Fixed(burst)),
        hot_ppm: (!hot.is_never()).then(|| Dial::Fixed(u64::from(hot.get()))),
    }
}

/// Who is lost, and all other faults, one by one.
fn faults(scenario: &Scenario, horizon: SimTime) -> (Vec<Lost>, Vec<Single>) {
    let (mut lost, mut singles) = (Vec::new(), Vec::new());
    let mut unlost = scenario.lost.clone();
    // Whom a fault takes for good has no need of an entry.
    for taken in scenario
        .faults
        .iter()
        .filter_map(|timed| timed.fault.loses())
    {
        unlost.remove(&taken);
    }
    for Timed { at, fault } in &scenario.faults {
        let at_ms = Ms::of_ns(at.get());
        if *at >= horizon || !has_two_sides(fault, scenario.validators) {
            continue;
        }
        match loss(fault) {
            Some((node, by)) if unlost.remove(&node) => lost.push(Lost {
                nodes: this(node),
                by,
                at_ms: Dial::Fixed(at_ms),
            }),
            Some(_) | None => singles.push(Single {
                at_ms,
                what: fault.clone(),
            }),
        }
    }
    (lost, singles)
}

fn loss(fault: &Fault) -> Option<(NodeIndex, Loss)> {
    if let Fault::Crash(node) = fault {
        return Some((*node, Loss::Crash));
    }
    if let Fault::TokenGone(node) = fault {
        return Some((*node, Loss::Token));
    }
    None
}

/// A cut between nobody and everybody cuts nothing.
fn has_two_sides(fault: &Fault, validators: u16) -> bool {
    if let Fault::Partition { side, .. } | Fault::Mute { side } = fault {
        return !side.is_empty() && side.len() < usize::from(validators);
    }
    true
}

#[cfg(test)]
mod tests;
