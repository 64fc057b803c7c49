//! What a run came to, in plain words, and what the oracle that found something holds every run to.
//!
//! Source: `docs/simulation.md`, "Oracles".

use maud::{Markup, html};

use crate::run::{LIVENESS, PANIC, Report, Verdict};

/// The name of a verdict on its colour.
pub(super) fn badge(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::SafeLive => "good",
        Verdict::Inconclusive => "warn",
        Verdict::NotLive | Verdict::Error | Verdict::Unsafe => "bad",
    };
    html! { span.verdict.(class) data-verdict=(verdict.name()) { (verdict.name()) } }
}

/// What a verdict says.
pub(super) const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::SafeLive => "Nothing was wrong, and everything was decided in time.",
        Verdict::Inconclusive => {
            "Nothing was wrong, but not all was reached that was to be tested."
        }
        Verdict::NotLive => "Something was not decided within its bound.",
        Verdict::Error => "The simulator, or something in it, failed.",
        Verdict::Unsafe => "An oracle found something that must never happen.",
    }
}

/// What an oracle holds every run to; none for one that this page has no words for.
pub(super) fn property(oracle: &str) -> Option<&'static str> {
    let words = match oracle {
        "agreement" => {
            "No two correct nodes ever decide differently at one height, and what was final is still there after a restart."
        }
        "validity" => {
            "Every decided block is a valid successor of its parent by a reference function, whose turn it was included."
        }
        "certificates" => {
            "Every certificate that is sent or acted on has distinct members with more than two thirds of the power, and only signatures that were made for it."
        }
        "double sign" => {
            "A correct validator's key signs one thing for a height, round and kind, over its whole life."
        }
        "rule conformance" => {
            "Every statement of a correct node is allowed by the rules, given what it has received and said."
        }
        "durable before disclosed" => {
            "What a node speaks of is on its disk before the words leave it."
        }
        "conservation" => {
            "Balances and supply are those of an independent double-entry model, at every height."
        }
        "acknowledged" => {
            "What a client was told of its payment stays so at every node, and what is asked for later comes later."
        }
        "accountability" => {
            "When the chain forks although at most twice as many lie as consensus bears, correct nodes can prove who lied, and nobody correct is ever accused."
        }
        "exactly once" => "What is executed was issued by a client, and is executed once.",
        "alarms" => {
            "No correct node calls for people, asks for what its guard must refuse, or is accused."
        }
        "recovery" => "A correct node always starts again from what a crash has left.",
        LIVENESS => {
            "Once the network has stabilised, what is owed is done within a bound that is computed beforehand."
        }
        PANIC => "No belief of the program is ever found broken.",
        _ => return None,
    };
    Some(words)
}

/// Verdict, what was wrong, and how to see it again.
pub(super) fn summary(report: &Report, token: &str) -> Markup {
    let fails = report.verdict > Verdict::Inconclusive;
    html! {
        p { (badge(report.verdict)) " " (meaning(report.verdict)) }
        @if !report.finding.is_empty() {
            div.finding id="finding" {
                strong { "Violated: " (report.oracle) ". " }
                @if let Some(words) = property(report.oracle) { (words) }
                br;
                code { (report.finding) }
            }
        }
        p { "This run again, event by event the same, and where every node stands at its end"
            @if fails { ", and the least scenario that fails in the same way" } ":" }
        pre id="replay" {
            "TOKEN=" (token)
            "\nfalaj-sim replay $TOKEN\nfalaj-sim step $TOKEN --at " (report.events)
            @if fails { "\nfalaj-sim minimise $TOKEN --out smaller.toml" }
        }
    }
}
