//! The layout that binds: what lies at the root, and what each manifest says.

use crate::repository::{CRATES, LIGHT, assert_none, read, visible_names};

/// Goal: a newcomer sees six crates, the documentation and five files, and nothing else.
#[test]
fn the_root_holds_only_what_it_should() {
    let mut allowed: Vec<&str> = CRATES.to_vec();
    allowed.extend([
        "docs",
        "README.md",
        "Cargo.toml",
        "Cargo.lock",
        "Makefile",
        "LICENSE",
    ]);
    allowed.sort_unstable();
    assert_eq!(visible_names(), allowed);
}

/// Goal: the workspace is these six crates and the light client, named after their folders.
#[test]
fn packages_are_named_after_their_folders() {
    let members: Vec<String> = with_light().map(|name| format!("\"{name}\"")).collect();
    assert!(
        read("Cargo.toml").contains(&format!("members = [{}]", members.join(", "))),
        "the members are not the six crates and the light client"
    );
    for name in with_light() {
        let last = name.split('/').next_back().unwrap_or(name);
        assert!(
            read(&format!("{name}/Cargo.toml")).contains(&format!("name = \"falaj-{last}\"")),
            "{name}/Cargo.toml"
        );
    }
}

/// The crates, with the light client behind the one it lies in.
fn with_light() -> impl Iterator<Item = &'static str> {
    let inside = |name: &'static str| LIGHT.starts_with(&format!("{name}/")).then_some(LIGHT);
    CRATES
        .into_iter()
        .flat_map(move |name| std::iter::once(name).chain(inside(name)))
}

/// Goal: no crate escapes the workspace's lints, and `unsafe` is forbidden there, not merely denied.
#[test]
fn every_crate_is_under_the_lints_of_the_workspace() {
    assert!(
        read("Cargo.toml").contains("unsafe_code = \"forbid\""),
        "unsafe code is not forbidden"
    );
    let escaped: Vec<String> = with_light()
        .map(|name| format!("{name}/Cargo.toml"))
        .filter(|path| !inherits_lints(&read(path)))
        .collect();
    assert_none(&escaped, "does not say `workspace = true` under [lints]");
}

fn inherits_lints(manifest: &str) -> bool {
    let compact: String = manifest.split_whitespace().collect::<Vec<_>>().join(" ");
    compact.contains("[lints] workspace = true") || compact.contains("lints.workspace = true")
}

/// Goal: versions are declared once, at the root; a crate only names what it uses.
#[test]
fn dependencies_are_declared_at_the_root() {
    let mut offenders = Vec::new();
    for name in with_light() {
        let manifest = read(&format!("{name}/Cargo.toml"));
        let mut in_dependencies = false;
        for line in manifest.lines().map(str::trim) {
            if line.starts_with('[') {
                in_dependencies = line.ends_with("dependencies]");
            } else if in_dependencies
                && line.contains('=')
                && !line.starts_with('#')
                && !line.contains("workspace = true")
            {
                offenders.push(format!("{name}/Cargo.toml: {line}"));
            }
        }
    }
    assert_none(&offenders, "a dependency that does not come from the root");
}

/// Goal: time and hash order stay out of the pure crates: their own lint tables are there and name them.
#[test]
fn pure_crates_lint_against_clocks_and_hash_order() {
    for name in ["consensus", "ledger"] {
        let table = read(&format!("{name}/.clippy.toml"));
        for banned in [
            "std::time::Instant::now",
            "std::time::SystemTime::now",
            "std::collections::HashMap",
        ] {
            assert!(
                table.contains(banned),
                "{name}/.clippy.toml does not forbid {banned}"
            );
        }
    }
}
