//! `falaj`: run a validator's node, make its keys, look at it, pay with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    falaj_node::shell::cli::run()
}
