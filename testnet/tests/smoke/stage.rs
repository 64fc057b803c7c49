//! A network in a temporary folder, what can be asked of its nodes, and that nothing of it is left behind.

use falaj_consensus::crypto::Algorithm;
use falaj_testnet::cluster::{Cluster, Held};
use falaj_testnet::economy::Plan;
use falaj_testnet::http;
use falaj_testnet::load::addresses;
use falaj_testnet::manifest::{SignerKind, read_genesis};
use falaj_testnet::network::Network;
use falaj_testnet::program::Program;
use falaj_testnet::provision::{self, Order};
use falaj_testnet::verify;
use falaj_testnet::witness::Witness;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

/// Far longer than anything here takes.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// A running network; its nodes end with it, its folder after them.
pub(crate) struct Stage {
    pub(crate) seen: Onlooker,
    pub(crate) cluster: Cluster,
    folder: TempDir,
}

/// Whoever looks at a running network from outside.
pub(crate) struct Onlooker {
    witness: Witness,
    pub(crate) network: Network,
}

#[derive(Deserialize)]
struct Status {
    height: u64,
}

/// A small economy, so that a debug build opens its genesis at once.
pub(crate) fn order(validators: usize, signer: SignerKind) -> Order {
    let algorithm = match signer {
        SignerKind::Softhsm => Algorithm::EcdsaP256,
        SignerKind::Software => Algorithm::Ed25519,
    };
    let plan = Plan {
        banks: 2,
        customers: 5,
        ..Plan::default()
    };
    Order {
        validators,
        signer,
        algorithms: vec![algorithm],
        plan,
    }
}

/// The `falaj` program of this build.
pub(crate) fn program() -> Program {
    Program::beside(Path::new(env!("CARGO_BIN_EXE_falaj-testnet"))).expect("falaj was built")
}

impl Stage {
    /// Makes a network and waits until every node of it is ready.
    pub(crate) async fn raise(order: &Order) -> Self {
        let folder = temporary_folder();
        provision::create(&program(), folder.path(), order, &|_| ()).expect("a testnet's folder");
        let cluster = Cluster::start(program(), folder.path(), Held::default(), &|_| ())
            .await
            .expect("every node is ready");
        let network = cluster.network().expect("a running network");
        Self {
            seen: Onlooker::of(network).await,
            cluster,
            folder,
        }
    }

    /// Starts a node that was killed; it answers, whether it votes or not.
    pub(crate) async fn start_again(&mut self, index: usize) {
        self.cluster
            .start_node(index)
            .await
            .expect("a killed node starts");
        self.seen.network = self.cluster.network().expect("a running network");
    }

    /// Stops every node in order, re-executes what each wrote, and looks for what was left behind.
    pub(crate) fn conclude(mut self) {
        let network = self.seen.network;
        drop(self.seen.witness);
        assert!(
            self.cluster.stop().expect("the system lets nodes stop"),
            "a node had to be killed"
        );
        assert_eq!(processes_of(self.folder.path()), Vec::<String>::new());
        let report = verify::run(self.folder.path()).expect("readable logs");
        assert!(report.ok, "{:#?}", report.problems);
        let issued = read_genesis(&network.genesis)
            .expect("a genesis")
            .currencies[0]
            .issued
            .get()
            .to_string();
        for node in &report.nodes {
            assert!(node.height > 0, "{node:#?}");
            assert_eq!(node.supply_minor_units["XTS"], issued, "{node:#?}");
        }
        self.folder.close().expect("a folder that nobody uses");
    }
}

impl Onlooker {
    /// Begins to look.
    pub(crate) async fn of(network: Network) -> Self {
        let addresses = addresses(&network).expect("addresses");
        let witness = Witness::start(addresses).await.expect("a node answers");
        Self { witness, network }
    }

    /// The height of the last final block that any node has told.
    pub(crate) fn last(&self) -> u64 {
        self.witness.seen().height
    }

    /// Waits until the chain has some more final blocks.
    pub(crate) async fn moves_on(&self) {
        let above = self.last() + 2;
        let moved = self.witness.until_above(above, DEADLINE).await;
        assert!(moved, "the network does not get above height {above}");
    }

    /// Waits until a certificate of a height that is not final yet carries a validator's signature.
    pub(crate) async fn votes(&self, index: usize) {
        let above = self.last();
        let signed = self.witness.until_signs(index, above, DEADLINE).await;
        assert!(signed.is_some(), "validator {index} does not vote");
    }

    /// Waits until a node says yes, or no, to a health check.
    pub(crate) async fn says(&self, index: usize, check: &str, yes: bool) {
        until(&format!("{check} of {index} is {yes}"), async || {
            self.ask(index, check)
                .await
                .is_some_and(|answer| answer.status.is_success() == yes)
        })
        .await;
    }

    /// Waits until a node has every block that was final when this was called.
    pub(crate) async fn catches_up(&self, index: usize) {
        let height = self.last();
        until(
            &format!("validator {index} has height {height}"),
            async || self.height(index).await.is_some_and(|own| own >= height),
        )
        .await;
    }

    /// The height of a node, if it answers.
    pub(crate) async fn height(&self, index: usize) -> Option<u64> {
        let answer = self.ask(index, "/v1/status").await?;
        Some(answer.json::<Status>().ok()?.height)
    }

    /// What a node answers, if it does.
    pub(crate) async fn ask(&self, index: usize, path: &str) -> Option<http::Answer> {
        let address = self.network.validators[index].api_address();
        http::get(address.expect("an address"), path).await.ok()
    }
}

/// A folder that says whose it is.
pub(crate) fn temporary_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("falaj-smoke-").tempdir();
    folder.expect("a temporary folder")
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// The same for a condition that needs no asking.
pub(crate) async fn until_it(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "never: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Command lines of processes that name a folder.
pub(crate) fn processes_of(folder: &Path) -> Vec<String> {
    let name = folder
        .file_name()
        .expect("a folder")
        .to_string_lossy()
        .into_owned();
    let processes = std::fs::read_dir("/proc").expect("a list of processes");
    let commands = processes.filter_map(|process| {
        let command = std::fs::read(process.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).replace('\0', " "))
    });
    commands.filter(|command| command.contains(&name)).collect()
}
