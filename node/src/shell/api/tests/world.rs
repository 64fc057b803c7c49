//! A node of one validator or more with a software key, its router, and clients of the ledger's test world.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use falaj_consensus::proposer::{Bench, proposer};
use falaj_consensus::types::{Height, Round, ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_hsm::Backend as _;
use falaj_hsm::soft::SoftBackend;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::participant::ParticipantNumber;
use falaj_ledger::testing::{self, BANK_A, BANK_B, Who, account, transfer};
use falaj_ledger::transaction::{Approval, Op, SignedTx, TxBody, TxId, sign_bytes};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tower::ServiceExt as _;

use crate::core::{Frame, Input, Peer};
use crate::shell::api::body::Bodies;
use crate::shell::api::serve::{serve, serve_within};
use crate::shell::api::{router, router_within};
use crate::shell::config::{Config, SignerConfig, SoftwareConfig, ValidatorConfig};
use crate::shell::home::{Folders, set_on_genesis};
use crate::shell::keys::{make_transport_key, write_secret};
use crate::shell::node::Node;
use crate::shell::runtime::Fatal;

const SEED: [u8; 32] = [7; 32];

/// The running node and its router.
pub(in crate::shell) struct World {
    pub(in crate::shell) node: Arc<Node>,
    pub(in crate::shell) genesis: Genesis,
    router: Router,
    ids: AtomicU64,
    stop: watch::Sender<bool>,
    home: Home,
}

/// The files of a node that does not run.
pub(super) struct Home {
    folder: tempfile::TempDir,
    config: Config,
    genesis: Genesis,
}

impl Home {
    fn new(validators: u8) -> Self {
        Self::of_validator(1, validators)
    }

    fn of_validator(own: u8, validators: u8) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        let genesis = genesis(validators);
        let signer = SignerConfig::Software(SoftwareConfig {
            key_file: "consensus.key".into(),
            development: true,
        });
        let id = own.into();
        let validator = Some(ValidatorConfig { id, signer });
        let config = Config {
            validator,
            ..Config::default()
        };
        write_secret(&home.join("consensus.key"), &seed(own)).unwrap();
        make_transport_key(&home.join(&config.paths.transport_key)).unwrap();
        let key = SoftBackend::from_seed(&seed(own)).public_key().clone();
        set_on_genesis(home, &config, &genesis, Some(&key)).unwrap();
        Self {
            folder,
            config,
            genesis,
        }
    }

    /// Starts the node.
    pub(super) fn start(self) -> World {
        let fatal = Fatal::with(|code, reason| panic!("the node ended: {code}, {reason}"));
        let home = self.folder.path();
        let node = Arc::new(Node::start(home, self.config.clone(), &fatal).unwrap());
        let (stop, stopping) = watch::channel(false);
        let router = router(Arc::clone(&node), stopping);
        World {
            node,
            genesis: self.genesis.clone(),
            router,
            ids: AtomicU64::new(1),
            stop,
            home: self,
        }
    }

    /// The folders of the node, held as the node would.
    pub(super) fn folders(&self) -> Folders {
        Folders::take(self.folder.path(), &self.config.paths).unwrap()
    }

    /// The genesis of its chain.
    pub(super) const fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Where its folder of that name lies.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What came back.
pub(in crate::shell) struct Reply {
    pub(in crate::shell) status: StatusCode,
    pub(in crate::shell) headers: axum::http::HeaderMap,
    pub(in crate::shell) body: Vec<u8>,
}

impl Reply {
    pub(in crate::shell) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl World {
    pub(in crate::shell) fn start() -> Self {
        Home::new(1).start()
    }

    /// Starts the first of so many validators, of which none of the others runs.
    pub(super) fn start_among(validators: u8) -> Self {
        Home::new(validators).start()
    }

    /// Starts the one of so many validators that proposes the first block, while none of the others runs.
    pub(super) fn start_proposer_among(validators: u8) -> Self {
        let genesis = genesis(validators);
        let set = &genesis.validators;
        let turn = proposer(set, &Bench::default(), Height::new(1), Round::new(0));
        Home::of_validator(u8::try_from(turn.get()).unwrap() + 1, validators).start()
    }

    /// The same node behind a router with so much room for bodies.
    pub(super) fn with_room_for_bodies(self, bytes: usize) -> Self {
        let (node, stopping) = (Arc::clone(&self.node), self.stop.subscribe());
        let router = router_within(node, stopping, Bodies::new(bytes));
        Self { router, ..self }
    }

    /// A validator's node is linked, and says that it has decided so many heights.
    pub(super) fn hear(&self, validator: u32, height: u64) {
        let peer = Peer::of(ValidatorId::new(validator)).unwrap();
        let frame = Frame {
            height: Height::new(height),
            acks: Vec::new(),
            message: None,
        };
        self.node.core.input(Input::PeerUp(peer));
        self.node.core.input(Input::Received {
            from: peer,
            class: frame.class(),
            bytes: frame.encode(),
        });
    }

    /// Stops the node, after whatever still answers.
    pub(super) async fn stop(self) -> Home {
        let Self {
            node,
            router,
            home,
            stop,
            ..
        } = self;
        drop((router, stop));
        while Arc::strong_count(&node) > 1 {
            tokio::task::yield_now().await;
        }
        Arc::into_inner(node).unwrap().stop().await;
        home
    }

    /// Serves the API on a port of its own until the world ends.
    pub(in crate::shell) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, self.router.clone(), self.stop.subscribe()));
        address
    }

    /// The same, with less patience for headers.
    pub(super) async fn serve_impatiently(&self, header_timeout: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (router, stopping) = (self.router.clone(), self.stop.subscribe());
        tokio::spawn(serve_within(listener, router, stopping, header_timeout));
        address
    }

    pub(in crate::shell) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = to_bytes(response.into_body(), 1 << 24)
            .await
            .unwrap()
            .to_vec();
        Reply {
            status,
            headers,
            body,
        }
    }

    pub(in crate::shell) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    pub(in crate::shell) async fn post(
        &self,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Reply {
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(header::CONTENT_TYPE, kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(in crate::shell) async fn post_octets(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.post(path, "application/octet-stream", body).await
    }

    /// The response of a stream, whose body is read by the test.
    pub(in crate::shell) async fn open(&self, path: &str) -> axum::response::Response {
        let request = Request::get(path).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The same for a client that has seen an event of that id.
    pub(super) async fn open_after(&self, path: &str, last: &[u8]) -> axum::response::Response {
        let request = Request::get(path).header("last-event-id", last);
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A body whose id is of this moment.
    pub(in crate::shell) fn body(&self, participant: ParticipantNumber, op: Op) -> TxBody {
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let now_ms = self.node.clock.now().wall_us / 1_000;
        TxBody {
            version: TxBody::VERSION,
            genesis_hash: self.genesis.hash(),
            participant,
            id: TxId::new(now_ms, chance).unwrap(),
            valid_from_ms: 0,
            valid_until_ms: now_ms + 60_000,
            op,
        }
    }

    pub(in crate::shell) fn sign(&self, body: TxBody, signers: &[Who]) -> SignedTx {
        let message = sign_bytes(&self.genesis.chain(), &body);
        let approval = |who: &Who| {
            let key = who.key();
            Approval {
                public_key: key.public(),
                signature: key.sign(&message),
            }
        };
        SignedTx::new(body, signers.iter().map(approval).collect()).unwrap()
    }

    /// A payment between the first customers of two banks.
    pub(in crate::shell) fn payment(&self, minor_units: u64) -> SignedTx {
        let payment = transfer(account(BANK_A, 1), account(BANK_B, 1), minor_units);
        self.sign(
            self.body(BANK_A, Op::Transfer(payment)),
            &[Who::Participant(BANK_A)],
        )
    }

    /// Pays, and waits until it is final.
    pub(in crate::shell) async fn pay(&self, minor_units: u64) -> Value {
        let bytes = self.payment(minor_units).to_bytes();
        let reply = self.post_octets("/v1/transactions?wait=final", bytes).await;
        assert_eq!(
            reply.status,
            StatusCode::OK,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        reply.json()
    }
}

fn genesis(validators: u8) -> Genesis {
    let member = |id: u8| Validator {
        id: ValidatorId::new(id.into()),
        power: VotingPower::new(1),
        key: SoftBackend::from_seed(&seed(id)).public_key().clone(),
        declared: Declared::default(),
    };
    Genesis {
        validators: ValidatorSet::new((1..=validators).map(member).collect()).unwrap(),
        ..testing::genesis()
    }
}

/// Of the key of a validator; the first is this node.
const fn seed(id: u8) -> [u8; 32] {
    [SEED[0].wrapping_add(id).wrapping_sub(1); 32]
}

/// Where a transaction is found.
pub(in crate::shell) fn path_of(tx: &SignedTx) -> String {
    format!("/v1/transactions/{}/{}", tx.body.participant, tx.body.id)
}

/// Copies the files of a folder over those of another.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
