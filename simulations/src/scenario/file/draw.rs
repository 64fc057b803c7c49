//! From a scenario file and a seed to a scenario.
//!
//! Invariant: a number is drawn at a site and place of its own, so that fixing one leaves every other where it was; what a class
//! draws is what it draws without a file, on the validators and the time that the file says.
//! Who calls it: [`super::File::scenario`], with a file that was checked.

mod entries;

use falaj_consensus::params::Timeouts as Waits;
use falaj_consensus::types::Height;

use self::entries::Entries;
use super::dial::{Dial, Ms, Unit};
use super::{Arithmetic, File};
use crate::chance::{Chance, Site};
use crate::cities::STRETCH_PERCENT;
use crate::network::KIB;
use crate::scenario::swarm::{Class, Swarm, shape};
use crate::scenario::{Scenario, Signatures};
use crate::types::{NodeIndex, Ppm, SimTime};

/// Until when there is trouble if nobody says.
const HORIZON_NS: u64 = 5_000_000_000;
/// A longest delay for a shortest one.
const TAIL: u64 = 4;

const TOP: Site = Site::new("scenario/file");
const TIMEOUTS: Site = Site::new("scenario/file/timeouts");
const NETWORK: Site = Site::new("scenario/file/network");
const DISK: Site = Site::new("scenario/file/disk");
const CLIENTS: Site = Site::new("scenario/file/clients");

pub(super) fn scenario(file: &File, seed: u64) -> Scenario {
    let classes = file.drawn.classes();
    let knobs = Knobs(Chance::new(seed));
    let mut scenario = shape(seed, &classes);
    knobs.top(file, &mut scenario);
    knobs.timeouts(file, &mut scenario.parameters.timeouts);
    knobs.network(file, &mut scenario);
    knobs.cities(file, &mut scenario);
    knobs.disk_and_clients(file, &mut scenario);
    let mut entries = Entries::new(seed, &mut scenario);
    entries.faulty(file);
    let chosen = |class: &Class| classes.contains(class);
    Swarm::new(seed, &mut scenario).faults(chosen);
    Entries::new(seed, &mut scenario).faults(file);
    scenario
}

struct Knobs(Chance);

impl Knobs {
    /// The number of a key, if the file has it; `place` is the key's own within its section.
    fn said<T: Unit>(&self, site: Site, place: u64, dial: Option<&Dial<T>>) -> Option<T> {
        dial.map(|dial| dial.value(self.0.draws(site, place).next().word(0)))
    }

    fn top(&self, file: &File, scenario: &mut Scenario) {
        if let Some(validators) = self.said(TOP, 0, file.validators.as_ref()) {
            scenario.validators = u16::try_from(validators).expect("a file was checked");
        }
        let nodes = (0..scenario.validators).map(NodeIndex::new);
        let powers = nodes.zip(file.powers.iter().copied().cycle());
        let unequal = powers.filter(|(_, power)| *power != 1);
        if !file.powers.is_empty() {
            scenario.powers = unequal.collect();
        }
        let horizon_ns = self.said(TOP, 1, file.horizon_ms.as_ref()).map(Ms::ns);
        let drawn = scenario.stabilise_at;
        let at = horizon_ns.map(SimTime::new).or(drawn);
        scenario.stabilise_at = Some(at.unwrap_or(SimTime::new(HORIZON_NS)));
        scenario.heights = self.said(TOP, 2, file.heights.as_ref()).map(Height::new);
        let gates = file.gate.iter();
        scenario.gates = gates
            .map(|gate| (gate.feature, Height::new(gate.from)))
            .collect();
        match file.signatures {
            Some(Arithmetic::Simulated) => scenario.signatures = Signatures::Simulated,
            Some(Arithmetic::Real) => scenario.signatures = Signatures::Real,
            None => {}
        }
    }

    /// Sets a knob to the number of a key, if the file has it.
    fn set<T: Unit, K>(
        &self,
        (site, place): (Site, u64),
        dial: &Option<Dial<T>>,
        knob: &mut K,
        meaning: impl Fn(T) -> K,
    ) {
        if let Some(value) = self.said(site, place, dial.as_ref()) {
            *knob = meaning(value);
        }
    }

    fn timeouts(&self, file: &File, waits: &mut Waits) {
        let said = &file.timeouts;
        let keys = [
            (&said.propose_ms, &mut waits.propose_ms),
            (&said.prevote_ms, &mut waits.prevote_ms),
            (&said.precommit_ms, &mut waits.precommit_ms),
            (&said.growth_ms, &mut waits.growth_ms),
            (&said.tick_ms, &mut waits.tick_ms),
            (&said.heartbeat_ms, &mut waits.heartbeat_ms),
        ];
        for (place, (dial, wait)) in (0..).zip(keys) {
            self.set((TIMEOUTS, place), dial, wait, |time: Ms| {
                whole(time.ns() / 1_000_000)
            });
        }
        let (rounds, last) = (&said.growth_rounds_max, &mut waits.growth_rounds_max);
        self.set((TIMEOUTS, 6), rounds, last, whole);
    }

    fn network(&self, file: &File, scenario: &mut Scenario) {
        let (said, dials) = (&file.network, &mut scenario.network);
        self.set((NETWORK, 0), &said.loss_ppm, &mut dials.loss, ppm);
        self.set((NETWORK, 1), &said.duplicate_ppm, &mut dials.duplicate, ppm);
        self.set((NETWORK, 2), &said.reorder_ppm, &mut dials.reorder, ppm);
        if let Some(delay) = self.said(NETWORK, 3, said.delay_ms.as_ref()) {
            dials.delay_min_ns = delay.ns();
            dials.delay_cap_ns = TAIL * delay.ns();
        }
        self.set((NETWORK, 5), &said.damage_ppm, &mut dials.damage, ppm);
        if let Some(kib) = self.said(NETWORK, 6, said.bandwidth_kib.as_ref()) {
            dials.bandwidth_bytes = kib * KIB;
            dials.queue_bytes = kib * KIB / 2;
        }
        let queue = &mut dials.queue_bytes;
        self.set((NETWORK, 7), &said.queue_kib, queue, |kib| kib * KIB);
        if let Some(cap) = self.said(NETWORK, 4, said.delay_cap_ms.as_ref()) {
            dials.delay_cap_ns = cap.ns().max(dials.delay_min_ns);
        }
    }

    fn cities(&self, file: &File, scenario: &mut Scenario) {
        let nodes = (0..scenario.validators).map(NodeIndex::new);
        scenario.cities = nodes.zip(file.cities.iter().copied().cycle()).collect();
        let stretch = self.said(NETWORK, 8, file.network.stretch_percent.as_ref());
        scenario.stretch_percent = stretch.unwrap_or(STRETCH_PERCENT);
    }

    fn disk_and_clients(&self, file: &File, scenario: &mut Scenario) {
        let (disk, clients) = (&file.disk, &file.clients);
        let (dials, work) = (&mut scenario.disk, &mut scenario.workload);
        let keys = [
            (DISK, 0, &disk.sync_min_ms, &mut dials.sync_min_ns),
            (DISK, 1, &disk.sync_cap_ms, &mut dials.sync_cap_ns),
            (CLIENTS, 0, &clients.gap_min_ms, &mut work.gap_min_ns),
            (CLIENTS, 1, &clients.gap_cap_ms, &mut work.gap_cap_ns),
            (CLIENTS, 2, &clients.patience_ms, &mut work.patience_ns),
        ];
        for (site, place, dial, ns) in keys {
            self.set((site, place), dial, ns, Ms::ns);
        }
        self.set((CLIENTS, 3), &clients.burst, &mut work.burst, |burst| burst);
        self.set((CLIENTS, 4), &clients.hot_ppm, &mut work.hot, ppm);
        dials.sync_cap_ns = dials.sync_cap_ns.max(dials.sync_min_ns);
        work.gap_cap_ns = work.gap_cap_ns.max(work.gap_min_ns);
    }
}

fn whole(number: u64) -> u32 {
    u32::try_from(number).expect("a file was checked")
}

fn ppm(parts: u64) -> Ppm {
    Ppm::new(u32::try_from(parts).expect("a file was checked"))
}
