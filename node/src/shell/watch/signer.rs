//! What the signer's last answers say about it.
//!
//! A signature clears what went wrong before, be it a canary of the backend's own after it came back; a refusal that only a person or a new
//! record changes stays until then.

use falaj_hsm::{BackendError, Notice};

/// Codes after which nothing is signed until a person acts, beside those of the guard.
const PERSON: [&str; 7] = [
    "latched",
    "backend_latched",
    "backend_pin",
    "backend_key",
    "backend_mechanism",
    "backend_forbidden",
    "backend_restart",
];

/// The state of the signer in a word, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignerView {
    /// Whether the last call of the HSM gave a signature, or the backend has come back since; `None` before the first.
    pub hsm_up: Option<bool>,
    /// The code of the last refusal that no signature has cleared.
    pub refusing: Option<&'static str>,
    /// The HSM's last fault in words, while it lasts.
    pub fault: Option<String>,
}

impl SignerView {
    /// Whether nothing is signed until a person acts.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        self.refusing
            .is_some_and(|code| PERSON.contains(&code) || code.starts_with("guard_"))
    }
}

/// What was seen of it.
#[derive(Debug, Default)]
pub(super) struct SignerLook {
    view: SignerView,
    was_connected: bool,
    /// Trouble since it last connected.
    troubles: Vec<String>,
}

/// Different troubles that are remembered so as to be told once.
const TROUBLES_MAX: usize = 16;

impl SignerLook {
    /// The HSM answered. Says whether that is another answer than the one before, so that it is told once.
    pub(super) fn answered(&mut self, error: Option<&BackendError>) -> bool {
        let view = SignerView {
            hsm_up: Some(error.is_none()),
            refusing: error.map(|error| error.fault.code()),
            fault: error.map(ToString::to_string),
        };
        let first_and_good = self.view.hsm_up.is_none() && error.is_none();
        let is_new =
            !first_and_good && (view.hsm_up, &view.fault) != (self.view.hsm_up, &self.view.fault);
        self.view = view;
        is_new
    }

    /// The backend came back by itself, which its canary showed. Says whether that is news: not if nothing was wrong, or more is.
    pub(super) fn recovered(&mut self) -> bool {
        if self.view.hsm_up != Some(false) || self.view.needs_a_person() {
            return false;
        }
        let refusing = self.view.refusing;
        self.view = SignerView {
            hsm_up: Some(true),
            refusing: refusing.filter(|code| !code.starts_with("backend_")),
            fault: None,
        };
        true
    }

    /// Something happened to the backend. Says whether it is news: the first connection, or trouble not told since the last one.
    pub(super) fn noticed(&mut self, notice: &Notice) -> bool {
        match notice {
            Notice::Connected(_) => {
                self.troubles.clear();
                !std::mem::replace(&mut self.was_connected, true)
            }
            Notice::Trouble(text) if self.troubles.contains(text) => false,
            Notice::Trouble(text) => {
                if self.troubles.len() < TROUBLES_MAX {
                    self.troubles.push(text.clone());
                }
                true
            }
            Notice::Waiting(_) => false,
        }
    }

    /// The signer refused. What a later request changes by itself is no state.
    pub(super) fn refused(&mut self, code: &'static str) {
        let lasting = ["latched", "disk_full", "not_a_member"].contains(&code);
        if lasting || code.starts_with("guard_") || code.starts_with("backend_") {
            self.view.refusing = Some(code);
        }
    }

    pub(super) fn view(&self) -> SignerView {
        self.view.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use falaj_hsm::Fault;

    #[test]
    fn a_signature_clears_what_a_fault_said() {
        let mut look = SignerLook::default();
        look.answered(Some(&BackendError::new(Fault::Token)));
        let view = look.view();
        assert_eq!(view.hsm_up, Some(false));
        assert_eq!(view.refusing, Some("backend_token"));
        assert!(!view.needs_a_person());
        look.answered(None);
        let up = Some(true);
        assert_eq!(
            look.view(),
            SignerView {
                hsm_up: up,
                ..SignerView::default()
            }
        );
    }

    // Goal: on a chain with nothing to sign a token that is back is seen by its canary; what only a person ends stays.
    #[test]
    fn a_backend_that_came_back_clears_its_own_fault_alone() {
        let mut look = SignerLook::default();
        assert!(!look.recovered(), "nothing was wrong");
        look.answered(Some(&BackendError::new(Fault::Token)));
        assert!(look.recovered());
        let up = SignerView {
            hsm_up: Some(true),
            ..SignerView::default()
        };
        assert_eq!(look.view(), up);
        assert!(!look.recovered());

        look.answered(Some(&BackendError::new(Fault::Token)));
        look.refused("disk_full");
        assert!(look.recovered());
        assert_eq!(look.view().refusing, Some("disk_full"));
        for fault in [Fault::Pin, Fault::Key, Fault::Latched, Fault::Restart] {
            look.answered(Some(&BackendError::new(fault)));
            assert!(!look.recovered(), "{fault}");
            assert_eq!(look.view().refusing, Some(fault.code()));
        }
        look.answered(Some(&BackendError::new(Fault::Token)));
        look.refused("latched");
        assert!(!look.recovered());
    }

    // Goal: an HSM that is away is told once, and again when it is back.
    #[test]
    fn another_answer_is_told_once() {
        let mut look = SignerLook::default();
        assert!(!look.answered(None));
        assert!(look.answered(Some(&BackendError::new(Fault::Token))));
        assert!(!look.answered(Some(&BackendError::new(Fault::Token))));
        assert!(look.answered(Some(&BackendError::new(Fault::Timeout))));
        assert!(look.answered(None));
        assert!(!look.answered(None));
    }

    #[test]
    fn a_trouble_is_news_once_between_two_connections() {
        let mut look = SignerLook::default();
        let (up, gone) = (
            Notice::Connected("up".into()),
            Notice::Trouble("gone".into()),
        );
        assert!(look.noticed(&up), "the first connection is none again");
        assert!(look.noticed(&gone));
        assert!(!look.noticed(&gone));
        assert!(!look.noticed(&up), "a reconnection");
        assert!(look.noticed(&gone));
    }

    #[test]
    fn a_latch_stays_and_a_stale_request_is_no_state() {
        let mut look = SignerLook::default();
        look.refused("stale");
        assert_eq!(look.view().refusing, None);
        look.refused("latched");
        assert!(look.view().needs_a_person());
        let mut pin = SignerLook::default();
        pin.answered(Some(&BackendError::new(Fault::Pin)));
        assert!(pin.view().needs_a_person());
    }
}
