//! A running node: everything opened, recovered, checked and connected, in the order that makes a failure harmless.
//!
//! Order: folders locked, genesis read, logs opened, store brought up to the logs, guard and key opened, listening, core, network.
//! Nothing is sent and nothing signed before all of it stands.
//! Invariant: dropping the node stops core, logs, signer and store in that order, each after what it was given; the folders stay locked
//! until the last thread that writes into them has ended.

mod host;
mod joining;

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::durable::{LogId, OsDisk};
use falaj_consensus::message::Header;
use falaj_consensus::types::{ChainContext, Now, ValidatorId};
use falaj_consensus::validator_set::ValidatorSet;
use falaj_consensus::verify::RealChecker;
use falaj_hsm::{GuardProblem, Identity, SignerHome, WitnessFile};
use falaj_ledger::genesis::Genesis;
use falaj_ledger::state::State;
use falaj_ledger::store::{Store, open_on_disk, open_on_disk_as_it_is, set_aside};
use falaj_ledger::validate::Rules;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use super::binding::{Subject, Vouched};
use super::config::{Config, ConfigError, Paths, SignerConfig, ValidatorConfig};
use super::hello::{Hello, PROTOCOL_VERSION};
use super::home::{Folders, HomeError, check_approved, expect_finished, read_genesis};
use super::keys::{
    KeyFileError, OpenedBackend, SharedBackend, SignerError, configured_key, open_backend,
    read_transport_key, sign_deadline_ms,
};
use super::network::{
    HelloRequest, Keypair, Network, NetworkConfig, NetworkError, NetworkEvent, NetworkEvents,
    NetworkHandle, PeerConfig,
};
use super::outlet::{Answers, NodeOutlet, PeerBook, class_of};
use super::recover::{
    Base, StartupError, StoreFault, base_of_start, base_of_store, catch_up, set_changes,
    shown_to_guard,
};
use super::runtime::{
    Clock, CoreHandle, CoreParts, Fatal, LogHealth, SignerHandle, SignerThread, StoreThread,
};
use super::shelf::{Served, Shelf};
use super::snapshot::SnapshotFault;
use super::view::{Snapshot, View};
use super::watch::Watch;
use crate::core::{Divergence, Input, JobTools, MempoolLimits, Peer, Recovered, ReplicaConfig};
use crate::storage::{Floor, NodeLogs, RecoveredLogs};
use host::Host;
pub use joining::{JoinError, Joined, join, join_then_start};

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The home and its files.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// State and logs.
    #[error(transparent)]
    Startup(#[from] StartupError),
    /// The disk, while a snapshot of peers was put together.
    #[error(transparent)]
    Snapshot(#[from] SnapshotFault),
    /// The consensus key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The transport key.
    #[error(transparent)]
    TransportKey(#[from] KeyFileError),
    /// The transport.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The system gives no thread.
    #[error("the system gives no thread")]
    Thread(#[source] std::io::Error),
}

/// What the API and the command line work with.
pub struct Node {
    /// The genesis.
    pub genesis: Arc<Genesis>,
    /// The configuration.
    pub config: Config,
    /// Readers' side.
    pub view: Arc<View>,
    /// Submitting clients' side.
    pub answers: Arc<Answers>,
    /// The replica.
    pub core: CoreHandle,
    /// The transport.
    pub network: NetworkHandle,
    /// Who is who.
    pub peers: PeerBook,
    /// The ledger's store, to read history.
    pub store: Arc<dyn Store>,
    /// What is counted and told.
    pub watch: Arc<Watch>,
    /// Whether the logs' disk is full.
    pub disks: Vec<LogHealth>,
    /// The signer; `None` for a node that only follows.
    pub signer: Option<SignerHandle>,
    /// What every page and log shows as long as the consensus key is in no hardware.
    pub banner: Option<String>,
    /// Where blocks and state lie.
    pub data: PathBuf,
    /// Up to where this node has no blocks and events, because it began with a snapshot.
    pub floor: Floor,
    /// The clocks.
    pub clock: Clock,
    threads: Threads,
}

struct Threads {
    handle: CoreHandle,
    core: Option<JoinHandle<()>>,
    signer: Option<SignerThread>,
    store: Option<StoreThread>,
    /// Dropped after all the others have ended: a field is dropped after [`Drop::drop`].
    _folders: Folders,
}

/// A home whose files are open and whose store is brought up to its logs.
pub(super) struct Opened {
    /// The genesis.
    pub(super) genesis: Arc<Genesis>,
    folders: Folders,
    logs: NodeLogs<OsDisk>,
    /// What the logs hold.
    pub(super) found: RecoveredLogs,
    /// The store.
    pub(super) store: Arc<dyn Store>,
    /// The state after the last decided height.
    pub(super) base: Base,
    rules: Arc<Rules>,
}

/// What a signer is opened on.
#[derive(Clone, Copy)]
struct Ground<'a> {
    genesis: &'a Genesis,
    folders: &'a Folders,
    /// The state after the last decided height, which knows the keys.
    state: &'a State,
}

impl Opened {
    fn ground(&self) -> Ground<'_> {
        Ground {
            genesis: &self.genesis,
            folders: &self.folders,
            state: &self.base.state,
        }
    }
}

struct Signing {
    home: SignerHome<OsDisk>,
    memory: WitnessFile<OsDisk>,
    backend: SharedBackend,
    away: Option<falaj_hsm::BackendError>,
    hello: Hello,
    guard: Result<falaj_hsm::Recovered, GuardProblem>,
}

impl Signing {
    /// What every page and log shows as long as the key is in no hardware.
    fn banner(&self) -> Option<String> {
        self.backend.test_banner().map(str::to_owned)
    }
}

impl Node {
    /// Starts the node of a home, on the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start(home: &Path, config: Config, fatal: &Fatal) -> Result<Self, StartError> {
        let clock = Clock::start();
        let opened = open(home, &config)?;
        let transport = read_transport_key(&home.join(&config.paths.transport_key))?;
        let signing = match &config.validator {
            Some(validator) => Some(open_signer(
                home,
                &config.paths,
                validator,
                opened.ground(),
                &transport,
                clock.now(),
            )?),
            None => None,
        };
        run(config, opened, signing, &transport, clock, fatal)
    }

    /// Stops everything, after what was given.
    pub async fn stop(self) {
        let Self {
            network,
            store,
            threads,
            ..
        } = self;
        network.shutdown().await;
        // The store's own thread closes it.
        drop(store);
        drop(threads);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.handle.stop();
        if let Some(thread) = self.core.take() {
            drop(thread.join());
        }
        drop(self.signer.take());
        drop(self.store.take());
    }
}

/// Takes a home's folders and opens everything in them but the signer.
///
/// # Errors
/// [`StartError`].
pub(super) fn open(home: &Path, config: &Config) -> Result<Opened, StartError> {
    expect_finished(home)?;
    let folders = Folders::take(home, &config.paths)?;
    let genesis = Arc::new(read_genesis(&home.join(&config.paths.genesis))?);
    let rules = Arc::new(Rules::of_genesis(&genesis));
    let logs = folders.open_logs(&genesis)?;
    let found = logs.scan().map_err(StartupError::from)?;
    let tools = JobTools {
        checker: &RealChecker,
        rules: &rules,
    };
    let (store, base) = open_store(&folders, &genesis, &logs, &found)?;
    let (found, base) = catch_up(&*store, &logs, found, base, tools)?;
    Ok(Opened {
        genesis,
        folders,
        logs,
        found,
        store,
        base,
        rules,
    })
}

/// Opens the store; one that is damaged or does not fit the logs is set aside and begun anew.
fn open_store(
    folders: &Folders,
    genesis: &Genesis,
    logs: &NodeLogs<OsDisk>,
    found: &RecoveredLogs,
) -> Result<(Arc<dyn Store>, Base), StartError> {
    let path = folders.store();
    let opened = open_on_disk(&path, genesis.hash()).map_err(StartupError::from)?;
    if let Some(aside) = &opened.set_aside {
        tracing::warn!(reason = %aside.damage, aside = %aside.folder.display(), "the ledger's store is rebuilt from the logs");
    }
    match base_of_store(&opened.store, logs, found) {
        Ok(Some(base)) => Ok((Arc::new(opened.store), base)),
        Ok(None) => {
            let base = base_of_start(&opened.store, genesis, found, &folders.snapshot())?;
            Ok((Arc::new(opened.store), base))
        }
        Err(StoreFault::Failed(error)) => Err(error.into()),
        Err(StoreFault::Unfit(unfit)) => {
            drop(opened);
            let aside = set_aside(&path).map_err(StartupError::from)?;
            tracing::warn!(reason = %unfit, aside = %aside.display(), "the ledger's store is rebuilt from the logs");
            let store = open_on_disk_as_it_is(&path, genesis.hash()).map_err(StartupError::from)?;
            let base = base_of_start(&store, genesis, found, &folders.snapshot())?;
            Ok((Arc::new(store), base))
        }
    }
}

/// Opens guard and key, and has the key vouch for the transport identity.
fn open_signer(
    home: &Path,
    paths: &Paths,
    validator: &ValidatorConfig,
    ground: Ground<'_>,
    transport: &Keypair,
    now: Now,
) -> Result<Signing, StartError> {
    let state = ground.state;
    let open_height = state.height().next();
    let key = own_key(home, validator, ground)?;
    if let SignerConfig::Pkcs11(token) = &validator.signer
        && token.fips_strict
    {
        check_approved(&state.validators_at(open_height))?;
        check_approved(&state.validators_at(open_height.next()))?;
    }
    let deadline_ms = sign_deadline_ms(&validator.signer, &state.parameters_at(open_height))?;
    let OpenedBackend { backend, away } = open_backend(home, &validator.signer, &key, deadline_ms)?;
    if *backend.public_key() != key {
        return Err(HomeError::OtherKey { id: validator.id }.into());
    }
    let chain = ground.genesis.chain();
    let identity = Identity {
        chain: chain.clone(),
        key,
    };
    let known: Vec<_> = state
        .validator_sets()
        .map(|(_, set)| Arc::clone(set))
        .collect();
    let (mut signer, memory) = ground.folders.open_signer(now, identity, &known)?;
    let subject = Subject {
        chain: &chain,
        validator: ValidatorId::new(validator.id),
        key: backend.public_key(),
        transport_key: transport.public().to_peer_id().to_bytes(),
    };
    let file = home.join(&paths.transport_binding);
    let vouched = subject.vouch(&file, &mut signer, &*backend, now);
    let hello = hello(&chain, subject.validator, vouched.map_err(HomeError::from)?);
    let guard = signer.signer().recovered();
    if let Err(problem) = &guard {
        tracing::error!(%problem, "the signing guard cannot be used: this node follows and does not vote");
    }
    Ok(Signing {
        home: signer,
        memory,
        backend,
        away,
        hello,
        guard,
    })
}

/// The key that this home signs with: of those that the ledger has ever given its validator the one that the guard is of, or else the last.
/// A validator that it has given none yet has the one that its configuration names.
fn own_key(
    home: &Path,
    validator: &ValidatorConfig,
    ground: Ground<'_>,
) -> Result<PublicKey, StartError> {
    let id = ValidatorId::new(validator.id);
    let sets = ground.state.validator_sets();
    let members = sets.filter_map(|(_, set)| set.get(set.index_of(id)?).cloned());
    let given: Vec<PublicKey> = members.map(|member| member.key).collect();
    let of_guard = ground.folders.key_of_guard(ground.genesis);
    let own = given
        .iter()
        .find(|key| Some(key.fingerprint()) == of_guard)
        .or_else(|| given.last().filter(|_| of_guard.is_none()));
    match own {
        Some(key) => Ok(key.clone()),
        None => Ok(configured_key(home, &validator.signer)?),
    }
}

/// The state after the last height that the home of a stopped node has decided.
///
/// # Errors
/// [`StartError`], as a start has it.
pub fn decided_state(home: &Path, config: &Config) -> Result<State, StartError> {
    Ok(open(home, config)?.base.state)
}

/// What we say first on every connection. Without the key's word peers refuse us.
fn hello(chain: &ChainContext, validator: ValidatorId, vouched: Option<Vouched>) -> Hello {
    let (serial, binding) = match vouched {
        Some(Vouched { serial, signature }) => (serial, Some(signature)),
        None => (0, None),
    };
    Hello {
        version: PROTOCOL_VERSION,
        genesis_hash: chain.genesis_hash,
        validator: Some(validator),
        serial,
        binding,
        supported: Header::FEATURES_KNOWN,
    }
}

fn run(
    config: Config,
    opened: Opened,
    signing: Option<Signing>,
    transport: &Keypair,
    clock: Clock,
    fatal: &Fatal,
) -> Result<Node, StartError> {
    let Opened {
        genesis,
        folders,
        logs,
        found,
        store,
        base,
        rules,
    } = opened;
    let chain = Arc::new(genesis.chain());
    let (data, shelf) = (folders.store(), folders.data());
    let Connected {
        peers,
        network,
        events,
    } = connect(&config, said(&chain, signing.as_ref()), transport)?;

    let set_changes = set_changes(&*store, &base.state, found.start())?;
    let decided_sets = set_changes.iter().map(shown_to_guard).collect();
    let snapshot = Snapshot {
        state: base.state.clone(),
        outcome: base.outcome.clone(),
        block: found.last().cloned(),
    };
    let view = Arc::new(View::new(snapshot, set_changes));
    let diverged = found.diverged().copied();
    let guards = signing.iter().filter_map(usable_guard).collect();
    let keys = signing.iter().map(|signing| signing.backend.public_key());
    let keys = keys.cloned().collect();
    let floor = found.floor();
    let mut recovered = recover(&logs, found, base, guards, &rules)?;
    recovered.decided_sets = decided_sets;
    let watch = begin_watch(clock, &config, &view, diverged, signing.as_ref());
    let banner = signing.as_ref().and_then(Signing::banner);
    watch.test_signer(banner.is_some());

    let (core, inbox) = CoreHandle::channel();
    let host = Host {
        core: core.clone(),
        clock,
        watch: Arc::clone(&watch),
        fatal,
    };
    let every = config.snapshot.interval_heights;
    let snapshots = host.snapshots(every, &shelf, &genesis, &view)?;
    let store_thread = host.store(&store, snapshots)?;
    let signer_thread = signing.map(|signing| host.signer(signing)).transpose()?;
    let signer = signer_thread.as_ref().map(SignerThread::handle);
    let block_log = host.log(logs.block, LogId::Block, &data)?;
    let batch_log = host.log(logs.batch, LogId::Batch, &data)?;
    let disks = vec![block_log.health(), batch_log.health()];
    let answers = Arc::new(Answers::default());
    let outlet = NodeOutlet {
        network: network.clone(),
        peers: peers.clone(),
        answers: Arc::clone(&answers),
        view: Arc::clone(&view),
        store: store_thread
            .sender()
            .expect("the store's thread has just begun"),
        watch: Arc::clone(&watch),
    };
    let parts = CoreParts {
        config: replica_config(&config, &chain, keys),
        recovered,
        clock,
        workers: host.workers(rules)?,
        snapshots: host.serve_snapshots(Served::new(Shelf::of(&shelf)))?,
        block_log,
        batch_log,
        signer: signer.clone().map(|handle| {
            Box::new(move |command| handle.command(command)) as Box<dyn Fn(_) + Send>
        }),
        outlet,
        fatal: fatal.clone(),
    };
    let core_thread = inbox.run(parts).map_err(StartError::Thread)?;
    tokio::spawn(deliver(
        events,
        core.clone(),
        peers.clone(),
        Arc::clone(&view),
        chain,
        Arc::clone(&watch),
    ));
    let threads = Threads {
        handle: core.clone(),
        core: Some(core_thread),
        signer: signer_thread,
        store: Some(store_thread),
        _folders: folders,
    };
    Ok(Node {
        genesis,
        config,
        view,
        answers,
        core,
        network,
        peers,
        store,
        watch,
        disks,
        signer,
        banner,
        data,
        floor,
        clock,
        threads,
    })
}

/// The transport and what comes over it.
struct Connected {
    peers: PeerBook,
    network: NetworkHandle,
    events: NetworkEvents,
}

/// What this node says of itself.
fn said(chain: &ChainContext, signing: Option<&Signing>) -> Hello {
    signing.map_or_else(|| follower(chain), |signing| signing.hello.clone())
}

/// Listens, and says a hello to whoever connects.
fn connect(config: &Config, hello: Hello, transport: &Keypair) -> Result<Connected, StartError> {
    let (peers, listed) = peers(config, transport)?;
    let listen = config.network.listen_address()?;
    let bytes = falaj_consensus::hash::encode(&hello).into();
    let mut network_config = NetworkConfig::new(listen, listed, bytes);
    widen(&mut network_config);
    let (network, events) = Network::start(network_config, transport)?;
    Ok(Connected {
        peers,
        network,
        events,
    })
}

/// What the guard of the key recovered, unless it cannot be used.
fn usable_guard(signing: &Signing) -> Option<(PublicKey, falaj_hsm::Recovered)> {
    let guard = signing.guard.clone().ok()?;
    Some((signing.backend.public_key().clone(), guard))
}

/// What the replica starts from.
fn recover(
    logs: &NodeLogs<OsDisk>,
    found: RecoveredLogs,
    base: Base,
    guards: BTreeMap<PublicKey, falaj_hsm::Recovered>,
    rules: &Rules,
) -> Result<Recovered, StartupError> {
    let tools = JobTools {
        checker: &RealChecker,
        rules,
    };
    let batches = logs.batches(&found, &base.state, tools)?;
    Ok(found.into_recovered(base.state, base.outcome, batches, guards))
}

/// The watch over whose votes come, and over why our own do not.
fn begin_watch(
    clock: Clock,
    config: &Config,
    view: &View,
    diverged: Option<Divergence>,
    signing: Option<&Signing>,
) -> Arc<Watch> {
    let own = config.validator.as_ref();
    let watch = Arc::new(Watch::new(clock, own.map(backend_name)));
    let id = own.map(|own| ValidatorId::new(own.id));
    watch.opened(id, &view.snapshot().state);
    if let Some(Err(problem)) = signing.map(|signing| &signing.guard) {
        watch.guard_unusable(problem.code());
    }
    if let Some(divergence) = diverged {
        watch.diverged(divergence);
    }
    if let Some(error) = signing.and_then(|signing| signing.away.as_ref()) {
        watch.hsm_away(error);
    }
    watch
}

/// Room on a folder's disk, if the system says.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// What metrics call the place of a consensus key.
const fn backend_name(validator: &ValidatorConfig) -> &'static str {
    match validator.signer {
        SignerConfig::Pkcs11(_) => "pkcs11",
        SignerConfig::Software(_) => "software",
    }
}

fn replica_config(
    config: &Config,
    chain: &Arc<ChainContext>,
    keys: Vec<PublicKey>,
) -> ReplicaConfig {
    ReplicaConfig {
        chain: Arc::clone(chain),
        validator: config
            .validator
            .as_ref()
            .map(|validator| ValidatorId::new(validator.id)),
        keys,
        batch_wait_ns: config.mempool.batch_wait_ms.saturating_mul(1_000_000),
        mempool: MempoolLimits {
            transactions_max: config.mempool.transactions_max,
            bytes_max: config.mempool.bytes_max,
            participant_transactions_max: config.mempool.participant_transactions_max,
            participant_bytes_max: config.mempool.participant_bytes_max,
            ..MempoolLimits::default()
        },
        supported: Header::FEATURES_KNOWN,
    }
}

fn follower(chain: &ChainContext) -> Hello {
    Hello {
        version: PROTOCOL_VERSION,
        genesis_hash: chain.genesis_hash,
        validator: None,
        serial: 0,
        binding: None,
        supported: Header::FEATURES_KNOWN,
    }
}

/// The peers beside this node itself.
fn peers(config: &Config, transport: &Keypair) -> Result<(PeerBook, Vec<PeerConfig>), ConfigError> {
    let (mut book, mut listed) = (PeerBook::default(), Vec::new());
    let own = transport.public().to_peer_id();
    for (peer, config) in config.network.known_peers()? {
        if config.peer != own {
            book.insert(peer, config.peer);
            listed.push(config);
        }
    }
    Ok((book, listed))
}

/// The transport takes frames as long as the replica makes them.
fn widen(config: &mut NetworkConfig) {
    for class in crate::core::Class::ALL {
        let limits = config
            .limits
            .classes
            .get_mut(super::outlet::stream_of(class));
        let frame = u32::try_from(class.frame_bytes_max()).unwrap_or(u32::MAX);
        limits.message_bytes_max = limits.message_bytes_max.max(frame);
        limits.queue_bytes_max = limits
            .queue_bytes_max
            .max(u64::from(frame).saturating_mul(4));
        limits.inbound_bytes_max = limits.inbound_bytes_max.max(frame.saturating_mul(2));
        limits.inbound_bytes_per_s = limits
            .inbound_bytes_per_s
            .max(u64::from(frame).saturating_mul(8));
    }
}

/// Judges a hello, and lets the peer in or not; without a set, by the operator's list alone.
fn admit(
    request: HelloRequest,
    book: &PeerBook,
    chain: &ChainContext,
    set: Option<&ValidatorSet>,
) -> Option<(ValidatorId, Hello)> {
    let identity = request.peer();
    let expected = book.peer(&identity).and_then(Peer::validator);
    let verdict = expected
        .ok_or("unknown peer".to_string())
        .and_then(|expected| {
            Hello::judge(
                request.bytes(),
                &identity,
                expected,
                chain,
                set,
                &RealChecker,
            )
            .map(|hello| (expected, hello))
            .map_err(|error| error.to_string())
        });
    match verdict {
        Ok(admitted) => {
            request.accept();
            Some(admitted)
        }
        Err(reason) => {
            tracing::warn!(%identity, %reason, "peer refused");
            request.refuse(reason);
            None
        }
    }
}

/// Judges hellos, and hands connections and messages to the core.
async fn deliver(
    mut events: NetworkEvents,
    core: CoreHandle,
    book: PeerBook,
    view: Arc<View>,
    chain: Arc<ChainContext>,
    watch: Arc<Watch>,
) {
    let linked = |peer: Peer, up| {
        if let Some(validator) = peer.validator() {
            watch.link(validator.get(), up);
        }
    };
    while let Some(event) = events.recv().await {
        match event {
            NetworkEvent::Hello(request) => {
                let state = view.snapshot().state.clone();
                let set = state.validators_at(state.height().next());
                if let Some((validator, hello)) = admit(request, &book, &chain, Some(&set)) {
                    watch.program(validator.get(), hello.supported);
                }
            }
            NetworkEvent::PeerUp { peer } => {
                if let Some(peer) = book.peer(&peer) {
                    linked(peer, true);
                    core.input(Input::PeerUp(peer));
                }
            }
            NetworkEvent::PeerDown { peer, .. } => {
                if let Some(peer) = book.peer(&peer) {
                    linked(peer, false);
                    core.input(Input::PeerDown(peer));
                }
            }
            NetworkEvent::Message { peer, class, bytes } => {
                if let Some(from) = book.peer(&peer) {
                    let length = bytes.len();
                    let (class, bytes) = (class_of(class), bytes.as_ref().into());
                    core.input_bounded(Input::Received { from, class, bytes }, length)
                        .await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
