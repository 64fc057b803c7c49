//! Refuses values that no node could run with, before anything is done with them.
//!
//! Invariant: a configuration that passes has addresses and identities that parse, and each peer once.
//! Errors: [`ConfigError::Value`], with the key and what would be right.
//! Source: `docs/guide/configuration.md`.

use falaj_consensus::types::ValidatorId;
use std::collections::BTreeSet;

use super::{
    ApiConfig, Config, ConfigError, MempoolConfig, NetworkSection, PeerSection, SignerConfig,
    ValidatorConfig,
};
use crate::core::Peer;
use crate::shell::network::{Multiaddr, PeerConfig, PeerId, ends_in_another, socket_addr};

/// Longest time between two batches of a lane, in milliseconds.
const BATCH_WAIT_MS_MAX: u64 = 1_000;

impl Config {
    /// Refuses values that no node could run with.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self) -> Result<(), ConfigError> {
        self.api.check()?;
        self.network.listen_address()?;
        self.network.known_peers()?;
        self.mempool.check()?;
        self.snapshot.checkpoint()?;
        self.validator
            .as_ref()
            .map_or(Ok(()), ValidatorConfig::check)
    }
}

impl ApiConfig {
    fn check(&self) -> Result<(), ConfigError> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        let reason = format!(
            "{} is not a loopback address, and there is no TLS yet",
            self.listen
        );
        Err(wrong("api.listen", reason))
    }
}

impl ValidatorConfig {
    fn check(&self) -> Result<(), ConfigError> {
        match &self.signer {
            SignerConfig::Software(software) if !software.development => Err(wrong(
                "validator.signer.development",
                "a software key signs only on a development network: set it to true to say so",
            )),
            SignerConfig::Software(_) | SignerConfig::Pkcs11(_) => Ok(()),
        }
    }
}

impl MempoolConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let least = |key, value: u64| match value {
            0 => Err(wrong(key, "0 is not at least 1")),
            _ => Ok(()),
        };
        if self.batch_wait_ms > BATCH_WAIT_MS_MAX {
            let reason = format!("{} is not 0 to {BATCH_WAIT_MS_MAX} ms", self.batch_wait_ms);
            return Err(wrong("mempool.batch_wait_ms", reason));
        }
        least("mempool.transactions_max", self.transactions_max.into())?;
        least("mempool.bytes_max", self.bytes_max)?;
        least(
            "mempool.participant_transactions_max",
            self.participant_transactions_max.into(),
        )?;
        least("mempool.participant_bytes_max", self.participant_bytes_max)
    }
}

impl NetworkSection {
    /// Where to listen.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn listen_address(&self) -> Result<Multiaddr, ConfigError> {
        address(&self.listen).map_err(|reason| wrong("network.listen", reason))
    }

    /// The peers, each once.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn known_peers(&self) -> Result<Vec<(Peer, PeerConfig)>, ConfigError> {
        let (mut validators, mut identities) = (BTreeSet::new(), BTreeSet::new());
        let mut known = Vec::with_capacity(self.peers.len());
        for section in &self.peers {
            let refused = |reason: String| {
                let reason = format!("validator {}: {reason}", section.validator);
                wrong("network.peers", reason)
            };
            let (peer, config) = section.read().map_err(refused)?;
            if !validators.insert(section.validator) || !identities.insert(config.peer) {
                return Err(refused("it, or its identity, is listed twice".into()));
            }
            known.push((peer, config));
        }
        Ok(known)
    }
}

impl PeerSection {
    fn read(&self) -> Result<(Peer, PeerConfig), String> {
        let identity: PeerId = self
            .peer_id
            .parse()
            .map_err(|_| format!("{} is no transport identity", self.peer_id))?;
        let peer = Peer::of(ValidatorId::new(self.validator)).ok_or("there is no such id")?;
        let address = self.address.as_deref().map(address).transpose()?;
        if address
            .as_ref()
            .is_some_and(|address| ends_in_another(address, &identity))
        {
            return Err("the address ends in another identity than peer_id".into());
        }
        let config = PeerConfig {
            name: format!("validator-{}", self.validator),
            peer: identity,
            address,
        };
        Ok((peer, config))
    }
}

fn address(text: &str) -> Result<Multiaddr, String> {
    let parsed = text.parse::<Multiaddr>().ok();
    parsed
        .filter(|address| socket_addr(address).is_ok())
        .ok_or_else(|| format!("{text} is no address of the form /ip4/…/tcp/… or /ip6/…/tcp/…"))
}

fn wrong(key: &'static str, reason: impl Into<String>) -> ConfigError {
    let reason = reason.into();
    ConfigError::Value { key, reason }
}
