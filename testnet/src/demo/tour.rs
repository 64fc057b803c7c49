//! The scripted tour: load all the time, one validator killed and back, one HSM gone and back.
//!
//! Shape: moments are fractions of the tour's length; what waits for a validator moves all after it back.

use anyhow::Result;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

use super::Tell;
use super::stage::Stage;

const KILL_AT: f64 = 0.15;
const START_AT: f64 = 0.30;
const TOKEN_GONE_AT: f64 = 0.50;
const TOKEN_BACK_AT: f64 = 0.65;

/// What became of the faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// From starting the killed validator to its first vote in a certificate.
    pub(super) validator_back: Option<Duration>,
    /// From the token's return to the first vote in a certificate.
    pub(super) hsm_back: Option<Duration>,
    /// Whether what was tried failed.
    pub(super) failed: bool,
}

pub(super) async fn run(stage: &mut Stage, seconds: f64, tell: Tell<'_>) -> Result<Faults> {
    let started = Instant::now();
    let at = |fraction: f64| sleep_until(started + Duration::from_secs_f64(seconds * fraction));
    let killed = stage.network().validators.len().saturating_sub(1);
    let mut faults = Faults::default();
    at(KILL_AT).await;
    say(stage, tell, &format!("kill -9 of {}", name(stage, killed)));
    stage.kill(killed)?;
    went_on(stage, tell, &mut faults).await;
    at(START_AT).await;
    say(
        stage,
        tell,
        &format!("starting {} again", name(stage, killed)),
    );
    faults.validator_back = stage.start(killed).await?;
    votes_again(stage, tell, killed, faults.validator_back, &mut faults);
    if stage.has_tokens() {
        let victim = 1.min(killed);
        at(TOKEN_GONE_AT).await;
        say(
            stage,
            tell,
            &format!("the HSM of {} is gone", name(stage, victim)),
        );
        stage.take_token(victim)?;
        went_on(stage, tell, &mut faults).await;
        at(TOKEN_BACK_AT).await;
        say(
            stage,
            tell,
            &format!("the HSM of {} is back", name(stage, victim)),
        );
        faults.hsm_back = stage.return_token(victim).await?;
        votes_again(stage, tell, victim, faults.hsm_back, &mut faults);
    }
    at(1.0).await;
    say(stage, tell, "the load ends");
    Ok(faults)
}

fn name(stage: &Stage, index: usize) -> String {
    stage
        .network()
        .validators
        .get(index)
        .map_or_else(String::new, |validator| validator.name.clone())
}

fn say(stage: &Stage, tell: Tell<'_>, what: &str) {
    tell(&format!(
        "height {:>6}  {what}",
        stage.witness().seen().height
    ));
}

async fn went_on(stage: &Stage, tell: Tell<'_>, faults: &mut Faults) {
    let moves = stage.moves().await;
    faults.failed |= !moves;
    say(
        stage,
        tell,
        if moves {
            "the network goes on"
        } else {
            "the network STANDS STILL"
        },
    );
}

fn votes_again(
    stage: &Stage,
    tell: Tell<'_>,
    index: usize,
    back: Option<Duration>,
    faults: &mut Faults,
) {
    faults.failed |= back.is_none();
    let what = back.map_or_else(
        || "does NOT vote again".into(),
        |back| format!("votes again after {} ms", back.as_millis()),
    );
    say(stage, tell, &format!("{} {what}", name(stage, index)));
}
