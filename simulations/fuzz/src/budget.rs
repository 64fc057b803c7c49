//! A target over its committed corpus and a fixed number of spoilt inputs, as an ordinary test runs it.
//!
//! Invariant: the same inputs on every machine, in the order of the corpus' names.
//! Errors: a panic of the target, after the input was named in hexadecimal.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use super::chance::Chance;

/// Spoilt inputs made of each input of the corpus.
const SPOILT_OF_EACH: u32 = 200;

/// Runs a target over all that is in its folder, and over what chance makes of it.
pub(crate) fn spend(name: &str, target: impl Fn(&[u8])) {
    let corpus = corpus(name);
    let mut chance = Chance::new(1);
    for (file, input) in &corpus {
        run(file, input, &target);
        for _ in 0..SPOILT_OF_EACH {
            let spoilt = chance.spoil(input);
            run(file, &spoilt, &target);
        }
    }
}

fn run(file: &str, input: &[u8], target: &impl Fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(input))) {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("made of {file}: {hex}");
        resume_unwind(panic);
    }
}

/// Names and contents of a target's folder.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a crate of the workspace lies inside its root")
        .join("simulations/fuzz/corpus")
        .join(name);
    let entries = fs::read_dir(&folder).expect("every target has a corpus");
    let mut corpus: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a folder can be listed").path();
            let content = fs::read(&path).expect("a file of the corpus can be read");
            (path.display().to_string(), content)
        })
        .collect();
    corpus.sort();
    assert!(corpus.len() >= 3, "{name}: {} inputs", corpus.len());
    corpus
}
