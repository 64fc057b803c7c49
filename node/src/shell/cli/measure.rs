//! `falaj measure`: what the parts cost alone, for `make bench` and `falaj-testnet new`. Not for operators, so it is not in the help; it prints JSON.
//!
//! Source: `docs/guide/bench.md`, "Floors".

use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

use super::{Failure, Scene, print};
use crate::shell::config::Config;
use crate::shell::measure::{link, store, token};

/// What to measure.
#[derive(Subcommand)]
pub(super) enum Measure {
    /// A message through the transport, there and back on loopback.
    Link {
        /// How often.
        #[arg(long)]
        round_trips: u32,
        /// Length of the message.
        #[arg(long)]
        bytes: usize,
    },
    /// Canaries signed by the key of the home.
    Token {
        /// For how long, in milliseconds.
        #[arg(long)]
        lasting_ms: u64,
        /// The key's public half in hexadecimal, for a home that has no genesis yet.
        #[arg(long)]
        public_key: Option<String>,
    },
    /// The blocks of the home, whose node does not run, to a store and as plain appends.
    Store {
        /// An empty folder on the disk in question.
        #[arg(long)]
        scratch: PathBuf,
    },
}

impl Measure {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        match self {
            Self::Link { round_trips, bytes } => measure_link(*round_trips, *bytes),
            Self::Token {
                lasting_ms,
                public_key,
            } => {
                let config = Config::load(&scene.home)?;
                let lasting = Duration::from_millis(*lasting_ms);
                let public = public_key.as_deref();
                let samples = token::measure(&scene.home, &config, public, lasting)?;
                print::json(&samples);
                Ok(())
            }
            Self::Store { scratch } => {
                let config = Config::load(&scene.home)?;
                let blocks = store::measure(&scene.home, &config, scratch)?;
                print::json(&serde_json::json!({ "blocks": blocks }));
                Ok(())
            }
        }
    }
}

fn measure_link(round_trips: u32, bytes: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(70, error))?;
    let samples = runtime
        .block_on(link::measure(round_trips, bytes))
        .map_err(|error| Failure::new(Failure::UNAVAILABLE, error))?;
    print::json(&samples);
    Ok(())
}

impl From<token::TokenMeasureError> for Failure {
    fn from(error: token::TokenMeasureError) -> Self {
        match error {
            token::TokenMeasureError::Home(error) => error.into(),
            token::TokenMeasureError::Signer(error) => error.into(),
            token::TokenMeasureError::PublicKey => Self::new(Self::USAGE, error),
            token::TokenMeasureError::NoValidator | token::TokenMeasureError::Sign(_) => {
                Self::new(Self::CONFIG, error)
            }
        }
    }
}

impl From<store::StoreMeasureError> for Failure {
    fn from(error: store::StoreMeasureError) -> Self {
        match error {
            store::StoreMeasureError::Home(error) => error.into(),
            store::StoreMeasureError::Logs(_) => Self::new(Self::DATA, error),
            store::StoreMeasureError::Store(_) | store::StoreMeasureError::Plain(_) => {
                Self::new(Self::DISK, error)
            }
        }
    }
}
