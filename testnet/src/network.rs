//! `network.json`: where a running network is found.
//!
//! Invariant: the file appears, whole, only while every node of it is ready, and its form changes with its version alone.
//! Shapes: `api` is a URL, `p2p` a multiaddress with its identity, paths are absolute.
//! Errors: an unknown or missing key is named.
//! Source: `docs/guide/testnet.md`, "network.json".

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::exit::Trouble;
use crate::files::{read_version, write_atomically};
use crate::program::Environment;

/// Name of the file.
pub const NETWORK_FILE: &str = "network.json";
const VERSION: u32 = 1;

/// A running network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Version of this form: 1.
    pub version: u32,
    /// Name of the chain.
    pub chain: String,
    /// Hash of the genesis, hexadecimal.
    pub genesis_hash: String,
    /// The genesis.
    pub genesis: PathBuf,
    /// The nodes.
    pub validators: Vec<ValidatorEntry>,
    /// Who submits.
    pub participants: Vec<ParticipantEntry>,
}

/// A validator's node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorEntry {
    /// Index in the validator set, from 0.
    pub index: usize,
    /// Name.
    pub name: String,
    /// URL of its API.
    pub api: String,
    /// Address and identity of its transport.
    pub p2p: String,
    /// Process id.
    pub pid: u32,
    /// Its home.
    pub home: PathBuf,
    /// Its configuration.
    pub config: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Algorithm of its consensus key.
    pub algorithm: String,
    /// `softhsm` or `software`.
    pub signer: String,
    /// Label of its token.
    pub token_label: Option<String>,
    /// What its process needs in its environment.
    pub env: Environment,
}

/// A participant whose key is at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParticipantEntry {
    /// Its number.
    pub id: u32,
    /// Its key.
    pub key_file: PathBuf,
}

impl Network {
    /// The version that this build writes and reads.
    pub const VERSION: u32 = VERSION;

    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or is of another form or version.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Trouble::NotRunning(path.display().to_string()).into());
            }
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let network: Self = read_version(&text, path, VERSION)?;
        Ok(network)
    }

    /// Writes the file so that readers see all of it or none.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, &serde_json::to_vec_pretty(self)?)
    }

    /// The folder of the economy's keys.
    ///
    /// # Errors
    /// When the file names no key.
    pub fn keys_folder(&self) -> Result<PathBuf> {
        let first = self.participants.first();
        let folder = first.and_then(|entry| entry.key_file.parent());
        Ok(folder.context("the network names no key")?.into())
    }

    /// A validator by its index.
    ///
    /// # Errors
    /// When there is none.
    pub fn validator(&self, index: usize) -> Result<&ValidatorEntry, Trouble> {
        let found = self
            .validators
            .iter()
            .find(|validator| validator.index == index);
        found.ok_or_else(|| {
            Trouble::Usage(format!(
                "there is no validator with index {index}; indices go from 0 to {}",
                self.validators.len().saturating_sub(1)
            ))
        })
    }
}

impl ValidatorEntry {
    /// Name and index, which differ by one, for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} (index {})", self.name, self.index)
    }

    /// Address of its API.
    ///
    /// # Errors
    /// When the URL is not of our form.
    pub fn api_address(&self) -> Result<SocketAddr> {
        let address = self
            .api
            .strip_prefix("http://")
            .and_then(|address| address.parse().ok());
        address.with_context(|| format!("{} is not http://ADDRESS:PORT", self.api))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// A file of this version, as others read it. A key that is renamed, added or removed is another version.
    fn version_1() -> Value {
        json!({
            "version": 1,
            "chain": "testnet-1",
            "genesis_hash": "ab",
            "genesis": "testnet/genesis.json",
            "validators": [{
                "index": 0,
                "name": "validator-1",
                "api": "http://127.0.0.1:2",
                "p2p": "/ip4/127.0.0.1/tcp/1/p2p/peer",
                "pid": 3,
                "home": "testnet/validator-1",
                "config": "testnet/validator-1/config.toml",
                "log": "testnet/validator-1/node.log",
                "algorithm": "p256",
                "signer": "softhsm",
                "token_label": "falaj-1",
                "env": { "SOFTHSM2_CONF": "testnet/tokens/validator-1/softhsm2.conf" },
            }],
            "participants": [{ "id": 1, "key_file": "testnet/keys/central-bank.json" }],
        })
    }

    fn network() -> Network {
        let validator = ValidatorEntry {
            index: 0,
            name: "validator-1".into(),
            api: "http://127.0.0.1:2".into(),
            p2p: "/ip4/127.0.0.1/tcp/1/p2p/peer".into(),
            pid: 3,
            home: "testnet/validator-1".into(),
            config: "testnet/validator-1/config.toml".into(),
            log: "testnet/validator-1/node.log".into(),
            algorithm: "p256".into(),
            signer: "softhsm".into(),
            token_label: Some("falaj-1".into()),
            env: [(
                "SOFTHSM2_CONF".to_owned(),
                "testnet/tokens/validator-1/softhsm2.conf".to_owned(),
            )]
            .into(),
        };
        Network {
            version: Network::VERSION,
            chain: "testnet-1".into(),
            genesis_hash: "ab".into(),
            genesis: "testnet/genesis.json".into(),
            validators: vec![validator],
            participants: vec![ParticipantEntry {
                id: 1,
                key_file: "testnet/keys/central-bank.json".into(),
            }],
        }
    }

    /// What is read of a file with this in it.
    fn read(content: &Value) -> Result<Network> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NETWORK_FILE);
        std::fs::write(&path, content.to_string()).unwrap();
        Network::read(&path)
    }

    // Goal: other programs find each key where the guide says it is, for as long as the version is this one.
    #[test]
    fn the_file_has_the_form_of_its_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NETWORK_FILE);
        network().write(&path).unwrap();
        let written: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(written, version_1());
        assert_eq!(read(&version_1()).unwrap(), network());
    }

    #[test]
    fn a_validator_without_a_token_has_no_label() {
        let mut content = version_1();
        content["validators"][0]["token_label"] = Value::Null;
        assert_eq!(read(&content).unwrap().validators[0].token_label, None);
    }

    #[test]
    fn another_version_and_another_key_are_refused() {
        let mut newer = version_1();
        newer["version"] = 2.into();
        assert!(read(&newer).is_err());
        let mut more = version_1();
        more["validators"][0]["zone"] = "a".into();
        let said = format!("{:#}", read(&more).unwrap_err());
        assert!(said.contains("zone"), "{said}");
    }
}
