//! Faults as they begin or end: a line across all lanes.

use maud::{Markup, html};

use super::Diagram;
use super::axis::px;
use crate::fault::Fault;
use crate::types::NodeIndex;

pub(super) fn draw(diagram: &Diagram<'_>) -> Markup {
    let (left, right) = (diagram.lanes.left() - 20.0, diagram.lanes.right() + 20.0);
    let troubles = diagram.history.troubles.iter();
    let seen = troubles.filter(|trouble| diagram.window.holds(trouble.when));
    let mut above = f64::MIN;
    let lines: Vec<(f64, f64, String, bool)> = seen
        .map(|trouble| {
            let y = diagram.axis.y(trouble.when.at);
            let words_y = (y - 4.0).max(above + 12.0);
            above = words_y;
            let stable = trouble.fault.is_none();
            (y, words_y, said(trouble.fault.as_ref()), stable)
        })
        .collect();
    html! {
        @for (y, words_y, words, stable) in lines {
            line.fault.stable[stable] x1=(px(left)) x2=(px(right)) y1=(px(y)) y2=(px(y)) {}
            text.fault.stable[stable] x=(px(left + 26.0)) y=(px(words_y)) { (words) }
        }
    }
}

/// A fault in words.
pub(in crate::pictures) fn said(fault: Option<&Fault>) -> String {
    let Some(fault) = fault else {
        return "the network stabilises: all trouble ends, liveness is owed".to_owned();
    };
    if let Fault::Partition { side, .. } = fault {
        format!("partition: {} cut off", list(side))
    } else if let Fault::Mute { side } = fault {
        format!("{} not heard any more", list(side))
    } else if *fault == Fault::Heal {
        "all links carry again".to_owned()
    } else if let Fault::Crash(node) = fault {
        format!("{node} is killed")
    } else if let Fault::PowerCut { node, .. } = fault {
        format!("the power of {node} is about to go")
    } else if let Fault::Restart { node, .. } = fault {
        format!("{node} is started again")
    } else if let Fault::Pause(node) = fault {
        format!("{node} stands still")
    } else if let Fault::Resume(node) = fault {
        format!("{node} goes on")
    } else if let Fault::DiskFull(node) = fault {
        format!("the disks of {node} are full")
    } else if let Fault::DiskRoom(node) = fault {
        format!("the disks of {node} have room again")
    } else if let Fault::Diverge(node) = fault {
        format!("{node} executes wrong from now on")
    } else if let Fault::OtherGenesis(node) = fault {
        format!("{node} is set up from another genesis")
    } else if let Fault::Mend(node) = fault {
        format!("{node} has a right program for its next start")
    } else if let Fault::Program { node, features } = fault {
        format!("{node} gets a program that supports features {features:b}")
    } else if let Fault::BadSector { node, log, .. } = fault {
        format!("a sector of {node}'s {} log goes bad", log.name())
    } else if let Fault::Misdirect { node, log, .. } = fault {
        format!("a write of {node}'s {} log goes elsewhere", log.name())
    } else if let Fault::WorstSchedule(dials) = fault {
        let [hold, delta] = [dials.hold_ns, dials.delta_ns].map(|ns| ns / 1_000_000);
        format!("somebody chooses when messages arrive, up to {hold} ms late, at last {delta} ms")
    } else if let Fault::Timers { node, dials } = fault {
        let [early, late] = [dials.early_ns, dials.late_ns].map(|ns| ns / 1_000_000);
        format!("timers of {node} up to {early} ms early, {late} ms late")
    } else if let Fault::ClockLeap { node, by_us } = fault {
        format!("the clock of {node} leaps by {} ms", by_us / 1_000)
    } else if let Fault::TokenGone(node) = fault {
        format!("the token of {node} is taken out")
    } else if let Fault::TokenBack(node) = fault {
        format!("the token of {node} is put back")
    } else if let Fault::Token { node, .. } = fault {
        format!("the token of {node} gets into trouble")
    } else if let Fault::Disk { node, log, .. } = fault {
        format!("the {} log's disk of {node} gets into trouble", log.name())
    } else {
        format!("{fault:?}")
    }
}

fn list(nodes: &[NodeIndex]) -> String {
    let names: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    names.join(", ")
}
