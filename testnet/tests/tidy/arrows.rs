//! Who may use whom, read from the dependency graph of each package alone (`docs/ARCHITECTURE.md`, code map).

use std::collections::BTreeMap;

use crate::repository::cargo_tree;

/// Libraries that belong to the shell, or to one backend, and nowhere else.
const SHELL_ONLY: [&str; 9] = [
    "tokio",
    "libp2p",
    "libp2p-core",
    "clap",
    "axum",
    "hyper",
    "sled",
    "cryptoki",
    "rustls",
];

/// Package name to its enabled features, for everything a build of one package alone would link.
fn linked(arguments: &[&str]) -> BTreeMap<String, String> {
    let fixed = ["-e", "normal", "--prefix", "none", "--format", "{p} [{f}]"];
    cargo_tree(&[&fixed, arguments].concat())
        .iter()
        .filter_map(|line| entry(line))
        .collect()
}

/// `falaj-hsm v0.1.0 (/path) [soft]` as name and features.
fn entry(line: &str) -> Option<(String, String)> {
    let (package, features) = line.split_once(" [")?;
    let name = package.split(' ').next()?;
    Some((name.to_owned(), features.split(']').next()?.to_owned()))
}

fn ours(linked: &BTreeMap<String, String>) -> Vec<&str> {
    linked
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("falaj-"))
        .collect()
}

fn assert_absent(linked: &BTreeMap<String, String>, names: &[&str]) {
    let found: Vec<_> = names
        .iter()
        .filter(|name| linked.contains_key(**name))
        .collect();
    assert!(found.is_empty(), "must not be linked: {found:?}");
}

fn assert_without(linked: &BTreeMap<String, String>, package: &str, feature: &str) {
    let features = linked
        .get(package)
        .unwrap_or_else(|| panic!("{package} is not linked"));
    assert!(
        !features.split(',').any(|enabled| enabled == feature),
        "{package} has the feature {feature}: [{features}]"
    );
}

/// Goal: the protocol stands alone, whatever its features.
#[test]
fn consensus_uses_nothing_of_ours() {
    let linked = linked(&["-p", "falaj-consensus", "--all-features"]);
    assert_eq!(ours(&linked), ["falaj-consensus"]);
    assert_absent(&linked, &SHELL_ONLY);
}

/// Goal: money knows the words of consensus and nothing else of ours; sled comes with its feature alone.
#[test]
fn ledger_uses_consensus_alone() {
    assert_eq!(
        ours(&linked(&["-p", "falaj-ledger", "--all-features"])),
        ["falaj-consensus", "falaj-ledger"]
    );
    assert_absent(
        &linked(&["-p", "falaj-ledger", "--no-default-features"]),
        &SHELL_ONLY,
    );
}

/// Goal: the light client takes proofs, words and checks, and nothing that needs an operating system or executes money.
#[test]
fn the_light_client_links_no_part_of_a_node() {
    let linked = linked(&["-p", "falaj-light"]);
    assert_eq!(
        ours(&linked),
        ["falaj-consensus", "falaj-ledger", "falaj-light"]
    );
    assert_without(&linked, "falaj-consensus", "std");
    assert_without(&linked, "falaj-ledger", "std");
    assert_absent(&linked, &SHELL_ONLY);
    assert_absent(
        &linked,
        &["crc32c", "hashtree-rs", "serde", "serde_json", "rustix"],
    );
}

/// Goal: the signer knows consensus and no money; a token library comes with its feature alone.
#[test]
fn hsm_uses_consensus_alone() {
    assert_eq!(
        ours(&linked(&["-p", "falaj-hsm", "--all-features"])),
        ["falaj-consensus", "falaj-hsm"]
    );
    assert_absent(
        &linked(&["-p", "falaj-hsm", "--no-default-features"]),
        &SHELL_ONLY,
    );
}

/// Goal: the replica is pure. Without `shell` the node links no runtime, no network, no real disk, no backend.
#[test]
fn node_core_uses_consensus_ledger_and_the_pure_half_of_hsm() {
    let linked = linked(&["-p", "falaj-node", "--no-default-features"]);
    assert_eq!(
        ours(&linked),
        ["falaj-consensus", "falaj-hsm", "falaj-ledger", "falaj-node"]
    );
    assert_absent(&linked, &SHELL_ONLY);
    assert_without(&linked, "falaj-consensus", "os-disk");
    assert_without(&linked, "falaj-ledger", "sled");
    assert_without(&linked, "falaj-hsm", "soft");
    assert_without(&linked, "falaj-hsm", "pkcs11");
    assert_absent(&linked, &["blake3"]); // what is certified is SHA-256
}

/// Goal: the simulator runs the pure replica; nothing of the shell is near it, but for clap at its own command line.
#[test]
fn simulations_link_no_shell() {
    let alone = ["-p", "falaj-simulations"];
    let linked = linked(&alone);
    assert_eq!(
        ours(&linked),
        [
            "falaj-consensus",
            "falaj-hsm",
            "falaj-ledger",
            "falaj-node",
            "falaj-simulations"
        ]
    );
    assert_without(&linked, "falaj-node", "shell");
    assert_without(&linked, "falaj-consensus", "os-disk");
    assert_without(&linked, "falaj-ledger", "sled");
    assert_without(&linked, "falaj-hsm", "pkcs11");
    let not_clap: Vec<&str> = SHELL_ONLY
        .into_iter()
        .filter(|name| *name != "clap")
        .collect();
    assert_absent(&linked, &not_clap);
    assert!(
        users_of("clap", &alone)
            .iter()
            .all(|user| user == "falaj-simulations"),
        "clap comes in through a library"
    );
}

/// Goal: the testnet drives real processes by their public interface; it does not link the shell.
#[test]
fn testnet_links_no_shell() {
    let linked = linked(&["-p", "falaj-testnet"]);
    assert_without(&linked, "falaj-node", "shell");
    assert_without(&linked, "falaj-hsm", "pkcs11");
    assert_absent(
        &linked,
        &[
            "libp2p",
            "libp2p-core",
            "sled",
            "cryptoki",
            "falaj-simulations",
        ],
    );
}

/// Goal: no program is shipped with known-bad variants of its protocol: only a build of the simulator that asks for them has any.
#[test]
fn nothing_that_ships_has_mutations() {
    for package in ["falaj-node", "falaj-testnet", "falaj-simulations"] {
        let linked = linked(&["-p", package]);
        for ours in ours(&linked) {
            assert_without(&linked, ours, "mutations");
        }
    }
    let asked = linked(&["-p", "falaj-simulations", "--features", "mutations"]);
    for ours in ours(&asked) {
        let features = &asked[ours];
        assert!(
            features.split(',').any(|one| one == "mutations"),
            "{ours}: [{features}]"
        );
    }
    assert_without(&asked, "falaj-node", "shell");
}

/// The packages that depend on `name` directly, when `arguments` choose what is built; empty when nothing does.
fn users_of(name: &str, arguments: &[&str]) -> Vec<String> {
    let fixed = [
        "-e",
        "normal",
        "--prefix",
        "depth",
        "--no-dedupe",
        "--format",
        " {p}",
    ];
    let mut path: Vec<String> = Vec::new();
    let mut users = Vec::new();
    for line in cargo_tree(&[&fixed, arguments].concat()) {
        let Some((depth, package)) = depth_and_name(&line) else {
            continue;
        };
        path.truncate(depth);
        if package == name {
            users.extend(path.last().cloned());
        }
        path.push(package);
    }
    users
}

/// `3 clap v4.5.0` as depth and name.
fn depth_and_name(line: &str) -> Option<(usize, String)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.parse().ok()?, words.next()?.to_owned()))
}
