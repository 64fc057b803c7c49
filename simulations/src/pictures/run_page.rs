//! The page of one run.
//!
//! Shape: what it came to, what was violated and by which certificates, the diagram and the tracks of its window, then the whole run.

use maud::{Markup, html};

use super::figure::Figure;
use super::frame::{facts, page, part};
use super::spacetime::{self, Diagram};
use super::window::{Choice, EmptyWindow, MESSAGES_MAX, Window};
use super::{Pages, certificates, liveness, track, verdict, whole, words};
use crate::history::History;
use crate::marks::Mark;
use crate::run::Report;
use crate::scenario::Scenario;

/// What the page of a run is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct RunPicture<'a> {
    /// What the run is called.
    pub title: &'a str,
    /// What its scenario shows, in a sentence.
    pub about: &'a str,
    /// What replays it.
    pub token: &'a str,
    /// What it came to.
    pub report: &'a Report,
    /// What was seen of it.
    pub history: &'a History,
    /// What it is made of.
    pub scenario: &'a Scenario,
    /// Which part the diagram shows.
    pub choice: &'a Choice,
    /// What made it, as names and values.
    pub provenance: &'a [(String, String)],
}

/// Draws the page of a run.
///
/// # Errors
/// [`EmptyWindow`], when nothing is in the part that was chosen.
pub fn draw_run(picture: &RunPicture<'_>) -> Result<Pages, EmptyWindow> {
    let RunPicture {
        report,
        history,
        scenario,
        ..
    } = picture;
    let empty = EmptyWindow {
        events: report.events,
        height: report.heights.get(),
    };
    let window = Window::of(history, picture.choice, scenario.validators).ok_or(empty)?;
    let diagram = Diagram::new(history, scenario, window);
    let end = crate::types::SimTime::new(report.sim_ns);
    let figures = whole::figures(history, scenario, end);
    let html = page(picture.title, &body(picture, window, &diagram, &figures));
    let space_time = ("space-time".to_owned(), diagram.file());
    let plots = figures.into_iter().map(|figure| (figure.name, figure.svg));
    Ok(Pages {
        html,
        plots: std::iter::once(space_time).chain(plots).collect(),
    })
}

fn body(
    picture: &RunPicture<'_>,
    window: Window,
    diagram: &Diagram<'_>,
    figures: &[Figure],
) -> Markup {
    let (history, scenario) = (picture.history, picture.scenario);
    html! {
        h1 { (picture.title) }
        p.muted { (picture.about) }
        (verdict::summary(picture.report, picture.token))
        (part("certificates", "Certificates", &certificates::draw(history, scenario)))
        (part("diagram", "Space-time diagram", &figure(picture, window, diagram)))
        (part("tracks", "What each validator signed, locked and decided", &track::draw(history, scenario, window)))
        (part("liveness", "Liveness against its bound", &liveness::draw(history)))
        (part("plots", "The whole run", &html! {
            div.plots { @for figure in figures { (figure.on_page()) } }
        }))
        (part("made-of", "What the run is made of", &made_of(picture)))
    }
}

fn figure(picture: &RunPicture<'_>, window: Window, diagram: &Diagram<'_>) -> Markup {
    html! {
        p { (shown(picture, window)) }
        (legend())
        div.diagram {
            @for (topic, name) in spacetime::arrows::TOPICS {
                @let id = format!("f-{}", spacetime::arrows::class(topic));
                input type="checkbox" checked id=(id);
                label.filter for=(id) { " " (name) }
            }
            div.scroll { (diagram.svg()) }
        }
    }
}

/// What the diagram shows, and what it leaves out.
fn shown(picture: &RunPicture<'_>, window: Window) -> String {
    let Window {
        from,
        to,
        messages,
        left_out,
        silent,
    } = window;
    let end = crate::types::SimTime::new(picture.report.sim_ns);
    let mut said = format!(
        "From {} (event {}) to {} (event {}) of {}: {}.",
        words::time(from.at),
        from.event,
        words::time(to.at),
        to.event,
        words::time(end),
        words::counted(messages.min(MESSAGES_MAX), "message"),
    );
    if messages > MESSAGES_MAX {
        said += &format!(
            " Left out for their number: the {} after these.",
            messages - MESSAGES_MAX
        );
    }
    if left_out > 0 {
        said += &format!(
            " Left out: {} before or after; falaj-sim report TOKEN --heights FROM..END or --events FROM..END shows others.",
            words::counted(left_out, "message")
        );
    }
    if silent > 0 {
        said += &format!(
            " Not drawn: {} that say nothing new.",
            words::counted(silent, "message")
        );
    }
    said + " Time runs downwards and is not to scale: what happens close together is drawn apart, quiet stretches are cut short and say how long they were."
}

fn legend() -> Markup {
    let areas = [
        ("liar", "a validator that lies"),
        ("down", "down"),
        ("cut", "cut off, or not heard"),
        ("trouble", "disk or token in trouble"),
    ];
    html! {
        ul.legend {
            @for (topic, name) in spacetime::arrows::TOPICS {
                li { span.sw.(spacetime::arrows::class(topic)) {} (name) }
            }
            li { span.sw.lost {} "lost, or found nobody ×" }
            @for (letter, class, meaning) in spacetime::signs::SIGNS {
                li { span.box.(class) { (letter) } (meaning) }
            }
            @for (class, meaning) in areas { li { span.box.(class) {} (meaning) } }
        }
        p.muted { "Point at an arrow or a sign to read all of it. The boxes take kinds of messages away." }
    }
}

fn made_of(picture: &RunPicture<'_>) -> Markup {
    let (report, scenario) = (picture.report, picture.scenario);
    let marks: Vec<String> = Mark::ALL
        .iter()
        .map(|mark| (mark, report.marks.count(*mark)))
        .filter(|(_, hits)| *hits > 0)
        .map(|(mark, hits)| format!("{} {hits}", mark.name()))
        .collect();
    let network = scenario.network;
    let mut rows = vec![
        ("seed", report.seed.to_string()),
        (
            "validators",
            format!(
                "{}, of which {} may be faulty",
                scenario.validators,
                scenario.fault_budget()
            ),
        ),
        ("liars", liars(scenario)),
        (
            "network",
            format!(
                "loss {} ppm, twice {} ppm, overtaking {} ppm, delay {} to {}",
                network.loss.get(),
                network.duplicate.get(),
                network.reorder.get(),
                words::duration(network.delay_min_ns),
                words::duration(network.delay_cap_ns)
            ),
        ),
        ("faults", faults(scenario)),
        ("heights", report.heights.to_string()),
        ("receipts", report.receipts.to_string()),
        ("events", report.events.to_string()),
        ("trace hash", report.trace_hash.to_string()),
        ("reached", marks.join(", ")),
    ];
    rows.retain(|(_, value)| !value.is_empty());
    let rows: Vec<(String, String)> = rows
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .chain(picture.provenance.iter().cloned())
        .collect();
    facts(&rows)
}

fn liars(scenario: &Scenario) -> String {
    let liars = scenario.byzantine.iter();
    let each: Vec<String> = liars
        .map(|(node, lies)| format!("{node}: {lies:?}"))
        .collect();
    each.join("; ")
}

fn faults(scenario: &Scenario) -> String {
    const SHOWN: usize = 12;
    let faults = scenario.faults.iter().take(SHOWN);
    let mut said: Vec<String> = faults
        .map(|timed| {
            let words = spacetime::troubles::said(Some(&timed.fault));
            format!("{} {words}", words::duration(timed.at.get()))
        })
        .collect();
    let more = scenario.faults.len().saturating_sub(SHOWN);
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    said.join("; ")
}
