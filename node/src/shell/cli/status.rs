//! `falaj status`: where a node stands, whether it is well, and why it is not moving if it is not.
//!
//! Invariant: what is shown is what the node says of itself at that moment; a check that fails is exit code 1 and says why and what to do.
//! A node that follows is not asked whether it votes.
//! Source: `docs/spec/api.md`, "Health"; `docs/guide/cli.md`.

mod seen;
mod table;
#[cfg(test)]
mod tests;

use clap::Args;

use super::endpoint::Endpoint;
use super::{Failure, Scene, print};
use seen::Seen;

/// Shows where the node stands, whether it is well, and why it is not moving if it is not.
#[derive(Args)]
pub(super) struct Status {
    #[command(flatten)]
    endpoint: Endpoint,
}

impl Status {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let seen = Seen::ask(&self.endpoint.client(scene)?)?;
        if scene.json {
            print::json(&seen.to_json());
        } else {
            table::lines(&seen)
                .iter()
                .for_each(|line| print::line(line));
        }
        if seen.is_well() {
            Ok(())
        } else {
            Err(Failure::new(Failure::CHECK, "a check of the node failed").told())
        }
    }
}
