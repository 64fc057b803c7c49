//! What a signature and a sync cost here and now, for the timers of the genesis.
//!
//! Invariant: the keys sign canaries alone, which can pass for nothing else; one file is made, and removed again.
//! Cost: one short process of `falaj` for each algorithm and some syncs, a fraction of a second together.
//! Source: `docs/guide/testnet.md`, "Timers".

use anyhow::{Context as _, Result};
use data_encoding::HEXLOWER;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

use super::Made;
use crate::program::Program;
use crate::synced;
use crate::timers::Measured;

/// How long a key signs, in milliseconds; it signs at least once.
const SIGNING_MS: u32 = 20;
/// How many records are synced.
const SYNCS: u32 = 8;

/// What `falaj measure token` prints.
#[derive(Deserialize)]
struct Samples {
    sign_ns: Vec<u64>,
}

/// Measures one key of each algorithm, one after the other, and the folder's disk.
pub(super) fn machine(program: &Program, folder: &Path, made: &[Made]) -> Result<Measured> {
    let by_algorithm: BTreeMap<_, _> = made
        .iter()
        .map(|made| (made.key.algorithm().name(), made))
        .collect();
    let mut sign_ns = Vec::new();
    for made in by_algorithm.into_values() {
        sign_ns.extend(signatures(program, folder, made)?);
    }
    Ok(Measured {
        sign_us: slowest_us(&sign_ns).context("no key signed")?,
        sync_us: slowest_us(&synced::sample(folder, SYNCS)?).context("nothing was synced")?,
    })
}

fn signatures(program: &Program, folder: &Path, made: &Made) -> Result<Vec<u64>> {
    let lasting_ms = SIGNING_MS.to_string();
    let key = HEXLOWER.encode(made.key.bytes());
    let words = [
        "measure",
        "token",
        "--lasting-ms",
        &lasting_ms,
        "--public-key",
        &key,
    ];
    let home = folder.join(&made.manifest.home);
    let samples: Samples = program.ask(&home, &made.environment, &words.map(str::to_owned))?;
    Ok(samples.sign_ns)
}

fn slowest_us(ns: &[u64]) -> Option<u64> {
    ns.iter().max().map(|ns| ns.div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: a part of a microsecond counts as one, and nothing measured is nothing known.
    #[test]
    fn the_slowest_sample_counts() {
        assert_eq!(slowest_us(&[7, 2_001, 900]), Some(3));
        assert_eq!(slowest_us(&[]), None);
    }
}
