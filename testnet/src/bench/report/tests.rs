//! The form of a report, and what its marks say.

use super::*;
use crate::bench::floor::Floors;
use crate::bench::pairs::tests::pairs;
use crate::bench::point::tests::{driven, floors};
use crate::bench::point::{Repeated, Taken};
use crate::bench::table::lines;
use crate::bench::{Plan, machine};
use crate::manifest::SignerKind;

fn network(cpu_us: u64) -> NetworkReport {
    let point = |rate| Repeated::new(rate, vec![Taken::of(driven(100, cpu_us), &floors(20.0))]);
    NetworkReport {
        algorithm: "p256",
        signer: "softhsm",
        validators: 4,
        floors: Floors::summary(&[floors(20.0)]),
        idle: Idle {
            seconds: 1.0,
            cpu_ms_per_s: 2.0,
            disk_bytes_per_s: 3.0,
            blocks_per_minute: 4.0,
        },
        points: vec![point(100.0).report(), point(1_000.0).report()],
        saturation: Saturation {
            steps: vec![StepReport {
                rate: 1_000.0,
                tps: 990.0,
                sustained: true,
            }],
            point: Some(point(1_000.0).report()),
        },
        pairs: [ONE_DEAD, ONE_FLOODS].map(pairs).to_vec(),
        peak_memory: Memory::of(&[1 << 20, 3 << 20]),
    }
}

fn report(cpu_us: u64) -> Report {
    let options = Options {
        signer: SignerKind::Softhsm,
        algorithms: Vec::new(),
        plan: Plan::quick(),
    };
    let machine = Machine {
        processor: "a processor".into(),
        ..Machine::since(&machine::Moment::now())
    };
    Report::new(&options, machine, vec![network(cpu_us)], None, None)
}

// Goal: whoever reads reports finds every figure where the guide says it is.
#[test]
fn a_report_has_its_keys() {
    let json = serde_json::to_value(report(32_000)).unwrap();
    let network = &json["networks"][0];
    for (place, keys) in [
        (
            &json,
            &[
                "version", "quick", "machine", "marks", "networks", "ledger", "store",
            ][..],
        ),
        (
            &json["machine"],
            &[
                "processor",
                "processors",
                "load_before",
                "load_after",
                "stolen_percent",
            ],
        ),
        (&json["marks"][0], &["name", "ratio", "goal", "met"]),
        (
            network,
            &[
                "algorithm",
                "signer",
                "validators",
                "floors",
                "idle",
                "points",
                "saturation",
                "pairs",
                "peak_memory",
            ],
        ),
        (
            &network["floors"],
            &[
                "verify_us",
                "message_us",
                "sign_us",
                "sync_us",
                "four_checks_us",
                "critical_path_ms",
            ],
        ),
        (
            &network["points"][0],
            &[
                "rate",
                "final",
                "tps",
                "payments_per_block",
                "cpu_us",
                "cpu_to_four_checks",
                "finality_p50_ms",
                "finality_p99_ms",
                "p50_to_critical_path",
                "p99_to_critical_path",
            ],
        ),
        (
            &network["points"][0]["cpu_us"],
            &["median", "min", "max", "repetitions"],
        ),
        (&network["saturation"], &["steps", "point"]),
        (&network["pairs"][0], &["name", "rate", "p50", "p99"]),
        (&network["peak_memory"], &["median_mib", "max_mib"]),
    ] {
        let found: Vec<_> = place.as_object().unwrap().keys().collect();
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        assert_eq!(found, keys);
    }
}

// Goal: a mark is met by its ratio alone.
#[test]
fn a_mark_is_met_if_its_median_is_not_above_the_goal() {
    let met = |cpu_us| report(cpu_us).marks[0].met;
    assert!(met(24_000));
    assert!(!met(24_100));
    assert!(!Mark::new("nothing measured", None, 3.0).met);
    let met: Vec<_> = report(1)
        .marks
        .iter()
        .skip(2)
        .map(|mark| mark.met)
        .collect();
    assert_eq!(met, [true, true, false]);
}

#[test]
fn peak_memory_is_that_of_the_largest_node() {
    assert_eq!(
        Memory::of(&[1 << 20, 3 << 20, 2 << 20]),
        Memory {
            median_mib: 2.0,
            max_mib: 3.0
        }
    );
}

#[test]
fn the_report_is_beside_what_cargo_built() {
    assert_eq!(
        Report::default_path(None),
        Path::new("target/bench/report.json")
    );
    assert_eq!(
        Report::default_path(Some("elsewhere".into())),
        Path::new("elsewhere/bench/report.json")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = Report::default_path(Some(folder.path().to_owned()));
    report(1).write(&path).unwrap();
    let read: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(read["version"], 1);
}

// Goal: every ratio is in the table that people read.
#[test]
fn the_table_shows_ratios_first() {
    let text = lines(&report(32_000)).join("\n");
    for part in [
        "4.00",
        "2.00",
        "at saturation",
        "p256",
        "NOT met",
        "one dead",
        "one floods",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
