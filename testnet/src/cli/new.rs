//! `falaj-testnet new`: makes a testnet's folder.

use anyhow::Result;
use clap::Args;
use falaj_consensus::crypto::Algorithm;
use std::path::{Path, PathBuf};

use super::number::at_least_one;
use super::print;
use crate::economy::Plan;
use crate::exit::Trouble;
use crate::hold::Hold;
use crate::manifest::{GENESIS_FILE, Manifest, SignerKind, read_genesis};
use crate::program::Program;
use crate::provision::{self, Order};
use crate::timers::TimersManifest;

/// How many, if nothing else is asked for.
const VALIDATORS: usize = 4;
/// Most banks: each has a key file of its own.
const BANKS_MAX: i64 = 1_000;
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
    /// How many validators, at most 100; 4 if not given.
    #[arg(long, value_parser = validators)]
    validators: Option<usize>,
    /// Where their keys sign; softhsm if not given.
    #[arg(long, value_enum)]
    signer: Option<SignerKind>,
    /// Algorithm of the keys, or several, taken in turn: p256, p384, rsa-pss-2048, rsa-pss-3072, rsa-pss-4096, ed25519. The default is p256,
    /// with the software signer ed25519.
    #[arg(long, value_delimiter = ',', value_parser = algorithm)]
    algorithm: Vec<Algorithm>,
    /// Banks beside the central bank; 4 if not given.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=BANKS_MAX))]
    banks: Option<u32>,
    /// Customers' accounts of each bank; 250 if not given.
    #[arg(long)]
    customers: Option<u32>,
}

fn validators(text: &str) -> Result<usize, String> {
    let number = at_least_one(text)?;
    let most = provision::TESTNET_VALIDATORS_MAX;
    let number = Some(number).filter(|number| *number <= most);
    number.ok_or_else(|| format!("a testnet has at most {most} validators"))
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
        provision::create(program, folder, &self.order(), &print::note)
    }

    /// That what was given on the command line is what a testnet has; what was not given is not asked for.
    pub(super) fn check(&self, folder: &Path, manifest: &Manifest) -> Result<()> {
        let validators = &manifest.validators;
        let banks = manifest.participants.len().saturating_sub(1);
        let genesis = read_genesis(&folder.join(GENESIS_FILE))?;
        let customers = genesis.accounts.len().saturating_sub(banks) / banks.max(1);
        let signs = |kind| validators.iter().all(|validator| validator.signer == kind);
        let asked = self
            .algorithm
            .iter()
            .map(|algorithm| algorithm.name())
            .cycle();
        let mut algorithms = validators.iter().zip(asked);
        let is = |found: usize, asked: Option<u32>| {
            asked.is_none_or(|asked| u32::try_from(found) == Ok(asked))
        };
        let flags = [
            (
                "--validators",
                self.validators
                    .is_none_or(|count| count == validators.len()),
            ),
            ("--signer", self.signer.is_none_or(signs)),
            (
                "--algorithm",
                algorithms.all(|(validator, asked)| validator.algorithm == asked),
            ),
            ("--banks", is(banks, self.banks)),
            ("--customers", is(customers, self.customers)),
        ];
        let Some((flag, _)) = flags.iter().find(|(_, holds)| !holds) else {
            return Ok(());
        };
        let folder = folder.display();
        let wrong = format!("{folder} is a testnet already, and not the one that {flag} asks for");
        Err(Trouble::Usage(wrong).into())
    }

    /// Says what must be said of the signer.
    pub(super) fn warn(&self) {
        if self.signer == Some(SignerKind::Software) {
            print::note(BANNER);
        }
    }

    /// What is to be made.
    pub(super) fn order(&self) -> Order {
        let signer = self.signer.unwrap_or(SignerKind::Softhsm);
        let usual = match signer {
            SignerKind::Softhsm => Algorithm::EcdsaP256,
            SignerKind::Software => Algorithm::Ed25519,
        };
        let algorithms = if self.algorithm.is_empty() {
            vec![usual]
        } else {
            self.algorithm.clone()
        };
        let usual = Plan::default();
        let plan = Plan {
            banks: self.banks.unwrap_or(usual.banks),
            customers: self.customers.unwrap_or(usual.customers),
            ..usual
        };
        Order {
            validators: self.validators.unwrap_or(VALIDATORS),
            signer,
            algorithms,
            plan,
        }
    }
}
