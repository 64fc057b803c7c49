//! `falaj keys possession`: has a key that enters the validator set sign that it is held.
//!
//! Invariant: the proof is made by the signer of a home whose node stands still, so that it is in the audit log; it names one change and one
//! key of our own validator in it, and can be read as no vote.
//! Source: `docs/spec/ledger.md`, "Sets and parameters"; `docs/spec/guard.md`, "Purposes".

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::PublicKey;
use falaj_consensus::types::ValidatorId;
use falaj_hsm::purpose::Possession;
use falaj_hsm::{AttestRequest, Attestation, Attested, Identity, Input, Output, RequestId};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::set_change::SetChange;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Failure, Generate, Scene, public_key, test_banner};
use crate::shell::cli::{files, print};
use crate::shell::config::{Config, SignerConfig, ValidatorConfig};
use crate::shell::form::ValidatorsForm;
use crate::shell::home::{Folders, HomeError, begin_guard, read_genesis};
use crate::shell::keys::{OpenedBackend, open_backend};
use crate::shell::node::decided_state;
use crate::shell::runtime::Clock;

/// The longest change that is read.
const CHANGE_BYTES_MAX: usize = 4 << 20;
/// How long the HSM may take.
const PATIENCE_MS: u64 = 20_000;

/// Which change, and which of the keys.
#[derive(clap::Args)]
pub(in crate::shell::cli) struct Prove {
    /// The change of the validator set, in the form of the API; `-` is standard input.
    change: PathBuf,
    /// Make the guard of the key in this folder: it begins at the last height that this home has decided. Once the change is decided,
    /// `paths.guard` has to name the folder, and `validator.signer` the key.
    #[arg(long)]
    guard: Option<PathBuf>,
    #[command(flatten)]
    key: Generate,
}

impl Prove {
    /// Prints the change with the proof in it.
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let config = Config::load(&scene.home)?;
        let validator = self.validator(&config)?;
        let genesis = read_genesis(&scene.home.join(&config.paths.genesis))?;
        let mut change = self.read()?;
        let key = public_key(&scene.home, &validator)?;
        let (id, chain_id) = (ValidatorId::new(validator.id), genesis.chain_id.clone());
        let hash = change.hash();
        let mut entries = change.entries.iter_mut();
        let entry = entries.find(|entry| entry.validator.id == id && entry.validator.key == key);
        let entry = entry.ok_or_else(|| stranger(id, &key))?;
        let possession = Possession {
            chain_id,
            change: hash,
            validator: id,
            key,
        };
        if let Some(banner) = test_banner(&validator.signer) {
            print::beside(banner);
        }
        let config = self.with_guard(scene, config, &genesis, &possession.key)?;
        let proof = sign(scene, &config, (&validator, &genesis), possession)?;
        entry.possession = Some(proof.signature);
        print::json(&ValidatorsForm::of(&change));
        Ok(())
    }

    /// The validator of the configuration, with the key that the command line names.
    fn validator(&self, config: &Config) -> Result<ValidatorConfig, Failure> {
        let refused = |why: &'static str| Failure::new(Failure::CONFIG, why);
        let mut validator = config
            .validator
            .clone()
            .ok_or_else(|| refused("this node only follows: it has no key"))?;
        validator.signer = match validator.signer {
            SignerConfig::Pkcs11(token) => SignerConfig::Pkcs11(self.key.over(token)),
            SignerConfig::Software(_) if self.key.names_any() => {
                return Err(refused(
                    "the key of this node is in a file: it has no other",
                ));
            }
            file @ SignerConfig::Software(_) => file,
        };
        Ok(validator)
    }

    /// The configuration with the key's own guard, begun before the proof is given away: so it lies below the key's first height.
    fn with_guard(
        &self,
        scene: &Scene,
        mut config: Config,
        genesis: &Genesis,
        key: &PublicKey,
    ) -> Result<Config, Failure> {
        if let (Some(folder), Some(validator)) = (&self.guard, &config.validator) {
            let id = validator.id;
            let state = decided_state(&scene.home, &config)?;
            let given = state
                .validator_sets()
                .any(|(_, set)| set.index_of_key(key).is_some());
            let own = Folders::take(&scene.home, &config.paths)?.key_of_guard(genesis);
            if given || own == Some(key.fingerprint()) {
                return Err(in_use(key));
            }
            config.paths.guard.clone_from(folder);
            let folders = Folders::take(&scene.home, &config.paths)?;
            begin_guard(&folders, genesis, (id, key), &state)?;
        }
        Ok(config)
    }

    fn read(&self) -> Result<SetChange, Failure> {
        let wrong = |why: String| Failure::new(Failure::CHECK, why).with("name", "bad-form");
        let bytes = files::read(&self.change, CHANGE_BYTES_MAX)?;
        let form: ValidatorsForm =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        form.change().map_err(|error| wrong(error.to_string()))
    }
}

/// Lets the home's signer sign, which enters it in the audit log.
fn sign(
    scene: &Scene,
    config: &Config,
    (validator, genesis): (&ValidatorConfig, &Genesis),
    possession: Possession,
) -> Result<Attested, Failure> {
    let OpenedBackend { backend, .. } =
        open_backend(&scene.home, &validator.signer, &possession.key, PATIENCE_MS)?;
    let now = Clock::start().now();
    let identity = Identity {
        chain: genesis.chain(),
        key: possession.key.clone(),
    };
    // Which sets the guard knows decides about statements alone.
    let set = Arc::new(genesis.validators.clone());
    let folders = Folders::take(&scene.home, &config.paths)?;
    let (mut signer, _) = folders.open_signer(now, identity, &[set])?;
    let request = AttestRequest {
        id: RequestId::new(0),
        attestation: Attestation::Possession(possession),
        deadline_ns: now.mono_ns.saturating_add(PATIENCE_MS * 1_000_000),
    };
    let asked = Input::Attest(Box::new(request));
    let outputs = signer.run(now, asked, &*backend).map_err(HomeError::from)?;
    signer.settle().map_err(HomeError::from)?;
    let answer = outputs.into_iter().find_map(|output| match output {
        Output::Attested { result, .. } => Some(result),
        Output::Signed { .. } | Output::Decided { .. } | Output::Alarm(_) => None,
    });
    let answer =
        answer.ok_or_else(|| Failure::new(Failure::CONFIG, "the signer gave no answer"))?;
    answer.map_err(|refusal| Failure::new(Failure::CONFIG, refusal))
}

/// Two guards of one key would let it sign twice.
fn in_use(key: &PublicKey) -> Failure {
    let key = HEXLOWER.encode(key.bytes());
    let text = format!("the key {key} has a guard or is in a validator set already");
    Failure::new(Failure::CHECK, text)
        .with("name", "key-in-use")
        .fix("leave --guard away for a key that has its guard; never begin a second one")
}

fn stranger(id: ValidatorId, key: &PublicKey) -> Failure {
    let (id, key) = (id.get(), HEXLOWER.encode(key.bytes()));
    let text = format!("the change does not give validator {id} the key {key}");
    Failure::new(Failure::CHECK, text).with("name", "other-key")
}
