//! `falaj status`.

use serde_json::json;

use crate::node::Node;
use crate::program::falaj;

#[test]
fn a_node_that_is_well_is_exit_code_0() {
    let node = Node::start();
    let said = falaj(["status", "--home", &node.home(), "--json"]).json(0);
    assert_eq!(
        (&said["healthy"], &said["why"]),
        (&json!(true), &json!("height 1: nothing to order"))
    );
    assert_eq!(said["status"]["validator"], 1);
    let names: Vec<_> = said["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| &check["name"])
        .collect();
    assert_eq!(
        names,
        [
            "core", "linked", "synced", "disk", "outcome", "upgrade", "hsm", "member", "halted",
            "voted"
        ]
    );
    let api = format!("http://{}", said["api"].as_str().unwrap());
    let text = falaj(["status", "--api", &api]).text();
    assert!(
        text.contains("height 1: nothing to order") && text.contains("TEST"),
        "{text}"
    );
}

#[test]
fn a_node_that_is_not_there_is_exit_code_69() {
    let empty = tempfile::tempdir().unwrap();
    let home = empty.path().to_str().unwrap();
    let said = falaj(["status", "--home", home, "--json"]).json(69);
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .starts_with("no node runs in"),
        "{said}"
    );
    assert!(
        said["fix"].as_str().unwrap().contains("falaj start"),
        "{said}"
    );
    // A port that was taken and let go again: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let said = falaj(["status", "--api", &port.to_string(), "--json"]).json(69);
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .starts_with("no node answers"),
        "{said}"
    );
}

// After kill -9 the home still says where the node was.
#[test]
fn a_node_that_was_killed_is_exit_code_69() {
    let mut node = Node::start();
    node.kill();
    let said = falaj(["status", "--home", &node.home(), "--json"]).json(69);
    assert!(
        said["error"]
            .as_str()
            .unwrap()
            .starts_with("no node answers"),
        "{said}"
    );
}

#[test]
fn a_wrong_address_is_exit_code_2() {
    for api in ["https://127.0.0.1:1", "http://10.0.0.1:80", "here"] {
        let said = falaj(["status", "--api", api]);
        assert_eq!(said.code(), 2, "{}", said.err());
    }
}
