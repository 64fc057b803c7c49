//! `falaj openapi`: the document of the API that this program serves.

use clap::Args;

use super::{Failure, Scene, print};
use crate::shell::api;

/// Prints the OpenAPI document of the API, indented, or with `--json` on one line.
#[derive(Args)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn run(&self, scene: &Scene) -> Result<(), Failure> {
        let document = api::document();
        if scene.json {
            print::json(&document);
        } else {
            print::line(&api::text(&document));
        }
        Ok(())
    }
}
