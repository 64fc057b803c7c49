//! Fetching a snapshot of peers for a home without blocks: the machine that joins, over the node's own transport and identity.
//!
//! Invariant: no replica runs, and nothing is signed but the hello where its word is not kept; who may connect is the operator's list alone,
//! because nothing that a peer says is believed.
//! Errors: [`JoinError`]; what was fetched stays for the next time.
//! Source: `docs/spec/snapshots.md`, "Between peers".

use falaj_consensus::durable::LogError;
use falaj_consensus::message::Header;
use falaj_consensus::types::{ChainContext, Height, ValidatorId};
use falaj_consensus::verify::RealChecker;
use falaj_ledger::bundle::CertifiedOutcome;
use falaj_ledger::state::State;
use falaj_ledger::trust::{Checkpoint, Trust};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

use super::{Connected, Ground, Node, StartError, admit, connect, follower, hello, open_signer};
use crate::core::{FallBack, JoinEffect, JoinEnd, JoinEvent, JoinInput, JoinRules, Joining};
use crate::shell::binding::Vouched;
use crate::shell::config::Config;
use crate::shell::draft::Draft;
use crate::shell::hello::Hello;
use crate::shell::home::{Folders, HomeError, expect_finished, read_genesis};
use crate::shell::keys::read_transport_key;
use crate::shell::network::{Keypair, NetworkEvent};
use crate::shell::outlet::{PeerBook, class_of, send};
use crate::shell::recover::StartupError;
use crate::shell::runtime::{Clock, Fatal};
use crate::shell::snapshot::{self, SnapshotFault};
use crate::storage::check_gates;

/// The least height of a snapshot: whoever asks for one takes any.
const HEIGHT_MIN: Height = Height::new(1);

/// Why no snapshot was fetched.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Home, signer, transport.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The disk, or what was put together.
    #[error(transparent)]
    Snapshot(#[from] SnapshotFault),
    /// Peers did not give one.
    #[error("{}", words(*.0))]
    None(FallBack),
}

impl From<HomeError> for JoinError {
    fn from(error: HomeError) -> Self {
        Self::Start(error.into())
    }
}

const fn words(reason: FallBack) -> &'static str {
    match reason {
        FallBack::NobodyThere => "no peer can be reached",
        FallBack::NoneOffered => "no peer has a snapshot",
        FallBack::TooManyBegun => "peers gave up one snapshot after the other",
        FallBack::NoProgress => "nothing came of any peer for too long",
    }
}

/// What a home begins with now.
pub struct Joined {
    /// What proves it.
    pub proof: CertifiedOutcome,
    /// The state.
    pub state: State,
    /// How many chunks it came in.
    pub chunks: usize,
}

/// Fetches a snapshot for a home without blocks, proves all of it, and makes the block log begin behind it.
///
/// # Errors
/// [`JoinError`]; the home has no block then, and what was fetched is gone on from.
pub async fn join(
    home: &Path,
    config: &Config,
    checkpoints: Vec<Checkpoint>,
    told: impl FnMut(JoinEvent),
) -> Result<Joined, JoinError> {
    expect_finished(home)?;
    let folders = Folders::take(home, &config.paths)?;
    let genesis = read_genesis(&home.join(&config.paths.genesis))?;
    folders.empty_logs(&genesis).map(drop)?;
    let opened =
        State::open(&genesis).map_err(|error| StartError::from(StartupError::from(error)))?;
    let transport = read_transport_key(&home.join(&config.paths.transport_key));
    let transport = transport.map_err(StartError::from)?;
    let ground = Ground {
        genesis: &genesis,
        folders: &folders,
        state: &opened.state,
    };
    let chain = genesis.chain();
    let hello = own_hello(home, config, ground, &transport)?;
    let connected = connect(config, hello, &transport)?;
    let trust = Trust::of_genesis(&genesis);
    let tick_ms = opened.state.parameters_at(Height::new(1)).timeouts.tick_ms;
    let rules = JoinRules {
        trust: Arc::new(trust.clone()),
        checkpoints: checkpoints.clone(),
        height_min: HEIGHT_MIN,
        tick_ns: u64::from(tick_ms).saturating_mul(1_000_000),
    };
    let draft = Draft::of(&folders.data());
    let end = Host {
        connected,
        chain: &chain,
        draft: &draft,
        told,
    }
    .run(rules)
    .await?;
    if let JoinEnd::FallBack(reason) = end {
        return Err(JoinError::None(reason));
    }
    let kept = folders.snapshot();
    let proven = snapshot::adopt(draft.folder(), &kept, &trust, &checkpoints, &RealChecker)?;
    check_gates(&proven.state, proven.state.height(), Header::FEATURES_KNOWN)
        .map_err(|error| StartError::from(StartupError::from(error)))?;
    folders.begin_behind(&genesis, &proven.proof)?;
    Ok(Joined {
        proof: proven.proof,
        state: proven.state,
        chunks: proven.chunks,
    })
}

/// What we say first. The word that is kept needs no signer; if it is not our key's of today, peers refuse it.
fn own_hello(
    home: &Path,
    config: &Config,
    ground: Ground<'_>,
    transport: &Keypair,
) -> Result<Hello, StartError> {
    let chain = ground.genesis.chain();
    let Some(validator) = &config.validator else {
        return Ok(follower(&chain));
    };
    let kept = Vouched::read(&home.join(&config.paths.transport_binding));
    if kept.is_some() {
        return Ok(hello(&chain, ValidatorId::new(validator.id), kept));
    }
    let now = Clock::start().now();
    let opened = open_signer(home, &config.paths, validator, ground, transport, now)?;
    Ok(opened.hello)
}

/// Starts the node of a home; one without blocks whose configuration says so begins with a snapshot of peers, or else with genesis.
///
/// # Errors
/// [`StartError`]; nothing runs then. That peers give no snapshot is none.
pub async fn join_then_start(
    home: &Path,
    config: Config,
    fatal: &Fatal,
) -> Result<Node, StartError> {
    if config.snapshot.join {
        let checkpoints = config.snapshot.checkpoint()?.into_iter().collect();
        match join(home, &config, checkpoints, told).await {
            Ok(joined) => {
                let height = joined.state.height().get();
                tracing::info!(
                    height,
                    chunks = joined.chunks,
                    "began with a snapshot of peers"
                );
            }
            Err(JoinError::None(reason)) => {
                let reason = words(reason);
                tracing::warn!(
                    reason,
                    "no snapshot; the blocks are fetched from genesis on"
                );
            }
            Err(JoinError::Start(StartError::Home(HomeError::Log(LogError::Exists {
                ..
            })))) => {}
            Err(JoinError::Start(error)) => return Err(error),
            Err(JoinError::Snapshot(fault)) => return Err(fault.into()),
        }
    }
    Node::start(home, config, fatal)
}

/// Tells the log what happens on the way.
fn told(event: JoinEvent) {
    match event {
        JoinEvent::Began { name, from } => {
            tracing::info!(height = name.height.get(), peer = ?from, "a snapshot's manifest comes");
        }
        JoinEvent::Proven { height, chunks } => {
            tracing::info!(
                height = height.get(),
                chunks,
                "the snapshot is proven from genesis; its chunks come"
            );
        }
        JoinEvent::Resumed { height, kept } => {
            tracing::info!(height = height.get(), kept, "chunks are here from before");
        }
        JoinEvent::PassedBy(peer) => tracing::info!(?peer, "a peer does not answer"),
        JoinEvent::Vanished(height) => {
            tracing::info!(height = height.get(), "nobody has the snapshot any more");
        }
    }
}

/// The machine's world.
struct Host<'a, F> {
    connected: Connected,
    chain: &'a ChainContext,
    draft: &'a Draft,
    told: F,
}

impl<F: FnMut(JoinEvent)> Host<'_, F> {
    /// Runs the machine to its end, and closes the transport.
    async fn run(mut self, rules: JoinRules) -> Result<JoinEnd, SnapshotFault> {
        let (mut joining, effects) = Joining::start(rules);
        let mut tick = Instant::now();
        let mut end = self.perform(&mut joining, effects, &mut tick)?;
        while end.is_none() {
            let input = tokio::select! {
                () = sleep_until(tick) => {
                    // The machine says when the next one is.
                    tick += Duration::from_secs(3_600);
                    Some(JoinInput::Tick)
                }
                event = self.connected.events.recv() => match event {
                    Some(event) => self.input(event),
                    None => return Ok(JoinEnd::FallBack(FallBack::NobodyThere)),
                },
            };
            if let Some(input) = input {
                let effects = joining.step(input);
                end = self.perform(&mut joining, effects, &mut tick)?;
            }
        }
        self.connected.network.shutdown().await;
        Ok(end.unwrap_or(JoinEnd::FallBack(FallBack::NobodyThere)))
    }

    fn input(&self, event: NetworkEvent) -> Option<JoinInput> {
        let book: &PeerBook = &self.connected.peers;
        match event {
            NetworkEvent::Hello(request) => {
                // Nothing that it says is believed, so its key of today, which nobody here knows yet, need not vouch for it.
                let _ = admit(request, book, self.chain, None);
                None
            }
            NetworkEvent::PeerUp { peer } => book.peer(&peer).map(JoinInput::PeerUp),
            NetworkEvent::PeerDown { peer, .. } => book.peer(&peer).map(JoinInput::PeerDown),
            NetworkEvent::Message { peer, class, bytes } => {
                let from = book.peer(&peer)?;
                let (class, bytes) = (class_of(class), bytes.as_ref().into());
                Some(JoinInput::Received { from, class, bytes })
            }
        }
    }

    /// Does what the machine asks for, and what follows from that; gives its end.
    fn perform(
        &mut self,
        joining: &mut Joining,
        effects: Vec<JoinEffect>,
        tick: &mut Instant,
    ) -> Result<Option<JoinEnd>, SnapshotFault> {
        let mut waiting: VecDeque<JoinEffect> = effects.into();
        while let Some(effect) = waiting.pop_front() {
            let input = match effect {
                JoinEffect::Send { to, class, frame } => {
                    send(
                        &self.connected.network,
                        &self.connected.peers,
                        &to,
                        class,
                        &frame,
                    );
                    continue;
                }
                JoinEffect::Timer { after_ns } => {
                    *tick = Instant::now() + Duration::from_nanos(after_ns);
                    continue;
                }
                JoinEffect::Read(piece) => JoinInput::Read {
                    piece,
                    bytes: self.draft.read(piece),
                },
                JoinEffect::Check(job) => JoinInput::Checked(Box::new(job.run(&RealChecker))),
                JoinEffect::Keep { piece, bytes } => {
                    self.draft.keep(piece, &bytes)?;
                    JoinInput::Kept(piece)
                }
                JoinEffect::Forget => {
                    self.draft.forget()?;
                    continue;
                }
                JoinEffect::Part { peer, fault } => {
                    tracing::warn!(
                        ?peer,
                        fault = fault.code(),
                        "a peer gave what is proven wrong"
                    );
                    if let Some(identity) = self.connected.peers.identity(peer) {
                        // A transport that was shut down has cut every link.
                        self.connected.network.shun(identity, fault.code()).ok();
                    }
                    continue;
                }
                JoinEffect::Event(event) => {
                    (self.told)(event);
                    continue;
                }
                JoinEffect::End(end) => return Ok(Some(end)),
            };
            waiting.extend(joining.step(input));
        }
        Ok(None)
    }
}
