//! Prints `docs/spec/vectors/light-client.json`: bundles, good and bad, with the verdict that each one gets.
//!
//! Invariant: what is printed was checked by this code first; a vector whose verdict is not the one that its author wrote is not printed.
//! The file is frozen: later code checks the bundles in it, and does not make them anew.
//! Source: `docs/spec/receipts.md`, "Vectors".
#![expect(clippy::print_stdout, reason = "printing is all it does")]
#![allow(clippy::arithmetic_side_effects, reason = "small numbers, chosen here")]

mod answers;
mod certificates;
mod changes;
mod forms;
mod mixed;
mod sheet;
mod world;

fn main() {
    let mut sheet = sheet::Sheet::default();
    answers::write(&mut sheet);
    certificates::write(&mut sheet);
    changes::write(&mut sheet);
    forms::write(&mut sheet);
    mixed::write(&mut sheet);
    println!("{}", sheet.to_json());
}
