//! The program `falaj-testnet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    falaj_testnet::cli::run()
}
