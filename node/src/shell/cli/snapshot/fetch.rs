//! `falaj snapshot fetch`: a snapshot of peers, for the home of a node that has no block.
//!
//! Invariant: as `falaj snapshot restore`; what was fetched before an end of the process is proven again and gone on from.
//! Exit: beside those of `restore` 69 when no peer gave one.
//! Source: `docs/spec/snapshots.md`, "Between peers"; `docs/runbook/snapshots.md`.

use super::{Failure, Scene, Trusted, not_empty, print, tell};
use crate::core::{JoinEvent, Peer};
use crate::shell::config::Config;
use crate::shell::node::{self, JoinError, StartError};

pub(super) fn run(scene: &Scene, trusted: &Trusted) -> Result<(), Failure> {
    let config = Config::load(&scene.home)?;
    let checkpoints = trusted.with(Some(&config))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(70, error))?;
    let joined = runtime.block_on(node::join(&scene.home, &config, checkpoints, told));
    let joined = joined.map_err(|error| match error {
        JoinError::Start(StartError::Home(error)) => not_empty(error, scene),
        JoinError::Start(error) => error.into(),
        JoinError::Snapshot(fault) => fault.into(),
        JoinError::None(_) => Failure::new(Failure::UNAVAILABLE, error)
            .with("name", "snapshot-none-fetched")
            .fix("start the node as it is, and it fetches the blocks from genesis on; or fetch again, which goes on where it was"),
    })?;
    tell(
        scene,
        "fetched",
        &joined.proof,
        &joined.state,
        joined.chunks,
    );
    Ok(())
}

/// What happens on the way.
fn told(event: JoinEvent) {
    let name = |peer: Peer| {
        let validator = peer.validator().map(|validator| validator.get());
        validator.map_or_else(|| "a follower".to_owned(), |id| format!("validator {id}"))
    };
    print::beside(&match event {
        JoinEvent::Began { name: of, from } => {
            format!(
                "height {}: the manifest comes from {}",
                of.height,
                name(from)
            )
        }
        JoinEvent::Proven { height, chunks } => {
            format!("height {height}: proven from genesis, {chunks} chunks to fetch")
        }
        JoinEvent::Resumed { height, kept } => {
            format!("height {height}: {kept} chunks are here from before, and proven again")
        }
        JoinEvent::PassedBy(peer) => format!("{} does not answer", name(peer)),
        JoinEvent::Vanished(height) => format!("height {height}: nobody has it any more"),
    });
}
