//! Single faults against the same bounds as entries: nodes that exist, times within the trouble, numbers within their bounds.

use super::super::dial::{Dial, Ms};
use super::super::entries::Single;
use super::super::read::FileError;
use super::numbers::{CHANGES_MAX, HOUR, LEAST, PERCENT_MAX, POWER_MAX, TRANSACTIONS_MAX};
use super::{Contradiction, Facts, File, impossible, within};
use crate::fault::Fault;

type Checked = Result<(), FileError>;

pub(super) fn check(file: &File, facts: &Facts) -> Checked {
    file.fault.iter().try_for_each(|single| {
        time(single, facts)?;
        nodes(&single.what, facts)?;
        numbers(&single.what)
    })
}

fn time(single: &Single, facts: &Facts) -> Checked {
    let (at, horizon) = (single.at_ms, facts.horizon);
    if at < horizon {
        return Ok(());
    }
    let entry = "fault";
    Err(FileError::Contradiction(Contradiction::TooLate {
        entry,
        at,
        horizon,
    }))
}

fn nodes(fault: &Fault, facts: &Facts) -> Checked {
    let validators = facts.validators.0;
    let nodes = fault.nodes();
    let last = validators - 1;
    if let Some(node) = nodes.iter().find(|node| u64::from(node.get()) > last) {
        return Err(impossible("fault.what", node, &0, &last));
    }
    let is_cut = matches!(fault, Fault::Partition { .. } | Fault::Mute { .. });
    if is_cut && (nodes.is_empty() || nodes.len() as u64 >= validators) {
        return Err(FileError::Contradiction(Contradiction::NoOtherSide(
            "fault",
        )));
    }
    Ok(())
}

fn numbers(fault: &Fault) -> Checked {
    if let Fault::PowerCut { after_changes, .. } = fault {
        changes(*after_changes)?;
    }
    if let Fault::Restart {
        after_changes: Some(after_changes),
        ..
    } = fault
    {
        changes(*after_changes)?;
    }
    if let Fault::Reweigh { power, .. } = fault {
        within("fault.what.power", &Dial::Fixed(*power), 1, POWER_MAX)?;
    }
    if let Fault::Tune(tuning) = fault {
        let percent = Dial::Fixed(tuning.timers_percent);
        within("fault.what.timers_percent", &percent, 1, PERCENT_MAX)?;
        let most = Dial::Fixed(tuning.block_transactions.unwrap_or(1));
        within("fault.what.block_transactions", &most, 1, TRANSACTIONS_MAX)?;
    }
    if let Fault::Disk { dials, .. } = fault {
        ordered(dials.sync_min_ns, dials.sync_cap_ns)?;
    }
    if let Fault::WorstSchedule(dials) = fault {
        for ns in [dials.hold_ns, dials.delta_ns] {
            within("fault.what.dials", &Dial::Fixed(Ms::of_ns(ns)), LEAST, HOUR)?;
        }
    }
    if let Fault::Timers { dials, .. } = fault {
        for ns in [dials.early_ns, dials.late_ns] {
            let time = Dial::Fixed(Ms::of_ns(ns));
            within("fault.what.dials", &time, Ms::default(), HOUR)?;
        }
    }
    if let Fault::Token { dials, .. } = fault {
        ordered(dials.latency_min_ns, dials.latency_cap_ns)?;
    }
    Ok(())
}

fn changes(count: u64) -> Checked {
    within(
        "fault.what.after_changes",
        &Dial::Fixed(count),
        0,
        CHANGES_MAX,
    )
    .map(|_| ())
}

/// The shortest is no longer than the longest, and neither is beyond what an entry may say.
fn ordered(least_ns: u64, most_ns: u64) -> Checked {
    for ns in [least_ns, most_ns] {
        within("fault.what.dials", &Dial::Fixed(Ms::of_ns(ns)), LEAST, HOUR)?;
    }
    if least_ns <= most_ns {
        return Ok(());
    }
    let (least, most) = ("the least of fault.what.dials", "the greatest");
    Err(FileError::Contradiction(Contradiction::Reversed {
        least,
        most,
    }))
}
