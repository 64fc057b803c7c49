//! The guide for researchers: what it shows in shell blocks is run, line by line, with the files that it shows before.
//!
//! Source: `docs/simulation.md`, "In ten minutes".

use std::fs;
use std::path::Path;
use std::process::Command;

/// A block of a page: its language, the line before it, and what is in it.
struct Block {
    language: String,
    before: String,
    content: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut open, mut before) = (false, "");
    for line in page.lines() {
        match (line.strip_prefix("```"), open, blocks.last_mut()) {
            (Some(language), false, _) => blocks.push(Block {
                language: language.to_owned(),
                before: before.to_owned(),
                content: String::new(),
            }),
            (None, true, Some(block)) => block.content.extend([line, "\n"]),
            _ => {}
        }
        open ^= line.starts_with("```");
        if !line.is_empty() {
            before = line;
        }
    }
    blocks
}

/// The file that a line names: what stands in its first pair of marks.
fn named(line: &str) -> &str {
    line.split('`').nth(1).unwrap_or_default()
}

/// Goal: somebody who follows the page from its top gets through, in a folder where nothing else is.
#[test]
fn the_guide_can_be_followed() {
    let folder = tempfile::tempdir().unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulation.md");
    let page = fs::read_to_string(page).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_falaj-sim"));
    let here = program.parent().expect("it lies in a folder").display();
    let path = std::env::var("PATH").expect("a shell is found by it");
    let mut run = 0;
    for block in blocks(&page) {
        if block.language == "toml" {
            let name = named(&block.before);
            assert!(name.ends_with(".toml"), "{}", block.before);
            fs::write(folder.path().join(name), &block.content).unwrap();
        }
        if block.language != "sh" {
            continue;
        }
        let output = Command::new("sh")
            .args(["-euc", &block.content])
            .current_dir(folder.path())
            .env("PATH", format!("{here}:{path}"))
            .output()
            .expect("a shell starts");
        let (said, told) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{}{said}{told}", block.content);
        run += 1;
    }
    assert!(run >= 4, "{run} blocks");
    for name in [
        "trace.txt",
        "pictures/report.html",
        "results/summary.json",
        "results/report.html",
    ] {
        assert!(folder.path().join(name).exists(), "{name}");
    }
}
