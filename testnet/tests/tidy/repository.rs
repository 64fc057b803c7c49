//! The repository as these tests see it: its root, its text files, and `cargo tree`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold no source: build output and version control.
const SKIPPED: [&str; 2] = ["target", ".git"];

/// The six crates, in the order of the dependency arrows.
pub(crate) const CRATES: [&str; 6] = [
    "consensus",
    "ledger",
    "hsm",
    "node",
    "simulations",
    "testnet",
];

/// The crate inside a crate: what an embedder takes who wants the proofs of `ledger` and no more.
pub(crate) const LIGHT: &str = "ledger/light";

/// A text file of the repository, by its path relative to the root.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) content: String,
}

/// The root folder: the parent of this crate's.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a crate of the workspace lies inside its root")
}

/// Every text file, in order of path. Files that are not UTF-8 are not text.
pub(crate) fn texts() -> Vec<Text> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| {
            fs::read_to_string(&path).ok().map(|content| Text {
                path: relative(&path),
                content,
            })
        })
        .collect()
}

/// The text files whose names end in `suffix`.
pub(crate) fn texts_ending(suffix: &str) -> Vec<Text> {
    let mut texts = texts();
    texts.retain(|text| text.path.ends_with(suffix));
    assert!(
        !texts.is_empty(),
        "no file ends in {suffix}: the walk looks in the wrong place"
    );
    texts
}

/// A file that has to be there.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in the root folder that are not hidden, sorted.
pub(crate) fn visible_names() -> Vec<String> {
    let mut names: Vec<String> = entries(root())
        .iter()
        .map(|path| name(path).to_owned())
        .collect();
    names.retain(|name| !name.starts_with('.') && !SKIPPED.contains(&name.as_str()));
    names.sort();
    names
}

/// The lines of `cargo tree` for one package alone.
pub(crate) fn cargo_tree(arguments: &[&str]) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--locked", "--quiet"])
        .args(arguments)
        .output();
    let output = output.expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo tree {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .expect("cargo prints UTF-8")
        .lines()
        .map(str::to_owned)
        .collect()
}

/// Fails with all offenders at once.
pub(crate) fn assert_none(offenders: &[String], rule: &str) {
    assert!(
        offenders.is_empty(),
        "{rule}:\n  {}",
        offenders.join("\n  ")
    );
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() {
            if !SKIPPED.contains(&name(&path)) {
                collect(&path, paths);
            }
        } else if name(&path) != ".git" {
            paths.push(path); // in a linked work tree `.git` is a file
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    read.map(|entry| entry.expect("a folder can be listed").path())
        .collect()
}

fn name(path: &Path) -> &str {
    path.file_name()
        .and_then(OsStr::to_str)
        .expect("file names are UTF-8")
}

fn relative(path: &Path) -> String {
    let inside = path
        .strip_prefix(root())
        .expect("the walk starts at the root");
    inside
        .to_str()
        .expect("file names are UTF-8")
        .replace('\\', "/")
}
