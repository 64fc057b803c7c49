//! `falaj snapshot`: the state after the last block of a stopped node as a folder of proven chunks, its check, and a node begun with it.
//!
//! Invariant: nothing is believed but the genesis, and with one the checkpoint; a home is changed after everything was proven, and its
//! signing guard never.
//! Exit: 1 with the stable name of what does not hold, 2 a folder that is not there or would be overwritten, 73 a node works in the home,
//! 74 the disk, 78 a home that cannot take a snapshot.
//! Source: `docs/spec/snapshots.md`; `docs/runbook/snapshots.md`.

use clap::{Args, Subcommand};
use falaj_consensus::durable::LogError;
use falaj_consensus::message::Header;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::snapshot::{Cut, Manifest, SnapshotError};
use falaj_ledger::state::State;
use falaj_ledger::trust::{Checkpoint, Trust};
use serde_json::json;
use std::path::{Path, PathBuf};

use super::genesis::GenesisArgs;
use super::{Failure, Scene, print};
use crate::shell::config::{CONFIG_FILE, Config, checkpoint};
use crate::shell::home::{Folders, HomeError, expect_finished, read_genesis};
use crate::shell::node;
use crate::shell::recover::set_changes;
use crate::shell::snapshot::{self, SnapshotFault};
use crate::storage::check_gates;

/// Takes, checks and restores snapshots.
#[derive(Subcommand)]
pub(super) enum Snapshot {
    /// Write the state after the last block of the home's node, which is stopped, into a new folder.
    Export {
        /// The folder to make.
        folder: PathBuf,
    },
    /// Prove every byte of a snapshot under a genesis.
    Verify {
        /// The snapshot's folder.
        folder: PathBuf,
        #[command(flatten)]
        genesis: GenesisArgs,
        #[command(flatten)]
        trusted: Trusted,
    },
    /// Begin the home's node, which has no block, with a snapshot.
    Restore {
        /// The snapshot's folder.
        folder: PathBuf,
        #[command(flatten)]
        trusted: Trusted,
    },
}

/// What is trusted beside the genesis.
#[derive(Args)]
pub(super) struct Trusted {
    /// A block that the certificates must lead through, as `falaj snapshot export` and `verify` print it; beside that of the
    /// configuration.
    #[arg(long, value_name = "HEIGHT:OUTCOME:SET", value_parser = checkpoint)]
    checkpoint: Option<Checkpoint>,
}

impl Snapshot {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Export { folder } => export(scene, folder),
            Self::Verify {
                folder,
                genesis,
                trusted,
            } => {
                let trust = Trust::of_genesis(&genesis.read(scene)?);
                let has_home = scene.home.join(CONFIG_FILE).exists();
                let config = has_home.then(|| Config::load(&scene.home)).transpose()?;
                let checkpoints = trusted.with(config.as_ref())?;
                let proven = snapshot::read(folder, &trust, &checkpoints, &RealChecker)?;
                tell(scene, "proven", &proven.proof, &proven.state, proven.chunks);
                Ok(())
            }
            Self::Restore { folder, trusted } => restore(scene, folder, trusted),
        }
    }
}

impl Trusted {
    /// All of them: this one and that of the configuration.
    fn with(&self, config: Option<&Config>) -> Result<Vec<Checkpoint>, Failure> {
        let configured = config.map(|config| config.snapshot.checkpoint());
        let configured = configured.transpose()?.flatten();
        Ok(self.checkpoint.into_iter().chain(configured).collect())
    }
}

fn export(scene: &Scene, folder: &Path) -> Result<(), Failure> {
    if folder.exists() {
        return Err(SnapshotFault::Exists(folder.into()).into());
    }
    let config = Config::load(&scene.home)?;
    let opened = node::open(&scene.home, &config)?;
    let (state, start) = (&opened.base.state, opened.found.start());
    let Some((header, certificate)) = opened.found.last() else {
        let text = "no block is decided here, and the state of genesis needs no snapshot";
        return Err(Failure::new(Failure::CHECK, text).with("name", "snapshot-nothing-decided"));
    };
    let changes = set_changes(&*opened.store, state, start).map_err(node::StartError::from)?;
    let outcome = opened.base.outcome.clone();
    let proof = CertifiedOutcome::new(header.clone(), outcome, certificate)
        .and_then(|certified| certified.after(changes))
        .ok_or_else(|| {
            Failure::new(
                Failure::CHECK,
                "the validators changed more often than a snapshot can show",
            )
            .with("name", "snapshot-too-many-changes")
        })?;
    let cut = Cut::of(state.map()).map_err(SnapshotFault::from)?;
    let manifest = Manifest::of(state, &cut, proof.clone()).map_err(failed_export)?;
    // What this home could not prove, nobody would believe.
    let trust = Trust::of_genesis(&opened.genesis);
    let checked = manifest.clone().verify(&trust, &[], &RealChecker);
    checked.map_err(SnapshotFault::from)?;
    let chunks = (0..cut.parts().len()).map_while(|index| cut.chunk(index));
    snapshot::write(folder, &manifest, chunks)?;
    tell(scene, "exported", &proof, state, cut.parts().len());
    Ok(())
}

fn failed_export(error: SnapshotError) -> Failure {
    let under_way = matches!(error, SnapshotError::ChangeUnderWay(_));
    let failure = Failure::from(SnapshotFault::from(error));
    if under_way {
        failure.fix("start the node, let it go two blocks on, stop it, and export again")
    } else {
        failure
    }
}

fn restore(scene: &Scene, from: &Path, trusted: &Trusted) -> Result<(), Failure> {
    let config = Config::load(&scene.home)?;
    expect_finished(&scene.home)?;
    let checkpoints = trusted.with(Some(&config))?;
    let genesis = read_genesis(&scene.home.join(&config.paths.genesis))?;
    let folders = Folders::take(&scene.home, &config.paths)?;
    folders
        .empty_logs(&genesis)
        .map(drop)
        .map_err(|error| not_empty(error, scene))?;
    let (trust, kept) = (Trust::of_genesis(&genesis), folders.snapshot());
    let proven = snapshot::keep(from, &kept, &trust, &checkpoints, &RealChecker)?;
    check_gates(&proven.state, proven.state.height(), Header::FEATURES_KNOWN)
        .map_err(|error| node::StartError::Startup(error.into()))?;
    folders.begin_behind(&genesis, &proven.proof)?;
    tell(
        scene,
        "restored",
        &proven.proof,
        &proven.state,
        proven.chunks,
    );
    Ok(())
}

fn not_empty(error: HomeError, scene: &Scene) -> Failure {
    if !matches!(error, HomeError::Log(LogError::Exists { .. })) {
        return error.into();
    }
    let text = format!(
        "the node of {} has blocks, and nothing is put in their place",
        scene.home.display()
    );
    Failure::new(Failure::CONFIG, text).with("name", "snapshot-home-has-blocks").fix(
        "with the node stopped, move block, batch, ledger and snapshot out of the data folder, leave everything else where it is, the guard above all, and restore again: docs/runbook/snapshots.md, \"begin a node\"",
    )
}

fn tell(scene: &Scene, what: &str, proof: &CertifiedOutcome, state: &State, chunks: usize) {
    let (header, outcome) = (proof.header(), proof.outcome());
    let (height, hash) = (header.height, outcome.hash());
    let point = format!("{height}:{hash}:{}", header.set_hash.to_hex());
    if scene.json {
        print::json(&json!({
            "snapshot": what,
            "height": height.get(),
            "block_id": header.id().to_string(),
            "time_us": header.time_us,
            "outcome": hash.to_string(),
            "state_root": outcome.state_root.to_hex(),
            "entries": state.map().len(),
            "chunks": chunks,
            "set_changes": proof.set_changes().len(),
            "checkpoint": point,
        }));
        return;
    }
    print::line(&format!(
        "{what}: the state after block {height}, in {chunks} chunks"
    ));
    for (word, fact) in [
        ("block", header.id().to_string()),
        ("outcome", hash.to_string()),
        ("state root", outcome.state_root.to_hex()),
        ("entries", state.map().len().to_string()),
        ("set changes", proof.set_changes().len().to_string()),
        ("checkpoint", point),
    ] {
        print::line(&print::row(word, &fact));
    }
}
