//! `falaj testnet` and `falaj sim`: whose arguments, output and exit code they are.
//!
//! The siblings here are links to the shell, which says what it was told and ends with the code it is asked for.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::str;
use tempfile::TempDir;

const TELL: &str = "printf '%s\\n' \"$0\" \"$@\"; exit 7";

/// The program in a folder of its own, on the same file system, so that it need not be copied.
fn alone() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("falaj");
    fs::hard_link(env!("CARGO_BIN_EXE_falaj"), &program).unwrap();
    (folder, program)
}

fn run(program: &Path, arguments: &[&str], path: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path);
    command.env_remove("FALAJ_HOME").output().unwrap()
}

fn said(output: &Output) -> Vec<&str> {
    str::from_utf8(&output.stdout).unwrap().lines().collect()
}

// Goal: nothing of ours stands between: flags that we have too are the sibling's after its name.
#[test]
fn arguments_and_exit_code_pass_through() {
    let (folder, program) = alone();
    let nothing = tempfile::tempdir().unwrap();
    for name in ["testnet", "sim"] {
        symlink("/bin/sh", folder.path().join(format!("falaj-{name}"))).unwrap();
        let arguments = ["-c", TELL, "verify", "D", "--json", "--help", "-V"];
        let told = run(
            &program,
            &[&[name], &arguments[..]].concat(),
            nothing.path(),
        );
        assert_eq!(told.status.code(), Some(7), "{told:?}");
        assert_eq!(said(&told), arguments[2..], "{told:?}");
    }
}

// Goal: our own help and version would end with 0.
#[test]
fn help_and_version_are_the_siblings_own() {
    let (folder, program) = alone();
    symlink("/bin/false", folder.path().join("falaj-testnet")).unwrap();
    for flag in ["--help", "-h", "--version", "-V"] {
        let told = run(&program, &["testnet", flag], folder.path());
        assert_eq!(told.status.code(), Some(1), "{flag}: {told:?}");
    }
}

#[test]
fn json_before_the_name_is_passed_on() {
    let (folder, program) = alone();
    symlink("/bin/sh", folder.path().join("falaj-testnet")).unwrap();
    for arguments in [
        ["--json", "testnet", "-c", TELL, "verify"],
        ["testnet", "--json", "-c", TELL, "verify"],
    ] {
        let told = run(&program, &arguments, folder.path());
        assert_eq!(said(&told), ["verify", "--json"], "{told:?}");
    }
}

#[test]
fn the_path_is_searched_after_the_own_folder() {
    let (folder, program) = alone();
    let path = tempfile::tempdir().unwrap();
    symlink("/bin/false", path.path().join("falaj-sim")).unwrap();
    let from_path = run(&program, &["sim", "run"], path.path());
    assert_eq!(from_path.status.code(), Some(1), "{from_path:?}");
    symlink("/bin/true", folder.path().join("falaj-sim")).unwrap();
    let from_beside = run(&program, &["sim", "run"], path.path());
    assert_eq!(from_beside.status.code(), Some(0), "{from_beside:?}");
}

#[test]
fn a_sibling_that_is_not_there_is_unavailable() {
    let (_folder, program) = alone();
    let nothing = tempfile::tempdir().unwrap();
    let refused = run(&program, &["testnet", "demo"], nothing.path());
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(error.contains("there is no falaj-testnet"), "{error}");
    let refused = run(&program, &["--json", "sim"], nothing.path());
    assert_eq!(refused.status.code(), Some(69), "{refused:?}");
    let object: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!(object["exit_code"], 69);
}
