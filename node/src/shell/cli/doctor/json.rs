//! The doctor's report for machines: one object, units in the names, absent what was not reached.

use data_encoding::HEXLOWER;
use falaj_hsm::pkcs11::{
    AllowedMechanisms, Check, DeviceFacts, DoctorReport, Finding, KeyAttributes, Latency, Line,
    Severity, Statement,
};
use serde_json::{Value, json};

/// The whole report.
pub(super) fn report(report: &DoctorReport, statement: Option<&Statement>, exit_code: u8) -> Value {
    json!({
        "ok": report.is_healthy(),
        "exit_code": exit_code,
        "banner": report.banner,
        "checks": Check::ALL.map(|check| json!({"check": check.name(), "state": state(report, check)})),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "device": report.facts.as_ref().map(device),
        "public_key": report.public_key.as_ref().map(|key| json!({
            "algorithm": key.algorithm().name(),
            "public_key": HEXLOWER.encode(key.bytes()),
            "fingerprint": key.fingerprint().to_hex(),
        })),
        "key": report.attributes.as_ref().map(attributes),
        "latency": latency(&report.latency),
        "throughput": report.throughput.iter().map(|rate| json!({
            "sessions": rate.sessions, "signatures_per_second": rate.signatures_per_second,
        })).collect::<Vec<_>>(),
        "statement": statement.map(lists),
    })
}

/// `ok`, `fault` where the examination ended, `not_reached` behind it.
pub(super) fn state(report: &DoctorReport, check: Check) -> &'static str {
    let first_open = Check::ALL
        .into_iter()
        .find(|check| !report.passed.contains(check));
    if report.passed.contains(&check) {
        "ok"
    } else if first_open == Some(check) {
        "fault"
    } else {
        "not_reached"
    }
}

/// How bad a finding is, in a word.
pub(super) const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Fault => "fault",
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "severity": severity(finding.severity),
        "code": finding.cause.map(falaj_hsm::pkcs11::Cause::code),
        "what": finding.what,
        "fix": finding.fix,
    })
}

fn device(facts: &DeviceFacts) -> Value {
    let DeviceFacts {
        library,
        slot,
        token,
        mechanisms,
    } = facts;
    json!({
        "library": {
            "path": library.path, "sha256": library.sha256.to_hex(), "shared": library.shared,
            "cryptoki_version": library.cryptoki_version, "manufacturer": library.manufacturer,
            "description": library.description, "version": library.version,
        },
        "slot": {
            "id": slot.id, "description": slot.description, "hardware": slot.hardware, "removable": slot.removable,
            "hardware_version": slot.hardware_version, "firmware_version": slot.firmware_version,
        },
        "token": {
            "label": token.label, "serial": token.serial, "manufacturer": token.manufacturer, "model": token.model,
            "hardware_version": token.hardware_version, "firmware_version": token.firmware_version,
            "random": token.random, "login_required": token.login_required, "write_protected": token.write_protected,
            "error_state": token.error_state, "sessions": token.sessions, "sessions_max": token.sessions_max, "clock": token.clock,
            "pin": {
                "pad": token.pin.pad, "initialized": token.pin.initialized, "to_be_changed": token.pin.to_be_changed,
                "count_low": token.pin.count_low, "final_try": token.pin.final_try, "locked": token.pin.locked,
            },
        },
        "mechanisms": mechanisms.iter().map(|mechanism| json!({
            "name": mechanism.name, "offered": mechanism.offered, "key_min": mechanism.key_min, "key_max": mechanism.key_max,
            "hardware": mechanism.hardware,
        })).collect::<Vec<_>>(),
    })
}

/// The attributes of a private key, each with what it should be.
pub(in crate::shell::cli) fn attributes(attributes: &KeyAttributes) -> Value {
    let lines = attributes.lines.iter().map(|line| {
        json!({
            "name": line.name, "reported": line.reported.to_string(), "expected": line.expected,
            "right": line.reported.is(line.expected), "required": line.required,
        })
    });
    let allowed = match &attributes.allowed {
        AllowedMechanisms::Only(list) => json!(list),
        AllowedMechanisms::Unrestricted => Value::Null,
    };
    json!({"attributes": lines.collect::<Vec<_>>(), "allowed_mechanisms": allowed})
}

fn latency(latency: &Latency) -> Value {
    json!({
        "signatures": latency.count(),
        "p50_us": latency.permille_us(500),
        "p99_us": latency.permille_us(990),
        "max_us": latency.permille_us(1000),
        "histogram": latency.histogram().into_iter()
            .map(|(bound_us, signatures)| json!({"up_to_us": bound_us, "signatures": signatures}))
            .collect::<Vec<_>>(),
    })
}

fn lists(statement: &Statement) -> Value {
    let list = |lines: &[Line]| -> Value {
        let lines = lines
            .iter()
            .map(|line| json!({"claim": line.claim, "evidence": line.evidence}));
        lines.collect::<Vec<_>>().into()
    };
    json!({
        "verified_by_this_node": list(&statement.verified),
        "reported_by_the_device": list(&statement.reported),
        "declared_by_the_operator": list(&statement.declared),
        "cannot_be_verified_here": list(&statement.unverifiable),
    })
}
