//! Messages as arrows.

use maud::{Markup, html};

use super::Diagram;
use super::axis::px;
use crate::history::{Fate, Message, Topic};
use crate::pictures::words;

/// What a topic is called in the style sheet.
pub(in crate::pictures) const fn class(topic: Topic) -> &'static str {
    match topic {
        Topic::Proposal => "proposal",
        Topic::Prevote => "prevote",
        Topic::Precommit => "precommit",
        Topic::Certificate => "certificate",
        Topic::Data | Topic::Nothing => "data",
    }
}

/// Every topic that is drawn.
pub(in crate::pictures) const TOPICS: [(Topic, &str); 5] = [
    (Topic::Proposal, "proposals"),
    (Topic::Prevote, "prevotes"),
    (Topic::Precommit, "precommits"),
    (Topic::Certificate, "polkas and certificates"),
    (Topic::Data, "blocks, batches, requests"),
];

/// The heads of the arrows, and the hatching.
pub(super) fn heads() -> Markup {
    html! {
        defs {
            @for (topic, _) in TOPICS {
                marker id=(format!("head-{}", class(topic))) viewBox="0 0 8 8" refX="7.5" refY="4"
                    markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto" {
                    path.head.(class(topic)) d="M0 0.6 L8 4 L0 7.4 z" {}
                }
            }
            pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line.hatch x1="0" x2="0" y1="0" y2="7" {}
            }
        }
    }
}

pub(super) fn draw(diagram: &Diagram<'_>) -> Markup {
    html! {
        @for message in diagram.window.drawn(diagram.history) {
            (arrow(diagram, message))
        }
    }
}

fn arrow(diagram: &Diagram<'_>, message: &Message) -> Markup {
    let (lanes, axis, last) = (&diagram.lanes, &diagram.axis, diagram.window.to.at);
    let (x, y) = (lanes.x(message.from), axis.y(message.sent.at));
    let (to_x, class) = (lanes.x(message.to), class(message.content.topic));
    let (end_x, end_y, arrives) = match message.fate {
        Fate::Arrives(at) if at <= last => (to_x, axis.y(at), true),
        Fate::Missed(at) if at <= last => (to_x, axis.y(at), false),
        Fate::Arrives(_) => (x + (to_x - x) * 0.6, axis.end() + 10.0, true),
        Fate::Missed(_) | Fate::Lost => (x + (to_x - x) * 0.6, y + 14.0, false),
    };
    let path = format!("M{x:.1} {y:.1} L{end_x:.1} {end_y:.1}");
    let head = format!("url(#head-{class})");
    html! {
        @if arrives {
            path.arrow.(class) d=(path) marker-end=(head) { title { (told(message, last)) } }
        } @else {
            g.arrow.lost.(class) {
                path d=(path) { title { (told(message, last)) } }
                text x=(px(end_x)) y=(px(end_y + 5.0)) text-anchor="middle" { "×" }
            }
        }
    }
}

/// Everything about a message, for whoever points at it.
fn told(message: &Message, last: crate::types::SimTime) -> String {
    let Message {
        sent,
        from,
        to,
        content,
        fate,
    } = message;
    let fate = match fate {
        Fate::Arrives(at) if *at > last => "still on its way at the end of the picture".to_owned(),
        Fate::Arrives(at) => format!(
            "arrives after {}",
            words::duration(at.get() - sent.at.get())
        ),
        Fate::Missed(at) => format!(
            "comes to nothing at {}: a cut link, a dead node, or damage",
            words::time(*at)
        ),
        Fate::Lost => "is lost".to_owned(),
    };
    format!(
        "{from} to {to}: {}\nsent at {}, event {}; {fate}",
        content.words,
        words::time(sent.at),
        sent.event
    )
}
