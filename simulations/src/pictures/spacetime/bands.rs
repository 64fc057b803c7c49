//! What lasts: nodes that are down, cut off, without a token, or on slow disks.
//!
//! Shape: everything ends at stabilisation at the latest, but for what is down.

use maud::{Markup, html};

use super::Diagram;
use super::axis::px;
use crate::fault::Fault;
use crate::history::{History, What};
use crate::types::{NodeIndex, SimTime};

/// Something that lasts at some nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pictures) struct Band {
    /// From when.
    pub(in crate::pictures) from: SimTime,
    /// Until when.
    pub(in crate::pictures) to: SimTime,
    /// Where.
    pub(in crate::pictures) nodes: Vec<NodeIndex>,
    /// `down`, `cut` or `trouble`.
    pub(in crate::pictures) class: &'static str,
    /// What it is.
    pub(in crate::pictures) words: &'static str,
}

/// Everything that lasted in a run.
pub(in crate::pictures) fn bands(history: &History, end: SimTime) -> Vec<Band> {
    let mut bands = down(history, end);
    for (place, trouble) in history.troubles.iter().enumerate() {
        let Some((nodes, class, words)) = trouble.fault.as_ref().and_then(lasting) else {
            continue;
        };
        let later = history.troubles.iter().skip(place + 1);
        let mut ends = later.filter(|later| match &later.fault {
            None => true,
            Some(fault) => ended_by(class, words, &nodes, fault),
        });
        bands.push(Band {
            from: trouble.when.at,
            to: ends.next().map_or(end, |trouble| trouble.when.at),
            nodes,
            class,
            words,
        });
    }
    bands
}

/// From the end of a process to its next start.
fn down(history: &History, end: SimTime) -> Vec<Band> {
    let mut bands = Vec::new();
    for (place, deed) in history.deeds.iter().enumerate() {
        if deed.what != What::Ended {
            continue;
        }
        let mut later = history.deeds.iter().skip(place + 1);
        let start = later
            .find(|later| later.node == deed.node && matches!(later.what, What::Started { .. }));
        bands.push(Band {
            from: deed.when.at,
            to: start.map_or(end, |start| start.when.at),
            nodes: vec![deed.node],
            class: "down",
            words: "down",
        });
    }
    bands
}

/// Whom a fault hits for a while, and how.
fn lasting(fault: &Fault) -> Option<(Vec<NodeIndex>, &'static str, &'static str)> {
    if let Fault::Partition { side, .. } = fault {
        Some((side.clone(), "cut", "cut off from the others"))
    } else if let Fault::Mute { side } = fault {
        Some((side.clone(), "cut", "not heard by the others"))
    } else if let Fault::Pause(node) = fault {
        Some((vec![*node], "down", "stands still"))
    } else if let Fault::DiskFull(node) = fault {
        Some((vec![*node], "trouble", "disks full"))
    } else if let Fault::Diverge(node) = fault {
        Some((vec![*node], "trouble", "executes wrong"))
    } else if let Fault::OtherGenesis(node) = fault {
        Some((vec![*node], "trouble", "another genesis"))
    } else if let Fault::TokenGone(node) = fault {
        Some((vec![*node], "trouble", "token gone"))
    } else if let Fault::Token { node, .. } = fault {
        Some((vec![*node], "trouble", "troubled token"))
    } else if let Fault::Disk { node, .. } = fault {
        Some((vec![*node], "trouble", "troubled disk"))
    } else {
        None
    }
}

fn ended_by(class: &str, words: &str, nodes: &[NodeIndex], fault: &Fault) -> bool {
    if class == "cut" {
        return *fault == Fault::Heal;
    }
    let over = if let Fault::TokenBack(node) = fault {
        Some((node, "token gone"))
    } else if let Fault::Resume(node) = fault {
        Some((node, "stands still"))
    } else if let Fault::DiskRoom(node) = fault {
        Some((node, "disks full"))
    } else if let Fault::Mend(node) = fault {
        Some((node, "executes wrong"))
    } else {
        None
    };
    if let Some((node, what)) = over {
        return (nodes, words) == (&[*node], what);
    }
    lasting(fault).is_some_and(|(others, _, other)| (others.as_slice(), other) == (nodes, words))
}

pub(super) fn draw(diagram: &Diagram<'_>) -> Markup {
    let (from, to) = (diagram.window.from.at, diagram.window.to.at);
    let (lanes, axis, wide) = (&diagram.lanes, &diagram.axis, diagram.lanes.band());
    let all = bands(diagram.history, to);
    let seen = all.iter().filter(|band| band.from <= to && band.to >= from);
    html! {
        @for band in seen {
            @let (top, bottom) = (axis.y(band.from.max(from)), axis.y(band.to.min(to)));
            @for node in &band.nodes {
                rect.band.(band.class) x=(px(lanes.x(*node) - wide / 2.0)) y=(px(top)) width=(px(wide))
                    height=(px((bottom - top).max(2.0))) {
                    title { (node) ": " (band.words) }
                }
            }
        }
    }
}
