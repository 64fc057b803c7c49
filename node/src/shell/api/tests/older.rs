//! A guard that was restored from a backup, beside a data folder that was not.

use axum::http::StatusCode;

use super::world::{World, copy};

// docs/spec/guard.md, "Witness": the copy is whole and right, only older than what this key has signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_guard_signs_nothing_and_says_so() {
    let world = World::start();
    world.pay(1).await;
    let home = world.stop().await;
    let (guard, saved) = (home.path("guard/guard"), home.path("saved"));
    copy(&guard, &saved);
    let world = home.start();
    assert_eq!(world.get("/votez").await.status, StatusCode::OK);
    world.pay(2).await;
    let home = world.stop().await;

    copy(&saved, &guard);
    let world = home.start();
    let votez = world.get("/votez").await;
    assert_eq!(votez.status, StatusCode::SERVICE_UNAVAILABLE);
    let text = String::from_utf8(votez.body).unwrap();
    assert!(
        text.contains("[-]hsm failed: signing refused: guard_older"),
        "{text}"
    );
    let reply = world
        .post_octets("/v1/transactions", world.payment(3).to_bytes())
        .await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.json()["code"], 6004);
}
