//! Reading the ledger: accounts with proofs, participants, currencies, governance, blocks, certificates, proofs of no execution.

use axum::http::StatusCode;
use data_encoding::BASE64;
use falaj_consensus::message::{CommitCertificate, Header};
use falaj_consensus::verify::{Context, RealChecker};
use falaj_ledger::bundle::{Bundle, VerifiedBundle};
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::testing::{BANK_A, BANK_B, CENTRAL_BANK, Who, account, propose, supply_change};
use falaj_ledger::transaction::{Op, SignedTx};
use falaj_ledger::trust::Trust;
use serde_json::{Value, json};

use super::world::{World, path_of};

fn text(
    world: &World,
    participant: falaj_ledger::participant::ParticipantNumber,
    number: u8,
) -> String {
    account(participant, number).to_text(&world.genesis.network)
}

fn proven(world: &World, proof: &Value) -> VerifiedBundle {
    let bytes = BASE64
        .decode(proof["bundle"].as_str().unwrap().as_bytes())
        .unwrap();
    Bundle::from_bytes(&bytes)
        .unwrap()
        .verify(&Trust::of_genesis(&world.genesis), &RealChecker)
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_read_with_the_proof_of_it() {
    let world = World::start();
    let id = text(&world, BANK_A, 1);
    let without = world.get(&format!("/v1/accounts/{id}?proof=true")).await;
    assert_eq!(
        (without.status.as_u16(), without.json()["retry"].clone()),
        (404, json!(true))
    );
    world.pay(125).await;
    let reply = world
        .get(&format!("/v1/accounts/{id}?proof=true"))
        .await
        .json();
    insta::assert_json_snapshot!(reply, {".time_us" => "[time]", ".proof.bundle" => "[bundle]"});
    let VerifiedBundle::Account(verified) = proven(&world, &reply["proof"]) else {
        panic!("another proof")
    };
    assert_eq!(verified.account.unwrap().posted(), 99_875);
}

#[tokio::test(flavor = "multi_thread")]
async fn that_there_is_no_account_is_proven_too() {
    let world = World::start();
    world.pay(1).await;
    let id = text(&world, BANK_A, 77);
    assert_eq!(
        world.get(&format!("/v1/accounts/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    let reply = world
        .get(&format!("/v1/accounts/{id}?proof=true"))
        .await
        .json();
    assert_eq!(reply["account"], Value::Null);
    let VerifiedBundle::Account(verified) = proven(&world, &reply["proof"]) else {
        panic!("another proof")
    };
    assert_eq!((verified.id, verified.account), (account(BANK_A, 77), None));
}

// docs/spec/api.md, "As of a height": what is served of an older block is that block's, with its proof.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_read_and_proven_as_of_each_of_the_last_heights() {
    let world = World::start();
    let id = text(&world, BANK_A, 1);
    for units in [100, 20, 3] {
        world.pay(units).await;
    }
    for (height, posted) in [(1, 99_900), (2, 99_880), (3, 99_877)] {
        let path = format!("/v1/accounts/{id}?proof=true&height={height}");
        let reply = world.get(&path).await.json();
        assert_eq!(reply["height"], height);
        let VerifiedBundle::Account(found) = proven(&world, &reply["proof"]) else {
            panic!("another proof")
        };
        let account = found.account.unwrap();
        assert_eq!((found.at.height.get(), account.posted()), (height, posted));
        assert_eq!(reply["account"]["version"], account.version);
        let path = format!("/v1/accounts?participant=2&height={height}");
        let listed = world.get(&path).await.json();
        assert_eq!(listed["height"], height);
        let items = listed["items"].as_array().unwrap();
        assert!(items.contains(&reply["account"]), "{listed}");
    }
    let future = world.get(&format!("/v1/accounts/{id}?height=4")).await;
    let said = (future.status.as_u16(), future.json()["height"].clone());
    assert_eq!(said, (404, json!(3)));
    let wrong = world.get(&format!("/v1/accounts/{id}?height=-1")).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_after_an_old_block_is_gone_and_says_so() {
    let world = World::start();
    let id = text(&world, BANK_A, 1);
    for _ in 0..40 {
        world.pay(1).await;
    }
    for path in [
        format!("/v1/accounts/{id}?height=8"),
        "/v1/accounts?height=0".to_owned(),
        format!("/v1/accounts?cursor=8.{id}"),
    ] {
        let reply = world.get(&path).await;
        let said = (reply.status.as_u16(), reply.json()["name"].clone());
        assert_eq!(said, (410, json!("height-gone")), "{path}");
        let has = "this node has the states after heights 9 to 40";
        assert_eq!(reply.json()["detail"], has);
    }
    let oldest = world
        .get(&format!("/v1/accounts/{id}?height=9"))
        .await
        .json();
    assert_eq!(oldest["account"]["posted"], "999.91");
    let world = world.stop().await.start();
    let newest = world
        .get(&format!("/v1/accounts/{id}?height=40"))
        .await
        .json();
    assert_eq!(newest["account"]["posted"], "999.60");
    let before = world.get(&format!("/v1/accounts/{id}?height=39")).await;
    assert_eq!(before.status, StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn account_ids_are_of_this_network_and_whole() {
    let world = World::start();
    let id = text(&world, BANK_A, 1);
    let mainnet = falaj_ledger::account::NetworkPrefix::new("falaj").unwrap();
    let other = account(BANK_A, 1).to_text(&mainnet);
    for wrong in [&id[1..], &id.to_uppercase(), &other, "x"] {
        let reply = world.get(&format!("/v1/accounts/{wrong}")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["field"].clone()),
            (400, json!("account")),
            "{wrong}"
        );
    }
}

// docs/spec/api.md, "As of a height": whatever becomes final between two pages, a walk is of the block of its first page.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_listed_page_by_page_as_they_were_after_one_block() {
    let world = World::start();
    world.pay(1).await;
    let whole = world.get("/v1/accounts?limit=1000").await.json();
    let whole = whole["items"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 10);
    for (participant, wanted) in [("", &whole[..]), ("&participant=2", &of_bank(&whole))] {
        let first = format!("/v1/accounts?limit=3&height=1{participant}");
        let (mut paged, mut page) = (Vec::new(), world.get(&first).await.json());
        loop {
            assert_eq!(page["height"], 1);
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next"].as_str() else {
                break;
            };
            world.pay(2).await;
            let path = format!("/v1/accounts?limit=3&cursor={next}{participant}");
            page = world.get(&path).await.json();
        }
        assert_eq!(paged, wanted);
    }
    let now = world.get("/v1/accounts").await.json();
    assert_ne!(now["items"], json!(whole));
}

/// Those of the first bank.
fn of_bank(accounts: &[Value]) -> Vec<Value> {
    let its = accounts
        .iter()
        .filter(|account| account["participant"] == 2);
    let its: Vec<_> = its.cloned().collect();
    assert_eq!(its.len(), 4);
    its
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_accounts_is_whole_and_stands_alone() {
    let world = World::start();
    let id = text(&world, BANK_A, 1);
    for (query, field) in [
        (format!("cursor={id}"), "cursor"),
        (format!("cursor=x.{id}"), "cursor"),
        ("cursor=0.x".to_owned(), "account"),
        (format!("cursor=0.{id}&height=0"), "cursor"),
        (format!("cursor=0.{id}&after={id}"), "cursor"),
    ] {
        let reply = world.get(&format!("/v1/accounts?{query}")).await;
        let said = (reply.status.as_u16(), reply.json()["field"].clone());
        assert_eq!(said, (400, json!(field)), "{query}");
    }
    let future = world.get(&format!("/v1/accounts?cursor=1.{id}")).await;
    assert_eq!(future.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_the_ledger_is_read() {
    let world = World::start();
    for (name, path) in [
        ("participant", "/v1/participants/2"),
        ("currency", "/v1/currencies/AED"),
        ("authority", "/v1/authorities/3"),
        ("validators", "/v1/validators"),
        ("parameters", "/v1/parameters"),
    ] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        insta::assert_json_snapshot!(name, reply.json());
    }
    for (path, entries) in [
        ("/v1/participants", 4),
        ("/v1/currencies", 2),
        ("/v1/authorities", 3),
        ("/v1/proposals", 0),
    ] {
        assert_eq!(
            world.get(path).await.json()["items"]
                .as_array()
                .unwrap()
                .len(),
            entries,
            "{path}"
        );
    }
    assert_eq!(
        world.get("/v1/genesis").await.body,
        world.genesis.to_json().into_bytes()
    );
    for missing in [
        "/v1/participants/99",
        "/v1/currencies/EUR",
        "/v1/authorities/9",
        "/v1/authorities/x",
    ] {
        assert_eq!(
            world.get(missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
    assert_eq!(
        world.get("/v1/proposals/xyz").await.status,
        StatusCode::BAD_REQUEST
    );
}

impl World {
    async fn run(&self, tx: &SignedTx) -> Value {
        let reply = self
            .post_octets("/v1/transactions?wait=final", tx.to_bytes())
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.json());
        reply.json()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issue_is_followed_from_proposal_to_supply() {
    let world = World::start();
    let action = Action::Issue(supply_change(account(BANK_A, 0), 5_000, "RTGS/1"));
    let by = |members: &[u64]| -> Vec<Who> {
        members.iter().map(|member| Who::Member(*member)).collect()
    };
    let made = world.sign(world.body(CENTRAL_BANK, propose(1, action)), &by(&[0]));
    world.run(&made).await;
    let id = ProposalId::new(made.body.content_hash().hash());
    let listed = world.get("/v1/proposals").await.json()["items"].clone();
    assert_eq!(listed[0]["id"], id.to_string());
    let approve = |member| world.sign(world.body(CENTRAL_BANK, Op::Approve(id)), &by(&[member]));
    world.run(&approve(1)).await;
    let early = world.sign(world.body(CENTRAL_BANK, Op::Execute(id)), &by(&[1]));
    let refused = world
        .post_octets("/v1/transactions", early.to_bytes())
        .await;
    assert_eq!(
        (refused.status.as_u16(), refused.json()["code"].clone()),
        (403, json!(5002))
    );
    world.run(&approve(2)).await;
    let open = world.get(&format!("/v1/proposals/{id}")).await.json();
    assert_eq!(
        (
            open["approvals"].as_array().unwrap().len(),
            &open["threshold"]
        ),
        (2, &json!(2))
    );
    assert_eq!(open["action"]["amount"], "50.00");
    world
        .run(&world.sign(world.body(CENTRAL_BANK, Op::Execute(id)), &by(&[2])))
        .await;
    assert_eq!(
        world.get(&format!("/v1/proposals/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    let currency = world.get("/v1/currencies/AED").await.json();
    assert_eq!(currency["supply"], "2006050.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_read_with_its_certificate_and_receipts() {
    let world = World::start();
    let paid = world.pay(3).await;
    let block = world.get("/v1/blocks/latest").await.json();
    assert_eq!(world.get("/v1/blocks/1").await.json(), block);
    assert_eq!(
        (&block["height"], &block["transactions"]),
        (&json!(1), &json!(1))
    );
    let certificate = world.get("/v1/certificates/1").await.json();
    let decode = |field: &str| {
        BASE64
            .decode(certificate[field].as_str().unwrap().as_bytes())
            .unwrap()
    };
    let signed: CommitCertificate = borsh::from_slice(&decode("certificate")).unwrap();
    let header: Header = borsh::from_slice(&decode("header")).unwrap();
    assert_eq!(
        (signed.id, &json!(signed.id.to_string())),
        (header.id(), &block["id"])
    );
    let chain = world.genesis.chain();
    let context = Context {
        chain: &chain,
        set: &world.genesis.validators,
        checker: &RealChecker,
    };
    context.certificate(signed).unwrap();
    let receipts = world.get("/v1/blocks/1/receipts").await.json();
    assert_eq!(
        (
            &receipts["receipts"][0]["id"],
            &receipts["receipts"][0]["code"]
        ),
        (&paid["id"], &json!(0))
    );
    for missing in ["/v1/blocks/0", "/v1/blocks/2", "/v1/certificates/99"] {
        assert_eq!(
            world.get(missing).await.status,
            StatusCode::NOT_FOUND,
            "{missing}"
        );
    }
    assert_eq!(
        world.get("/v1/blocks/last").await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_execution_is_proven_once_the_window_is_over() {
    let world = World::start();
    world.pay(1).await;
    let never = world.payment(1);
    let path = format!(
        "/v1/proofs/no-execution/{}/{}",
        never.body.participant, never.body.id
    );
    let early = world.get(&path).await;
    assert_eq!(
        (early.status.as_u16(), early.json()["name"].clone()),
        (425, json!("too-early"))
    );
    let over = never.body.id.time_ms() - 60_000;
    let reply = world.get(&format!("{path}?valid_until_ms={over}")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let VerifiedBundle::NoExecution(verified) = proven(&world, &reply.json()) else {
        panic!("another proof")
    };
    assert_eq!(
        (verified.key, verified.valid_until_ms),
        (never.body.key(), Some(over))
    );
    let mut old = never.body.clone();
    old.id = falaj_ledger::transaction::TxId::new(over - 3 * 3_600_000, [1; 10]).unwrap();
    let late = world
        .get(&format!("/v1/proofs/no-execution/2/{}", old.id))
        .await;
    assert_eq!(
        (late.status.as_u16(), late.json()["name"].clone()),
        (410, json!("too-late"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_executed_has_no_proof_of_no_execution() {
    let world = World::start();
    let tx = world.payment(1);
    world.run(&tx).await;
    let path = path_of(&tx).replace("/transactions/", "/proofs/no-execution/");
    let reply = world.get(&path).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["code"].clone()),
        (409, json!(2001))
    );
}

// Blocks that have left memory come from the store, with the same receipts and proofs.
#[tokio::test(flavor = "multi_thread")]
async fn history_is_read_from_the_store() {
    let world = World::start();
    let first = world.payment(1);
    let shown = world.run(&first).await;
    for _ in 0..40 {
        world.pay(1).await;
    }
    assert!(
        world
            .node
            .view
            .recent()
            .get(falaj_consensus::types::Height::new(1))
            .is_none()
    );
    let read = world.get(&path_of(&first)).await.json();
    assert_eq!(
        (&read["proof"], &read["height"]),
        (&shown["proof"], &shown["height"])
    );
    assert_eq!(world.get("/v1/blocks/1").await.json()["height"], 1);
    let credited = world
        .get(&format!("/v1/accounts/{}", text(&world, BANK_B, 1)))
        .await
        .json();
    assert_eq!(credited["account"]["posted"], "1000.41");
}
