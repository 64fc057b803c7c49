//! The keys of a token: listed, and made.
//!
//! Invariant: one login a command; a key is told of only after a signature of it was verified.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_hsm::pkcs11::{GeneratedKey, KeyListing, KeyName, TokenAdmin, TokenError};
use serde_json::{Value, json};
use std::path::Path;

use crate::shell::cli::doctor::attributes;
use crate::shell::cli::{Failure, Scene, print};
use crate::shell::config::Pkcs11Config;
use crate::shell::keys::token;

/// A key that can be made: the login is done, the mechanisms are there, the name is free.
pub(in crate::shell::cli) struct NewKey {
    admin: TokenAdmin,
    algorithm: Algorithm,
    name: KeyName,
}

impl NewKey {
    /// Checks all that can be checked; `None` if an unfinished `init`, which `resumed` tells of, has made the key.
    pub(super) fn check(
        home: &Path,
        config: &Pkcs11Config,
        resumed: bool,
    ) -> Result<Option<Self>, Failure> {
        // Before the login, so that a wrong word costs no PIN try.
        let (algorithm, name) = (token::algorithm(config)?, token::key_name(config)?);
        let admin = TokenAdmin::open(&token::token_config(home, config)?)?;
        if resumed {
            match admin.prove(algorithm, &name) {
                Ok(_) => return Ok(None),
                Err(TokenError::KeyMissing { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        admin.expect_makable(algorithm, &name)?;
        Ok(Some(Self {
            admin,
            algorithm,
            name,
        }))
    }

    /// Makes it.
    pub(super) fn make(self) -> Result<GeneratedKey, Failure> {
        Ok(self.admin.generate_key(self.algorithm, &self.name)?)
    }
}

/// Makes a key and says what is public of it.
pub(super) fn generate_and_show(scene: &Scene, config: &Pkcs11Config) -> Result<(), Failure> {
    let key = NewKey::check(&scene.home, config, false)?;
    let made = key
        .expect("only a making that is resumed may find its key made")
        .make()?;
    let key = &made.public_key;
    if scene.json {
        print::json(&json!({
            "token": config.token_label,
            "label": config.key_label,
            "id": config.key_id,
            "public_key": public(key),
            "restricted": made.is_restricted(),
            "key": attributes(&made.attributes),
        }));
        return Ok(());
    }
    print::line(&format!("label        {}", config.key_label));
    print::line(&format!("id           {}", config.key_id));
    print::line(&format!("algorithm    {}", key.algorithm().name()));
    print::line(&format!("public key   {}", HEXLOWER.encode(key.bytes())));
    print::line(&format!("fingerprint  {}", key.fingerprint().to_hex()));
    if !made.is_restricted() {
        print::beside("the token does not restrict the key to one mechanism");
    }
    Ok(())
}

/// Lists every private key of the token.
pub(super) fn list(scene: &Scene, config: &Pkcs11Config) -> Result<(), Failure> {
    let admin = TokenAdmin::open(&token::token_config(&scene.home, config)?)?;
    let keys = admin.list_keys()?;
    if scene.json {
        let keys: Vec<_> = keys.iter().map(listing).collect();
        print::json(&json!({"token": admin.token_label(), "keys": keys}));
        return Ok(());
    }
    if keys.is_empty() {
        print::line("the token holds no private key");
    }
    for key in &keys {
        show(key);
    }
    Ok(())
}

fn show(key: &KeyListing) {
    let id = HEXLOWER.encode(&key.id);
    let what = match &key.public_key {
        Ok(public) => format!(
            "{} {}",
            public.algorithm().name(),
            public.fingerprint().to_hex()
        ),
        Err(error) => format!("unusable: {error}"),
    };
    let fit = key.attributes.check(&key.label);
    let fit = fit.map_or_else(|error| format!("  NOT FIT: {error}"), |()| String::new());
    print::line(&format!("{}  id {id}  {what}{fit}", key.label));
}

fn listing(key: &KeyListing) -> Value {
    let fit = key.attributes.check(&key.label);
    json!({
        "label": key.label,
        "id": HEXLOWER.encode(&key.id),
        "public_key": key.public_key.as_ref().ok().map(public),
        "unusable": key.public_key.as_ref().err().map(ToString::to_string),
        "fit": fit.is_ok(),
        "unfit": fit.err().map(|error| error.to_string()),
        "key": attributes(&key.attributes),
    })
}

fn public(key: &PublicKey) -> Value {
    json!({
        "algorithm": key.algorithm().name(),
        "public_key": HEXLOWER.encode(key.bytes()),
        "fingerprint": key.fingerprint().to_hex(),
    })
}
