//! Every number of a scenario file against its bounds.
//!
//! Invariant: what passes fits the types of a [`crate::scenario::Scenario`] and the bounds of a genesis.
//! Source: `docs/guide/scenarios.md`, "Keys"; `consensus::params` for the timeouts.

use falaj_consensus::params::{Parameters, Timeouts};
use falaj_ledger::gate::GATES_MAX;

use super::super::dial::{Dial, Ms, Unit};
use super::super::read::FileError;
use super::super::{File, Who};
use super::{Contradiction, Facts, impossible, within};
use crate::fault::{Fault, Tuning};
use crate::scenario::local_parameters;
use crate::scenario::swarm::{Class, drawn_parameters};
use crate::types::Ppm;

pub(super) const HOUR: Ms = Ms::new(3_600_000);
const MINUTE: Ms = Ms::new(60_000);
/// A finer time would make more events than anybody waits for.
pub(super) const LEAST: Ms = Ms::of_ns(1_000);
const NS_PER_MS: u64 = 1_000_000;
const TIMES_MAX: u64 = 1_000;
pub(super) const CHANGES_MAX: u64 = 1_000_000;
const FACTOR_MAX: u64 = 1_000;
const BURST_MAX: u64 = 10_000;
/// A TiB, more than any link carries.
const KIB_MAX: u64 = 1 << 30;
/// Some hundred thousand kilometres from one side of the Earth to the other.
const STRETCH_MAX_PERCENT: u64 = 1_000;
const HEIGHTS_MAX: u64 = 1_000_000;
/// Enough for every ratio, and for sums that nobody has to think of.
pub(super) const POWER_MAX: u64 = 1 << 40;
/// Timers ten times as long as those of genesis.
pub(super) const PERCENT_MAX: u64 = 1_000;
/// What the ledger lets a block hold.
pub(super) const TRANSACTIONS_MAX: u64 = 1_000_000;
const SEEDS_MAX: u64 = 1_000_000_000;
/// The greatest number of a TOML file, with room for as many seeds after it.
const SEED_MAX: u64 = i64::MAX as u64 - SEEDS_MAX;
const DRIFT_MAX_PPM: i32 = 500_000;
/// A century, well above what a chain forgives.
const OFFSET_MAX_US: i64 = 3_155_760_000_000_000;

pub(super) fn check(file: &File, facts: &Facts) -> Result<(), FileError> {
    let seed = file.seed.map(Dial::Fixed);
    maybe("seed", seed.as_ref(), 0, SEED_MAX)?;
    maybe("heights", file.heights.as_ref(), 1, HEIGHTS_MAX)?;
    gates(file)?;
    within(
        "expect.seeds",
        &Dial::Fixed(file.expect.seeds),
        1,
        SEEDS_MAX,
    )?;
    for power in &file.powers {
        within("powers", &Dial::Fixed(*power), 1, POWER_MAX)?;
    }
    timeouts(file)?;
    sections(file)?;
    machines(file)?;
    cuts(file)?;
    processes(file)?;
    tokens(file)?;
    disks(file)?;
    nodes(file, facts)
}

type Checked = Result<(), FileError>;

fn maybe<T: Unit>(key: &str, dial: Option<&Dial<T>>, min: T, max: T) -> Checked {
    dial.map_or(Ok(()), |dial| within(key, dial, min, max).map(|_| ()))
}

fn part(key: &str, dial: Option<&Dial<u64>>) -> Checked {
    maybe(key, dial, 0, u64::from(Ppm::ALWAYS.get()))
}

/// The bounds of a genesis, and the one that joins two keys.
fn timeouts(file: &File) -> Checked {
    let waits = &file.timeouts;
    let whole = [
        ("timeouts.propose_ms", &waits.propose_ms, Ms::new(600_000)),
        ("timeouts.prevote_ms", &waits.prevote_ms, MINUTE),
        ("timeouts.precommit_ms", &waits.precommit_ms, MINUTE),
        ("timeouts.growth_ms", &waits.growth_ms, MINUTE),
        ("timeouts.tick_ms", &waits.tick_ms, MINUTE),
        (
            "timeouts.heartbeat_ms",
            &waits.heartbeat_ms,
            Ms::new(300_000),
        ),
    ];
    for (key, dial, max) in whole {
        maybe(key, dial.as_ref(), Ms::new(1), max)?;
    }
    let rounds = waits.growth_rounds_max.as_ref();
    maybe("timeouts.growth_rounds_max", rounds, 1, 10_000)?;
    timers(file)
}

/// The rule that joins the timers, at the worst that the dials can draw on each set of timers that the file leaves.
fn timers(file: &File) -> Checked {
    let chosen = file.drawn.classes().contains(&Class::Timeouts);
    let bases = if chosen {
        drawn_parameters().to_vec()
    } else {
        vec![local_parameters()]
    };
    let waits = &file.timeouts;
    for base in bases {
        let timers = base.timeouts;
        let (propose_ms, _) = ends_ms(&waits.propose_ms, timers.propose_ms);
        let (prevote_ms, _) = ends_ms(&waits.prevote_ms, timers.prevote_ms);
        let (_, tick_ms) = ends_ms(&waits.tick_ms, timers.tick_ms);
        let (shortest, longest) = ends_ms(&waits.precommit_ms, timers.precommit_ms);
        for precommit_ms in [shortest, longest] {
            let timeouts = Timeouts {
                propose_ms,
                prevote_ms,
                precommit_ms,
                tick_ms,
                ..timers
            };
            let worst = Parameters { timeouts, ..base };
            let wrong = |error| FileError::Contradiction(Contradiction::Timers(error));
            worst.check().map_err(wrong)?;
            for tuning in tunings(file) {
                tuning.of(worst).check().map_err(wrong)?;
            }
        }
    }
    Ok(())
}

/// The least and the greatest that the authority is to ask for.
fn tunings(file: &File) -> impl Iterator<Item = Tuning> {
    let ends = file.tune.iter().filter_map(|entry| {
        let percent = entry.timers_percent.as_ref();
        percent.and_then(Dial::ends)
    });
    let ends = ends.flat_map(|(low, high)| [low, high]);
    let asked = ends.map(|timers_percent| Tuning {
        timers_percent,
        block_transactions: None,
    });
    let singles = file.fault.iter().filter_map(|single| {
        if let Fault::Tune(tuning) = &single.what {
            Some(*tuning)
        } else {
            None
        }
    });
    asked.chain(singles)
}

/// Least and greatest of a timer in whole milliseconds, `unsaid` if the file does not have it.
fn ends_ms(dial: &Option<Dial<Ms>>, unsaid: u32) -> (u32, u32) {
    let whole = |time: Ms| u32::try_from(time.ns() / NS_PER_MS).unwrap_or(u32::MAX);
    let ends = dial.as_ref().and_then(Dial::ends);
    ends.map_or((unsaid, unsaid), |(low, high)| (whole(low), whole(high)))
}

fn sections(file: &File) -> Checked {
    let (network, disk, clients) = (&file.network, &file.disk, &file.clients);
    part("network.loss_ppm", network.loss_ppm.as_ref())?;
    part("network.duplicate_ppm", network.duplicate_ppm.as_ref())?;
    part("network.reorder_ppm", network.reorder_ppm.as_ref())?;
    part("network.damage_ppm", network.damage_ppm.as_ref())?;
    let stretch = network.stretch_percent.as_ref();
    maybe("network.stretch_percent", stretch, 100, STRETCH_MAX_PERCENT)?;
    let (carried, waiting) = (network.bandwidth_kib.as_ref(), network.queue_kib.as_ref());
    maybe("network.bandwidth_kib", carried, 1, KIB_MAX)?;
    maybe("network.queue_kib", waiting, 1, KIB_MAX)?;
    let delays = [network.delay_ms.as_ref(), network.delay_cap_ms.as_ref()];
    span(["network.delay_ms", "network.delay_cap_ms"], delays, MINUTE)?;
    let syncs = [disk.sync_min_ms.as_ref(), disk.sync_cap_ms.as_ref()];
    span(["disk.sync_min_ms", "disk.sync_cap_ms"], syncs, MINUTE)?;
    let gaps = [clients.gap_min_ms.as_ref(), clients.gap_cap_ms.as_ref()];
    span(["clients.gap_min_ms", "clients.gap_cap_ms"], gaps, HOUR)?;
    maybe("clients.burst", clients.burst.as_ref(), 1, BURST_MAX)?;
    part("clients.hot_ppm", clients.hot_ppm.as_ref())?;
    let patience = clients.patience_ms.as_ref();
    maybe("clients.patience_ms", patience, LEAST, HOUR)
}

/// A least and a greatest, each within its bounds and, where both are said, in order.
fn span(keys: [&'static str; 2], dials: [Option<&Dial<Ms>>; 2], max: Ms) -> Checked {
    let [low, high] = dials;
    maybe(keys[0], low, LEAST, max)?;
    maybe(keys[1], high, LEAST, max)?;
    let ends = low.and_then(Dial::ends).zip(high.and_then(Dial::ends));
    match ends {
        Some(((low, _), (_, high))) if low > high => {
            let [least, most] = keys;
            let contradiction = Contradiction::Reversed { least, most };
            Err(FileError::Contradiction(contradiction))
        }
        Some(_) | None => Ok(()),
    }
}

/// The same of entries that have `at_ms`, `for_ms` and `times`.
macro_rules! courses {
    ($file:ident: $($entry:ident)*) => {
        $(
            for entry in &$file.$entry {
                let (lasts, times) = (entry.for_ms.as_ref(), entry.times.as_ref());
                course(stringify!($entry), &entry.at_ms, lasts, times)?;
            }
        )*
    };
}

fn machines(file: &File) -> Checked {
    for entry in &file.slow {
        within("slow.factor", &entry.factor, 1, FACTOR_MAX)?;
    }
    for entry in &file.clock {
        let drift = -DRIFT_MAX_PPM..=DRIFT_MAX_PPM;
        if !drift.contains(&entry.drift_ppm) {
            let (key, value) = ("clock.drift_ppm", entry.drift_ppm);
            return Err(impossible(key, &value, drift.start(), drift.end()));
        }
        wall("clock.offset_us", entry.offset_us)?;
    }
    for entry in &file.clock_leap {
        at("clock_leap.at_ms", &entry.at_ms)?;
        wall("clock_leap.by_us", entry.by_us)?;
    }
    courses!(file: pause timers);
    for entry in &file.timers {
        maybe("timers.early_ms", entry.early_ms.as_ref(), LEAST, MINUTE)?;
        maybe("timers.late_ms", entry.late_ms.as_ref(), LEAST, MINUTE)?;
    }
    Ok(())
}

/// How far a wall clock may be from the right time.
fn wall(key: &str, us: i64) -> Checked {
    let far = -OFFSET_MAX_US..=OFFSET_MAX_US;
    if far.contains(&us) {
        Ok(())
    } else {
        Err(impossible(key, &us, far.start(), far.end()))
    }
}

fn at(key: &str, dial: &Dial<Ms>) -> Checked {
    within(key, dial, Ms::default(), HOUR).map(|_| ())
}

/// When something begins, how long it lasts, and how often it happens.
fn course(
    entry: &str,
    begins: &Dial<Ms>,
    lasts: Option<&Dial<Ms>>,
    times: Option<&Dial<u64>>,
) -> Checked {
    at(&format!("{entry}.at_ms"), begins)?;
    maybe(&format!("{entry}.for_ms"), lasts, LEAST, HOUR)?;
    maybe(&format!("{entry}.times"), times, 0, TIMES_MAX)
}

fn cuts(file: &File) -> Checked {
    courses!(file: partition mute eclipse);
    for entry in &file.worst_schedule {
        at("worst_schedule.at_ms", &entry.at_ms)?;
        within("worst_schedule.hold_ms", &entry.hold_ms, LEAST, MINUTE)?;
        let delta = entry.delta_ms.as_ref();
        maybe("worst_schedule.delta_ms", delta, LEAST, MINUTE)?;
    }
    for entry in &file.reset {
        course("reset", &entry.at_ms, None, entry.times.as_ref())?;
    }
    for entry in &file.swizzle {
        course("swizzle", &entry.at_ms, None, entry.times.as_ref())?;
        maybe("swizzle.over_ms", entry.over_ms.as_ref(), LEAST, HOUR)?;
    }
    file.heal
        .iter()
        .try_for_each(|entry| at("heal.at_ms", &entry.at_ms))
}

fn processes(file: &File) -> Checked {
    courses!(file: crash power_cut kill);
    for entry in &file.lost {
        at("lost.at_ms", &entry.at_ms)?;
    }
    for entry in &file.crash {
        let again = entry.again_after_changes.as_ref();
        changes("crash.again_after_changes", again)?;
    }
    for entry in &file.power_cut {
        changes("power_cut.after_changes", Some(&entry.after_changes))?;
        let again = entry.again_after_changes.as_ref();
        changes("power_cut.again_after_changes", again)?;
    }
    for entry in &file.restart {
        at("restart.at_ms", &entry.at_ms)?;
        let again = entry.again_after_changes.as_ref();
        changes("restart.again_after_changes", again)?;
    }
    Ok(())
}

fn changes(key: &str, dial: Option<&Dial<u64>>) -> Checked {
    maybe(key, dial, 0, CHANGES_MAX)
}

fn tokens(file: &File) -> Checked {
    courses!(file: token_gone token pin_locked key_missing leave reweigh rotate tune);
    for entry in &file.reweigh {
        within("reweigh.power", &entry.power, 1, POWER_MAX)?;
    }
    for entry in &file.tune {
        let percent = entry.timers_percent.as_ref();
        maybe("tune.timers_percent", percent, 1, PERCENT_MAX)?;
        let most = entry.block_transactions.as_ref();
        maybe("tune.block_transactions", most, 1, TRANSACTIONS_MAX)?;
    }
    for entry in &file.join {
        at("join.at_ms", &entry.at_ms)?;
    }
    for entry in &file.shared_key {
        at("shared_key.at_ms", &entry.at_ms)?;
    }
    for entry in &file.failover {
        at("failover.at_ms", &entry.at_ms)?;
        maybe("failover.lag_ms", entry.lag_ms.as_ref(), LEAST, HOUR)?;
    }
    for entry in &file.token_back {
        at("token_back.at_ms", &entry.at_ms)?;
    }
    for entry in &file.token {
        let (min, cap) = (&entry.latency_min_ms, &entry.latency_cap_ms);
        let keys = ["token.latency_min_ms", "token.latency_cap_ms"];
        span(keys, [min.as_ref(), cap.as_ref()], HOUR)?;
        part("token.session_loss_ppm", entry.session_loss_ppm.as_ref())?;
        part("token.lost_answer_ppm", entry.lost_answer_ppm.as_ref())?;
        part("token.wrong_answer_ppm", entry.wrong_answer_ppm.as_ref())?;
    }
    Ok(())
}

fn disks(file: &File) -> Checked {
    courses!(file: full_disk failing_disk);
    for entry in &file.rot {
        at("rot.at_ms", &entry.at_ms)?;
    }
    for entry in &file.old_image {
        at("old_image.at_ms", &entry.at_ms)?;
        at("old_image.age_ms", &entry.age_ms)?;
    }
    for entry in &file.lying_disk {
        at("lying_disk.at_ms", &entry.at_ms)?;
        part("lying_disk.sync_lies_ppm", Some(&entry.sync_lies_ppm))?;
        let restart = entry.restart_ms.as_ref();
        maybe("lying_disk.restart_ms", restart, LEAST, HOUR)?;
    }
    for entry in &file.misdirected_write {
        at("misdirected_write.at_ms", &entry.at_ms)?;
        let restart = entry.restart_ms.as_ref();
        maybe("misdirected_write.restart_ms", restart, LEAST, HOUR)?;
    }
    for entry in &file.failing_disk {
        let fails = Some(&entry.sync_fails_ppm);
        part("failing_disk.sync_fails_ppm", fails)?;
    }
    for entry in &file.bad_sector {
        at("bad_sector.at_ms", &entry.at_ms)?;
        let restart = entry.restart_ms.as_ref();
        maybe("bad_sector.restart_ms", restart, LEAST, HOUR)?;
    }
    for entry in &file.diverging {
        at("diverging.at_ms", &entry.at_ms)?;
    }
    for entry in &file.mismatched_genesis {
        at("mismatched_genesis.at_ms", &entry.at_ms)?;
    }
    for entry in &file.slow_disk {
        at("slow_disk.at_ms", &entry.at_ms)?;
        let keys = ["slow_disk.sync_min_ms", "slow_disk.sync_cap_ms"];
        let ends = [Some(&entry.sync_min_ms), entry.sync_cap_ms.as_ref()];
        span(keys, ends, MINUTE)?;
    }
    Ok(())
}

/// Nodes exist, and no more are picked than there are.
fn nodes(file: &File, facts: &Facts) -> Checked {
    macro_rules! named {
        ($($entry:ident.$field:ident)*) => {
            [$((
                concat!(stringify!($entry), ".", stringify!($field)),
                file.$entry.iter().map(|entry| &entry.$field).collect::<Vec<_>>(),
            ),)*]
        };
    }
    let (cities, most) = (file.cities.len() as u64, facts.validators.1);
    if cities > most {
        return Err(impossible("cities", &cities, &0, &most));
    }
    let powers = file.powers.len() as u64;
    if powers > most {
        return Err(impossible("powers", &powers, &0, &most));
    }
    // Too many liars have a refusal of their own.
    let faulty = named!(
        byzantine.nodes lost.nodes diverging.nodes bad_sector.nodes shared_key.nodes failover.nodes
        rot.nodes old_image.nodes lying_disk.nodes misdirected_write.nodes mismatched_genesis.nodes
    );
    for (key, who) in faulty {
        who.into_iter()
            .try_for_each(|who| exist(key, who, facts, u64::from(u16::MAX)))?;
    }
    let others = named!(
        clock.nodes slow.nodes partition.side mute.side crash.nodes power_cut.nodes restart.nodes
        token_gone.nodes token_back.nodes token.nodes slow_disk.nodes full_disk.nodes failing_disk.nodes pause.nodes
        clock_leap.nodes pin_locked.nodes key_missing.nodes kill.nodes reset.nodes eclipse.nodes swizzle.nodes
        timers.nodes leave.nodes reweigh.nodes rotate.nodes join.nodes
    );
    for (key, who) in others {
        who.into_iter()
            .try_for_each(|who| exist(key, who, facts, facts.validators.0))?;
    }
    Ok(())
}

fn exist(key: &str, who: &Who, facts: &Facts, most: u64) -> Checked {
    match who {
        Who::All(_) => Ok(()),
        Who::Any(any) => within(&format!("{key}.any"), &any.any, 0, most).map(|_| ()),
        Who::These(nodes) => {
            let last = facts.validators.0 - 1;
            match nodes.iter().find(|node| u64::from(**node) > last) {
                None => Ok(()),
                Some(node) => Err(impossible(key, node, &0, &last)),
            }
        }
    }
}

fn gates(file: &File) -> Result<(), FileError> {
    file.gate.iter().try_for_each(|gate| {
        within(
            "gate.feature",
            &Dial::Fixed(u64::from(gate.feature)),
            0,
            u64::from(GATES_MAX) - 1,
        )?;
        within("gate.from", &Dial::Fixed(gate.from), 1, HEIGHTS_MAX)?;
        Ok(())
    })
}
