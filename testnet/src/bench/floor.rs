//! The floors of a run: what checking, sending, signing and syncing cost alone, on this machine, now.
//!
//! Verification is CPU of one thread, in this process, by the checker that the nodes use, in slices of the size that the nodes use, on
//! payments of the load: its four bank keys recur, which the batch turns to account, so this is the lowest floor that the load allows.
//! A message is half of one there and back through the nodes' transport on an idle loopback. A signature is one of as many tokens as
//! validators, all signing at the same time. A sync is a short record appended to a file beside the nodes' own and synced, alone.
//! Units: microseconds.
//! Source: `docs/guide/bench.md`, "Floors".

pub(super) mod child;
mod verify;

use anyhow::{Context as _, Result};
use serde::Serialize;
use std::path::PathBuf;

use super::numbers::{Percentiles, Spread};
use super::plan::Depth;
use super::stage::Stage;
use crate::program::{Environment, Program};
use crate::synced;
use verify::Batch;

/// Messages between the proposal and the last precommit.
const DELAYS: f64 = 3.0;
/// Validators that check each payment.
const CHECKS: f64 = super::stage::VALIDATORS as f64;

/// The floors of one repetition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floors {
    /// CPU of one signature's check in a full batch.
    pub(super) verify_us: f64,
    /// One message.
    pub(super) message: Percentiles,
    /// One signature, every token at work.
    pub(super) sign: Percentiles,
    /// One sync.
    pub(super) sync: Percentiles,
}

/// The floors of a network, over its repetitions.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// CPU of one signature's check in a full batch, in microseconds.
    pub verify_us: Option<Spread>,
    /// One message, p50 in microseconds.
    pub message_us: Option<Spread>,
    /// One signature, p50 in microseconds, every token at work.
    pub sign_us: Option<Spread>,
    /// One sync, p50 in microseconds.
    pub sync_us: Option<Spread>,
    /// CPU of four checks, in microseconds.
    pub four_checks_us: Option<Spread>,
    /// Three messages and three times the larger of signing and syncing, in milliseconds.
    pub critical_path_ms: Option<Spread>,
}

impl Floors {
    /// What checking a payment costs all validators together at least.
    pub(super) fn four_checks_us(&self) -> f64 {
        CHECKS * self.verify_us
    }

    /// The least time from a proposal to its certificate.
    pub(super) fn critical_path_ms(&self) -> f64 {
        let slower = self.sign.p50.max(self.sync.p50);
        (DELAYS * self.message.p50 + DELAYS * slower) / 1_000.0
    }

    /// What several repetitions found.
    pub(super) fn summary(all: &[Self]) -> Summary {
        let spread = |of: fn(&Self) -> f64| Spread::of(all.iter().map(of));
        Summary {
            verify_us: spread(|floors| floors.verify_us),
            message_us: spread(|floors| floors.message.p50),
            sign_us: spread(|floors| floors.sign.p50),
            sync_us: spread(|floors| floors.sync.p50),
            four_checks_us: spread(Self::four_checks_us),
            critical_path_ms: spread(Self::critical_path_ms),
        }
    }
}

/// Measures the floors of a network, again and again.
pub(super) struct Runner {
    program: Program,
    homes: Vec<(PathBuf, Environment)>,
    folder: PathBuf,
    batch: Batch,
    samples: u32,
}

impl Runner {
    pub(super) fn new(program: Program, stage: &Stage, depth: &Depth) -> Result<Self> {
        let validators = stage.network().validators.iter();
        let homes = validators.map(|validator| (validator.home.clone(), validator.env.clone()));
        Ok(Self {
            program,
            homes: homes.collect(),
            folder: stage.folder().to_owned(),
            batch: Batch::of(stage)?,
            samples: depth.samples,
        })
    }

    /// One after the other, so that none is in the way of another.
    pub(super) async fn measure(&self) -> Result<Floors> {
        let verify_us = self.batch.measure()?;
        let sync = Percentiles::of_ns(&synced::sample(&self.folder, self.samples / 4)?);
        let message = child::message(&self.program, &self.homes, self.samples).await?;
        let sign = child::signatures(&self.program, &self.homes, self.samples).await?;
        Ok(Floors {
            verify_us: verify_us.context("no signature was checked")?,
            message: message.context("no message came back")?,
            sign: sign.context("no token signed")?,
            sync: sync.context("nothing was synced")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn both(us: f64) -> Percentiles {
        Percentiles { p50: us, p99: us }
    }

    fn floors(sign_us: f64, sync_us: f64) -> Floors {
        Floors {
            verify_us: 20.0,
            message: both(100.0),
            sign: both(sign_us),
            sync: both(sync_us),
        }
    }

    // Goal: signing and syncing run side by side, so only the larger of the two is on the path.
    #[test]
    fn the_critical_path_holds_the_larger_of_signing_and_syncing() {
        assert!((floors(200.0, 300.0).critical_path_ms() - 1.2).abs() < 1e-9);
        assert!((floors(2_000.0, 300.0).critical_path_ms() - 6.3).abs() < 1e-9);
    }

    #[test]
    fn every_validator_checks_every_payment() {
        assert!((floors(1.0, 1.0).four_checks_us() - 80.0).abs() < 1e-9);
    }

    #[test]
    fn a_summary_has_the_spread_of_all_repetitions() {
        let summary = Floors::summary(&[floors(100.0, 300.0), floors(100.0, 500.0)]);
        let sync = summary.sync_us.unwrap();
        assert_eq!((sync.min, sync.max, sync.median), (300.0, 500.0, 400.0));
        assert!(Floors::summary(&[]).verify_us.is_none());
    }
}
