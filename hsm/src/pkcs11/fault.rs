//! What a fault of a token means, and which step of the escalation it asks for.
//!
//! Invariant: both functions are total and pure: every return value of PKCS #11 has one [`Cause`], every (stage, cause) has one [`Step`],
//! and a cause that only a person can cure is never answered with another attempt.
//! Who calls: `classify` by [`crate::pkcs11::TokenError`], `next_step` by the worker thread.
//! Errors: none.
//! Source: `docs/spec/hsm.md`, "Faults" and "Escalation"; PKCS #11 v3.0 §5.1.

use cryptoki::error::RvError;

/// Why a token did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The session is unknown to the library.
    SessionLost,
    /// The login is gone, or a handle that lived by it.
    LoggedOut,
    /// The token does not answer as present.
    TokenGone,
    /// No slot holds the configured token.
    TokenMissing,
    /// Two slots hold a token of the configured name.
    TokenAmbiguous,
    /// The library says it was never initialised.
    NotInitialised,
    /// The device is busy or throttled; the same call may succeed.
    Throttled,
    /// The library allows no further session.
    SessionsExhausted,
    /// The session holds an operation that never ended.
    OperationStuck,
    /// The device reports an error that may as well be a bad parameter; the canary decides.
    DeviceOrParameter,
    /// The token refused the PIN, or a PIN it refused earlier would be tried again.
    PinRefused,
    /// The PIN is locked.
    PinLocked,
    /// One more wrong PIN would lock the token, or a wrong one was entered since the last good login.
    PinAtRisk,
    /// The PIN expired or was never set.
    PinUnset,
    /// The PIN could not be read from where the configuration says it is.
    PinUnreadable,
    /// The token does not offer the mechanism, or refuses its parameters or the key for it.
    MechanismRefused,
    /// The key is not in the token, though the token is there.
    KeyMissing,
    /// Two keys carry the configured id or label.
    KeyDuplicate,
    /// The key is not the one that was enrolled, or its attributes are not what they have to be.
    KeyUnfit,
    /// The host's check of a signature failed.
    WrongSignature,
    /// The configuration forbids this token or key.
    Forbidden,
    /// The library cannot be used: not loadable, of another hash, missing functions.
    LibraryUnusable,
    /// A self-test of the device failed.
    SelfTestFailed,
    /// The library cannot be initialised again: a call is still in flight, or another owner shares it.
    CannotReinitialise,
    /// A code of the vendor or one that no standard names.
    Unknown,
}

/// Where in the escalation a fault was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The first attempt of a request.
    Sign,
    /// The second attempt, same session.
    SignAgain,
    /// Opening a new session.
    Reconnect,
    /// The attempt in the new session.
    SignAfterReconnect,
    /// Finalising and initialising the library, with the new session behind it.
    Reinitialise,
    /// The attempt after that.
    SignAfterReinitialise,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// R0: the same bytes in the same session, after a short pause.
    SignAgain,
    /// R1: new session, login, find the key again, canary; then the same bytes.
    Reconnect,
    /// R2: with no call in flight, finalise and initialise the library, then R1.
    Reinitialise,
    /// R3: only a new process can help; keep refusing, and try again later should the call return.
    Restart,
    /// Open the breaker: refuse at once until the backoff is over, then R1.
    Wait,
    /// This one request is refused; the token proved itself good.
    Refuse,
    /// X: never try again, call a person.
    Latch,
}

impl Step {
    /// What is done, in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SignAgain => "signing again in the same session",
            Self::Reconnect => "opening a new session",
            Self::Reinitialise => "initialising the library again",
            Self::Restart => "only a new process can help",
            Self::Wait => "leaving the token alone for a while",
            Self::Refuse => "refusing this request",
            Self::Latch => "signing is off until a person acts",
        }
    }
}

impl Cause {
    /// Every cause, in the order of the table.
    pub const ALL: [Self; 25] = [
        Self::SessionLost,
        Self::LoggedOut,
        Self::TokenGone,
        Self::TokenMissing,
        Self::TokenAmbiguous,
        Self::NotInitialised,
        Self::Throttled,
        Self::SessionsExhausted,
        Self::OperationStuck,
        Self::DeviceOrParameter,
        Self::PinRefused,
        Self::PinLocked,
        Self::PinAtRisk,
        Self::PinUnset,
        Self::PinUnreadable,
        Self::MechanismRefused,
        Self::KeyMissing,
        Self::KeyDuplicate,
        Self::KeyUnfit,
        Self::WrongSignature,
        Self::Forbidden,
        Self::LibraryUnusable,
        Self::SelfTestFailed,
        Self::CannotReinitialise,
        Self::Unknown,
    ];

    /// The stable code: a metric label, and the heading of its section in the runbook.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SessionLost => "session_lost",
            Self::LoggedOut => "logged_out",
            Self::TokenGone => "token_gone",
            Self::TokenMissing => "token_missing",
            Self::TokenAmbiguous => "token_ambiguous",
            Self::NotInitialised => "not_initialised",
            Self::Throttled => "throttled",
            Self::SessionsExhausted => "sessions_exhausted",
            Self::OperationStuck => "operation_stuck",
            Self::DeviceOrParameter => "device_or_parameter",
            Self::PinRefused => "pin_refused",
            Self::PinLocked => "pin_locked",
            Self::PinAtRisk => "pin_at_risk",
            Self::PinUnset => "pin_unset",
            Self::PinUnreadable => "pin_unreadable",
            Self::MechanismRefused => "mechanism_refused",
            Self::KeyMissing => "key_missing",
            Self::KeyDuplicate => "key_duplicate",
            Self::KeyUnfit => "key_unfit",
            Self::WrongSignature => "wrong_signature",
            Self::Forbidden => "forbidden",
            Self::LibraryUnusable => "library_unusable",
            Self::SelfTestFailed => "self_test_failed",
            Self::CannotReinitialise => "cannot_reinitialise",
            Self::Unknown => "unknown",
        }
    }

    /// Whether only a person can cure it.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        match self {
            Self::PinRefused
            | Self::PinLocked
            | Self::PinAtRisk
            | Self::PinUnset
            | Self::PinUnreadable
            | Self::MechanismRefused
            | Self::KeyMissing
            | Self::KeyDuplicate
            | Self::KeyUnfit
            | Self::TokenAmbiguous
            | Self::Forbidden
            | Self::LibraryUnusable
            | Self::SelfTestFailed => true,
            Self::SessionLost
            | Self::LoggedOut
            | Self::TokenGone
            | Self::TokenMissing
            | Self::NotInitialised
            | Self::Throttled
            | Self::SessionsExhausted
            | Self::OperationStuck
            | Self::DeviceOrParameter
            | Self::WrongSignature
            | Self::CannotReinitialise
            | Self::Unknown => false,
        }
    }

    /// The step a fault of this cause asks for when the first attempt of a request meets it.
    const fn first_step(self) -> Step {
        match self {
            Self::Throttled => Step::SignAgain,
            Self::NotInitialised => Step::Reinitialise,
            Self::CannotReinitialise => Step::Restart,
            Self::SessionLost
            | Self::LoggedOut
            | Self::TokenGone
            | Self::TokenMissing
            | Self::SessionsExhausted
            | Self::OperationStuck
            | Self::DeviceOrParameter
            | Self::MechanismRefused
            | Self::WrongSignature
            | Self::Unknown => Step::Reconnect,
            Self::PinRefused
            | Self::PinLocked
            | Self::PinAtRisk
            | Self::PinUnset
            | Self::PinUnreadable
            | Self::KeyMissing
            | Self::KeyDuplicate
            | Self::KeyUnfit
            | Self::TokenAmbiguous
            | Self::Forbidden
            | Self::LibraryUnusable
            | Self::SelfTestFailed => Step::Latch,
        }
    }

    /// The step after a second attempt in the same session did not help: as for the first, but for another pause.
    const fn after_a_pause(self) -> Step {
        let step = self.first_step();
        if matches!(step, Step::SignAgain) {
            Step::Reconnect
        } else {
            step
        }
    }

    /// The step after the library was initialised again and that did not help.
    const fn after_reinitialise(self) -> Step {
        let step = self.after_reconnect();
        if matches!(step, Step::Reinitialise) {
            Step::Wait
        } else {
            step
        }
    }

    /// The step after a new session did not help. There a wrong signature is the canary's: the key is not ours, or the device lies.
    const fn after_reconnect(self) -> Step {
        match self {
            Self::Throttled | Self::SessionsExhausted | Self::Unknown => Step::Wait,
            Self::SessionLost
            | Self::LoggedOut
            | Self::TokenGone
            | Self::TokenMissing
            | Self::NotInitialised
            | Self::OperationStuck
            | Self::DeviceOrParameter => Step::Reinitialise,
            Self::CannotReinitialise => Step::Restart,
            Self::WrongSignature
            | Self::PinRefused
            | Self::PinLocked
            | Self::PinAtRisk
            | Self::PinUnset
            | Self::PinUnreadable
            | Self::MechanismRefused
            | Self::KeyMissing
            | Self::KeyDuplicate
            | Self::KeyUnfit
            | Self::TokenAmbiguous
            | Self::Forbidden
            | Self::LibraryUnusable
            | Self::SelfTestFailed => Step::Latch,
        }
    }
}

/// The step that follows a fault of `cause` met at `stage`; each step is taken at most once per request.
#[must_use]
pub const fn next_step(stage: Stage, cause: Cause) -> Step {
    match stage {
        Stage::Sign => cause.first_step(),
        Stage::SignAgain => cause.after_a_pause(),
        Stage::Reconnect => cause.after_reconnect(),
        // The canary has just passed in this very session, so the request is at fault and not the device.
        Stage::SignAfterReconnect if matches!(cause, Cause::DeviceOrParameter) => Step::Refuse,
        Stage::SignAfterReconnect => cause.after_reconnect(),
        Stage::SignAfterReinitialise if matches!(cause, Cause::DeviceOrParameter) => Step::Refuse,
        Stage::Reinitialise | Stage::SignAfterReinitialise => cause.after_reinitialise(),
    }
}

/// The cause behind a return value of the library.
#[must_use]
pub const fn classify(code: RvError) -> Cause {
    match code {
        RvError::SessionHandleInvalid | RvError::SessionClosed => Cause::SessionLost,
        RvError::UserNotLoggedIn
        | RvError::KeyHandleInvalid
        | RvError::ObjectHandleInvalid
        | RvError::GeneralError
        | RvError::UserAnotherAlreadyLoggedIn
        | RvError::UserTooManyTypes
        | RvError::SessionReadWriteSoExists => Cause::LoggedOut,
        RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::DeviceRemoved
        | RvError::SlotIdInvalid => Cause::TokenGone,
        RvError::CryptokiNotInitialized => Cause::NotInitialised,
        RvError::FunctionFailed
        | RvError::FunctionCanceled
        | RvError::HostMemory
        | RvError::DeviceMemory
        | RvError::MutexBad
        | RvError::MutexNotLocked => Cause::Throttled,
        RvError::SessionCount => Cause::SessionsExhausted,
        RvError::OperationActive | RvError::OperationNotInitialized => Cause::OperationStuck,
        RvError::DeviceError
        | RvError::ArgumentsBad
        | RvError::DataInvalid
        | RvError::DataLenRange
        | RvError::BufferTooSmall
        | RvError::ExceededMaxIterations => Cause::DeviceOrParameter,
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Cause::PinRefused,
        RvError::PinLocked => Cause::PinLocked,
        RvError::PinExpired
        | RvError::UserPinNotInitialized
        | RvError::NewPinMode
        | RvError::NextOtp => Cause::PinUnset,
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::KeyFunctionNotPermitted
        | RvError::KeyTypeInconsistent
        | RvError::KeySizeRange
        | RvError::CurveNotSupported
        | RvError::DomainParamsInvalid
        | RvError::FunctionNotSupported
        | RvError::ActionProhibited => Cause::MechanismRefused,
        RvError::FipsSelfTestFailed => Cause::SelfTestFailed,
        RvError::LibraryLoadFailed | RvError::CantLock | RvError::NeedToCreateThreads => {
            Cause::LibraryUnusable
        }
        RvError::SignatureInvalid | RvError::SignatureLenRange => Cause::WrongSignature,
        RvError::Cancel
        | RvError::NoEvent
        | RvError::AttributeReadOnly
        | RvError::AttributeSensitive
        | RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::EncryptedDataInvalid
        | RvError::EncryptedDataLenRange
        | RvError::FunctionNotParallel
        | RvError::KeyNotNeeded
        | RvError::KeyChanged
        | RvError::KeyNeeded
        | RvError::KeyIndigestible
        | RvError::KeyNotWrappable
        | RvError::KeyUnextractable
        | RvError::SessionParallelNotSupported
        | RvError::SessionReadOnly
        | RvError::SessionExists
        | RvError::SessionReadOnlyExists
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent
        | RvError::TokenWriteProtected
        | RvError::UnwrappingKeyHandleInvalid
        | RvError::UnwrappingKeySizeRange
        | RvError::UnwrappingKeyTypeInconsistent
        | RvError::UserAlreadyLoggedIn
        | RvError::UserTypeInvalid
        | RvError::WrappedKeyInvalid
        | RvError::WrappedKeyLenRange
        | RvError::WrappingKeyHandleInvalid
        | RvError::WrappingKeySizeRange
        | RvError::WrappingKeyTypeInconsistent
        | RvError::RandomSeedNotSupported
        | RvError::RandomNoRng
        | RvError::SavedStateInvalid
        | RvError::InformationSensitive
        | RvError::StateUnsaveable
        | RvError::CryptokiAlreadyInitialized
        | RvError::PinTooWeak
        | RvError::PublicKeyInvalid
        | RvError::FunctionRejected
        | RvError::VendorDefined(_)
        | RvError::UnknownErrorCode(_) => Cause::Unknown,
    }
}

#[cfg(test)]
mod tests;
