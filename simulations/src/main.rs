//! The command line of the simulator; everything it does is in the library.

mod cli;
mod report;
mod speed;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
