//! What is written down of small runs.

use super::*;
use crate::run::{Verdict, run, run_recorded};
use crate::scenario::file::File;
use crate::scenario::shipped;

fn scenario(text: &str, seed: u64) -> crate::scenario::Scenario {
    File::parse(text).unwrap().scenario(seed)
}

const SHORT: &str = "about = \"short\"\nhorizon_ms = 300\n";

/// Goal: a run that is written down is the same run.
#[test]
fn writing_a_run_down_does_not_change_it() {
    let calm = scenario(SHORT, 1);
    let (report, history) = run_recorded(1, &calm);
    let alone = run(1, &calm, None);
    assert_eq!(report.trace_hash, alone.trace_hash);
    assert_eq!(
        (report.verdict, report.heights),
        (Verdict::SafeLive, alone.heights)
    );
    let heights = history.decisions.iter().map(|d| d.certificate.height);
    assert_eq!(heights.max(), Some(report.heights));
    assert!(history.fork().is_none());
    assert_eq!(history.finality_ns.len() as u64, report.receipts);
}

/// Goal: everything stands in its order, and every bound that is owed is there and kept.
#[test]
fn a_good_run_keeps_its_duties() {
    let (_, history) = run_recorded(1, &scenario(SHORT, 1));
    assert!(history.messages.is_sorted_by_key(|message| message.sent));
    assert!(history.deeds.is_sorted_by_key(|deed| deed.when));
    assert_eq!(history.duties.len(), 2);
    assert!(
        history
            .duties
            .iter()
            .all(|duty| duty.kept && duty.took_ns() <= duty.within_ns)
    );
    assert!(
        history
            .troubles
            .last()
            .is_some_and(|trouble| trouble.fault.is_none())
    );
}

/// Goal: what a bad network and a partition lose, and what finds a dead node, is seen as such.
#[test]
fn what_is_lost_is_seen() {
    let text = format!(
        "{SHORT}[network]\nloss_ppm = 200_000\n[[crash]]\nnodes = [2]\nat_ms = 100\nfor_ms = 100\n"
    );
    let (_, history) = run_recorded(1, &scenario(&text, 1));
    let fates =
        |wanted: fn(&Fate) -> bool| history.messages.iter().filter(|m| wanted(&m.fate)).count();
    assert!(fates(|fate| matches!(fate, Fate::Lost)) > 0);
    assert!(fates(|fate| matches!(fate, Fate::Missed(_))) > 0);
    let ended = history.deeds.iter().filter(|deed| deed.what == What::Ended);
    assert_eq!(
        ended.map(|deed| deed.node).collect::<Vec<_>>(),
        [NodeIndex::new(2)]
    );
}

/// Goal: of a fork both certificates are there, and the two liars, no others, signed both.
#[test]
fn a_fork_has_two_certificates() {
    let text = shipped::text_of("two-liars-of-four").unwrap();
    let forked = (0..8).find_map(|seed| {
        let scenario = scenario(text, seed);
        let (report, history) = run_recorded(seed, &scenario);
        (report.oracle == "agreement").then_some((scenario, history))
    });
    let (scenario, history) = forked.expect("one of eight seeds forks");
    let (one, other) = history.fork().expect("two certificates");
    assert_eq!(one.certificate.height, other.certificate.height);
    assert_ne!(says(one.certificate), says(other.certificate));
    let both: Vec<u16> = one
        .certificate
        .signers
        .iter()
        .filter(|signer| other.certificate.signers.contains(*signer))
        .map(ValidatorIndex::get)
        .collect();
    let liars: Vec<u16> = scenario.byzantine.keys().map(|node| node.get()).collect();
    assert_eq!(both, liars);
}
