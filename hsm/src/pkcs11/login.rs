//! One login per session at most, and none after a refusal: wrong PINs lock tokens for good.
//!
//! Invariant: once a token refused a PIN, this process never calls `C_Login` on it again; and a PIN is not sent at all while the token
//! says that a wrong one was entered before, unless the operator allowed that one try. So a service manager that restarts a node with a
//! wrong PIN for ever spends one try, not all of them.
//! Units: [`UNCLEAR_MAX`] logins in a row may end without a verdict on the PIN (a device that reboots), then no more are made.
//! Errors: [`TokenError`]; the session was opened by the caller and is his to drop.
//! Source: PKCS #11 v3.0 §5.6.8, `C_Login`; `docs/spec/hsm.md`, "PIN".

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::error::RvError;
use cryptoki::session::{SessionState, UserType};
use cryptoki::slot::TokenInfo;

use super::error::{Code, TokenError};
use super::fault::{Cause, classify};
use super::pin::PinReader;
use super::session::Session;

/// Logins in a row that may fail for another reason than the PIN.
const UNCLEAR_MAX: u32 = 3;

/// How the last logins of one token ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct History {
    refused: bool,
    unclear: u32,
}

/// What this process knows about the logins of its tokens. One lock, held over the login: two threads never spend two tries.
#[derive(Debug)]
pub(crate) struct Logins(Mutex<BTreeMap<(String, String), History>>);

/// What a login that failed says about the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The PIN was judged, or may have been: never again.
    Refused,
    /// The token went away or was busy before it judged.
    Unclear,
}

impl Logins {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// Logs the session in as user, unless it is; `try_at_risk` allows the one try that the token's flags advise against.
    pub(crate) fn login(
        &self,
        session: &Session,
        token: &TokenInfo,
        pin: &PinReader,
        try_at_risk: bool,
    ) -> Result<(), TokenError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if is_user(
            session
                .call(|session| session.get_session_info())?
                .session_state(),
        ) {
            return Ok(());
        }
        let key = (token.label().to_owned(), token.serial_number().to_owned());
        let history = known.entry(key).or_default();
        if history.refused {
            return Err(TokenError::PinRefusedEarlier {
                token: token.label().to_owned(),
            });
        }
        check_flags(PinFlags::of(token), token.label(), try_at_risk)?;
        let pin = pin
            .read(token.label())
            .map_err(|error| TokenError::Pin(Arc::new(error)))?;
        let result = session.call(|session| session.login(UserType::User, Some(pin.auth())));
        history.judge(result, token.label())
    }
}

impl History {
    fn judge(&mut self, result: Result<(), TokenError>, token: &str) -> Result<(), TokenError> {
        let error = match result {
            Ok(()) => {
                *self = Self::default();
                return Ok(());
            }
            Err(error) => error,
        };
        let TokenError::Vendor { code, .. } = error else {
            return Err(error);
        };
        if code.0 == RvError::UserAlreadyLoggedIn {
            return Ok(());
        }
        self.unclear = self.unclear.saturating_add(1);
        if verdict(code.0) == Verdict::Unclear && self.unclear < UNCLEAR_MAX {
            return Err(error);
        }
        self.refused = true;
        Err(refusal(token, code))
    }
}

fn refusal(token: &str, code: Code) -> TokenError {
    let token = token.to_owned();
    let cause = classify(code.0);
    if cause == Cause::PinLocked {
        TokenError::PinLocked { token }
    } else if cause == Cause::PinUnset {
        TokenError::PinUnset { token }
    } else {
        TokenError::PinRefused { token, code }
    }
}

/// Codes that the standard defines as something else than the PIN are unclear; whatever might be the PIN is a refusal.
const fn verdict(code: RvError) -> Verdict {
    match classify(code) {
        Cause::SessionLost
        | Cause::TokenGone
        | Cause::NotInitialised
        | Cause::Throttled
        | Cause::SessionsExhausted
        | Cause::OperationStuck
        | Cause::LoggedOut
        | Cause::DeviceOrParameter => Verdict::Unclear,
        Cause::TokenMissing
        | Cause::TokenAmbiguous
        | Cause::PinRefused
        | Cause::PinLocked
        | Cause::PinAtRisk
        | Cause::PinUnset
        | Cause::PinUnreadable
        | Cause::MechanismRefused
        | Cause::KeyMissing
        | Cause::KeyDuplicate
        | Cause::KeyUnfit
        | Cause::WrongSignature
        | Cause::Forbidden
        | Cause::LibraryUnusable
        | Cause::SelfTestFailed
        | Cause::CannotReinitialise
        | Cause::Unknown => Verdict::Refused,
    }
}

const fn is_user(state: SessionState) -> bool {
    match state {
        SessionState::RoUser | SessionState::RwUser => true,
        SessionState::RoPublic | SessionState::RwPublic | SessionState::RwSecurityOfficer => false,
    }
}

/// What the token says about its user PIN before one is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the flags of CK_TOKEN_INFO"
)]
pub struct PinFlags {
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`.
    pub pad: bool,
    /// `CKF_USER_PIN_INITIALIZED`.
    pub initialized: bool,
    /// `CKF_USER_PIN_TO_BE_CHANGED`.
    pub to_be_changed: bool,
    /// `CKF_USER_PIN_COUNT_LOW`.
    pub count_low: bool,
    /// `CKF_USER_PIN_FINAL_TRY`.
    pub final_try: bool,
    /// `CKF_USER_PIN_LOCKED`.
    pub locked: bool,
}

impl PinFlags {
    /// The flags of a token.
    pub(crate) fn of(token: &TokenInfo) -> Self {
        Self {
            pad: token.protected_authentication_path(),
            initialized: token.user_pin_initialized(),
            to_be_changed: token.user_pin_to_be_changed(),
            count_low: token.user_pin_count_low(),
            final_try: token.user_pin_final_try(),
            locked: token.user_pin_locked(),
        }
    }
}

fn check_flags(flags: PinFlags, token: &str, try_at_risk: bool) -> Result<(), TokenError> {
    let token = token.to_owned();
    if flags.pad {
        return Err(TokenError::PinPad { token });
    }
    if flags.locked {
        return Err(TokenError::PinLocked { token });
    }
    if !flags.initialized || flags.to_be_changed {
        return Err(TokenError::PinUnset { token });
    }
    if flags.final_try && !try_at_risk {
        return Err(TokenError::PinFinalTry { token });
    }
    if flags.count_low && !try_at_risk {
        return Err(TokenError::PinCountLow { token });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkcs11::error::Call;
    use cryptoki::context::Function;

    const GOOD: PinFlags = PinFlags {
        pad: false,
        initialized: true,
        to_be_changed: false,
        count_low: false,
        final_try: false,
        locked: false,
    };

    fn cause(flags: PinFlags, try_at_risk: bool) -> Option<Cause> {
        check_flags(flags, "t", try_at_risk)
            .err()
            .map(|error| error.cause())
    }

    // Whatever the flags warn of is refused before a try is spent.
    #[test]
    fn flags_refuse_before_a_try_is_spent() {
        assert_eq!(cause(GOOD, false), None);
        assert_eq!(
            cause(PinFlags { pad: true, ..GOOD }, true),
            Some(Cause::Forbidden)
        );
        assert_eq!(
            cause(
                PinFlags {
                    locked: true,
                    ..GOOD
                },
                true
            ),
            Some(Cause::PinLocked)
        );
        assert_eq!(
            cause(
                PinFlags {
                    initialized: false,
                    ..GOOD
                },
                true
            ),
            Some(Cause::PinUnset)
        );
        assert_eq!(
            cause(
                PinFlags {
                    to_be_changed: true,
                    ..GOOD
                },
                true
            ),
            Some(Cause::PinUnset)
        );
        assert_eq!(
            cause(
                PinFlags {
                    final_try: true,
                    ..GOOD
                },
                false
            ),
            Some(Cause::PinAtRisk)
        );
        assert_eq!(
            cause(
                PinFlags {
                    count_low: true,
                    ..GOOD
                },
                false
            ),
            Some(Cause::PinAtRisk)
        );
        assert_eq!(
            cause(
                PinFlags {
                    count_low: true,
                    ..GOOD
                },
                true
            ),
            None
        );
    }

    fn login(history: &mut History, code: RvError) -> Result<(), TokenError> {
        let error = TokenError::Vendor {
            call: Call(Function::Login),
            code: Code(code),
        };
        history.judge(Err(error), "t")
    }

    // A refusal is remembered; so is a code that might be one.
    #[test]
    fn a_refusal_is_remembered() {
        for code in [
            RvError::PinIncorrect,
            RvError::PinLocked,
            RvError::PinExpired,
            RvError::VendorDefined(0x8000_0001),
        ] {
            let mut history = History::default();
            assert!(login(&mut history, code).is_err());
            assert!(history.refused, "{code:?}");
        }
    }

    // A device that reboots is not a wrong PIN, three times.
    #[test]
    fn an_unclear_login_is_tried_again_but_not_for_ever() {
        let mut history = History::default();
        assert!(login(&mut history, RvError::DeviceError).is_err());
        assert!(login(&mut history, RvError::DeviceRemoved).is_err());
        assert!(!history.refused);
        assert!(login(&mut history, RvError::GeneralError).is_err());
        assert!(history.refused);
    }

    // Another session of this process is logged in: the token needs no PIN.
    #[test]
    fn already_logged_in_is_success() {
        let mut history = History::default();
        assert!(login(&mut history, RvError::UserAlreadyLoggedIn).is_ok());
        assert_eq!(history, History::default());
    }
}
