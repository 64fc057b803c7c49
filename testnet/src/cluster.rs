//! The nodes of a testnet's folder as running processes.
//!
//! Invariant: a network is up once the `/readyz` of every node has said so; dropping the cluster ends all of them.
//! A node that ends meanwhile ends the waiting at once, with its own last words; what is waited for is told.
//! Ports that somebody else has taken meanwhile are chosen anew, as often as it takes a few times.
//! Source: `docs/guide/testnet.md`, "Processes".

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::files::remove_if_there;
use crate::http;
use crate::manifest::{GENESIS_FILE, Manifest, ValidatorManifest, read_genesis};
use crate::network::{Network, ParticipantEntry, ValidatorEntry};
use crate::process::NodeProcess;
use crate::program::{Environment, Program};
use crate::provision::addresses;
use crate::{token, words};

/// How long a node may take until it is ready; a debug build with an RSA key on a busy machine needs some.
pub(crate) const READY_PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing is said of what is waited for.
const SILENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(25);
/// How often the nodes are started, each time on new ports, when others take them.
const PORT_TRIES: usize = 3;
/// What `falaj start` ends with when an address is in use.
const EXIT_UNAVAILABLE: i32 = 69;
/// Linked to a quorum and synced, with room on its disk and a session of its HSM.
const READY: &str = "/readyz";
/// Running.
const LIVE: &str = "/livez";
const RUN_FILE: &str = "run.json";
const LOG_FILE: &str = "node.log";

/// Where lines for people go.
pub type Tell<'a> = &'a (dyn Fn(&str) + Sync);

/// Running nodes.
pub struct Cluster {
    program: Program,
    folder: PathBuf,
    manifest: Manifest,
    nodes: Vec<Node>,
    held: Held,
}

/// What every node keeps open as long as it lives.
#[derive(Default)]
pub struct Held(pub Option<File>);

impl Held {
    fn share(&self) -> Result<Stdio> {
        match &self.0 {
            Some(file) => Ok(file.try_clone()?.into()),
            None => Ok(Stdio::null()),
        }
    }
}

struct Node {
    /// Name and index.
    name: String,
    home: PathBuf,
    environment: Environment,
    process: Option<NodeProcess>,
    /// How long its log was before it was started.
    log_before: u64,
    /// What it last said of itself, be it before it ended.
    running: Option<Running>,
}

/// What a running node says of itself in its home.
#[derive(Clone, Debug, Deserialize)]
struct Running {
    pid: u32,
    api: SocketAddr,
    p2p: String,
}

impl Cluster {
    /// Starts every node of a folder and waits until all are ready; `tell` hears what is waited for when that takes its time.
    ///
    /// # Errors
    /// When a node ends or is not ready in time; none is left running then.
    pub async fn start(
        program: Program,
        folder: &Path,
        held: Held,
        tell: Tell<'_>,
    ) -> Result<Self> {
        let folder = folder
            .canonicalize()
            .with_context(|| format!("{}", folder.display()))?;
        let manifest = Manifest::read(&folder)?;
        let nodes = manifest
            .validators
            .iter()
            .enumerate()
            .map(|(index, validator)| Node::new(&folder, index, validator));
        let nodes = nodes.collect::<Result<_>>()?;
        let mut cluster = Self {
            program,
            folder,
            manifest,
            nodes,
            held,
        };
        let mut tries = 1;
        loop {
            match cluster.start_all(tell).await {
                Ok(()) => return Ok(cluster),
                Err(Failed::PortTaken(_)) if tries < PORT_TRIES => cluster.choose_ports()?,
                Err(Failed::PortTaken(error)) => {
                    return Err(error.context("others take every port that is chosen"));
                }
                Err(Failed::Other(error)) => return Err(error),
            }
            tries += 1;
        }
    }

    async fn start_all(&mut self, tell: Tell<'_>) -> Result<(), Failed> {
        for index in 0..self.nodes.len() {
            self.spawn(index)?;
        }
        if let Err(failed) = until(&mut self.nodes, READY, tell).await {
            self.stop()?;
            return Err(failed);
        }
        Ok(())
    }

    fn choose_ports(&self) -> Result<()> {
        let validators: Vec<_> = self.manifest.validators.iter().collect();
        for (node, addresses) in self.nodes.iter().zip(addresses(&validators)?) {
            let arguments = [&["init".to_owned()], addresses.as_slice()].concat();
            let public: serde_json::Value =
                self.program
                    .ask(&node.home, &node.environment, &arguments)?;
            drop(public);
        }
        Ok(())
    }

    /// Starts a node that does not run, and waits until it answers; it may still have to catch up, or to wait for its HSM.
    ///
    /// # Errors
    /// When it runs, ends, or does not answer in time.
    pub async fn start_node(&mut self, index: usize) -> Result<()> {
        self.spawn(index)?;
        match until(
            self.nodes.get_mut(index..=index).unwrap_or_default(),
            LIVE,
            &|_| (),
        )
        .await
        {
            Ok(()) => Ok(()),
            Err(Failed::PortTaken(error)) => {
                Err(error.context("another process has taken its ports"))
            }
            Err(Failed::Other(error)) => Err(error),
        }
    }

    /// Waits until every node is ready.
    ///
    /// # Errors
    /// When one does not run, ends, or is not ready in time.
    pub async fn until_ready(&mut self, tell: Tell<'_>) -> Result<()> {
        match until(&mut self.nodes, READY, tell).await {
            Ok(()) => Ok(()),
            Err(Failed::PortTaken(error) | Failed::Other(error)) => Err(error),
        }
    }

    /// Whether a node's process is there, be it on its way out.
    ///
    /// # Errors
    /// When there is no such node, or the system does not say.
    pub fn runs(&mut self, index: usize) -> Result<bool> {
        let process = self.node(index)?.process.as_mut();
        Ok(match process {
            Some(process) => process.ended()?.is_none(),
            None => false,
        })
    }

    fn node(&mut self, index: usize) -> Result<&mut Node> {
        self.nodes
            .get_mut(index)
            .with_context(|| format!("there is no validator {index}"))
    }

    fn spawn(&mut self, index: usize) -> Result<()> {
        ensure!(!self.runs(index)?, "validator {index} runs already");
        let (program, held) = (self.program.clone(), self.held.share()?);
        let node = self.node(index)?;
        remove_if_there(&node.home.join(RUN_FILE))?;
        node.log_before = words::length(&node.log());
        let started =
            NodeProcess::start(&program, &node.home, &node.environment, &node.log(), held)?;
        node.process = Some(started);
        Ok(())
    }

    /// Name and index of a validator, for people.
    #[must_use]
    pub fn label(&self, index: usize) -> String {
        let node = self.nodes.get(index);
        node.map_or_else(|| format!("index {index}"), |node| node.name.clone())
    }

    /// Ends a node as a power cut would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self, index: usize) -> Result<()> {
        let node = self.nodes.get_mut(index);
        let process = node.and_then(|node| node.process.as_mut());
        process
            .with_context(|| format!("validator {index} does not run"))?
            .kill()
    }

    /// Nodes that ended, and how.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> Result<Vec<(usize, ExitStatus)>> {
        let mut ended = Vec::new();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            ended.extend(node.ended()?.map(|status| (index, status)));
        }
        Ok(ended)
    }

    /// Stops every node in order. Says whether each stopped by itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self) -> Result<bool> {
        let mut all = true;
        for node in &mut self.nodes {
            if let Some(process) = &mut node.process {
                process.ask_to_stop();
            }
        }
        for node in &mut self.nodes {
            if let Some(mut process) = node.process.take() {
                all &= process.stop()?;
            }
        }
        Ok(all)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where everything is.
    ///
    /// # Errors
    /// When the genesis cannot be read.
    pub fn network(&self) -> Result<Network> {
        let genesis = self.folder.join(GENESIS_FILE);
        let chain = read_genesis(&genesis)?.chain();
        let nodes = self.manifest.validators.iter().zip(&self.nodes).enumerate();
        let participants = self
            .manifest
            .participants
            .iter()
            .map(|participant| ParticipantEntry {
                id: participant.id,
                key_file: self.folder.join(&participant.key_file),
            });
        Ok(Network {
            version: Network::VERSION,
            chain: chain.chain_id,
            genesis_hash: chain.genesis_hash.to_hex(),
            genesis,
            validators: nodes
                .map(|(index, (manifest, node))| entry(index, manifest, node))
                .collect::<Result<_>>()?,
            participants: participants.collect(),
        })
    }
}

/// Waits until each of some nodes says something of itself, as long as all of them run.
async fn until(nodes: &mut [Node], says: &str, tell: Tell<'_>) -> Result<(), Failed> {
    let started = Instant::now();
    let (mut told, mut told_at) = (None, started);
    loop {
        for node in &mut *nodes {
            if let Some(status) = node.ended()? {
                return Err(node.why_it_ended(status));
            }
        }
        let Some(missing) = missing(nodes, says).await else {
            return Ok(());
        };
        if started.elapsed() > READY_PATIENCE {
            return Err(anyhow::anyhow!("{missing}, after {READY_PATIENCE:?}").into());
        }
        if told_at.elapsed() > SILENCE && told.as_ref() != Some(&missing) {
            tell(&format!("waiting: {missing}"));
            (told, told_at) = (Some(missing), Instant::now());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What the first node lacks that does not say something of itself yet.
async fn missing(nodes: &mut [Node], says: &str) -> Option<String> {
    for node in nodes {
        if let Err(why) = node.says(says).await {
            return Some(format!("{} {why}", node.name));
        }
    }
    None
}

impl Node {
    fn new(folder: &Path, index: usize, validator: &ValidatorManifest) -> Result<Self> {
        let environment = match &validator.token {
            Some(token) => token::environment(&folder.join(token))?,
            None => Environment::new(),
        };
        let home = folder.join(&validator.home);
        Ok(Self {
            name: format!("{} (index {index})", validator.name),
            home,
            environment,
            process: None,
            log_before: 0,
            running: None,
        })
    }

    fn log(&self) -> PathBuf {
        self.home.join(LOG_FILE)
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.process.as_mut().map_or(Ok(None), NodeProcess::ended)
    }

    /// That its own process has said where it is, and says so of itself; or else what it lacks.
    async fn says(&mut self, what: &str) -> Result<(), String> {
        let pid = self.process.as_ref().map(NodeProcess::pid);
        let text = std::fs::read(self.home.join(RUN_FILE)).ok();
        let running = text.and_then(|text| serde_json::from_slice::<Running>(&text).ok());
        let Some(running) = running.filter(|running| Some(running.pid) == pid) else {
            return Err("does not listen yet".into());
        };
        let answer = http::get(running.api, what).await;
        self.running = Some(running);
        match answer {
            Ok(answer) if answer.status.is_success() => Ok(()),
            Ok(answer) => Err(format!("is not ready: {}", failed_checks(&answer.body))),
            Err(error) => Err(format!("does not answer: {error}")),
        }
    }

    fn why_it_ended(&self, status: ExitStatus) -> Failed {
        let said = words::last(&self.log(), self.log_before);
        let log = self.log();
        let ended = anyhow::anyhow!("its log is {}", log.display());
        let ended = ended.context(format!("{} ended ({status}): {said}", self.name));
        if status.code() == Some(EXIT_UNAVAILABLE) {
            return Failed::PortTaken(ended);
        }
        Failed::Other(ended)
    }
}

/// The failed checks in the body of a health check, in its words.
fn failed_checks(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let failed: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("[-]"))
        .collect();
    failed.join("; ")
}

fn entry(index: usize, manifest: &ValidatorManifest, node: &Node) -> Result<ValidatorEntry> {
    let running = node
        .running
        .as_ref()
        .with_context(|| format!("{} does not run", manifest.name))?;
    Ok(ValidatorEntry {
        index,
        name: manifest.name.clone(),
        api: format!("http://{}", running.api),
        p2p: format!("{}/p2p/{}", running.p2p, manifest.peer_id),
        pid: running.pid,
        home: node.home.clone(),
        config: node.home.join("config.toml"),
        log: node.log(),
        algorithm: manifest.algorithm.clone(),
        signer: manifest.signer.name().into(),
        token_label: manifest.token_label.clone(),
        env: node.environment.clone(),
    })
}

/// Why a node did not become ready.
enum Failed {
    PortTaken(anyhow::Error),
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}
