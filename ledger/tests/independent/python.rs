//! Runs the verifier in `docs/spec/verify/`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("a crate of the workspace lies inside its root")
}

/// Runs the verifier from the root of the repository; `-B` leaves no compiled files behind.
pub(crate) fn verifier<S: AsRef<OsStr>>(arguments: &[S]) -> Output {
    Command::new("python3")
        .current_dir(root())
        .args(["-B", "docs/spec/verify"])
        .args(arguments)
        .output()
        .expect("python3 is on the path: `sh testnet/scripts/tools.sh python` installs it")
}
