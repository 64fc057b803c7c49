//! Negative probes: what must not work with a consensus key, tried.
//!
//! Invariant: no probe can harm the key. Destruction is tried on a twin made from the same template that lives only as long as the session;
//! a copy that should not exist is destroyed and reported.
//! Errors: [`TokenError`] when the key is not found or the session fails; what a probe met is its [`ProbeOutcome`].
//! Source: `docs/spec/hsm.md`, "Keys"; PKCS #11 v3.0 §4.4 (`CKA_COPYABLE`, `CKA_DESTROYABLE`), §4.9.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeInfo, AttributeType, ObjectHandle};
use cryptoki::types::Ulong;
use falaj_consensus::crypto::Algorithm;

use super::admin::TokenAdmin;
use super::error::TokenError;
use super::key::{self, KeyName};
use super::template;

/// How a probe ended.
#[derive(Clone, Debug)]
pub enum ProbeOutcome {
    /// The token refused, as it must.
    Refused(TokenError),
    /// The token withholds the value, as it must.
    Withheld,
    /// The token did it: the key is not protected.
    Done,
    /// It could not be tried.
    NotTried(&'static str),
}

/// One probe.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What was tried.
    pub name: &'static str,
    /// How it ended.
    pub outcome: ProbeOutcome,
}

impl Probe {
    /// Whether the token did what it must never do.
    #[must_use]
    pub const fn is_breach(&self) -> bool {
        matches!(self.outcome, ProbeOutcome::Done)
    }
}

impl TokenAdmin {
    /// Tries everything that must fail with the key of that name.
    ///
    /// # Errors
    /// [`TokenError`] when the key is not found or the session fails.
    pub fn probe(&self, name: &KeyName) -> Result<Vec<Probe>, TokenError> {
        let algorithm = self.public_key(name)?.algorithm();
        let key = key::find_private(&self.session, self.token_label(), name)?;
        Ok(vec![
            self.probe_read(algorithm, key)?,
            self.probe_change("make it extractable", key, Attribute::Extractable(true)),
            self.probe_change("make it readable", key, Attribute::Sensitive(false)),
            self.probe_change("let it decrypt", key, Attribute::Decrypt(true)),
            self.probe_change("let it derive", key, Attribute::Derive(true)),
            self.probe_change("rename it", key, Attribute::Label(b"renamed".to_vec())),
            self.probe_copy(key),
            self.probe_wrap(key),
            self.probe_other_mechanism(algorithm, key),
            self.probe_destroy(algorithm),
        ])
    }

    fn probe_read(&self, algorithm: Algorithm, key: ObjectHandle) -> Result<Probe, TokenError> {
        let secret = match algorithm {
            Algorithm::Ed25519 | Algorithm::EcdsaP256 | Algorithm::EcdsaP384 => {
                AttributeType::Value
            }
            Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
                AttributeType::PrivateExponent
            }
        };
        let info = self
            .session
            .call(|session| session.get_attribute_info(key, &[secret]))?;
        let outcome = match info.first() {
            Some(AttributeInfo::Available(_)) => ProbeOutcome::Done,
            Some(
                AttributeInfo::Sensitive | AttributeInfo::Unavailable | AttributeInfo::TypeInvalid,
            )
            | None => ProbeOutcome::Withheld,
        };
        Ok(Probe {
            name: "read it",
            outcome,
        })
    }

    fn probe_change(&self, name: &'static str, key: ObjectHandle, change: Attribute) -> Probe {
        let result = self
            .session
            .call(|session| session.update_attributes(key, &[change]));
        Probe {
            name,
            outcome: outcome(result),
        }
    }

    fn probe_copy(&self, key: ObjectHandle) -> Probe {
        let template = [Attribute::Token(false), Attribute::Extractable(false)];
        let result = self
            .session
            .call(|session| session.copy_object(key, &template));
        if let Ok(copy) = result {
            // It ends with the session in any case; the breach is reported either way.
            let _ = self.session.call(|session| session.destroy_object(copy));
        }
        Probe {
            name: "copy it",
            outcome: outcome(result),
        }
    }

    fn probe_wrap(&self, key: ObjectHandle) -> Probe {
        const NAME: &str = "wrap it";
        let template = [
            Attribute::Token(false),
            Attribute::Wrap(true),
            Attribute::ValueLen(Ulong::new(32)),
        ];
        let made = self
            .session
            .call(|session| session.generate_key(&Mechanism::AesKeyGen, &template));
        let Ok(wrapping) = made else {
            return Probe {
                name: NAME,
                outcome: ProbeOutcome::NotTried("the token makes no AES key"),
            };
        };
        let result = self
            .session
            .call(|session| session.wrap_key(&Mechanism::AesKeyWrapPad, wrapping, key));
        Probe {
            name: NAME,
            outcome: outcome(result),
        }
    }

    fn probe_other_mechanism(&self, algorithm: Algorithm, key: ObjectHandle) -> Probe {
        let other = match algorithm {
            Algorithm::Ed25519 => Mechanism::Ecdsa,
            Algorithm::EcdsaP256 => Mechanism::EcdsaSha256,
            Algorithm::EcdsaP384 => Mechanism::EcdsaSha384,
            Algorithm::RsaPss2048 | Algorithm::RsaPss3072 | Algorithm::RsaPss4096 => {
                Mechanism::Sha256RsaPkcs
            }
        };
        let result = self
            .session
            .call(|session| session.sign(&other, key, &[7; 32]));
        Probe {
            name: "sign with another mechanism",
            outcome: outcome(result),
        }
    }

    fn probe_destroy(&self, algorithm: Algorithm) -> Probe {
        const NAME: &str = "destroy a twin of it";
        let name = KeyName {
            label: "falaj-probe-twin".to_owned(),
            id: b"falaj-probe-twin".to_vec(),
        };
        match template::generate(&self.session, algorithm, &name, false) {
            Err(_) => Probe {
                name: NAME,
                outcome: ProbeOutcome::NotTried("the token makes no twin"),
            },
            Ok((_, twin)) => {
                let result = self.session.call(|session| session.destroy_object(twin));
                Probe {
                    name: NAME,
                    outcome: outcome(result),
                }
            }
        }
    }
}

fn outcome<T>(result: Result<T, TokenError>) -> ProbeOutcome {
    match result {
        Ok(_) => ProbeOutcome::Done,
        Err(error) => ProbeOutcome::Refused(error),
    }
}
