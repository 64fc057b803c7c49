//! The commands that only print: the API's document, completions, help.

use serde_json::Value;
use std::process::Stdio;

use crate::program::{command, falaj};

#[test]
fn the_api_document_is_printed() {
    let text = falaj(["openapi"]).text();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(falaj(["openapi", "--json"]).json(0), document);
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = falaj(["completions", shell]).text();
        for command in ["init", "start", "status", "completions"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(falaj(["completions", "tcsh"]).code(), 2);
}

// `falaj … | head -1`: the reader has what it wanted.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut openapi = command(["openapi"]);
    let openapi = openapi.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = openapi.spawn().unwrap();
    // The document is longer than a pipe holds, so that the program writes after this.
    drop(child.stdout.take());
    let said = child.wait_with_output().unwrap();
    assert_eq!((said.status.code(), said.stderr.len()), (Some(0), 0));
}

// `falaj receipt get … > FILE` on a full disk: half a receipt is none.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_exit_code_74() {
    let full = std::fs::File::options().write(true).open("/dev/full");
    for arguments in [&["openapi"][..], &["openapi", "--json"]] {
        let mut openapi = command(arguments);
        let full = full.as_ref().unwrap().try_clone().unwrap();
        let said = openapi.stdout(full).output().unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(74), "{err}");
        assert!(err.contains("cannot write to standard output"), "{err}");
    }
}
