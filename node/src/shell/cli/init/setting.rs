//! `falaj init --genesis`: checks all that can refuse a genesis, with the token at hand, then sets the home on it.
//!
//! Invariant: nothing is written before the genesis, the key in it, the token and the home have been found right.
//! Source: `docs/guide/home.md`.

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::types::ValidatorId;
use falaj_hsm::{Backend, Identity};
use falaj_ledger::genesis::Genesis;
use std::path::Path;
use std::sync::Arc;

use crate::shell::binding::Subject;
use crate::shell::cli::{Failure, keys, print};
use crate::shell::config::{Config, Paths};
use crate::shell::home::{
    Folders, HomeError, check_voter, expect_settable, key_of_member, read_genesis, set_on_genesis,
};
use crate::shell::keys::{
    OpenedBackend, SharedBackend, open_backend, read_transport_key, sign_deadline_ms,
};
use crate::shell::runtime::Clock;

/// A home that can be set on a genesis: everything that can be checked before is.
pub(super) struct Setting {
    config: Config,
    genesis: Genesis,
    key: Option<PublicKey>,
    backend: Option<SharedBackend>,
}

impl Setting {
    /// A `newcomer` is not in the genesis, and has to say so: a wrong id would find out only when it never votes.
    pub(super) fn check(
        home: &Path,
        config: &Config,
        file: &Path,
        newcomer: bool,
    ) -> Result<Self, Failure> {
        let genesis = read_genesis(file)?;
        expect_settable(home, config, &genesis)?;
        let mut setting = Self {
            config: config.clone(),
            genesis,
            key: None,
            backend: None,
        };
        if let Some(validator) = &config.validator {
            let (signer, genesis) = (&validator.signer, &setting.genesis);
            let deadline_ms = sign_deadline_ms(signer, &genesis.parameters)?;
            let key = keys::public_key(home, validator)?;
            check_voter(genesis, validator.id, &key)?;
            if key_of_member(genesis, validator.id).is_ok() == newcomer {
                return Err(HomeError::NotInGenesis { id: validator.id }.into());
            }
            let OpenedBackend { backend, .. } = open_backend(home, signer, &key, deadline_ms)?;
            setting.backend = Some(backend);
            setting.key = Some(key);
        }
        Ok(setting)
    }

    /// Sets it, and gives the consensus key.
    pub(super) fn finish(self, home: &Path) -> Result<Option<PublicKey>, Failure> {
        let Self {
            config, genesis, ..
        } = &self;
        set_on_genesis(home, config, genesis, self.key.as_ref())?;
        if let (Some(validator), Some(backend)) = (&config.validator, &self.backend) {
            if let Some(banner) = backend.test_banner() {
                print::beside(banner);
            }
            vouch(home, &config.paths, validator.id, genesis, &**backend)?;
        }
        Ok(self.key)
    }
}

/// Has the consensus key vouch for the transport key, while the HSM is at hand.
fn vouch(
    home: &Path,
    paths: &Paths,
    validator: u32,
    genesis: &Genesis,
    backend: &(dyn Backend + Send + Sync),
) -> Result<(), Failure> {
    let (chain, now) = (genesis.chain(), Clock::start().now());
    let transport = read_transport_key(&home.join(&paths.transport_key))?;
    let identity = Identity {
        chain: chain.clone(),
        key: backend.public_key().clone(),
    };
    let set = Arc::new(genesis.validators.clone());
    let (mut signer, _) = Folders::take(home, paths)?.open_signer(now, identity, &[set])?;
    let subject = Subject {
        chain: &chain,
        validator: ValidatorId::new(validator),
        key: backend.public_key(),
        transport_key: transport.public().to_peer_id().to_bytes(),
    };
    let file = home.join(&paths.transport_binding);
    let vouched = subject.vouch(&file, &mut signer, backend, now);
    if vouched.map_err(HomeError::from)?.is_none() {
        print::beside(
            "the HSM did not vouch for the transport key; the node asks again when it starts",
        );
    }
    Ok(())
}
