//! What a dead validator costs, in virtual time: with one of four gone, its turns are benched and payments hardly wait longer.
//!
//! Source: `docs/spec/consensus.md`, "Proposer choice".

use falaj_simulations::run::{Report, Verdict, run};
use falaj_simulations::scenario::file::File;
use falaj_simulations::spread::Spread;

/// Four validators that decide some five thousand heights; what is lost comes behind it.
const CALM: &str =
    "about = \"long\"\nhorizon_ms = 240000\nclients = { gap_min_ms = 100, gap_cap_ms = 400 }\n";
const LOST: &str = "[[lost]]\nnodes = [2]\nby = \"crash\"\nat_ms = 1\n";

fn ran(text: &str) -> Report {
    let file = File::parse(text).expect("a scenario");
    let report = run(1, &file.scenario(1), None);
    assert_eq!(report.verdict, Verdict::SafeLive, "{}", report.finding);
    report
}

/// Goal: finality with one of four dead is within 1.5 times the healthy one in the median, and 3 times at the 99th percentile, the turns
/// that it took to bench the dead one included.
#[test]
fn a_dead_validator_costs_little() {
    let finality = |text: &str| {
        let report = ran(text);
        assert!(report.receipts > 900, "{}", report.receipts);
        report.finality_ns.expect("there are receipts")
    };
    let (healthy, degraded) = (finality(CALM), finality(&format!("{CALM}{LOST}")));
    let Spread { p50, p99, .. } = healthy;
    assert!(
        degraded.p50 * 2 <= p50 * 3 && degraded.p99 <= p99 * 3,
        "{healthy:?}, {degraded:?}"
    );
}
