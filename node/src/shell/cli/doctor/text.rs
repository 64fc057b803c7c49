//! The doctor's report for people: the banner, the checks, what was found with its fix, latency, and the statement in its four lists.

use falaj_hsm::pkcs11::{Cause, Check, DoctorReport, Finding, Line, Statement};

use super::json::{severity, state};
use crate::shell::cli::print;

/// Prints the report.
pub(super) fn show(report: &DoctorReport, statement: Option<&Statement>) {
    if let Some(banner) = &report.banner {
        print::line(banner);
        print::line("");
    }
    for check in Check::ALL {
        let mark = match state(report, check) {
            "ok" => "ok",
            "fault" => "FAULT",
            _ => "-",
        };
        print::line(&format!(
            "{mark:<6} {:<11} {}",
            check.name(),
            detail(report, check)
        ));
    }
    for finding in &report.findings {
        show_finding(finding);
    }
    show_latency(report);
    if let Some(statement) = statement {
        show_statement(statement);
    }
}

/// What a check found, in a few words.
fn detail(report: &DoctorReport, check: Check) -> String {
    if !report.passed.contains(&check) {
        return String::new();
    }
    known_detail(report, check).unwrap_or_default()
}

fn known_detail(report: &DoctorReport, check: Check) -> Option<String> {
    let facts = report.facts.as_ref();
    Some(match check {
        Check::Library => {
            let library = &facts?.library;
            format!(
                "{} {}, {}",
                library.description,
                library.version,
                library.path.display()
            )
        }
        Check::Token => {
            let token = &facts?.token;
            format!(
                "{} of {}, serial {}",
                token.label, token.manufacturer, token.serial
            )
        }
        Check::Login => "the PIN was accepted, in one attempt".into(),
        Check::Key => {
            let key = report.public_key.as_ref()?;
            format!("{} {}", key.algorithm().name(), key.fingerprint().to_hex())
        }
        Check::Attributes => "it cannot leave the token and can only sign".into(),
        Check::Mechanism => "offered and admitted".into(),
        Check::Signatures => format!(
            "{} challenges verified on this host",
            report.latency.count()
        ),
    })
}

fn show_finding(finding: &Finding) {
    let code = finding.cause.map(Cause::code);
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    print::line("");
    print::line(&format!(
        "{}{code}: {}",
        severity(finding.severity),
        finding.what
    ));
    print::line(&format!("  to do: {}", finding.fix));
}

fn show_latency(report: &DoctorReport) {
    let latency = &report.latency;
    let (Some(p50), Some(p99), Some(max)) = (
        latency.permille_us(500),
        latency.permille_us(990),
        latency.permille_us(1000),
    ) else {
        return;
    };
    print::line("");
    let count = latency.count();
    print::line(&format!(
        "latency of {count} signatures, checks included: p50 {p50} µs, p99 {p99} µs, max {max} µs"
    ));
    for (bound_us, signatures) in latency.histogram() {
        print::line(&format!("  up to {bound_us:>8} µs {signatures:>7}"));
    }
    for rate in &report.throughput {
        let (sessions, rate) = (rate.sessions, rate.signatures_per_second);
        print::line(&format!(
            "{sessions} session(s): {rate} signatures a second"
        ));
    }
}

fn show_statement(statement: &Statement) {
    let lists: [(&str, &[Line]); 4] = [
        ("verified by this node", &statement.verified),
        ("reported by the device", &statement.reported),
        ("declared by the operator", &statement.declared),
        ("cannot be verified here", &statement.unverifiable),
    ];
    for (title, lines) in lists {
        print::line("");
        print::line(title);
        if lines.is_empty() {
            print::line("  nothing");
        }
        for Line { claim, evidence } in lines {
            print::line(&format!("  {claim} [{evidence}]"));
        }
    }
}
