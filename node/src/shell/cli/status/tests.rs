//! A node of which a check fails.

use falaj_hsm::purpose::Purpose;
use falaj_hsm::{BackendError, Fault};

use super::*;
use crate::shell::api::tests::world::World;
use crate::shell::cli::client::Client;
use crate::shell::runtime::SignerWitness as _;

// Goal: an HSM that is gone is exit code 1, in text and in JSON, though the node answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_is_exit_code_1() {
    let world = World::start();
    let address = world.serve().await;
    let code = move |json| {
        let (home, endpoint) = ("".into(), Endpoint::at(address));
        Status { endpoint }
            .run(&Scene { home, json })
            .err()
            .map(|failure| failure.code())
    };
    assert_eq!(
        tokio::task::spawn_blocking(move || code(false))
            .await
            .unwrap(),
        None
    );
    let gone = BackendError::new(Fault::Token);
    world.node.watch.signed(Purpose::Prevote, 0.1, Some(&gone));
    let codes = tokio::task::spawn_blocking(move || [code(false), code(true)])
        .await
        .unwrap();
    assert_eq!(codes, [Some(Failure::CHECK); 2]);
    let seen = tokio::task::spawn_blocking(move || Seen::ask(&Client::of(address).unwrap()));
    let seen = seen.await.unwrap().unwrap();
    let failed: Vec<_> = seen.checks.iter().filter(|check| !check.ok).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].fault.as_deref(), Some("HSM: the token is gone"));
}
