//! `falaj-testnet up`: runs every node of a folder in the foreground.
//!
//! Invariant: the folder is held from before anything in it is looked at until the last node has ended, also if this process is killed.
//! `network.json` is there exactly while all nodes were started by this command and none was told to stop; a node that was killed stays
//! down until somebody asks for it, so that a fault is as long as whoever made it wants.
//! A process that was killed takes a moment until the system has ended it: who asks for it meanwhile gets it after that moment.

use anyhow::{Result, bail};
use clap::Args;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::new::Shape;
use super::print;
use crate::cluster::{Cluster, Held};
use crate::control::Requests;
use crate::files::remove_if_there;
use crate::hold::Hold;
use crate::manifest::Manifest;
use crate::network::NETWORK_FILE;
use crate::program::Program;
use crate::provision::is_empty;
use crate::stop::Stop;

const LOOK: Duration = Duration::from_millis(50);
const INTERRUPTED: &str = "interrupted before the network was up";

/// Runs a testnet until interrupted.
#[derive(Args)]
pub(super) struct Up {
    /// The folder; missing or empty, it is made a testnet first.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    shape: Shape,
}

impl Up {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        super::runtime()?.block_on(self.serve(json))
    }

    async fn serve(&self, json: bool) -> Result<bool> {
        let program = Program::find()?;
        let mut stop = Stop::listen()?;
        // Held before anything is looked at: the network of another `up` is left as it is.
        let hold = tokio::select! {
            hold = Hold::take_over(&self.dir, &print::note) => hold?,
            () = stop.asked() => bail!(INTERRUPTED),
        };
        let folder = hold.folder();
        if is_empty(folder)? {
            self.shape.make(&program, folder)?;
        }
        // A folder that is none of ours, or a copy, or another testnet than what is asked for, is left as it is.
        let manifest = Manifest::read(folder)?;
        manifest.check_place(folder)?;
        self.shape.check(folder, &manifest)?;
        let file = folder.join(NETWORK_FILE);
        remove_if_there(&file)?;
        let mut requests = Requests::open(folder)?;
        let held = Held(Some(hold.share()?));
        let mut cluster = tokio::select! {
            started = Cluster::start(program, folder, held, &print::note) => started?,
            () = stop.asked() => bail!(INTERRUPTED),
        };
        cluster.network()?.write(&file)?;
        tell(&file, json);
        let result = watch(&mut cluster, &mut requests, &file, &mut stop).await;
        remove_if_there(&file)?;
        let in_order = cluster.stop()?;
        result.map(|()| in_order)
    }
}

fn tell(file: &Path, json: bool) {
    if json {
        print::json(&serde_json::json!({ "network": file }));
    } else {
        print::line(&format!(
            "the network runs; {} says where; interrupt to stop it",
            file.display()
        ));
    }
}

/// Until somebody wants it to stop.
async fn watch(
    cluster: &mut Cluster,
    requests: &mut Requests,
    file: &Path,
    stop: &mut Stop,
) -> Result<()> {
    let (mut known, mut wanted) = (Vec::new(), BTreeSet::new());
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(LOOK) => {}
        }
        let ended = cluster.ended()?;
        for (index, status) in ended.iter().filter(|ended| !known.contains(*ended)) {
            let name = cluster.label(*index);
            print::note(&format!("{name} ended ({status})"));
        }
        known = ended;
        while let Some(index) = requests.take()? {
            wanted.insert(index);
        }
        for index in std::mem::take(&mut wanted) {
            if cluster.runs(index)? {
                wanted.insert(index);
                continue;
            }
            let started = tokio::select! {
                started = cluster.start_node(index) => started,
                () = stop.asked() => return Ok(()),
            };
            match started {
                Ok(()) => cluster.network()?.write(file)?,
                Err(error) => {
                    print::error(&error, false);
                    requests.refuse(index, &format!("{error:#}"))?;
                }
            }
        }
    }
}
