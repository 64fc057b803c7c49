//! Prints `tests/vectors/encoding.txt` as this code computes it: the one way to write that file anew.
#![expect(clippy::print_stdout, reason = "printing is all it does")]

#[path = "../tests/it/cases.rs"]
mod cases;

fn main() {
    print!("{}", cases::file());
}
