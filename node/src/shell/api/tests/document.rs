//! The OpenAPI document: sound by itself, and true of what is served.

use falaj_ledger::testing::{BANK_A, account};
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::world::{World, path_of};
use crate::shell::api::{document, text};

fn document_json() -> Value {
    serde_json::from_str(&text(&document())).unwrap()
}

#[test]
fn it_is_openapi_3_1() {
    let parsed = oas3::from_json(text(&document())).unwrap();
    assert_eq!(parsed.openapi, "3.1.0");
    assert!(parsed.paths.unwrap().len() > 25);
}

#[test]
fn every_reference_resolves_and_every_name_is_one_operation() {
    let document = document_json();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            let default = &operation["responses"]["default"]["content"]["application/problem+json"];
            assert!(default.is_object(), "{method} {path} has no problem");
            assert!(operation["tags"][0].is_string(), "{method} {path}");
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}: {name}");
            let named = path.matches('{').count();
            let empty = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&empty);
            assert_eq!(
                parameters.iter().filter(|p| p["in"] == "path").count(),
                named,
                "{path}"
            );
        }
    }
    let whole = document.to_string();
    for reference in whole.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

/// Checks a JSON value against a schema of the document.
fn conforms(document: &Value, schema: &Value, value: &Value, what: &str) {
    let mut root = schema.clone();
    root["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    root["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&root).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:?}\n{value:#}");
}

// What the document promises is what comes: each answer against the schema of its status.
#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_the_document_says() {
    let world = World::start();
    let tx = world.payment(1);
    world
        .post_octets("/v1/transactions?wait=final", tx.to_bytes())
        .await;
    let document = document_json();
    let id = account(BANK_A, 1).to_text(&world.genesis.network);
    let asked = [
        ("/v1/transactions/{participant}/{id}", path_of(&tx)),
        (
            "/v1/transfers/{participant}/{id}",
            path_of(&tx).replace("transactions", "transfers"),
        ),
        (
            "/v1/transactions/{participant}/{id}",
            "/v1/transactions/2/x".into(),
        ),
        ("/v1/accounts", "/v1/accounts?limit=2".into()),
        ("/v1/accounts/{id}", format!("/v1/accounts/{id}?proof=true")),
        ("/v1/participants", "/v1/participants".into()),
        ("/v1/participants/{number}", "/v1/participants/2".into()),
        ("/v1/currencies", "/v1/currencies".into()),
        ("/v1/currencies/{code}", "/v1/currencies/AED".into()),
        ("/v1/authorities", "/v1/authorities".into()),
        ("/v1/authorities/{id}", "/v1/authorities/1".into()),
        ("/v1/proposals", "/v1/proposals".into()),
        ("/v1/blocks/{height}", "/v1/blocks/1".into()),
        (
            "/v1/blocks/{height}/receipts",
            "/v1/blocks/1/receipts".into(),
        ),
        ("/v1/certificates/{height}", "/v1/certificates/1".into()),
        (
            "/v1/proofs/no-execution/{participant}/{id}",
            path_of(&tx).replace("/transactions/", "/proofs/no-execution/"),
        ),
        ("/v1/events", "/v1/events".into()),
        ("/v1/events/{sequence}", "/v1/events/0?proof=true".into()),
        (
            "/v1/proofs/log-extension/{earlier}/{later}",
            "/v1/proofs/log-extension/1/1".into(),
        ),
        ("/v1/validators", "/v1/validators".into()),
        ("/v1/parameters", "/v1/parameters".into()),
        ("/v1/upgrade", "/v1/upgrade".into()),
        ("/v1/status", "/v1/status".into()),
        ("/v1/peers", "/v1/peers".into()),
    ];
    for (path, url) in asked {
        let reply = world.get(&url).await;
        let responses = &document["paths"][path]["get"]["responses"];
        let response = responses
            .get(reply.status.as_str())
            .unwrap_or(&responses["default"]);
        let kind = reply.headers["content-type"].to_str().unwrap();
        let schema = &response["content"][kind]["schema"];
        assert!(
            schema.is_object(),
            "{url}: {} {kind} is not in the document",
            reply.status
        );
        conforms(&document, schema, &reply.json(), &url);
    }
}

// A client that believes the document gets its request taken.
#[tokio::test(flavor = "multi_thread")]
async fn requests_are_what_the_document_says() {
    let world = World::start();
    let document = document_json();
    let schema = json!({"$ref": "#/components/schemas/TransactionForm"});
    let form = crate::shell::form::TransactionForm::of(&world.payment(1).body, &world.genesis);
    conforms(
        &document,
        &schema,
        &serde_json::to_value(form).unwrap(),
        "a payment",
    );
    let served = world.get("/openapi.json").await;
    assert_eq!(served.json(), document);
}
