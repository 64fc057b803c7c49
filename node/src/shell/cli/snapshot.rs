//! `falaj snapshot`: the state after a block as a folder of proven chunks, its check, and a node begun with it.
//!
//! Invariant: nothing is believed but the genesis, and with one the checkpoint; a home is changed after everything was proven, and its
//! signing guard never.
//! Exit: 1 with the stable name of what does not hold, 2 a folder that is not there or would be overwritten, 73 a node works in the home,
//! 74 the disk, 78 a home that cannot take a snapshot.
//! Source: `docs/spec/snapshots.md`; `docs/runbook/snapshots.md`.

mod fetch;

use clap::{Args, Subcommand};
use falaj_consensus::durable::LogError;
use falaj_consensus::message::Header;
use falaj_consensus::types::Height;
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::snapshot::SnapshotError;
use falaj_ledger::state::State;
use falaj_ledger::trust::{Checkpoint, Trust};
use serde_json::json;
use std::path::{Path, PathBuf};

use super::genesis::GenesisArgs;
use super::{Failure, Scene, print};
use crate::shell::config::{CONFIG_FILE, Config, checkpoint};
use crate::shell::home::{Folders, HomeError, expect_finished, read_genesis};
use crate::shell::node::{self, StartError};
use crate::shell::recover::set_changes;
use crate::shell::shelf::Shelf;
use crate::shell::snapshot::{self, SnapshotFault};
use crate::storage::check_gates;

/// Takes, checks and restores snapshots.
#[derive(Subcommand)]
pub(super) enum Snapshot {
    /// Write the state after the last block of the home's node, which is stopped, or a snapshot that it took while it ran, into a new folder.
    Export {
        /// The folder to make.
        folder: PathBuf,
        /// Copy the snapshot of this height, or the newest, of those that the node has taken; it may run.
        #[arg(long, value_name = "HEIGHT", num_args = 0..=1, require_equals = true)]
        taken: Option<Option<u64>>,
    },
    /// List the snapshots that the home's node has taken and keeps.
    List,
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
    /// Fetch a snapshot from peers for the home's node, which has no block, and begin it with that.
    Fetch {
        #[command(flatten)]
        trusted: Trusted,
    },
}

/// What is trusted beside the genesis.
#[derive(Args, Default)]
pub(super) struct Trusted {
    /// A block that the certificates must lead through, as `falaj snapshot export` and `verify` print it; beside that of the
    /// configuration.
    #[arg(long, value_name = "HEIGHT:OUTCOME:SET", value_parser = checkpoint)]
    checkpoint: Option<Checkpoint>,
}

impl Snapshot {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Export { folder, .. } if folder.exists() => {
                Err(SnapshotFault::Exists(folder.clone()).into())
            }
            Self::Export {
                folder,
                taken: None,
            } => export(scene, folder),
            Self::Export {
                folder,
                taken: Some(height),
            } => export_taken(scene, folder, *height),
            Self::List => list(scene),
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
            Self::Fetch { trusted } => fetch::run(scene, trusted),
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
    let config = Config::load(&scene.home)?;
    let opened = node::open(&scene.home, &config).map_err(|error| {
        let failure = Failure::from(error);
        if failure.code() == Failure::IN_USE {
            failure.fix("stop the node, or add --taken for a snapshot that it took while it ran")
        } else {
            failure
        }
    })?;
    let (state, start) = (&opened.base.state, opened.found.start());
    let Some((header, certificate)) = opened.found.last() else {
        let text = "no block is decided here, and the state of genesis needs no snapshot";
        return Err(Failure::new(Failure::CHECK, text).with("name", "snapshot-nothing-decided"));
    };
    let changes = set_changes(&*opened.store, state, start).map_err(StartError::from)?;
    let certified = snapshot::Certified {
        header,
        outcome: &opened.base.outcome,
        certificate,
        changes,
    };
    let trust = Trust::of_genesis(&opened.genesis);
    let made = certified.of(state, &trust, &RealChecker);
    let (manifest, cut) = made.map_err(failed_export)?;
    let chunks = (0..cut.parts().len()).map_while(|index| cut.chunk(index));
    snapshot::write(folder, &manifest, chunks)?;
    tell(
        scene,
        "exported",
        manifest.proof(),
        state,
        cut.parts().len(),
    );
    Ok(())
}

/// Copies a snapshot that the node has taken, whether it runs or not, and proves the copy.
fn export_taken(scene: &Scene, folder: &Path, height: Option<u64>) -> Result<(), Failure> {
    let (config, shelf) = shelf(scene)?;
    let genesis = read_genesis(&scene.home.join(&config.paths.genesis))?;
    let height = match height {
        Some(height) => Height::new(height),
        None => shelf.newest()?.ok_or_else(|| none_taken(&config))?,
    };
    let from = shelf.folder_of(height);
    if !from.exists() {
        let text = format!("no snapshot of height {height} is kept");
        let failure = Failure::new(Failure::USAGE, text).with("name", "snapshot-not-taken");
        return Err(failure.fix("falaj snapshot list says which are"));
    }
    let trust = Trust::of_genesis(&genesis);
    let checkpoints = Trusted::default().with(Some(&config))?;
    let proven = snapshot::keep(&from, folder, &trust, &checkpoints, &RealChecker)?;
    tell(
        scene,
        "exported",
        &proven.proof,
        &proven.state,
        proven.chunks,
    );
    Ok(())
}

fn none_taken(config: &Config) -> Failure {
    let failure = Failure::new(Failure::CHECK, "the node has taken no snapshot yet")
        .with("name", "snapshot-not-taken");
    match config.snapshot.interval_heights {
        0 => failure.fix("set snapshot.interval_heights in the configuration and start the node again; or stop it and export without --taken"),
        every => failure.fix(format!("it takes one every {every} heights (snapshot.interval_heights); or stop it and export without --taken")),
    }
}

fn list(scene: &Scene) -> Result<(), Failure> {
    let (_, shelf) = shelf(scene)?;
    let mut rows = Vec::new();
    for height in shelf.heights()? {
        rows.push((height, shelf.manifest(height)?, shelf.folder_of(height)));
    }
    if scene.json {
        let rows = rows.iter().map(|(height, manifest, folder)| {
            json!({
                "height": height.get(),
                "time_us": manifest.proof().header().time_us,
                "chunks": manifest.parts().len(),
                "entries": manifest.entries(),
                "folder": folder,
            })
        });
        print::json(&json!({ "snapshots": rows.collect::<Vec<_>>() }));
        return Ok(());
    }
    if rows.is_empty() {
        print::line("no snapshot is kept");
    }
    for (height, manifest, folder) in &rows {
        let facts = format!(
            "{} chunks, {} entries, {}",
            manifest.parts().len(),
            manifest.entries(),
            folder.display()
        );
        print::line(&print::row(&height.to_string(), &facts));
    }
    Ok(())
}

/// The snapshots of the home's node.
fn shelf(scene: &Scene) -> Result<(Config, Shelf), Failure> {
    let config = Config::load(&scene.home)?;
    expect_finished(&scene.home)?;
    let shelf = Shelf::of(&scene.home.join(&config.paths.data));
    Ok((config, shelf))
}

fn failed_export(error: SnapshotFault) -> Failure {
    let under_way = matches!(
        error,
        SnapshotFault::Snapshot(SnapshotError::ChangeUnderWay(_))
    );
    let failure = Failure::from(error);
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
        .map_err(|error| StartError::Startup(error.into()))?;
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
