//! The certificates of a run: two that contradict each other with all who signed both, or those that agree.
//!
//! Shape: of a fork the first two decisions of the first height that was forked; otherwise the last heights.

use std::collections::{BTreeMap, BTreeSet};

use falaj_consensus::types::{Height, ValidatorIndex};
use maud::{Markup, html};

use super::frame::facts;
use super::words;
use crate::history::{Decision, History, Seen, says};
use crate::scenario::Scenario;

/// How many heights are listed where nothing is wrong.
const HEIGHTS: usize = 8;

pub(super) fn draw(history: &History, scenario: &Scenario) -> Markup {
    match history.fork() {
        Some((one, other)) => fork(scenario, history, one, other),
        None => agreed(history),
    }
}

fn fork(scenario: &Scenario, history: &History, one: Seen<'_>, other: Seen<'_>) -> Markup {
    let both: BTreeSet<ValidatorIndex> = {
        let others: BTreeSet<ValidatorIndex> = other.certificate.signers.iter().collect();
        let signers = one.certificate.signers.iter();
        signers.filter(|signer| others.contains(signer)).collect()
    };
    let names: Vec<String> = both
        .iter()
        .map(|signer| words::validator(*signer))
        .collect();
    let height = one.certificate.height;
    html! {
        p {
            "Height " (height) " has two commit certificates that contradict each other. Each has precommits of more than two thirds of the validators, so some signed both: here "
            strong { (both.len()) " of " (scenario.validators) } ". Consensus bears " (scenario.fault_budget()) " that lie."
        }
        p id="signed-both" {
            @if names.is_empty() {
                "Nobody signed both: one of the two has fewer signatures than it needs."
            } @else {
                strong { "Signed both: " (names.join(", ")) "." } " " (why(one, other))
            }
        }
        div.cards {
            (card("one", "One certificate", one, history, &both))
            (card("other", "The other certificate", other, history, &both))
        }
    }
}

/// What it means to have signed both.
fn why(one: Seen<'_>, other: Seen<'_>) -> String {
    let (round, later) = (one.certificate.round, other.certificate.round);
    if round == later {
        format!(
            "Both are of round {round}: two precommits under one key in one round, which a correct validator never makes."
        )
    } else {
        format!(
            "One is of round {round}, the other of round {later}: validators prevoted against their locks. A correct one may follow a newer polka, so who lied are those of whom the tracks show two values in a round, or a prevote against a lock."
        )
    }
}

fn card(
    class: &str,
    heading: &str,
    seen: Seen<'_>,
    history: &History,
    both: &BTreeSet<ValidatorIndex>,
) -> Markup {
    let certificate = seen.certificate;
    let decisions = history.decisions.iter();
    let alike = decisions.filter(|decision| {
        decision.certificate.height == certificate.height
            && says(&decision.certificate) == says(certificate)
    });
    let holders: Vec<String> = alike.map(|decision| decision.node.to_string()).collect();
    let holders = if holders.is_empty() {
        format!("nobody yet; {} holds it against its own", seen.node)
    } else {
        holders.join(", ")
    };
    let rows = [
        (
            "height/round",
            format!("{}/{}", certificate.height, certificate.round),
        ),
        ("block", certificate.id.hash().to_hex()),
        ("outcome", certificate.outcome.hash().to_hex()),
        ("decided by", holders),
        (
            "first seen",
            format!("{}, event {}", words::time(seen.when.at), seen.when.event),
        ),
    ];
    let rows: Vec<(String, String)> = rows.map(|(name, value)| (name.to_owned(), value)).into();
    html! {
        div.card.certificate.(class) {
            h3 { (heading) }
            (facts(&rows))
            p.signers { "Signed by " @for signer in certificate.signers.iter() {
                span.chip.both[both.contains(&signer)] { (words::validator(signer)) }
            } }
        }
    }
}

/// What is known of a height that all agree on.
struct Agreed<'a> {
    first: &'a Decision,
    nodes: usize,
}

fn agreed(history: &History) -> Markup {
    let mut heights: BTreeMap<Height, Agreed<'_>> = BTreeMap::new();
    for decision in &history.decisions {
        let height = decision.certificate.height;
        let agreed = heights.entry(height).or_insert(Agreed {
            first: decision,
            nodes: 0,
        });
        agreed.nodes += 1;
    }
    let total = heights.len();
    let shown = heights.iter().rev().take(HEIGHTS);
    html! {
        p {
            "No two certificates contradict each other: " (words::counted(total, "height")) " decided, in "
            (words::counted(history.decisions.len(), "decision")) " of single nodes."
            @if total > HEIGHTS { " The last " (HEIGHTS) " are shown." }
        }
        div.scroll { table.agreed {
            tr { th { "height/round" } th { "block" } th { "signed by" } th { "first decided" } th.number { "nodes" } th.number { "transactions" } }
            @for (height, agreed) in shown {
                @let certificate = &agreed.first.certificate;
                tr {
                    td { (height) "/" (certificate.round) }
                    td { code { (words::block(certificate.id)) } }
                    td { @for signer in certificate.signers.iter() { span.chip { (words::validator(signer)) } } }
                    td { (words::time(agreed.first.when.at)) " at " (agreed.first.node) }
                    td.number { (agreed.nodes) }
                    td.number { (agreed.first.transactions) }
                }
            }
        } }
    }
}
