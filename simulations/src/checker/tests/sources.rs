//! What the oracles' own sources take from what they judge: data and codecs, and nothing that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where data and codecs live; single names where a module holds more than that.
const DATA: [&str; 45] = [
    "consensus::crypto",
    "consensus::durable::LogId",
    "consensus::durable::Position",
    "consensus::engine::Alarm",
    "consensus::engine::Event",
    "consensus::engine::Holdings",
    "consensus::engine::NextHoldings",
    "consensus::engine::Wait",
    "consensus::hash::sha256",
    "consensus::message",
    "consensus::params",
    "consensus::round::Step",
    "consensus::types",
    "consensus::validator_set::Bitmap",
    "consensus::validator_set::Validator",
    "consensus::validator_set::ValidatorSet",
    "hsm::Place",
    "ledger::account",
    "ledger::authority",
    "ledger::currency",
    "ledger::event",
    "ledger::gate",
    "ledger::genesis",
    "ledger::participant",
    "ledger::proposal",
    "ledger::receipt",
    "ledger::reference",
    "ledger::set_change",
    "ledger::state::State",
    "ledger::transaction",
    "ledger::validate::CheckedTx",
    "node::core::Ack",
    "node::core::Cause",
    "node::core::Committed",
    "node::core::Event",
    "node::core::Holdings",
    "node::core::Load",
    "node::core::Missing",
    "node::core::OwnCause",
    "node::core::Peer",
    "node::core::PeerLoad",
    "node::core::Quota",
    "node::core::VoteSeen",
    "node::core::Why",
    "node::storage::BlockRecord",
];
/// What nodes say to each other.
const WIRE: [&str; 3] = [
    "node::core::Frame",
    "node::core::Message",
    "node::core::ProposalBundle",
];

/// Every file of the oracles but their tests, by the oracle's name.
fn sources() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checker");
    let mut files = Vec::new();
    find(&folder, &mut files);
    let mut sources: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        let within = file.strip_prefix(&folder).expect("it was found there");
        let first = within.iter().next().expect("it has a name");
        let name = Path::new(first).file_stem().expect("it has a name");
        let name = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("a source can be read");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        sources.entry(name).or_default().push_str(text);
    }
    sources.remove("tests");
    sources
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the oracles have a folder") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            find(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// What a source names of other crates of ours: `crate::module::Name`.
fn taken(source: &str) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    for part in source.split("falaj_").skip(1) {
        let is_of_path = |letter: char| letter.is_alphanumeric() || ":_".contains(letter);
        let end = part.find(|letter| !is_of_path(letter));
        let (path, rest) = part.split_at(end.unwrap_or(part.len()));
        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((names, _)) => taken.extend(names.split(',').filter_map(|name| {
                let name = name.split_whitespace().next()?;
                Some(format!("{path}{name}"))
            })),
            None => {
                taken.insert(path.to_owned());
            }
        }
    }
    taken
}

/// The entry of the lists above that a name belongs to.
fn kind(name: &str) -> Option<&'static str> {
    let is_of = |of: &&str| name == *of || name.starts_with(&format!("{of}::"));
    DATA.iter().chain(&WIRE).copied().find(is_of)
}

/// Goal: no oracle takes anything but data and codecs from the crates that it judges, and the guide says of each what it takes.
#[test]
fn oracles_take_data_alone_and_the_guide_says_which() {
    let guide = include_str!("../../../../docs/guide/oracles.md");
    let said: BTreeMap<&str, BTreeSet<&str>> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("| `checker/")?.split_once('`'))
        .map(|(file, row)| {
            let names = row.rsplit('|').nth(1).unwrap_or_default();
            let names = names.split('`').skip(1).step_by(2);
            (file.trim_end_matches(".rs"), names.collect())
        })
        .collect();
    let sources = sources();
    assert_eq!(
        said.keys().copied().collect::<Vec<_>>(),
        sources.keys().map(String::as_str).collect::<Vec<_>>()
    );
    for (oracle, source) in &sources {
        let kinds = taken(source).into_iter().map(|name| {
            let kind = kind(&name);
            kind.unwrap_or_else(|| panic!("{oracle} takes {name}, which is neither data nor codec"))
        });
        let kinds: BTreeSet<_> = kinds.collect();
        assert_eq!(
            said.get(oracle.as_str()),
            Some(&kinds),
            "the row of {oracle}"
        );
    }
}
