//! The node's configuration: one typed schema for the file, the environment (`FALAJ_…`) and flags.
//!
//! Invariant: an unknown key is an error that names it and where it stands; a secret is never a value, only the place of one.
//! Paths are relative to the node's home unless they are absolute.
//! Source: `docs/guide/configuration.md`.

mod check;
mod unknown;

use falaj_consensus::types::{Hash32, Height, OutcomeHash};
use falaj_ledger::trust::Checkpoint;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Name of the file in a node's home.
pub const CONFIG_FILE: &str = "config.toml";

/// Everything an operator chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where things are.
    pub paths: Paths,
    /// The validator this node speaks for; absent in a node that only follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validator: Option<ValidatorConfig>,
    /// Peers and transport.
    pub network: NetworkSection,
    /// The client API.
    pub api: ApiConfig,
    /// What is logged.
    pub log: LogConfig,
    /// How transactions are collected.
    pub mempool: MempoolConfig,
    /// How often snapshots are taken, and what they have to agree with.
    pub snapshot: SnapshotConfig,
}

/// How often snapshots are taken, and what they have to agree with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SnapshotConfig {
    /// Heights between two snapshots that the running node takes; 0 for none.
    pub interval_heights: u64,
    /// Whether a start without blocks begins with a snapshot of peers, if one has any.
    pub join: bool,
    /// A block that every snapshot's certificates must lead through, as `HEIGHT:OUTCOME:SET`, from whoever is trusted for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

impl Default for SnapshotConfig {
    fn default() -> Self {
        Self {
            interval_heights: 10_000,
            join: false,
            checkpoint: None,
        }
    }
}

impl SnapshotConfig {
    /// The checkpoint.
    ///
    /// # Errors
    /// [`ConfigError`] if it is none.
    pub fn checkpoint(&self) -> Result<Option<Checkpoint>, ConfigError> {
        let text = self.checkpoint.as_deref();
        text.map(checkpoint)
            .transpose()
            .map_err(|reason| ConfigError::Value {
                key: "snapshot.checkpoint",
                reason: reason.into(),
            })
    }
}

/// Reads a checkpoint: a height, the hash of its outcome and that of the validator set that certified it.
///
/// # Errors
/// What such a text looks like.
pub fn checkpoint(text: &str) -> Result<Checkpoint, &'static str> {
    let wrong =
        "HEIGHT:OUTCOME:SET is needed, a number and two hashes of 64 small hexadecimal digits";
    let mut parts = text.split(':');
    let height = parts.next().and_then(|height| height.parse().ok());
    let mut hash = || parts.next().and_then(Hash32::from_hex);
    let both = hash().zip(hash());
    match (height, both, parts.next()) {
        (Some(height), Some((outcome, set_hash)), None) => Ok(Checkpoint {
            height: Height::new(height),
            outcome: OutcomeHash::new(outcome),
            set_hash,
        }),
        _ => Err(wrong),
    }
}

/// Where things are, below the home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paths {
    /// The genesis.
    pub genesis: PathBuf,
    /// Block log, batch log and ledger store.
    pub data: PathBuf,
    /// Signing guard and audit log; outside the data folder, so that a restored data folder never takes the guard back.
    pub guard: PathBuf,
    /// The transport's private key.
    pub transport_key: PathBuf,
    /// The consensus key's word for the transport key.
    pub transport_binding: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            genesis: "genesis.json".into(),
            data: "data".into(),
            guard: "guard".into(),
            transport_key: "transport.key".into(),
            transport_binding: "transport.binding".into(),
        }
    }
}

/// The validator and its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorConfig {
    /// Id of the validator in the genesis.
    pub id: u32,
    /// Where its key signs.
    pub signer: SignerConfig,
}

/// Where the consensus key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "backend", rename_all = "lowercase")]
pub enum SignerConfig {
    /// In a PKCS #11 token.
    Pkcs11(Pkcs11Config),
    /// In a file. Asks for the explicit word of the operator, and shows a TEST banner for ever.
    Software(SoftwareConfig),
}

/// A key in a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pkcs11Config {
    /// Path of the vendor's library.
    pub module: PathBuf,
    /// SHA-256 of the library in hexadecimal; checked before it is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module_sha256: Option<String>,
    /// Label of the token.
    pub token_label: String,
    /// Serial number of the token, where the label alone does not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_serial: Option<String>,
    /// Label of the key.
    pub key_label: String,
    /// CKA_ID of the key in hexadecimal.
    pub key_id: String,
    /// Algorithm of the key: `p256`, `p384`, `rsa-pss-2048`, `rsa-pss-3072`, `rsa-pss-4096` or `ed25519`.
    pub algorithm: String,
    /// Where the PIN is: `file:PATH`, `credential:NAME`, `fd:N` or `prompt`.
    pub pin: String,
    /// Whether only FIPS-approved algorithms are admitted.
    #[serde(default)]
    pub fips_strict: bool,
    /// Longest time a signature may take, in milliseconds; 40 % of the chain's shortest step, unless it is less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_deadline_ms: Option<u64>,
}

/// A key in a file, for development alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftwareConfig {
    /// File of the private key.
    pub key_file: PathBuf,
    /// Must be `true`: this key is not in an HSM, and the network it signs for is a test.
    pub development: bool,
}

/// Peers and transport.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSection {
    /// Address to listen on, `/ip4/…/tcp/…`; port 0 takes a free one.
    pub listen: String,
    /// The peers.
    pub peers: Vec<PeerSection>,
}

impl Default for NetworkSection {
    fn default() -> Self {
        Self {
            listen: "/ip4/127.0.0.1/tcp/0".into(),
            peers: Vec::new(),
        }
    }
}

/// A validator's node as a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSection {
    /// Id of the validator it speaks for.
    pub validator: u32,
    /// Its transport identity.
    pub peer_id: String,
    /// Its address; absent if it always dials us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The client API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address to listen on. Beyond loopback it is refused until there is TLS.
    pub listen: SocketAddr,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        }
    }
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// Levels by module, as in `info,falaj_node=debug`.
    pub filter: String,
    /// `text` for people, `json` for machines.
    pub format: LogFormat,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            format: LogFormat::Text,
        }
    }
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How transactions are collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MempoolConfig {
    /// Least time between two batches of a lane, in milliseconds; a lone transaction waits for nobody.
    pub batch_wait_ms: u64,
    /// Most transactions that wait.
    pub transactions_max: u32,
    /// Most bytes that wait.
    pub bytes_max: u64,
    /// Most transactions of one participant in one lane.
    pub participant_transactions_max: u32,
    /// Most bytes of one participant in one lane.
    pub participant_bytes_max: u64,
}

impl Default for MempoolConfig {
    fn default() -> Self {
        Self {
            batch_wait_ms: 10,
            transactions_max: 100_000,
            bytes_max: 128 * 1024 * 1024,
            participant_transactions_max: 50_000,
            participant_bytes_max: 64 * 1024 * 1024,
        }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there.
    #[error("no configuration at {0}; `falaj init` makes one")]
    Missing(PathBuf),
    /// A key that the schema does not have.
    #[error("configuration: unknown key {key}{place}; did you mean {nearest}? Known are {known}")]
    UnknownKey {
        /// The key, with its sections.
        key: String,
        /// The file or the environment, in brackets; empty if it is not known.
        place: String,
        /// The known key that looks most like it.
        nearest: String,
        /// All keys of its section.
        known: String,
    },
    /// A key is missing or of another type.
    #[error("configuration: {0}")]
    Invalid(Box<figment::Error>),
    /// A value that no node could run with.
    #[error("configuration: {key}: {reason}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Config {
    /// Reads the configuration of a home: defaults, the file, the environment (`FALAJ_API__LISTEN`), in that order.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(home: &Path) -> Result<Self, ConfigError> {
        extract(of_file(&home.join(CONFIG_FILE))?.merge(environment()))
    }

    /// Reads a configuration as its file has it, which is what may be written back.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        extract(of_file(file)?)
    }

    /// This configuration as a node in this environment would have it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn in_environment(&self) -> Result<Self, ConfigError> {
        extract(Figment::from(Serialized::defaults(self)).merge(environment()))
    }

    /// The text of the file.
    ///
    /// # Errors
    /// When a value has no TOML form, which none of these types lacks.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

fn of_file(file: &Path) -> Result<Figment, ConfigError> {
    if !file.is_file() {
        return Err(ConfigError::Missing(file.into()));
    }
    Ok(Figment::from(Serialized::defaults(Config::default())).merge(Toml::file_exact(file)))
}

/// FALAJ_HOME says where this configuration is.
fn environment() -> Env {
    Env::prefixed("FALAJ_").ignore(&["home"]).split("__")
}

fn extract(figment: Figment) -> Result<Config, ConfigError> {
    let config: Config = figment.extract().map_err(ConfigError::of)?;
    config.check()?;
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(text: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(CONFIG_FILE), text).unwrap();
        home
    }

    fn error(text: &str) -> String {
        Config::load(home(text).path()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_reads_back() {
        let validator = ValidatorConfig {
            id: 3,
            signer: SignerConfig::Software(SoftwareConfig {
                key_file: "key".into(),
                development: true,
            }),
        };
        let mut config = Config {
            validator: Some(validator),
            ..Config::default()
        };
        config.network.peers.push(PeerSection {
            validator: 1,
            peer_id: crate::shell::network::PeerId::random().to_string(),
            address: None,
        });
        let home = home(&config.to_toml().unwrap());
        assert_eq!(Config::load(home.path()).unwrap(), config);
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        let listen = error("[api]\nlisten_address = \"127.0.0.1:1\"\n");
        assert!(
            listen.contains("unknown key api.listen_address (")
                && listen.contains("did you mean api.listen?"),
            "{listen}"
        );
        let section = error("[nettwork]\n");
        assert!(section.contains("did you mean network?"), "{section}");
    }

    #[test]
    fn listening_beyond_loopback_is_refused() {
        assert!(error("[api]\nlisten = \"0.0.0.0:8080\"\n").contains("api.listen"));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let listen = error("[network]\nlisten = \"foo\"\n");
        assert!(listen.contains("network.listen: foo"), "{listen}");
        let name = error("[network]\nlisten = \"/dns4/example/tcp/1\"\n");
        assert!(name.contains("network.listen"), "{name}");
    }

    fn peer(validator: u64, id: &str, address: &str) -> String {
        format!(
            "[[network.peers]]\nvalidator = {validator}\npeer_id = \"{id}\"\naddress = \"{address}\"\n"
        )
    }

    #[test]
    fn a_peer_that_is_none_or_there_twice_is_refused() {
        let id = || crate::shell::network::PeerId::random().to_string();
        let (one, two, address) = (id(), id(), "/ip4/127.0.0.1/tcp/1");
        for (text, words) in [
            (peer(2, "xx", address), "xx is no transport identity"),
            (peer(2, &one, "host:1"), "host:1 is no address"),
            (
                peer(2, &one, &format!("{address}/p2p/{two}")),
                "another identity",
            ),
            (
                peer(2, &one, address) + &peer(2, &two, address),
                "listed twice",
            ),
            (
                peer(2, &one, address) + &peer(3, &one, address),
                "listed twice",
            ),
        ] {
            let said = error(&text);
            assert!(
                said.contains("network.peers") && said.contains(words),
                "{said}"
            );
        }
    }

    // Batches that are more than a second apart hold payments up for nothing, and a cap of nothing takes nothing.
    #[test]
    fn limits_of_the_mempool_are_bounded() {
        for (key, value) in [
            ("batch_wait_ms", "1001"),
            ("transactions_max", "0"),
            ("bytes_max", "0"),
            ("participant_transactions_max", "0"),
            ("participant_bytes_max", "0"),
        ] {
            let said = error(&format!("[mempool]\n{key} = {value}\n"));
            assert!(
                said.contains(&format!("mempool.{key}: {value} is not")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_software_key_needs_the_word_development() {
        let text = "[validator]\nid = 1\n[validator.signer]\nbackend = \"software\"\nkey_file = \"k\"\ndevelopment = false\n";
        assert!(error(text).contains("validator.signer.development"));
    }

    #[test]
    fn a_missing_file_says_what_to_type() {
        let empty = tempfile::tempdir().unwrap();
        assert!(
            Config::load(empty.path())
                .unwrap_err()
                .to_string()
                .contains("falaj init")
        );
    }
}
