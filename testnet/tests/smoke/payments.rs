//! Transfers between random customers, some of them open at any time, each remembered by its key.
//!
//! Invariant: a slow machine has fewer transfers, never a longer queue.

use falaj_consensus::verify::RealChecker;
use falaj_ledger::amount::Amount;
use falaj_ledger::bundle::{Bundle, VerifiedBundle};
use falaj_ledger::transaction::TxKey;
use falaj_ledger::trust::Trust;
use falaj_testnet::http::{self, Connection};
use falaj_testnet::load::{Chance, Load, Report, Tally};
use falaj_testnet::manifest::read_genesis;
use falaj_testnet::network::Network;
use falaj_testnet::wallet::Wallet;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::stage::until_it;

/// Least time between two transfers.
const GAP: Duration = Duration::from_millis(10);
/// Most transfers that are open.
const OPEN_MAX: usize = 32;

/// Transfers that go on until they are told to end.
pub(crate) struct Payments {
    tally: Arc<Tally>,
    end: oneshot::Sender<()>,
    task: JoinHandle<(Report, Vec<TxKey>)>,
}

#[derive(Deserialize)]
struct Told {
    state: String,
    #[serde(rename = "final")]
    is_final: bool,
}

impl Payments {
    pub(crate) async fn begin(network: &Network) -> Self {
        let wallet = Wallet::open(network).expect("the keys of a testnet");
        let load = Load::begin(network).await.expect("a node answers");
        let (end, ended) = oneshot::channel();
        Self {
            tally: load.tally(),
            end,
            task: tokio::spawn(pay(load, wallet, ended)),
        }
    }

    /// Waits until some more of them are final.
    pub(crate) async fn settle_more(&self) {
        let more = self.tally.totals().settled + 10;
        until_it("ten more transfers are final", || {
            self.tally.totals().settled >= more
        })
        .await;
    }

    /// Ends them and gives the keys of those that were acknowledged, which must be all.
    pub(crate) async fn end(self) -> Vec<TxKey> {
        drop(self.end);
        let (report, keys) = self.task.await.expect("the load does not panic");
        assert_eq!(report.rejected, [].into());
        assert_eq!(report.unknown, 0, "{report:?}");
        assert_eq!(report.settled, keys.len() as u64);
        keys
    }
}

async fn pay(load: Load, wallet: Wallet, mut ended: oneshot::Receiver<()>) -> (Report, Vec<TxKey>) {
    let (mut chance, mut keys) = (Chance::new(7), Vec::new());
    let tally = load.tally();
    while matches!(ended.try_recv(), Err(oneshot::error::TryRecvError::Empty)) {
        let customers = wallet.customers();
        let debit = chance.below(customers.len());
        let credit = (debit + 1 + chance.below(customers.len() - 1)) % customers.len();
        let amount = Amount::new(1 + chance.next() % 100).expect("a small amount");
        let signed = wallet.transfer(customers[debit], customers[credit], amount);
        let signed = signed.expect("the bank's key is at hand");
        keys.push(signed.key);
        load.send(signed, Instant::now());
        tokio::time::sleep(GAP).await;
        until_it("a transfer becomes final", || {
            tally.totals().open < OPEN_MAX
        })
        .await;
    }
    until_it("no transfer is open", || tally.totals().open == 0).await;
    (load.finish().await, keys)
}

/// Asks every node for every transfer: each must be final and executed there.
pub(crate) async fn all_final_everywhere(network: &Network, keys: &[TxKey]) {
    for validator in &network.validators {
        let address = validator.api_address().expect("an address");
        let mut node = Connection::open(address).await.expect("the node answers");
        for key in keys {
            let path = format!("/v1/transfers/{}/{}", key.participant, key.id);
            let answer = node.get(&path).await.expect("an answer");
            let told: Told = answer.json().expect("a transaction");
            assert!(
                told.is_final && told.state == "executed",
                "{path} at {}: {}",
                validator.name,
                told.state
            );
        }
    }
}

/// Asks every node for the first event with its proof: each must prove the same one under the genesis alone.
pub(crate) async fn first_event_proven_everywhere(network: &Network) {
    let genesis = read_genesis(&network.genesis).expect("the genesis of the network");
    let mut first = None;
    for validator in &network.validators {
        let address = validator.api_address().expect("an address");
        let path = "/v1/events/0?proof=true";
        let answer = http::get(address, path).await.expect("an answer");
        let proof = answer.json::<serde_json::Value>().expect("an event")["proof"].to_string();
        let bundle = Bundle::from_text(&proof).expect("a bundle");
        let proven = bundle.verify(&Trust::of_genesis(&genesis), &RealChecker);
        let Ok(VerifiedBundle::Event(found)) = proven else {
            panic!("{path} at {}: {proven:?}", validator.name)
        };
        assert_eq!(*first.get_or_insert(found.event.clone()), found.event);
    }
}
