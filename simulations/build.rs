//! Tells the program which commit, sources and compiler made it, and which scenarios ship with it.
//!
//! Invariant: the hash of the sources covers everything that can change a run, and nothing that cannot differ between two machines
//! with the same files: neither paths, nor times, nor the profile, nor the compiler.
//! Errors: none; what cannot be found out is left empty, as when the sources are not from git.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Whose sources a run is made of; this package is the last.
const CRATES: [&str; 5] = ["consensus", "hsm", "ledger", "node", "simulations"];

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
    println!("cargo:rustc-env=FALAJ_SIM_SOURCES={}", sources());
    shipped();
}

/// What a program prints; nothing if it fails.
fn words(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let printed = output.ok().filter(|output| output.status.success());
    let text = printed.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_default()
}

/// BLAKE3 over name and content of every source file, the versions of all dependencies, and the features of this package.
fn sources() -> String {
    let root = Path::new("..");
    let mut files = vec![root.join("Cargo.toml"), root.join("Cargo.lock")];
    for name in CRATES {
        files.push(root.join(name).join("Cargo.toml"));
        files_below(&root.join(name).join("src"), &mut files);
    }
    files_below(&root.join("simulations").join("scenarios"), &mut files);
    let mut features: Vec<String> = env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("CARGO_FEATURE_"))
        .collect();
    features.sort();
    let mut hasher = blake3::Hasher::new();
    for path in files {
        println!("cargo:rerun-if-changed={}", path.display());
        let name = path.to_string_lossy().replace('\\', "/");
        let content = fs::read(&path).unwrap_or_default();
        for bytes in [name.as_bytes(), &content] {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        }
    }
    features.iter().for_each(|name| {
        hasher.update(name.as_bytes());
    });
    hasher.finalize().to_hex().to_string()
}

/// The files of a folder and of its folders, in order of name; a file that comes or goes makes this run again.
fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    println!("cargo:rerun-if-changed={}", folder.display());
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Writes name and text of each scenario that ships as an expression.
fn shipped() {
    let mut files = Vec::new();
    files_below(Path::new("scenarios"), &mut files);
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let lines: String = files
        .iter()
        .filter(|path| path.parent() == Some(Path::new("scenarios")))
        .filter_map(|path| Some((path.file_stem()?.to_str()?, here.join(path))))
        .map(|(name, path)| format!("({name:?}, include_str!({path:?})),\n"))
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("shipped.rs");
    if let Err(error) = fs::write(&out, format!("&[\n{lines}]\n")) {
        println!("cargo:error={}: {error}", out.display());
    }
}
