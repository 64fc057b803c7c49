//! Examines one token and one key, and says in plain words what is wrong and what to do: the data behind `falaj doctor hsm`.
//!
//! Invariant: examining changes nothing in the token but what a login changes; at most one login is made, and none when the flags advise
//! against it. The report says what was not reached and why.
//! Who calls: a command that a person started; it blocks for as long as the signatures take.
//! Errors: none; every fault is a [`Finding`].
//! Source: `docs/spec/hsm.md`, "Doctor".

use std::sync::Arc;
use std::time::{Duration, Instant};

use cryptoki::object::ObjectHandle;

use super::attributes::{self, AllowedMechanisms, KeyAttributes};
use super::backend::test_banner;
use super::config::{KeyConfig, TokenConfig};
use super::device::{canary, find_and_check, open_and_login};
use super::error::TokenError;
use super::facts::DeviceFacts;
use super::latency::Latency;
use super::module::Module;
use super::pin::PinReader;
use super::session::{Access, Session};
use super::slot::{self, Found};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Signing works and something should be done.
    Warning,
    /// Signing does not work, or must not.
    Fault,
}

/// Something that was found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// Signatures per second with so many sessions at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throughput {
    /// Sessions that signed at once.
    pub sessions: u32,
    /// Signatures per second of all together.
    pub signatures_per_second: u64,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct DoctorReport {
    /// Shown above everything when the token is no hardware.
    pub banner: Option<String>,
    /// What the device says, if it was reached.
    pub facts: Option<DeviceFacts>,
    /// What the token says about the key, if it was found.
    pub attributes: Option<KeyAttributes>,
    /// How long each signature took, its check on the host included.
    pub latency: Latency,
    /// How much several sessions do at once.
    pub throughput: Vec<Throughput>,
    /// Everything that needs a word, worst first.
    pub findings: Vec<Finding>,
}

impl DoctorReport {
    /// Whether the key can sign for a validator.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity < Severity::Fault)
    }

    fn fault(&mut self, error: &TokenError) {
        self.findings.push(Finding {
            severity: Severity::Fault,
            what: error.to_string(),
            fix: error.fix().to_owned(),
        });
    }

    fn say(&mut self, severity: Severity, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            what: what.into(),
            fix: fix.into(),
        });
    }
}

/// Examines token and key, with so many signatures.
#[must_use]
pub fn examine(token: &TokenConfig, key: &KeyConfig, signatures: u32) -> DoctorReport {
    let mut report = DoctorReport {
        banner: None,
        facts: None,
        attributes: None,
        latency: Latency::default(),
        throughput: Vec::new(),
        findings: Vec::new(),
    };
    if let Err(error) = run(&mut report, token, key, signatures) {
        report.fault(&error);
    }
    report
        .findings
        .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    report
}

fn run(
    report: &mut DoctorReport,
    token: &TokenConfig,
    key: &KeyConfig,
    signatures: u32,
) -> Result<(), TokenError> {
    let module = Module::load(&token.module, token.module_sha256)?;
    let found = slot::find(&module, &token.token)?;
    let facts = DeviceFacts::of(&module, &found)?;
    report.banner = test_banner(&facts.token.label, facts.slot.hardware);
    judge_facts(report, &facts, token, key);
    report.facts = Some(facts);
    let pin = PinReader::new(token.pin.clone());
    let session = open_and_login(&module, &found, token, &pin, Access::ReadOnly)?;
    let handle = find_and_check(&session, &found, key)?;
    let attributes = attributes::read(&session, handle)?;
    judge_attributes(report, &attributes);
    report.attributes = Some(attributes);
    report.latency = time_signatures(&session, handle, key, signatures)?;
    report.throughput = throughput(&module, &found, (&session, handle), key, signatures)?;
    Ok(())
}

fn judge_facts(
    report: &mut DoctorReport,
    facts: &DeviceFacts,
    token: &TokenConfig,
    key: &KeyConfig,
) {
    if !facts.slot.hardware {
        let (severity, fix) = if key.hardware_only {
            (
                Severity::Fault,
                "use a hardware token, or run with a profile that allows test tokens",
            )
        } else {
            (
                Severity::Note,
                "fine for tests and demos; never hold money with it",
            )
        };
        report.say(
            severity,
            "the slot lacks CKF_HW_SLOT: this is a software token",
            fix,
        );
    }
    if token.module_sha256.is_none() {
        report.say(
            Severity::Warning,
            "the configuration does not declare the SHA-256 of the library, so a changed one would be loaded",
            format!("declare {}", facts.library.sha256),
        );
    }
    if facts.library.shared {
        report.say(
            Severity::Warning,
            "another part of this process initialised the library first, so it cannot be initialised again after a fault",
            "run the signer as a process of its own",
        );
    }
    if facts.token.error_state {
        report.say(
            Severity::Fault,
            "the token reports CKF_ERROR_STATE: a self-test failed",
            "take the HSM out of service and call its vendor",
        );
    }
    let algorithm = key.public_key.algorithm();
    if key.fips_strict && !algorithm.fips_approved() {
        report.fault(&TokenError::NotApproved { algorithm });
    }
}

fn judge_attributes(report: &mut DoctorReport, attributes: &KeyAttributes) {
    for line in attributes
        .lines
        .iter()
        .filter(|line| !line.required && !line.reported.is(line.expected))
    {
        report.say(
            Severity::Warning,
            format!("the key has {} = {}", line.name, line.reported),
            "generate the next key with `falaj keys generate`, whose template forbids it",
        );
    }
    if attributes.allowed == AllowedMechanisms::Unrestricted {
        report.say(
            Severity::Warning,
            "the token does not restrict the key to one mechanism",
            "restrict it by the HSM's own policy, or generate the next key with `falaj keys generate`",
        );
    }
}

fn time_signatures(
    session: &Session,
    handle: ObjectHandle,
    key: &KeyConfig,
    signatures: u32,
) -> Result<Latency, TokenError> {
    let mut samples = Vec::new();
    for _ in 0..signatures {
        let start = Instant::now();
        canary(session, handle, key)?;
        samples.push(start.elapsed());
    }
    Ok(Latency::of(samples))
}

/// Half of the signatures in each of two sessions at once, against the same number in one. The login of the process serves both.
fn throughput(
    module: &Arc<Module>,
    found: &Found,
    (first, handle): (&Session, ObjectHandle),
    key: &KeyConfig,
    signatures: u32,
) -> Result<Vec<Throughput>, TokenError> {
    let half = signatures / 2;
    if half == 0 {
        return Ok(Vec::new());
    }
    let start = Instant::now();
    time_signatures(first, handle, key, half)?;
    let alone = per_second(half, start.elapsed());
    let second = Session::open(module, found.slot, Access::ReadOnly)?;
    let second_handle = find_and_check(&second, found, key)?;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let other = scope.spawn(move || time_signatures(&second, second_handle, key, half));
        time_signatures(first, handle, key, half)?;
        other.join().unwrap_or(Err(TokenError::Panicked))
    })?;
    let both = per_second(half.saturating_mul(2), start.elapsed());
    Ok(vec![
        Throughput {
            sessions: 1,
            signatures_per_second: alone,
        },
        Throughput {
            sessions: 2,
            signatures_per_second: both,
        },
    ])
}

fn per_second(count: u32, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    let rate = u128::from(count).saturating_mul(1_000_000_000) / nanoseconds;
    u64::try_from(rate).unwrap_or(u64::MAX)
}
