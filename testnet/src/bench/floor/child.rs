//! Floors that need the node's own parts, measured by short-lived processes of `falaj`: its transport, and its way to the token.
//!
//! Invariant: they end by themselves, and this process does not end before them.
//! Source: `docs/guide/bench.md`, "Floors".

use anyhow::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::bench::numbers::Percentiles;
use crate::program::{Environment, Program};

/// About the length of a vote in its frame.
const MESSAGE_BYTES: u32 = 256;
/// How long the tokens sign, in milliseconds, for a thousand samples.
const SIGNING_MS: u32 = 1_000;

type Home = (PathBuf, Environment);

#[derive(Deserialize)]
struct Link {
    round_trip_ns: Vec<u64>,
}

#[derive(Deserialize)]
struct Token {
    sign_ns: Vec<u64>,
}

/// One way.
pub(super) async fn message(
    program: &Program,
    homes: &[Home],
    count: u32,
) -> Result<Option<Percentiles>> {
    let Some(home) = homes.first() else {
        return Ok(None);
    };
    let (count, bytes) = (count.to_string(), MESSAGE_BYTES.to_string());
    let words = ["link", "--round-trips", &count, "--bytes", &bytes];
    let link: Link = ask(program, home, &words).await??;
    let one_way: Vec<_> = link.round_trip_ns.iter().map(|both| both / 2).collect();
    Ok(Percentiles::of_ns(&one_way))
}

/// By all tokens at the same time.
pub(super) async fn signatures(
    program: &Program,
    homes: &[Home],
    count: u32,
) -> Result<Option<Percentiles>> {
    let lasting_ms = SIGNING_MS.saturating_mul(count).div_ceil(1_000).to_string();
    let words = ["token", "--lasting-ms", &lasting_ms];
    let asked: Vec<_> = homes
        .iter()
        .map(|home| ask::<Token>(program, home, &words))
        .collect();
    let mut samples = Vec::new();
    for token in asked {
        samples.extend(token.await??.sign_ns);
    }
    Ok(Percentiles::of_ns(&samples))
}

/// Runs `falaj measure …`.
pub(in crate::bench) fn ask<T: DeserializeOwned + Send + 'static>(
    program: &Program,
    (home, environment): &Home,
    words: &[&str],
) -> JoinHandle<Result<T>> {
    let arguments: Vec<String> = std::iter::once(&"measure")
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect();
    let (program, home, environment) = (program.clone(), home.clone(), environment.clone());
    spawn_blocking(move || program.ask(&home, &environment, &arguments))
}
