//! The commands that only print: the API's document, completions, help.

use serde_json::Value;

use crate::program::falaj;

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
