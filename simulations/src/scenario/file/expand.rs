//! A scenario file with every default written out, for the record of a campaign.
//!
//! Invariant: the expanded file gives the same scenario for every seed; what a class draws stays unsaid.

use super::dial::{Dial, Ms};
use super::{Arithmetic, File};
use crate::scenario::Scenario;
use crate::scenario::swarm::Class;

const VALIDATORS: u16 = 4;
/// A longest delay for a shortest one.
const TAIL: u64 = 4;

pub(super) fn expanded(file: &File) -> File {
    let mut file = file.clone();
    let drawn = file.drawn.classes();
    let calm = Scenario::calm(VALIDATORS);
    let said = |class| !drawn.contains(&class);
    if said(Class::Validators) {
        fill(&mut file.validators, u64::from(VALIDATORS));
    }
    if said(Class::Horizon) {
        fill(&mut file.horizon_ms, super::check::CALM_HORIZON);
    }
    if said(Class::Signatures) {
        file.signatures.get_or_insert(Arithmetic::Simulated);
    }
    if said(Class::Timeouts) {
        timeouts(&mut file, &calm);
    }
    if !file.cities.is_empty() {
        fill(&mut file.network.stretch_percent, calm.stretch_percent);
    }
    network(&mut file, &calm, said(Class::Network));
    if said(Class::Disk) {
        fill(&mut file.disk.sync_min_ms, Ms::of_ns(calm.disk.sync_min_ns));
        fill(&mut file.disk.sync_cap_ms, Ms::of_ns(calm.disk.sync_cap_ns));
    }
    let clients = &mut file.clients;
    if said(Class::Clients) {
        fill(&mut clients.gap_min_ms, Ms::of_ns(calm.workload.gap_min_ns));
        fill(&mut clients.burst, calm.workload.burst);
        fill(&mut clients.hot_ppm, u64::from(calm.workload.hot.get()));
    }
    fill(&mut clients.gap_cap_ms, Ms::of_ns(calm.workload.gap_cap_ns));
    fill(
        &mut clients.patience_ms,
        Ms::of_ns(calm.workload.patience_ns),
    );
    file
}

fn fill<T>(dial: &mut Option<Dial<T>>, value: T) {
    dial.get_or_insert(Dial::Fixed(value));
}

fn timeouts(file: &mut File, calm: &Scenario) {
    let (waits, calm) = (&mut file.timeouts, calm.parameters.timeouts);
    let ms = |ms: u32| Ms::new(u64::from(ms));
    fill(&mut waits.propose_ms, ms(calm.propose_ms));
    fill(&mut waits.prevote_ms, ms(calm.prevote_ms));
    fill(&mut waits.precommit_ms, ms(calm.precommit_ms));
    fill(&mut waits.growth_ms, ms(calm.growth_ms));
    fill(&mut waits.tick_ms, ms(calm.tick_ms));
    fill(&mut waits.heartbeat_ms, ms(calm.heartbeat_ms));
    fill(
        &mut waits.growth_rounds_max,
        u64::from(calm.growth_rounds_max),
    );
}

/// A longest delay follows from a shortest one that is fixed; of a drawn one it is drawn with it.
fn network(file: &mut File, calm: &Scenario, said: bool) {
    let network = &mut file.network;
    match &network.delay_ms {
        Some(Dial::Fixed(delay)) => {
            let longest = Ms::of_ns(TAIL * delay.ns());
            fill(&mut network.delay_cap_ms, longest);
        }
        Some(Dial::Drawn(_)) => {}
        None if said => {
            fill(
                &mut network.delay_cap_ms,
                Ms::of_ns(calm.network.delay_cap_ns),
            );
            fill(&mut network.delay_ms, Ms::of_ns(calm.network.delay_min_ns));
        }
        None => {}
    }
    if said {
        fill(&mut network.loss_ppm, 0);
        fill(&mut network.duplicate_ppm, 0);
        fill(&mut network.reorder_ppm, 0);
        fill(&mut network.damage_ppm, 0);
    }
}
