//! `falaj-testnet new`: makes a testnet's folder.

use anyhow::Result;
use clap::Args;
use falaj_consensus::crypto::Algorithm;
use std::path::{Path, PathBuf};

use super::print;
use crate::economy::Plan;
use crate::hold::Hold;
use crate::manifest::{Manifest, SignerKind};
use crate::program::Program;
use crate::provision::{self, Order};
use crate::timers::TimersManifest;

/// What is said with the software signer, always.
const BANNER: &str = "TEST: software keys sign for these validators; no HSM protects them";

/// Makes a testnet's folder.
#[derive(Args)]
pub(super) struct New {
    /// The folder; missing or empty.
    #[arg(long)]
    dir: PathBuf,
    #[command(flatten)]
    shape: Shape,
}

/// What a testnet is made of.
#[derive(Args)]
pub(super) struct Shape {
    /// How many validators.
    #[arg(long, default_value_t = 4)]
    validators: usize,
    /// Where their keys sign.
    #[arg(long, value_enum, default_value_t = SignerKind::Softhsm)]
    signer: SignerKind,
    /// Algorithm of the keys, or several, taken in turn: p256, p384, rsa-pss-2048, rsa-pss-3072, rsa-pss-4096, ed25519. The default is p256,
    /// with the software signer ed25519.
    #[arg(long, value_delimiter = ',', value_parser = algorithm)]
    algorithm: Vec<Algorithm>,
    /// Banks beside the central bank.
    #[arg(long, default_value_t = Plan::default().banks)]
    banks: u32,
    /// Customers' accounts of each bank.
    #[arg(long, default_value_t = Plan::default().customers)]
    customers: u32,
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, String> {
    let names = || Algorithm::ALL.map(Algorithm::name).join(", ");
    Algorithm::from_name(text).ok_or_else(|| format!("the algorithms are {}", names()))
}

impl New {
    pub(super) fn run(&self, json: bool) -> Result<bool> {
        let program = Program::find()?;
        let hold = Hold::take(&self.dir)?;
        let manifest = self.shape.make(&program, hold.folder())?;
        let folder = hold.folder();
        if json {
            print::json(&serde_json::json!({ "dir": folder, "timers": manifest.timers }));
        } else {
            tell(&manifest.timers);
            print::line(&format!(
                "made {}; run: falaj-testnet up --dir {0}",
                folder.display()
            ));
        }
        Ok(true)
    }
}

/// What was measured, and the timers made of it.
fn tell(timers: &TimersManifest) {
    let TimersManifest {
        measured,
        delta_ms,
        propose_ms,
        prevote_ms,
        precommit_ms,
        tick_ms,
    } = timers;
    print::line(&format!(
        "measured here: a signature {} µs, a sync {} µs; with allowances for load and full blocks Δ is {delta_ms} ms",
        measured.sign_us, measured.sync_us
    ));
    print::line(&format!(
        "timers: propose {propose_ms} ms, prevote {prevote_ms} ms, precommit {precommit_ms} ms, tick {tick_ms} ms"
    ));
}

impl Shape {
    /// Makes the folder.
    pub(super) fn make(&self, program: &Program, folder: &Path) -> Result<Manifest> {
        self.warn();
        provision::create(program, folder, &self.order())
    }

    /// Says what must be said of the signer.
    pub(super) fn warn(&self) {
        if self.signer == SignerKind::Software {
            print::note(BANNER);
        }
    }

    /// What is to be made.
    pub(super) fn order(&self) -> Order {
        let usual = match self.signer {
            SignerKind::Softhsm => Algorithm::EcdsaP256,
            SignerKind::Software => Algorithm::Ed25519,
        };
        let algorithms = if self.algorithm.is_empty() {
            vec![usual]
        } else {
            self.algorithm.clone()
        };
        let plan = Plan {
            banks: self.banks,
            customers: self.customers,
            ..Plan::default()
        };
        Order {
            validators: self.validators,
            signer: self.signer,
            algorithms,
            plan,
        }
    }
}
