//! `falaj tx show`: what became of a transaction, as its receipt proves or as a node knows.

use clap::Args;
use falaj_ledger::transaction::TxKey;

use super::answer::Told;
use super::sending::Patience;
use crate::shell::cli::endpoint::Endpoint;
use crate::shell::cli::genesis::GenesisArgs;
use crate::shell::cli::{Failure, Scene, names};

/// Shows what became of a transaction.
#[derive(Args)]
pub(in crate::shell::cli) struct Show {
    /// The transaction, `PARTICIPANT/ID`.
    #[arg(value_name = "TRANSACTION", value_parser = names::key)]
    key: TxKey,
    #[command(flatten)]
    patience: Patience,
    #[command(flatten)]
    endpoint: Endpoint,
    #[command(flatten)]
    genesis: GenesisArgs,
}

impl Show {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let genesis = self.genesis.at_hand(scene)?;
        let client = self.endpoint.client(scene)?;
        let name = names::of_key(self.key);
        let path = format!("/v1/transactions/{name}{}", self.patience.query());
        let answer = client.get_within(&path, self.patience.held())?;
        if !answer.status.is_success() {
            return Err(answer.refusal().with("transaction", name));
        }
        let told = Told::read(&answer, self.key, genesis.as_ref())?;
        told.conclude(scene, self.patience.waits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::api::tests::world::World;

    // A transaction that waits to be ordered is neither a success nor a failure.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_wait_that_runs_out_is_exit_code_69() {
        let world = World::start();
        let address = world.serve().await;
        let tx = world.payment(1);
        let table = world.node.view.in_flight();
        let bytes = tx.to_bytes().into();
        table.begin(tx.body.key(), &bytes, world.node.clock.now());
        table.admitted(tx.body.key(), &bytes);
        let show = Show {
            key: tx.body.key(),
            patience: Patience::of(1),
            endpoint: Endpoint::at(address),
            genesis: GenesisArgs::default(),
        };
        let code = move |json| {
            let home = "nowhere".into();
            let ended = show.run(&Scene { home, json });
            ended.err().map(|failure| failure.code())
        };
        let codes = tokio::task::spawn_blocking(move || [code(false), code(true)]);
        assert_eq!(codes.await.unwrap(), [Some(Failure::UNAVAILABLE); 2]);
    }
}
