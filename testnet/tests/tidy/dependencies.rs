//! What we link from others: permissive licences, one version of what decides, nothing that would be a second truth.

use std::collections::{BTreeMap, BTreeSet};

use crate::repository::{assert_none, cargo_tree, read};

/// SPDX identifiers under which a dependency may come; the same list as `.deny.toml`.
const PERMISSIVE: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Two versions of one of these, anywhere in the workspace, could answer differently or keep two states.
const SINGLE: [&str; 6] = [
    "borsh",
    "cryptoki",
    "ed25519-zebra",
    "libp2p-core",
    "ring",
    "sled",
];

/// A second TLS or cryptographic provider, linked from the system.
const REFUSED: [&str; 2] = ["native-tls", "openssl-sys"];

/// Goal: whoever embeds Falaj takes on no obligation beyond attribution.
#[test]
fn dependencies_have_permissive_licences() {
    let tree = cargo_tree(&[
        "--workspace",
        "--all-features",
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ]);
    let lines: BTreeSet<&String> = tree.iter().filter(|line| line.contains('|')).collect();
    assert!(lines.len() > 10, "cargo tree printed next to nothing");
    let offenders: Vec<String> = lines
        .into_iter()
        .filter(|line| !is_permissive(line))
        .cloned()
        .collect();
    assert_none(&offenders, "not under a permissive licence");
}

/// Goal: one version each of the libraries that decide, and none of those that must not be there.
#[test]
fn dependencies_hold_one_version_of_what_decides() {
    let lock = read("Cargo.lock");
    let versions = locked_versions(&lock);
    let several: Vec<String> = SINGLE
        .iter()
        .filter(|name| versions.get(**name).is_some_and(|found| found.len() > 1))
        .map(|name| format!("{name}: {:?}", versions[*name]))
        .collect();
    assert_none(&several, "more than one version in Cargo.lock");
    let refused: Vec<String> = REFUSED
        .iter()
        .filter(|name| versions.contains_key(**name))
        .map(|name| (*name).to_owned())
        .collect();
    assert_none(&refused, "refused dependency in Cargo.lock");
}

/// Goal: what decides links one version of everything, above all of the arithmetic behind its signatures.
#[test]
fn dependencies_of_the_pure_replica_have_one_version_each() {
    let arguments = [
        "-p",
        "falaj-node",
        "--no-default-features",
        "-e",
        "normal,no-proc-macro",
        "--prefix",
        "none",
    ];
    let tree = cargo_tree(&arguments);
    let packages: BTreeSet<(&str, &str)> = tree
        .iter()
        .filter_map(|line| name_and_version(line))
        .collect();
    let names: BTreeSet<&str> = packages.iter().map(|(name, _)| *name).collect();
    assert!(
        names.contains("curve25519-dalek"),
        "the tree does not hold what it must"
    );
    assert_eq!(
        names.len(),
        packages.len(),
        "two versions of one library: {packages:?}"
    );
}

/// Goal: no dependency comes from a branch of somebody's repository.
#[test]
fn dependencies_come_from_the_registry() {
    let lock = read("Cargo.lock");
    let offenders: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.contains("registry+"))
        .map(str::to_owned)
        .collect();
    assert_none(&offenders, "not from a registry");
}

/// `borsh v1.8.1 …` as name and version.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?))
}

fn locked_versions(lock: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        if let Some(found) = quoted(line, "name = ") {
            name = found;
        } else if let Some(version) = quoted(line, "version = ") {
            versions.entry(name).or_default().insert(version);
        }
    }
    versions
}

fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?
        .trim()
        .strip_prefix('"')?
        .strip_suffix('"')
}

/// A line `name version|SPDX expression`: AND binds closer than OR, the old slash means OR, exceptions only ever permit more.
fn is_permissive(line: &str) -> bool {
    let Some((_, expression)) = line.split_once('|') else {
        return false;
    };
    let spaced = expression
        .trim_end_matches(" (*)")
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let permitted = any(&mut words);
    permitted && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any(words: &mut Words<'_>) -> bool {
    let mut permitted = all(words);
    while words.next_if_eq(&"OR").is_some() {
        permitted |= all(words);
    }
    permitted
}

fn all(words: &mut Words<'_>) -> bool {
    let mut permitted = one(words);
    while words.next_if_eq(&"AND").is_some() {
        permitted &= one(words);
    }
    permitted
}

fn one(words: &mut Words<'_>) -> bool {
    let word = words.next();
    if word == Some("(") {
        return any(words) && words.next() == Some(")");
    }
    let permitted = word.is_some_and(|name| PERMISSIVE.contains(&name));
    if words.next_if_eq(&"WITH").is_some() {
        words.next();
    }
    permitted
}

/// Goal: the reading of licence expressions is itself right, the refusals above all.
#[test]
fn dependencies_licence_expressions_are_read_right() {
    for (expression, permitted) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("MIT AND (GPL-2.0-only OR ISC)", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("GPL-3.0-or-later", false),
        ("MPL-2.0", false),
        ("", false),
        ("MIT MIT", false),
        ("(MIT", false),
    ] {
        assert_eq!(
            is_permissive(&format!("name v1|{expression}")),
            permitted,
            "{expression:?}"
        );
    }
}
