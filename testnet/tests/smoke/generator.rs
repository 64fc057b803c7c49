//! Files of payments by chance, from a seed, in the form of the `PaySim` data set.
//!
//! Shape: few names, so that most come again; amounts that are often more than an account holds; `new…` columns that do not add up.

use falaj_testnet::load::Chance;
use falaj_testnet::paysim::COLUMNS;
use std::fmt::Write as _;

const TYPES: [&str; 5] = ["CASH_IN", "CASH_OUT", "DEBIT", "PAYMENT", "TRANSFER"];
const CUSTOMERS: usize = 40;
const MERCHANTS: usize = 8;

/// A file of some rows.
pub(crate) fn file(seed: u64, rows: usize) -> String {
    let mut chance = Chance::new(seed);
    let mut text = COLUMNS.join(",") + "\n";
    for number in 0..rows {
        let kind = TYPES[chance.below(TYPES.len())];
        let origin = format!("C{}", chance.below(CUSTOMERS));
        let destination = match kind {
            "PAYMENT" => format!("M{}", chance.below(MERCHANTS)),
            _ => format!("C{}", chance.below(CUSTOMERS)),
        };
        let [amount, old, new, other_old, other_new] =
            [2_000, 5_000, 5_000, 3_000, 3_000].map(|most| decimal(&mut chance, most));
        let step = 1 + number * 24 / rows;
        writeln!(
            text,
            "{step},{kind},{amount},{origin},{old},{new},{destination},{other_old},{other_new},0,0"
        )
        .expect("text takes text");
    }
    text
}

/// With none, one or two decimals, as the data set has them.
fn decimal(chance: &mut Chance, whole_max: usize) -> String {
    let (whole, part) = (chance.below(whole_max), chance.below(100));
    match chance.below(4) {
        0 => whole.to_string(),
        1 => format!("{whole}.{}", part % 10),
        _ => format!("{whole}.{part:02}"),
    }
}
