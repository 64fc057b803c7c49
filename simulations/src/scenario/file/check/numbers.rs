//! Every number of a scenario file against its bounds.
//!
//! Invariant: what passes fits the types of a [`crate::scenario::Scenario`] and the bounds of a genesis.
//! Source: `docs/guide/scenarios.md`, "Keys"; `consensus::params` for the timeouts.

use falaj_consensus::params::{Parameters, Timeouts};

use super::super::dial::{Dial, Ms, Unit};
use super::super::read::FileError;
use super::super::{File, Who};
use super::{Contradiction, Facts, impossible, within};
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
const HEIGHTS_MAX: u64 = 1_000_000;
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
    within(
        "expect.seeds",
        &Dial::Fixed(file.expect.seeds),
        1,
        SEEDS_MAX,
    )?;
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
        }
    }
    Ok(())
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
    let times = [
        ("network.delay_ms", &network.delay_ms, MINUTE),
        ("network.delay_cap_ms", &network.delay_cap_ms, MINUTE),
        ("disk.sync_min_ms", &disk.sync_min_ms, MINUTE),
        ("disk.sync_cap_ms", &disk.sync_cap_ms, MINUTE),
        ("clients.gap_min_ms", &clients.gap_min_ms, HOUR),
        ("clients.gap_cap_ms", &clients.gap_cap_ms, HOUR),
        ("clients.patience_ms", &clients.patience_ms, HOUR),
    ];
    for (key, dial, max) in times {
        maybe(key, dial.as_ref(), LEAST, max)?;
    }
    ordered(
        "network.delay_ms",
        &network.delay_ms,
        "network.delay_cap_ms",
        &network.delay_cap_ms,
    )?;
    ordered(
        "disk.sync_min_ms",
        &disk.sync_min_ms,
        "disk.sync_cap_ms",
        &disk.sync_cap_ms,
    )?;
    ordered(
        "clients.gap_min_ms",
        &clients.gap_min_ms,
        "clients.gap_cap_ms",
        &clients.gap_cap_ms,
    )
}

/// The least stays below the greatest, where both are said.
fn ordered(
    least: &'static str,
    low: &Option<Dial<Ms>>,
    most: &'static str,
    high: &Option<Dial<Ms>>,
) -> Checked {
    let ends = low
        .as_ref()
        .and_then(Dial::ends)
        .zip(high.as_ref().and_then(Dial::ends));
    match ends {
        Some(((low, _), (_, high))) if low > high => Err(reversed(least, most)),
        Some(_) | None => Ok(()),
    }
}

fn reversed(least: &'static str, most: &'static str) -> FileError {
    FileError::Contradiction(Contradiction::Reversed { least, most })
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
        let offset = -OFFSET_MAX_US..=OFFSET_MAX_US;
        if !offset.contains(&entry.offset_us) {
            let (key, value) = ("clock.offset_us", entry.offset_us);
            return Err(impossible(key, &value, offset.start(), offset.end()));
        }
    }
    Ok(())
}

fn at(key: &str, dial: &Dial<Ms>) -> Checked {
    within(key, dial, Ms::default(), HOUR).map(|_| ())
}

fn lasts(key: &str, dial: Option<&Dial<Ms>>) -> Checked {
    maybe(key, dial, LEAST, HOUR)
}

fn times(key: &str, dial: Option<&Dial<u64>>) -> Checked {
    maybe(key, dial, 0, TIMES_MAX)
}

fn cuts(file: &File) -> Checked {
    for entry in &file.partition {
        at("partition.at_ms", &entry.at_ms)?;
        lasts("partition.for_ms", entry.for_ms.as_ref())?;
        times("partition.times", entry.times.as_ref())?;
    }
    for entry in &file.mute {
        at("mute.at_ms", &entry.at_ms)?;
        lasts("mute.for_ms", entry.for_ms.as_ref())?;
        times("mute.times", entry.times.as_ref())?;
    }
    file.heal
        .iter()
        .try_for_each(|entry| at("heal.at_ms", &entry.at_ms))
}

fn processes(file: &File) -> Checked {
    for entry in &file.lost {
        at("lost.at_ms", &entry.at_ms)?;
    }
    for entry in &file.crash {
        at("crash.at_ms", &entry.at_ms)?;
        lasts("crash.for_ms", entry.for_ms.as_ref())?;
        let again = entry.again_after_changes.as_ref();
        maybe("crash.again_after_changes", again, 0, CHANGES_MAX)?;
        times("crash.times", entry.times.as_ref())?;
    }
    for entry in &file.power_cut {
        at("power_cut.at_ms", &entry.at_ms)?;
        within(
            "power_cut.after_changes",
            &entry.after_changes,
            0,
            CHANGES_MAX,
        )?;
        lasts("power_cut.for_ms", entry.for_ms.as_ref())?;
        let again = entry.again_after_changes.as_ref();
        maybe("power_cut.again_after_changes", again, 0, CHANGES_MAX)?;
        times("power_cut.times", entry.times.as_ref())?;
    }
    for entry in &file.restart {
        at("restart.at_ms", &entry.at_ms)?;
        let again = entry.again_after_changes.as_ref();
        maybe("restart.again_after_changes", again, 0, CHANGES_MAX)?;
    }
    Ok(())
}

fn tokens(file: &File) -> Checked {
    for entry in &file.token_gone {
        at("token_gone.at_ms", &entry.at_ms)?;
        lasts("token_gone.for_ms", entry.for_ms.as_ref())?;
        times("token_gone.times", entry.times.as_ref())?;
    }
    for entry in &file.token_back {
        at("token_back.at_ms", &entry.at_ms)?;
    }
    for entry in &file.token {
        at("token.at_ms", &entry.at_ms)?;
        lasts("token.for_ms", entry.for_ms.as_ref())?;
        times("token.times", entry.times.as_ref())?;
        maybe(
            "token.latency_min_ms",
            entry.latency_min_ms.as_ref(),
            LEAST,
            HOUR,
        )?;
        maybe(
            "token.latency_cap_ms",
            entry.latency_cap_ms.as_ref(),
            LEAST,
            HOUR,
        )?;
        let (min, cap) = (&entry.latency_min_ms, &entry.latency_cap_ms);
        ordered("token.latency_min_ms", min, "token.latency_cap_ms", cap)?;
        part("token.session_loss_ppm", entry.session_loss_ppm.as_ref())?;
        part("token.lost_answer_ppm", entry.lost_answer_ppm.as_ref())?;
    }
    Ok(())
}

fn disks(file: &File) -> Checked {
    for entry in &file.slow_disk {
        at("slow_disk.at_ms", &entry.at_ms)?;
        within("slow_disk.sync_min_ms", &entry.sync_min_ms, LEAST, MINUTE)?;
        maybe(
            "slow_disk.sync_cap_ms",
            entry.sync_cap_ms.as_ref(),
            LEAST,
            MINUTE,
        )?;
        let least = Some(entry.sync_min_ms.clone());
        let most = &entry.sync_cap_ms;
        ordered(
            "slow_disk.sync_min_ms",
            &least,
            "slow_disk.sync_cap_ms",
            most,
        )?;
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
    // Too many liars have a refusal of their own.
    let faulty = named!(byzantine.nodes lost.nodes);
    for (key, who) in faulty {
        who.into_iter()
            .try_for_each(|who| exist(key, who, facts, u64::from(u16::MAX)))?;
    }
    let others = named!(
        clock.nodes slow.nodes partition.side mute.side crash.nodes power_cut.nodes restart.nodes
        token_gone.nodes token_back.nodes token.nodes slow_disk.nodes
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
