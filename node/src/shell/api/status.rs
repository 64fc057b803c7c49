//! Where the node stands, what it waits for, and who its peers are.

use axum::Json;
use axum::extract::State;
use falaj_ledger::gate::Feature;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

use super::context::Api;
use super::health::{Check, parted, ready, shut, voting};
use super::look::{Look, look};
use super::why::{MissingView, Sight, WaitView};
use crate::shell::network::Class;
use crate::shell::runtime::LogHealth;
use crate::shell::watch::step_name;

/// The node at one moment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct StatusView {
    /// Version of the program.
    version: &'static str,
    /// Name of the chain.
    chain: String,
    /// Hash of its genesis.
    genesis_hash: String,
    /// The validator this node speaks for; absent in a node that follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    validator: Option<u32>,
    /// Shown as long as the consensus key is in no hardware.
    #[serde(skip_serializing_if = "Option::is_none")]
    banner: Option<String>,
    /// The last final height.
    height: u64,
    /// Block time of that height in microseconds since the Unix epoch.
    time_us: u64,
    /// Id of that block.
    block: String,
    /// Root of the state after it.
    state_root: String,
    /// First height whose block, receipts and events are here: 1, or the one after the snapshot that this node began with.
    history_from: u64,
    /// Since it became final here; absent before the first since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_since_commit: Option<f64>,
    /// Why it is not moving, in a sentence.
    why: String,
    /// The height that is being decided; absent if the core does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<OpenView>,
    /// How far validators with more than a third of the power are ahead.
    behind_heights: u64,
    /// Transactions that wait to be batched.
    mempool_tx: u64,
    /// Their bytes.
    mempool_bytes: u64,
    /// Transactions admitted here and not final.
    in_flight_tx: usize,
    /// Validators that can be reached.
    peers_up: usize,
    /// Validators that are listed as peers.
    peers: usize,
    /// The signer, if the node votes.
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<SignerStatus>,
    /// Whether a log's disk is full.
    disk_full: bool,
    /// Where this node and a quorum part: it stays at the height before, signs nothing, and what it serves is stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    diverged: Option<DivergedView>,
    /// The height that needs a newer program than this one, if there is such: nothing of it is signed, and what is served is stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade_needed: Option<UpgradeNeededView>,
    /// Whether `/readyz` holds.
    ready: bool,
    /// Whether `/votez` holds.
    voting: bool,
    /// The last things that a person has to know, oldest first.
    alarms: Vec<AlarmView>,
}

/// The height that is being decided.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OpenView {
    /// The height.
    height: u64,
    /// The round.
    round: u32,
    /// `propose`, `prevote` or `precommit`.
    step: &'static str,
    /// Whose turn it is, by id.
    proposer: u32,
    /// Everything that is waited for; the first is what the step turns on.
    waits: Vec<WaitView>,
    /// The validators that the first is for, and what is known of each.
    missing: Vec<MissingView>,
}

/// A height under feature gates that this program lacks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct UpgradeNeededView {
    /// The height.
    height: u64,
    /// The features that are missing, by bit.
    features: Vec<u8>,
}

/// A decided height whose outcome is another one here than a quorum certified.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct DivergedView {
    /// The height.
    height: u64,
    /// Id of the decided block.
    block: String,
    /// What a quorum certified.
    certified: String,
    /// What this node computes.
    own: String,
}

/// What the signer's last answers say.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SignerStatus {
    /// Whether the last call of the HSM gave a signature; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    hsm_up: Option<bool>,
    /// Code of the last refusal that no signature has cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusing: Option<&'static str>,
    /// The HSM's fault in words, while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    /// Whether nothing is signed until a person acts.
    needs_a_person: bool,
}

/// Something that a person has to know.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AlarmView {
    /// When, by this node's clock, in microseconds since the Unix epoch.
    time_us: u64,
    /// What.
    text: String,
}

/// The transport, and every peer of the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PeersAnswer {
    /// Where the transport listens.
    listen: String,
    /// This node's transport identity.
    peer_id: String,
    /// Connections refused before anything of them was read, by reason.
    refused: RefusedView,
    /// The peers.
    peers: Vec<PeerView>,
}

/// Connections that were refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct RefusedView {
    unknown_peer: u64,
    handshake_limit: u64,
    connection_limit: u64,
    duplicate: u64,
    handshake_failed: u64,
}

/// A peer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PeerView {
    /// The validator behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    validator: Option<u32>,
    /// Its transport identity.
    peer_id: String,
    /// Where it is dialed.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Whether messages can be sent to it.
    up: bool,
    /// For how long that has been so.
    seconds: u64,
    /// How often it came up.
    connects: u64,
    /// Smoothed round trip in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_us: Option<u64>,
    /// Why the last connection or dial failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// What went each way, by stream.
    streams: Vec<StreamView>,
}

/// One stream with a peer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct StreamView {
    /// `votes`, `proposals`, `batches` or `sync`.
    name: &'static str,
    messages_in: u64,
    bytes_in: u64,
    messages_out: u64,
    bytes_out: u64,
    queue_messages: u64,
    dropped: u64,
    refused: u64,
    throttled: u64,
}

/// Where the node stands, and why it is not moving if it is not.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "node",
    responses((status = 200, description = "The node.", body = StatusView)),
)]
pub(super) async fn status(State(api): State<Arc<Api>>) -> Json<StatusView> {
    let look = look(&api.node.core).await;
    Json(view(&api, look.as_ref()))
}

/// The peers, and what goes between them and this node.
#[utoipa::path(
    get,
    path = "/v1/peers",
    tag = "node",
    responses((status = 200, description = "The peers.", body = PeersAnswer)),
)]
pub(super) async fn peers(State(api): State<Arc<Api>>) -> Json<PeersAnswer> {
    let status = api.node.network.peers();
    let refused = status.refused;
    Json(PeersAnswer {
        listen: status.listen.to_string(),
        peer_id: status.local.to_string(),
        refused: RefusedView {
            unknown_peer: refused.unknown_peer,
            handshake_limit: refused.handshake_limit,
            connection_limit: refused.connection_limit,
            duplicate: refused.duplicate,
            handshake_failed: refused.handshake_failed,
        },
        peers: status
            .peers
            .iter()
            .map(|peer| peer_view(&api, peer))
            .collect(),
    })
}

fn view(api: &Api, look: Option<&Look>) -> StatusView {
    let (node, snapshot) = (&api.node, api.snapshot());
    let open = look.map(|look| open_view(api, look));
    let why = match &open {
        Some((open, _)) if node.watch.divergence().is_some() => format!(
            "height {}: {}",
            open.height,
            parted(api).unwrap_or_default()
        ),
        Some(_) if node.watch.shut().is_some() => shut(api).unwrap_or_default(),
        Some((_, sentence)) => sentence.clone(),
        None => "the core does not answer".to_owned(),
    };
    let open = open.map(|(open, _)| open);
    let listed = node.network.peers().peers;
    StatusView {
        version: env!("CARGO_PKG_VERSION"),
        chain: node.genesis.chain_id.clone(),
        genesis_hash: node.genesis.hash().to_hex(),
        validator: node.config.validator.as_ref().map(|validator| validator.id),
        banner: node.banner.clone(),
        height: snapshot.height().get(),
        time_us: snapshot.state.time_us(),
        block: snapshot.block_id().to_string(),
        state_root: snapshot.state.root().to_hex(),
        history_from: api.node.floor.height.next().get(),
        seconds_since_commit: node.watch.seconds_since_commit(),
        why,
        open,
        behind_heights: look.map_or(0, |look| look.behind),
        mempool_tx: look.map_or(0, |look| look.mempool_tx),
        mempool_bytes: look.map_or(0, |look| look.mempool_bytes),
        in_flight_tx: node.view.in_flight().len(),
        peers_up: listed.iter().filter(|peer| peer.up).count(),
        peers: listed.len(),
        signer: node.config.validator.as_ref().map(|_| signer_status(api)),
        disk_full: node.disks.iter().any(LogHealth::is_full),
        diverged: node.watch.divergence().map(|divergence| DivergedView {
            height: divergence.height.get(),
            block: divergence.id.to_string(),
            certified: divergence.certified.to_string(),
            own: divergence.own.to_string(),
        }),
        upgrade_needed: node.watch.shut().map(|shut| UpgradeNeededView {
            height: shut.height.get(),
            features: Feature::of_word(shut.lacking).map(Feature::get).collect(),
        }),
        ready: ready(api, look).iter().all(Check::holds),
        voting: voting(api, look).iter().all(Check::holds),
        alarms: node
            .watch
            .alarms()
            .into_iter()
            .map(|note| AlarmView {
                time_us: note.time_us,
                text: note.text,
            })
            .collect(),
    }
}

/// The open height, and why it is not moving in a sentence.
fn open_view(api: &Api, look: &Look) -> (OpenView, String) {
    let snapshot = api.snapshot();
    let set = snapshot.state.validators_at(snapshot.height().next());
    let own = api
        .node
        .config
        .validator
        .as_ref()
        .map(|validator| validator.id);
    let sight = Sight {
        set: &set,
        own,
        watch: &api.node.watch,
        why: &look.why,
    };
    let status = &look.why.status;
    let open = OpenView {
        height: status.height.get(),
        round: status.round.get(),
        step: step_name(status.step),
        proposer: set.get(status.proposer).map_or(0, |member| member.id.get()),
        waits: sight.waits(),
        missing: sight.missing(),
    };
    (open, sight.sentence())
}

fn signer_status(api: &Api) -> SignerStatus {
    let signer = api.node.watch.signer();
    SignerStatus {
        needs_a_person: signer.needs_a_person(),
        hsm_up: signer.hsm_up,
        refusing: signer.refusing,
        fault: signer.fault,
    }
}

fn peer_view(api: &Api, peer: &crate::shell::network::PeerStatus) -> PeerView {
    let validator = api
        .node
        .peers
        .peer(&peer.peer)
        .and_then(crate::core::Peer::validator);
    let link = validator.map(|validator| api.node.watch.link_view(validator.get()));
    let streams = Class::ALL.into_iter().map(|class| {
        let status = peer.classes.get(class);
        StreamView {
            name: class.name(),
            messages_in: status.messages_in,
            bytes_in: status.bytes_in,
            messages_out: status.messages_out,
            bytes_out: status.bytes_out,
            queue_messages: status.queue_messages,
            dropped: status.dropped,
            refused: status.refused,
            throttled: status.throttled,
        }
    });
    PeerView {
        validator: validator.map(falaj_consensus::types::ValidatorId::get),
        peer_id: peer.peer.to_string(),
        address: peer.address.as_ref().map(ToString::to_string),
        up: peer.up,
        seconds: link.map_or(0, |link| link.seconds),
        connects: peer.connects,
        rtt_us: peer.rtt_us,
        last_error: peer.last_error.clone(),
        streams: streams.collect(),
    }
}
