//! What an operator does about a fault, in plain words.
//!
//! Invariant: each [`TokenError`] has a fix that names what to look at and what to type; none asks to try a PIN again without saying
//! what a further wrong one costs.
//! Who calls: `falaj doctor hsm`, the start of a node, and the page.
//! Source: `docs/runbook/hsm.md`, which has a section for each cause, under its code; a test holds the page to the list.

use super::error::TokenError;
use super::fault::Cause;

impl TokenError {
    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::Library { .. } => {
                "install the vendor's PKCS#11 library, or correct its path in the configuration; the user of the node must be able to read it"
            }
            Self::LibraryHash { .. } => {
                "find out who changed the library; if it was a planned update, declare its new SHA-256 in the configuration"
            }
            Self::TokenMissing { .. } | Self::TokenGone { .. } => {
                "check that the HSM is powered and reachable and that its client is configured for this user; compare the label with the list above; the node tries again by itself"
            }
            Self::TokenAmbiguous { .. } => {
                "name the token by its serial number as well: `validator.signer.token_serial`"
            }
            Self::NotHardware { .. } => {
                "use a hardware token, or run with a profile that allows test tokens"
            }
            Self::NotApproved { .. } => {
                "enrol a key of an approved algorithm (rsa-pss-3072, p256), or declare fips = off"
            }
            Self::PinPad { .. } => {
                "have the partition activated for login by PIN, as unattended signing needs"
            }
            Self::Pin(_) => {
                "put the PIN into a file with mode 0600 that belongs to the user of the node, or into a systemd credential; then restart the node"
            }
            Self::MechanismMissing { .. } => {
                "enable the mechanism on the HSM, or enrol a key of an algorithm it offers; nothing is chosen for you"
            }
            Self::KeyDuplicate { .. } => {
                "find out where the second key comes from; keep the enrolled one and give the other another label and id"
            }
            Self::KeyMismatch { .. } => {
                "the token holds another key under this name: point the configuration at the right token, or enrol this key as a new one"
            }
            Self::KeyAttribute { .. } => {
                "this key is not protected as a consensus key must be; generate a new one with `falaj keys generate` and rotate to it"
            }
            Self::KeyForm { .. } | Self::KeyBytes { .. } => {
                "generate a key with `falaj keys generate`; keys of other kinds cannot be used"
            }
            Self::NameTaken { .. } => "choose another label and id; nothing is overwritten",
            Self::WrongSignature { .. } => {
                "keep the HSM and this report for its vendor; the key may be another one than was enrolled, or the device is faulty"
            }
            Self::Vendor { .. }
            | Self::Unreadable { .. }
            | Self::StaleSession
            | Self::NoSession
            | Self::NotLoggedIn
            | Self::CallsInFlight { .. }
            | Self::SharedLibrary
            | Self::PinRefused { .. }
            | Self::PinRefusedEarlier { .. }
            | Self::PinLocked { .. }
            | Self::PinFinalTry { .. }
            | Self::PinCountLow { .. }
            | Self::PinUnset { .. }
            | Self::KeyMissing { .. }
            | Self::Panicked
            | Self::Thread(_) => self.cause().fix(),
        }
    }
}

impl Cause {
    /// What to do about a fault of this cause.
    #[must_use]
    pub const fn fix(self) -> &'static str {
        match self {
            Self::SessionLost | Self::LoggedOut | Self::NotInitialised | Self::OperationStuck => {
                "nothing: the node opens a new session by itself; if it happens often, look for another program that uses the same token"
            }
            Self::TokenGone | Self::TokenMissing => {
                "check that the HSM is powered and reachable; the node tries again by itself"
            }
            Self::TokenAmbiguous => {
                "name the token by its serial number as well: `validator.signer.token_serial`"
            }
            Self::Throttled | Self::SessionsExhausted => {
                "nothing at first; if it lasts, give the node's partition more sessions or a higher rate"
            }
            Self::DeviceOrParameter => {
                "nothing if signing goes on; else read the HSM's own log for the time of the fault"
            }
            Self::PinRefused => {
                "do not restart with the same PIN: correct the PIN file first, log in once by hand (`falaj doctor hsm --try-pin-at-risk`) to reset the try counter, then restart the node"
            }
            Self::PinLocked => {
                "have the security officer unlock or reset the user PIN, then restart the node"
            }
            Self::PinAtRisk => {
                "make sure of the PIN, log in once by hand (`falaj doctor hsm --try-pin-at-risk`) to reset the try counter, then restart the node"
            }
            Self::PinUnset => {
                "set or change the user PIN as the security officer, then restart the node"
            }
            Self::PinUnreadable => {
                "put the PIN where the configuration says, readable by the user of the node alone; then restart the node"
            }
            Self::MechanismRefused => {
                "enable the mechanism on the HSM, or enrol a key of an algorithm it offers"
            }
            Self::KeyMissing => {
                "point the configuration at the token that holds the key; a key that is lost is replaced by rotation, never silently generated"
            }
            Self::KeyDuplicate => {
                "keep one key of that name and give the other another label and id"
            }
            Self::KeyUnfit => "generate a new key with `falaj keys generate` and rotate to it",
            Self::WrongSignature => {
                "keep the HSM and this report for its vendor; do not use the key until it is explained"
            }
            Self::Forbidden => "change the configuration, or the token, so that they agree",
            Self::LibraryUnusable => {
                "install the vendor's PKCS#11 library as its manual says, then restart the node"
            }
            Self::SelfTestFailed => "take the HSM out of service and call its vendor",
            Self::CannotReinitialise => {
                "restart the signer process; the library is stuck inside a call"
            }
            Self::Unknown => {
                "look the number up in the vendor's manual; the node tries again by itself"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    // An operator who searches the runbook for the code of a fault finds it, and no code there is of a fault that does not exist.
    #[test]
    fn the_runbook_has_a_section_for_each_cause() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook/hsm.md");
        let text = fs::read_to_string(page).unwrap();
        let codes = text
            .lines()
            .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
        let mut found: Vec<_> = codes.collect();
        let mut expected = Cause::ALL.map(Cause::code);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    // A refused PIN is never answered by "try again".
    #[test]
    fn no_fix_spends_a_pin_try_lightly() {
        for cause in [Cause::PinRefused, Cause::PinAtRisk] {
            assert!(cause.fix().contains("log in once by hand"), "{cause:?}");
        }
    }
}
