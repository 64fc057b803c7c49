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
use falaj_consensus::crypto::PublicKey;

use super::attributes::{self, AllowedMechanisms, KeyAttributes};
use super::backend::test_banner;
use super::config::{KeyConfig, TokenConfig};
use super::device::{
    canary, check_mechanism, check_public, find_and_check, find_private, open_and_login,
};
use super::error::TokenError;
use super::facts::DeviceFacts;
use super::fault::Cause;
use super::key::{self, KeyName};
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
    /// The cause, by whose code the runbook has a section; none for what is no fault of the token.
    pub cause: Option<Cause>,
}

/// The key to examine.
#[derive(Clone, Debug)]
pub struct KeyToExamine {
    /// Id and label.
    pub name: KeyName,
    /// The enrolled public key; before a key is enrolled, the token is believed about it, and the report says so.
    pub enrolled: Option<PublicKey>,
    /// `fips = strict`: refuse every algorithm that is not approved.
    pub fips_strict: bool,
    /// Refuse a token whose slot lacks `CKF_HW_SLOT`.
    pub hardware_only: bool,
}

impl KeyToExamine {
    /// A key as it was enrolled.
    #[must_use]
    pub fn of(key: &KeyConfig) -> Self {
        Self {
            name: key.name.clone(),
            enrolled: Some(key.public_key.clone()),
            fips_strict: key.fips_strict,
            hardware_only: key.hardware_only,
        }
    }
}

/// What is looked at, in this order; after a fault nothing further is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// The library loads, and is the declared one.
    Library,
    /// Exactly one token has the name.
    Token,
    /// The PIN is read and the token takes it, in one attempt.
    Login,
    /// Exactly one key has the name, and it is the enrolled one.
    Key,
    /// The key cannot leave the token, and can only sign.
    Attributes,
    /// The token offers the mechanism of the key's algorithm, and the configuration admits it.
    Mechanism,
    /// Challenges that the key signed verify on this host.
    Signatures,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Library,
        Self::Token,
        Self::Login,
        Self::Key,
        Self::Attributes,
        Self::Mechanism,
        Self::Signatures,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::Token => "token",
            Self::Login => "login",
            Self::Key => "key",
            Self::Attributes => "attributes",
            Self::Mechanism => "mechanism",
            Self::Signatures => "signatures",
        }
    }
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
    /// What was looked at and is right, in order; the next of [`Check::ALL`] is what failed.
    pub passed: Vec<Check>,
    /// Shown above everything when the token is no hardware.
    pub banner: Option<String>,
    /// What the device says, if it was reached.
    pub facts: Option<DeviceFacts>,
    /// The public half of the key, if it was found.
    pub public_key: Option<PublicKey>,
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

    /// What every fault is about that has a cause, worst first.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let faults = self
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Fault);
        faults.filter_map(|finding| finding.cause)
    }

    fn fault(&mut self, error: &TokenError) {
        let (words, cause) = (words(error), error.cause());
        let bare = matches!(error, TokenError::Vendor { .. }) && cause == Cause::TokenGone;
        self.findings.push(Finding {
            severity: Severity::Fault,
            what: if bare {
                format!("the token is gone: {words}")
            } else {
                words
            },
            fix: error.fix().to_owned(),
            cause: Some(cause),
        });
    }

    fn judge(&mut self, cause: Cause, what: &str, fix: &str) {
        self.findings.push(Finding {
            severity: Severity::Fault,
            what: what.to_owned(),
            fix: fix.to_owned(),
            cause: Some(cause),
        });
    }

    fn say(&mut self, severity: Severity, what: impl Into<String>, fix: impl Into<String>) {
        self.findings.push(Finding {
            severity,
            what: what.into(),
            fix: fix.into(),
            cause: None,
        });
    }
}

/// An error and what is behind it, in one line.
fn words(error: &TokenError) -> String {
    let mut words = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        words = format!("{words}: {source}");
        next = source.source();
    }
    words
}

/// Examines token and key, with so many signatures.
#[must_use]
pub fn examine(token: &TokenConfig, key: &KeyToExamine, signatures: u32) -> DoctorReport {
    let mut report = DoctorReport {
        passed: Vec::new(),
        banner: None,
        facts: None,
        public_key: None,
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
    key: &KeyToExamine,
    signatures: u32,
) -> Result<(), TokenError> {
    let module = Module::load(&token.module, token.module_sha256)?;
    report.passed.push(Check::Library);
    let found = slot::find(&module, &token.token)?;
    let facts = DeviceFacts::of(&module, &found)?;
    report.banner = test_banner(&facts.token.label, facts.slot.hardware);
    report.passed.push(Check::Token);
    judge_facts(report, &facts, token, key.hardware_only);
    report.facts = Some(facts);
    let pin = PinReader::new(token.pin.clone());
    let session = open_and_login(&module, &found, token, &pin, Access::ReadOnly)?;
    report.passed.push(Check::Login);
    let handle = find_private(&session, &found, &key.name)?;
    let key = &take_key(report, &session, &found, key)?;
    report.passed.push(Check::Key);
    let attributes = attributes::read(&session, handle)?;
    judge_attributes(report, &attributes);
    let fit = attributes.check(&key.name.label);
    report.attributes = Some(attributes);
    fit?;
    report.passed.push(Check::Attributes);
    check_mechanism(&module, &found, key)?;
    report.passed.push(Check::Mechanism);
    report.latency = time_signatures(&session, handle, key, signatures)?;
    report.throughput = throughput(&module, &found, (&session, handle), key, signatures)?;
    report.passed.push(Check::Signatures);
    Ok(())
}

/// The key with its public half: the enrolled one, which the token's must be; before that, what the token says.
fn take_key(
    report: &mut DoctorReport,
    session: &Session,
    found: &Found,
    wanted: &KeyToExamine,
) -> Result<KeyConfig, TokenError> {
    let public_key = match &wanted.enrolled {
        Some(enrolled) => enrolled.clone(),
        None => {
            report.say(
                Severity::Note,
                "no genesis names the key of this validator yet, so the token is believed about its public half",
                "compare the public key with the genesis before the node starts",
            );
            let public = key::find_public(session, found.token.label(), &wanted.name)?;
            public.ok_or_else(|| TokenError::KeyForm {
                label: wanted.name.label.clone(),
                reason: "the token holds no public key object for it",
            })?
        }
    };
    report.public_key = Some(public_key.clone());
    let key = KeyConfig {
        name: wanted.name.clone(),
        public_key,
        fips_strict: wanted.fips_strict,
        hardware_only: wanted.hardware_only,
    };
    check_public(session, found, &key)?;
    Ok(key)
}

fn judge_facts(
    report: &mut DoctorReport,
    facts: &DeviceFacts,
    token: &TokenConfig,
    hardware_only: bool,
) {
    judge_slot(report, facts, hardware_only);
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
        report.judge(
            Cause::SelfTestFailed,
            "the token reports CKF_ERROR_STATE: a self-test failed",
            Cause::SelfTestFailed.fix(),
        );
    }
}

fn judge_slot(report: &mut DoctorReport, facts: &DeviceFacts, hardware_only: bool) {
    const WHAT: &str = "the slot lacks CKF_HW_SLOT: this is a software token";
    if facts.slot.hardware {
        return;
    }
    if hardware_only {
        let fix = "use a hardware token, or run with a profile that allows test tokens";
        report.judge(Cause::Forbidden, WHAT, fix);
    } else {
        let fix = "fine for tests and demos; never hold money with it";
        report.say(Severity::Note, WHAT, fix);
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
