//! Makes, lists and shows the keys of a token: what a key ceremony and `falaj keys` do.
//!
//! Invariant: a key is only ever generated inside the token, under a name nobody has there, and is refused here unless the token reports
//! what a consensus key must be and a signature of it verifies. Nothing is deleted.
//! Who calls: commands that a person started; every call runs on the caller's thread and may block as long as the library likes.
//! Errors: [`TokenError`].
//! Source: `docs/spec/hsm.md`, "Keys"; PKCS #11 v3.0 §5.18.

use std::sync::Arc;

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use falaj_consensus::crypto::{Algorithm, PublicKey};

use super::attributes::{self, AllowedMechanisms, KeyAttributes};
use super::config::{KeyConfig, TokenConfig};
use super::device::{canary, offers, open_and_login};
use super::error::TokenError;
use super::key::{self, KeyName};
use super::mechanism;
use super::module::Module;
use super::pin::PinReader;
use super::session::{Access, Session};
use super::slot::{self, Found};
use super::template;

/// A logged-in session that may make keys.
pub struct TokenAdmin {
    pub(crate) module: Arc<Module>,
    pub(crate) found: Found,
    pub(crate) session: Session,
}

/// A key that was made.
#[derive(Clone, Debug)]
pub struct GeneratedKey {
    /// Its public half, which a signature over a fresh challenge was verified against.
    pub public_key: PublicKey,
    /// What the token reports about its private half.
    pub attributes: KeyAttributes,
}

/// A private key of a token.
#[derive(Clone, Debug)]
pub struct KeyListing {
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_ID`.
    pub id: Vec<u8>,
    /// Its public half, or why there is none that this program can use.
    pub public_key: Result<PublicKey, TokenError>,
    /// What the token reports about it.
    pub attributes: KeyAttributes,
}

impl TokenAdmin {
    /// Finds the token and logs in, once.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open(config: &TokenConfig) -> Result<Self, TokenError> {
        let module = Module::load(&config.module, config.module_sha256)?;
        let found = slot::find(&module, &config.token)?;
        let pin = PinReader::new(config.pin.clone());
        let session = open_and_login(&module, &found, config, &pin, Access::ReadWrite)?;
        Ok(Self {
            module,
            found,
            session,
        })
    }

    /// Label of the token.
    #[must_use]
    pub fn token_label(&self) -> &str {
        self.found.token.label()
    }

    /// Makes a key pair in the token, with the hardened template, and proves that it signs.
    ///
    /// # Errors
    /// [`TokenError::NameTaken`], [`TokenError::MechanismMissing`], what the library returned, or what is wrong with the key it made.
    pub fn generate_key(
        &self,
        algorithm: Algorithm,
        name: &KeyName,
    ) -> Result<GeneratedKey, TokenError> {
        self.expect_makable(algorithm, name)?;
        template::generate(&self.session, algorithm, name, true)?;
        self.prove(algorithm, name)
    }

    /// Refuses what [`generate_key`](Self::generate_key) would, as far as that is known before; nothing is made.
    ///
    /// # Errors
    /// [`TokenError::NameTaken`], [`TokenError::MechanismMissing`], or what the library returned.
    pub fn expect_makable(&self, algorithm: Algorithm, name: &KeyName) -> Result<(), TokenError> {
        for wanted in [
            mechanism::generation(algorithm),
            mechanism::mechanism(algorithm),
        ] {
            offers(
                &self.module,
                &self.found,
                algorithm,
                wanted.mechanism_type(),
            )?;
        }
        key::refuse_taken(&self.session, self.token_label(), name)
    }

    /// Finds a key of this algorithm as a node will, and has it sign.
    ///
    /// # Errors
    /// [`TokenError::KeyMissing`] when there is none, what is wrong with the key, or what the library returned.
    pub fn prove(&self, algorithm: Algorithm, name: &KeyName) -> Result<GeneratedKey, TokenError> {
        let unfit = |reason| TokenError::KeyForm {
            label: name.label.clone(),
            reason,
        };
        let handle = key::find_private(&self.session, self.token_label(), name)?;
        let public = key::find_public(&self.session, self.token_label(), name)?;
        let public_key =
            public.ok_or_else(|| unfit("the token made no public key object for it"))?;
        if public_key.algorithm() != algorithm {
            return Err(unfit("the token made a key of another algorithm"));
        }
        let attributes = attributes::read(&self.session, handle)?;
        attributes.check(&name.label)?;
        let config = KeyConfig {
            name: name.clone(),
            public_key: public_key.clone(),
            fips_strict: false,
            hardware_only: false,
        };
        canary(&self.session, handle, &config)?;
        Ok(GeneratedKey {
            public_key,
            attributes,
        })
    }

    /// The public half of the key with that name.
    ///
    /// # Errors
    /// [`TokenError::KeyMissing`], [`TokenError::KeyDuplicate`], [`TokenError::KeyForm`], or what the library returned.
    pub fn public_key(&self, name: &KeyName) -> Result<PublicKey, TokenError> {
        key::find_private(&self.session, self.token_label(), name)?;
        let public = key::find_public(&self.session, self.token_label(), name)?;
        public.ok_or_else(|| TokenError::KeyForm {
            label: name.label.clone(),
            reason: "the token holds no public key object for it",
        })
    }

    /// Every private key of the token, by label and id.
    ///
    /// # Errors
    /// What the library returned.
    pub fn list_keys(&self) -> Result<Vec<KeyListing>, TokenError> {
        let class = [Attribute::Class(ObjectClass::PRIVATE_KEY)];
        let handles = self.session.call(|session| session.find_objects(&class))?;
        let mut keys = Vec::with_capacity(handles.len());
        for handle in handles {
            let name = self.name_of(handle)?;
            keys.push(KeyListing {
                public_key: self.public_key(&name),
                attributes: attributes::read(&self.session, handle)?,
                label: name.label,
                id: name.id,
            });
        }
        keys.sort_by(|a, b| (&a.label, &a.id).cmp(&(&b.label, &b.id)));
        Ok(keys)
    }

    fn name_of(&self, handle: ObjectHandle) -> Result<KeyName, TokenError> {
        let wanted = [AttributeType::Label, AttributeType::Id];
        let mut name = KeyName {
            label: String::new(),
            id: Vec::new(),
        };
        for attribute in self
            .session
            .call(|session| session.get_attributes(handle, &wanted))?
        {
            if let Attribute::Label(label) = attribute {
                name.label = String::from_utf8_lossy(&label).into_owned();
            } else if let Attribute::Id(id) = attribute {
                name.id = id;
            }
        }
        Ok(name)
    }
}

impl GeneratedKey {
    /// Whether the token itself keeps the key from being used with any other mechanism.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        matches!(self.attributes.allowed, AllowedMechanisms::Only(ref list) if list.len() == 1)
    }
}
