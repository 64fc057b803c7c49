//! Tells the program which commit and which compiler made it, for the record of its campaigns.
//!
//! Errors: none; what cannot be found out is left empty, as when the sources are not from git.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["HEAD", "logs/HEAD"] {
        let path = words("git", &["rev-parse", "--git-path", name]);
        if !path.is_empty() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    let commit = words("git", &["rev-parse", "HEAD"]);
    println!("cargo:rustc-env=FALAJ_SIM_COMMIT={commit}");
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = words(&rustc, &["--version"]);
    println!("cargo:rustc-env=FALAJ_SIM_RUSTC={version}");
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=FALAJ_SIM_TARGET={target}");
}

/// What a program prints; nothing if it fails.
fn words(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let printed = output.ok().filter(|output| output.status.success());
    let text = printed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}
