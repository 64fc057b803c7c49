//! `falaj-testnet bench`: what the node costs, as ratios to floors measured in the same run.
//!
//! Figures never fail it: whether a mark is met is in the report. It fails when something cannot be measured or a payment is lost.

use anyhow::Result;
use clap::Args;
use falaj_consensus::crypto::Algorithm;
use std::path::PathBuf;

use super::new::algorithm;
use super::print;
use crate::bench::{self, Options, Plan, Report};
use crate::manifest::SignerKind;

/// Measures costs as ratios to floors of the same run, and writes them to a report.
#[derive(Args)]
pub(super) struct Bench {
    /// A short run: one repetition of short points, for a look.
    #[arg(long)]
    quick: bool,
    /// The shortest run: whether everything can be measured at all. Its figures say nothing.
    #[arg(long, hide = true, conflicts_with = "quick")]
    trial: bool,
    /// Where the validators' keys sign.
    #[arg(long, value_enum, default_value_t = SignerKind::Softhsm)]
    signer: SignerKind,
    /// Algorithms of the validators' keys, a network each; the marks are for the first. The default is p256,rsa-pss-3072,ed25519, with the
    /// software signer ed25519.
    #[arg(long, value_delimiter = ',', value_parser = algorithm)]
    algorithm: Vec<Algorithm>,
    /// Where the report goes; bench/report.json in cargo's target folder if not given.
    #[arg(long)]
    report: Option<PathBuf>,
}

impl Bench {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let options = Options {
            signer: self.signer,
            algorithms: self.algorithms(),
            plan: self.plan(),
        };
        let Some(report) = super::runtime()?.block_on(bench::run(&options, &print::note))? else {
            print::note("interrupted");
            return Ok(false);
        };
        let path = self.report.clone().unwrap_or_else(|| {
            Report::default_path(std::env::var_os("CARGO_TARGET_DIR").map(Into::into))
        });
        report.write(&path)?;
        if json {
            print::json(&report);
        } else {
            bench::table(&report)
                .iter()
                .for_each(|line| print::line(line));
            print::line(&format!("report: {}", path.display()));
        }
        Ok(true)
    }

    fn plan(&self) -> Plan {
        if self.trial {
            Plan::trial()
        } else if self.quick {
            Plan::quick()
        } else {
            Plan::full()
        }
    }

    fn algorithms(&self) -> Vec<Algorithm> {
        if !self.algorithm.is_empty() {
            return self.algorithm.clone();
        }
        match self.signer {
            SignerKind::Softhsm => vec![
                Algorithm::EcdsaP256,
                Algorithm::RsaPss3072,
                Algorithm::Ed25519,
            ],
            SignerKind::Software => vec![Algorithm::Ed25519],
        }
    }
}
