//! A report for people: ratios first, what they were made of beside them.

use super::numbers::{Percentiles, Spread};
use super::point::Point;
use super::report::{LedgerReport, Mark, NetworkReport, Report, StoreReport};

/// The lines.
#[must_use]
pub fn lines(report: &Report) -> Vec<String> {
    let mut lines = machine(report);
    for network in &report.networks {
        lines.push(String::new());
        lines.extend(of_network(network));
    }
    if let Some(ledger) = &report.ledger {
        lines.push(String::new());
        lines.extend(of_ledger(ledger));
    }
    if let Some(store) = &report.store {
        lines.push(String::new());
        lines.extend(of_store(store));
    }
    lines.push(String::new());
    lines.extend(report.marks.iter().map(mark));
    lines
}

fn machine(report: &Report) -> Vec<String> {
    let machine = &report.machine;
    let load = |load: Option<f64>| load.map_or_else(|| "?".into(), |load| format!("{load:.2}"));
    let mut lines = vec![format!(
        "{} x {}; load average {} before, {} after; {:.1} % of CPU time stolen",
        machine.processors,
        machine.processor,
        load(machine.load_before),
        load(machine.load_after),
        machine.stolen_percent
    )];
    if report.quick {
        lines.push("a quick run: for a look, not for the board".into());
    }
    lines
}

fn of_network(network: &NetworkReport) -> Vec<String> {
    let floors = &network.floors;
    let mut lines = vec![
        format!(
            "{} validators, {}, {}",
            network.validators, network.signer, network.algorithm
        ),
        row(
            "floor: four batched checks",
            &format!(
                "{} us of CPU ({} each)",
                median(floors.four_checks_us, 1),
                median(floors.verify_us, 1)
            ),
        ),
        row(
            "floor: critical path",
            &format!(
                "{} ms (message {}, signature {}, sync {} us)",
                median(floors.critical_path_ms, 2),
                median(floors.message_us, 0),
                median(floors.sign_us, 0),
                median(floors.sync_us, 0)
            ),
        ),
    ];
    for point in &network.points {
        lines.extend(of_point(&format!("{} a second", point.rate), point));
    }
    if let Some(point) = &network.saturation.point {
        lines.extend(of_point("at saturation", point));
    }
    for pairs in &network.pairs {
        lines.push(row(
            &format!("{}: finality", pairs.name.replace('_', " ")),
            &format!(
                "p50 {} x, p99 {} x that without, at {} a second",
                spread(pairs.p50),
                spread(pairs.p99),
                pairs.rate
            ),
        ));
    }
    let idle = &network.idle;
    lines.push(row(
        "idle",
        &format!(
            "{:.1} ms of CPU a second, {:.0} bytes to disk a second, {:.1} blocks a minute",
            idle.cpu_ms_per_s, idle.disk_bytes_per_s, idle.blocks_per_minute
        ),
    ));
    let memory = network.peak_memory;
    lines.push(row(
        "peak memory of a node",
        &format!(
            "{:.0} MiB, largest {:.0}",
            memory.median_mib, memory.max_mib
        ),
    ));
    lines
}

fn of_point(name: &str, point: &Point) -> Vec<String> {
    vec![
        row(
            &format!("{name}: CPU"),
            &format!(
                "{} x four checks; {} us a final payment, {} final a second, {} a block",
                spread(point.cpu_to_four_checks),
                median(point.cpu_us, 0),
                median(point.tps, 0),
                median(point.payments_per_block, 1)
            ),
        ),
        row(
            &format!("{name}: finality p50"),
            &format!(
                "{} x critical path; {} ms",
                spread(point.p50_to_critical_path),
                median(point.finality_p50_ms, 1)
            ),
        ),
        row(
            &format!("{name}: finality p99"),
            &format!(
                "{} x critical path; {} ms",
                spread(point.p99_to_critical_path),
                median(point.finality_p99_ms, 1)
            ),
        ),
    ]
}

fn of_ledger(ledger: &LedgerReport) -> Vec<String> {
    vec![
        "the ledger alone, one thread".into(),
        row(
            "execution",
            &format!(
                "{} x one check, {} x its hashes; {} us a payment, {:.0} a second",
                number(ledger.execute_to_check),
                number(ledger.execute_to_hashes),
                median(ledger.execute_us, 2),
                ledger.executed_per_cpu_s
            ),
        ),
        row(
            "checks and execution",
            &format!(
                "{:.0} a second; {:.1} us a check",
                ledger.settled_per_cpu_s, ledger.check_us
            ),
        ),
    ]
}

fn of_store(store: &StoreReport) -> Vec<String> {
    let times = |times: Option<Percentiles>| {
        times.map_or_else(
            || "-".into(),
            |times| format!("p50 {:.0}, p99 {:.0} us", times.p50, times.p99),
        )
    };
    vec![
        "the store alone".into(),
        row(
            "commit of a block",
            &format!(
                "{} x a plain synced append, {} x its CPU; {} blocks of {} transactions",
                number(store.commit_to_append),
                number(store.cpu_to_append),
                store.blocks,
                store.transactions
            ),
        ),
        row(
            "commit, append",
            &format!("{}; {}", times(store.commit_us), times(store.append_us)),
        ),
    ]
}

fn mark(mark: &Mark) -> String {
    let word = if mark.met { "met" } else { "NOT met" };
    row(
        word,
        &format!(
            "{}: {}, goal {:.1}",
            mark.name,
            spread(mark.ratio),
            mark.goal
        ),
    )
}

fn row(name: &str, value: &str) -> String {
    format!("  {name:<30} {value}")
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.2}"))
}

fn median(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(
        || "-".into(),
        |spread| format!("{:.digits$}", spread.median),
    )
}

/// The median, and from where to where if there is more than one.
fn spread(spread: Option<Spread>) -> String {
    match spread {
        None => "-".into(),
        Some(spread) if spread.repetitions < 2 => format!("{:.2}", spread.median),
        Some(spread) => format!(
            "{:.2} ({:.2} to {:.2})",
            spread.median, spread.min, spread.max
        ),
    }
}
