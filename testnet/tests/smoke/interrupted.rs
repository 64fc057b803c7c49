//! `falaj-testnet new`, killed at any of its steps: what is left is told for what it is, and nothing of it is touched.
//!
//! How: the program that `new` calls next, a tool of the token or `falaj` itself, is a script which kills its caller before it does anything.

use std::fs::hard_link;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use crate::programs::{command, run, small, text};
use crate::stage::{processes_of, program, temporary_folder, until};

/// What `new` calls for two software validators: it makes two homes, measures one key and sets two homes on the genesis.
const CALLS: usize = 5;

/// Kills its caller at the call of a number, and is the real program at all others.
const DEADLY: &str = r#"#!/bin/sh
call=1
until mkdir "$0.$call" 2>/dev/null; do call=$((call + 1)); done
[ "$call" -ne NUMBER ] || { kill -9 $PPID; exit; }
exec 'REAL' "$@"
"#;

/// A folder of programs: `falaj-testnet`, and a `falaj` that is deadly at one call.
fn programs(deadly_call: usize) -> TempDir {
    let own = Path::new(env!("CARGO_BIN_EXE_falaj-testnet"));
    let beside = own.parent().expect("a folder");
    let folder = tempfile::tempdir_in(beside).expect("a folder beside the programs");
    hard_link(own, folder.path().join("falaj-testnet")).expect("a second name");
    let script = DEADLY.replace("NUMBER", &deadly_call.to_string());
    let script = script.replace("REAL", text(program().path()));
    write_program(&folder.path().join("falaj"), &script);
    folder
}

/// By a process of its own: a program that this one has open for writing could not be started by another thread's child.
fn write_program(path: &Path, script: &str) {
    let write = r#"printf '%s' "$1" >"$2" && chmod +x "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", write, "sh", script, text(path)]);
    assert!(shell.status().expect("a shell").success());
}

fn new(programs: &TempDir, folder: &Path) -> std::process::ExitStatus {
    let mut command = Command::new(programs.path().join("falaj-testnet"));
    command
        .args(["new", "--dir", text(folder)])
        .args(small("2"));
    command.output().expect("the program starts").status
}

/// Every file of a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// That a folder in another is told for what it is by every command, and left as it is.
async fn is_told_and_kept(outer: &TempDir, folder: &Path) {
    until("nobody works in it", async || {
        processes_of(outer.path()).is_empty()
    })
    .await;
    let before = files(folder);
    for words in [["new", "--dir"], ["up", "--dir"]] {
        let refused = run(&[&words[..], &[text(folder)]].concat()).await;
        assert_eq!(refused.code, Some(73), "{}", refused.said);
        for said in ["a testnet that was not finished", "remove the folder"] {
            assert!(refused.said.contains(said), "{}", refused.said);
        }
    }
    let verified = run(&["verify", text(folder)]).await;
    assert_eq!(verified.code, Some(73), "{}", verified.said);
    // The lock of the killed one meant nothing, and went with the next.
    let kept: Vec<_> = before
        .into_iter()
        .filter(|file| *file != folder.join("lock"))
        .collect();
    assert_eq!(files(folder), kept);
}

/// Goal: whatever step a `new` is killed at, the next command says so and how to go on, and going on works.
#[tokio::test]
async fn a_killed_new_is_told() {
    let outer = temporary_folder();
    let folder = outer.path().join("testnet");
    for call in 1..=CALLS {
        let programs = programs(call);
        assert_eq!(new(&programs, &folder).signal(), Some(9), "at call {call}");
        is_told_and_kept(&outer, &folder).await;
        std::fs::remove_dir_all(&folder).expect("a folder that nobody uses");
    }
    assert!(
        new(&programs(CALLS + 1), &folder).success(),
        "there is no other call"
    );
    let whole = run(&["new", "--dir", text(&folder)]).await;
    assert!(whole.said.contains("is not empty"), "{}", whole.said);
}

/// Goal: the same while a token is made; a token that was made stays as it is.
#[tokio::test]
async fn a_new_that_was_killed_over_a_token_is_told() {
    let (outer, tools) = (temporary_folder(), temporary_folder());
    let folder = outer.path().join("testnet");
    write_program(
        &tools.path().join("softhsm2-util"),
        "#!/bin/sh\nkill -9 $PPID\n",
    );
    let mut made = command(&["new", "--dir", text(&folder), "--validators", "1"]);
    let path = std::env::var("PATH").expect("a path");
    made.env("PATH", format!("{}:{path}", text(tools.path())));
    let killed = made.output().expect("the program starts");
    assert_eq!(killed.status.signal(), Some(9));
    is_told_and_kept(&outer, &folder).await;
}
