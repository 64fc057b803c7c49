//! How a command fails: a code for machines, a sentence with its causes for people, and what to do next.

use falaj_consensus::durable::{FolderLockError, LogError};
use falaj_hsm::WitnessError;
use falaj_ledger::store::StoreError;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::error::Error;
use std::io::ErrorKind;
use std::process::ExitCode;

use super::{print, remedy};
use crate::shell::config::ConfigError;
use crate::shell::home::HomeError;
use crate::shell::keys::{KeyFileError, SignerError};
use crate::shell::network::NetworkError;
use crate::shell::node::StartError;
use crate::shell::recover::StartupError;
use crate::shell::snapshot::SnapshotFault;
use crate::storage::RecoverError;

/// A command that failed, and what to do about it where that is known.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    error: Box<dyn Error + Send + Sync>,
    fix: Option<Cow<'static, str>>,
    /// What a program reads of it beside the sentence.
    details: Map<String, Value>,
    /// Whether the command has said it already.
    told: bool,
}

impl Failure {
    /// A check did not hold.
    pub const CHECK: u8 = 1;
    /// The command line is wrong.
    pub const USAGE: u8 = 2;
    /// Data is damaged.
    pub const DATA: u8 = 65;
    /// A peer or an API cannot be reached.
    pub const UNAVAILABLE: u8 = 69;
    /// A folder is in use.
    pub const IN_USE: u8 = 73;
    /// The disk failed.
    pub const DISK: u8 = 74;
    /// PIN or permission.
    pub const PERMISSION: u8 = 77;
    /// Configuration.
    pub const CONFIG: u8 = 78;

    /// A failure with its code.
    pub fn new(code: u8, error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            code,
            error: error.into(),
            fix: None,
            details: Map::new(),
            told: false,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub(super) fn fix(self, fix: impl Into<Cow<'static, str>>) -> Self {
        let fix = Some(fix.into());
        Self { fix, ..self }
    }

    /// The same with a fact for programs.
    #[must_use]
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// The same, of which the command has said everything: the exit code is left.
    #[must_use]
    pub(super) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// The exit code.
    #[must_use]
    pub(super) const fn code(&self) -> u8 {
        self.code
    }

    /// What happened, and why, in one line.
    #[must_use]
    pub(super) fn words(&self) -> String {
        self.causes().fold(self.error.to_string(), |words, cause| {
            format!("{words}: {cause}")
        })
    }

    /// Why it happened, and why that did.
    fn causes(&self) -> impl Iterator<Item = &dyn Error> {
        std::iter::successors(self.error.source(), |cause| (*cause).source())
    }

    /// Tells it on standard error, or as JSON on standard output, and gives the exit code.
    #[must_use]
    pub fn tell(&self, json: bool) -> ExitCode {
        if self.told {
            return ExitCode::from(self.code);
        }
        let causes: Vec<_> = self.causes().map(ToString::to_string).collect();
        if json {
            let mut object = serde_json::json!({
                "error": self.error.to_string(), "causes": causes, "fix": self.fix, "exit_code": self.code,
            });
            if let Value::Object(fields) = &mut object {
                fields.extend(self.details.clone());
            }
            print::json(&object);
        } else {
            print::error(&self.error.to_string(), &causes, self.fix.as_deref());
        }
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(Self::CONFIG, error)
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let code = match &error {
            KeyFileError::Permissions { .. } => Self::PERMISSION,
            KeyFileError::File { .. } | KeyFileError::Form { .. } => Self::CONFIG,
        };
        Self::new(code, error)
    }
}

impl From<SignerError> for Failure {
    fn from(error: SignerError) -> Self {
        match error {
            SignerError::File(error) => error.into(),
            #[cfg(feature = "pkcs11")]
            SignerError::Token(error) => error.into(),
            #[cfg(feature = "pkcs11")]
            SignerError::Backend(error) => error.into(),
            SignerError::Config { .. } | SignerError::NotBuilt(_) => Self::new(Self::CONFIG, error),
        }
    }
}

#[cfg(feature = "pkcs11")]
impl From<falaj_hsm::pkcs11::TokenError> for Failure {
    fn from(error: falaj_hsm::pkcs11::TokenError) -> Self {
        let fix = error.fix();
        Self::new(token_code(&error), error).fix(fix)
    }
}

#[cfg(feature = "pkcs11")]
impl From<falaj_hsm::BackendError> for Failure {
    fn from(error: falaj_hsm::BackendError) -> Self {
        use falaj_hsm::pkcs11::TokenError;
        let code = if error.fault == falaj_hsm::Fault::Pin {
            Self::PERMISSION
        } else {
            Self::CONFIG
        };
        let token = error
            .source
            .as_deref()
            .and_then(|source| source.downcast_ref::<TokenError>());
        let fix = token.map(|token| token.fix().into());
        Self {
            fix,
            ..Self::new(code, error)
        }
    }
}

#[cfg(feature = "pkcs11")]
const fn token_code(error: &falaj_hsm::pkcs11::TokenError) -> u8 {
    use falaj_hsm::pkcs11::TokenError as T;
    if matches!(
        error,
        T::Pin(_)
            | T::PinRefused { .. }
            | T::PinRefusedEarlier { .. }
            | T::PinLocked { .. }
            | T::PinFinalTry { .. }
            | T::PinCountLow { .. }
            | T::PinUnset { .. }
            | T::PinPad { .. }
    ) {
        Failure::PERMISSION
    } else {
        Failure::CONFIG
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let code = match &error {
            HomeError::Folder(FolderLockError::InUse { .. }) => Self::IN_USE,
            HomeError::Folder(FolderLockError::Failed { .. })
            | HomeError::Disk(_)
            | HomeError::Witness(WitnessError::Disk(_))
            | HomeError::Random => Self::DISK,
            HomeError::Write { .. } => Self::DISK,
            HomeError::Log(error) => log_code(error),
            HomeError::Guard(falaj_hsm::HomeError::Log(error)) => log_code(error),
            HomeError::Guard(_) | HomeError::Witness(WitnessError::Damaged) => Self::DATA,
            HomeError::Read { .. }
            | HomeError::AlreadySet { .. }
            | HomeError::GuardLost { .. }
            | HomeError::DataLost { .. }
            | HomeError::Unfinished { .. }
            | HomeError::Genesis { .. }
            | HomeError::Nested { .. }
            | HomeError::NotApproved { .. }
            | HomeError::NotInGenesis { .. }
            | HomeError::OtherKey { .. } => Self::CONFIG,
        };
        let fix = remedy::of_home(&error).map(Cow::Borrowed);
        Self {
            fix,
            ..Self::new(code, error)
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        let fix = remedy::of_log(&error).map(Cow::Borrowed);
        Self {
            fix,
            ..Self::new(log_code(&error), error)
        }
    }
}

const fn log_code(error: &LogError) -> u8 {
    match error {
        LogError::Damaged { .. }
        | LogError::SegmentMissing { .. }
        | LogError::OtherVersion { .. } => Failure::DATA,
        LogError::OtherGenesis { .. }
        | LogError::OtherKind { .. }
        | LogError::Missing { .. }
        | LogError::Exists { .. } => Failure::CONFIG,
        LogError::Disk { .. }
        | LogError::Poisoned { .. }
        | LogError::RecordSize { .. }
        | LogError::NoRecord { .. } => Failure::DISK,
    }
}

const fn startup_code(error: &StartupError) -> u8 {
    match error {
        StartupError::Logs(RecoverError::Log(error)) => log_code(error),
        StartupError::Store(error) => store_code(error),
        StartupError::Genesis(_) | StartupError::Logs(RecoverError::GatesLacking(_)) => {
            Failure::CONFIG
        }
        StartupError::Snapshot(fault) => match fault {
            SnapshotFault::Write { .. } => Failure::DISK,
            SnapshotFault::Snapshot(_)
            | SnapshotFault::Surplus(_)
            | SnapshotFault::TooLong(_)
            | SnapshotFault::Another(_)
            | SnapshotFault::Exists(_)
            | SnapshotFault::TooManyChanges
            | SnapshotFault::NoPath
            | SnapshotFault::NoRoom { .. }
            | SnapshotFault::Read { .. } => Failure::DATA,
        },
        StartupError::Logs(_) | StartupError::State(_) => Failure::DATA,
    }
}

/// A store that only needs to be rebuilt never ends a start, so what is left is a foreign one, a broken belief or the disk.
const fn store_code(error: &StoreError) -> u8 {
    match error {
        StoreError::OtherChain { .. } | StoreError::OtherVersion { .. } => Failure::CONFIG,
        StoreError::Damaged { .. } => Failure::DATA,
        StoreError::OutOfOrder { .. }
        | StoreError::PageTooLong { .. }
        | StoreError::OtherState { .. } => 70,
        StoreError::Failed | StoreError::Io { .. } => Failure::DISK,
    }
}

/// What is wrong with a snapshot fails a check; a file that cannot be named or made is the caller's or the disk's.
impl From<SnapshotFault> for Failure {
    fn from(fault: SnapshotFault) -> Self {
        if let Some(name) = fault.code() {
            return Self::new(Self::CHECK, fault).with("name", name);
        }
        let code = match &fault {
            SnapshotFault::Exists(_) => Self::USAGE,
            SnapshotFault::Read { source, .. } if source.kind() == ErrorKind::NotFound => {
                Self::USAGE
            }
            SnapshotFault::Read { source, .. } | SnapshotFault::Write { source, .. }
                if source.kind() == ErrorKind::PermissionDenied =>
            {
                Self::PERMISSION
            }
            SnapshotFault::Read { .. }
            | SnapshotFault::Write { .. }
            | SnapshotFault::Snapshot(_)
            | SnapshotFault::Surplus(_)
            | SnapshotFault::TooLong(_)
            | SnapshotFault::Another(_)
            | SnapshotFault::TooManyChanges
            | SnapshotFault::NoPath
            | SnapshotFault::NoRoom { .. } => Self::DISK,
        };
        Self::new(code, fault)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Config(error) => error.into(),
            StartError::Home(error) => error.into(),
            StartError::Signer(error) => error.into(),
            StartError::TransportKey(error) => error.into(),
            StartError::Network(
                error @ (NetworkError::AddressInUse { .. } | NetworkError::Listen { .. }),
            ) => Self::new(Self::UNAVAILABLE, error),
            StartError::Network(error) => Self::new(Self::CONFIG, error),
            StartError::Startup(error) => {
                let fix = remedy::of_startup(&error).map(Cow::Borrowed);
                Self {
                    fix,
                    ..Self::new(startup_code(&error), error)
                }
            }
            StartError::Snapshot(fault) => fault.into(),
            StartError::Thread(_) => Self::new(70, error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::GatesLacking;
    use falaj_consensus::durable::{DiskError, DiskOperation, LogId};
    use falaj_consensus::types::{Hash32, Height};
    use std::io;

    fn code(error: impl Into<StartupError>) -> u8 {
        Failure::from(StartError::Startup(error.into())).code()
    }

    // A disk that is full or fails is the disk's fault, whichever file met it, and no damage.
    #[test]
    fn a_start_that_meets_a_full_disk_ends_with_the_code_of_the_disk() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let store = StoreError::Io {
            action: "open",
            source: full(),
        };
        assert_eq!(code(store), Failure::DISK);
        let log = LogError::Disk {
            log: LogId::Block,
            source: DiskError::from_io(DiskOperation::Append, "block", full()),
        };
        assert_eq!(code(RecoverError::Log(log)), Failure::DISK);
    }

    // docs/runbook/upgrade.md, "upgrade needed": the data is whole; the program is the wrong one.
    #[test]
    fn a_program_without_a_gate_of_a_decided_height_is_a_matter_of_configuration() {
        let lacking = GatesLacking {
            height: Height::new(7),
            features: 3,
            lacking: 2,
        };
        assert_eq!(code(RecoverError::GatesLacking(lacking)), Failure::CONFIG);
    }

    #[test]
    fn a_store_of_another_chain_is_a_matter_of_configuration() {
        let store = StoreError::OtherChain {
            found: Hash32::ZERO,
            expected: Hash32::new([1; 32]),
        };
        assert_eq!(code(store), Failure::CONFIG);
    }
}
