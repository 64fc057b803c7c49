//! The demo at a terminal: a table twice a second, and keys that make faults.

use anyhow::Result;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, interval};

use super::keyboard::Keyboard;
use super::screen::{self, Picture, Row};
use super::stage::Stage;
use super::tour::Faults;
use crate::economy::SCALE;
use crate::http;
use crate::load::Tally;
use falaj_ledger::amount::{Scale, Units};
use serde::Deserialize;

const FRAME: Duration = Duration::from_millis(500);
const NOTES_MAX: usize = 8;

/// Shows the network until somebody quits.
pub(super) async fn run(stage: &mut Stage, tally: &Tally) -> Result<Faults> {
    let mut keyboard = Keyboard::take()?;
    let mut frames = interval(FRAME);
    let mut show = Show::new(stage);
    screen::clear();
    loop {
        tokio::select! {
            _ = frames.tick() => show.draw(stage, tally).await,
            key = keyboard.key() => match key {
                Some(b'k') => show.kill_or_start(stage).await?,
                Some(b'h') => show.token(stage).await?,
                Some(b'q') | None => return Ok(show.faults),
                Some(_) => {}
            },
        }
    }
}

/// What is on show.
struct Show {
    started: Instant,
    drawn: (Instant, u64),
    killed: Option<usize>,
    without_token: Option<usize>,
    next: usize,
    notes: Vec<String>,
    faults: Faults,
}

#[derive(Deserialize)]
struct Status {
    height: u64,
}

impl Show {
    fn new(stage: &Stage) -> Self {
        let now = Instant::now();
        Self {
            started: now,
            drawn: (now, 0),
            killed: None,
            without_token: None,
            next: stage.network().validators.len().saturating_sub(1),
            notes: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Kills the next validator, or starts the one that is down.
    async fn kill_or_start(&mut self, stage: &mut Stage) -> Result<()> {
        let Some(index) = self.killed.take() else {
            let index = self.choose(stage);
            stage.kill(index)?;
            self.killed = Some(index);
            self.note(stage, index, "was killed");
            return Ok(());
        };
        self.note(stage, index, "starts again");
        self.faults.validator_back = stage.start(index).await?;
        self.back(stage, index, self.faults.validator_back);
        Ok(())
    }

    /// Takes the next validator's token, or brings back the one that is gone.
    async fn token(&mut self, stage: &mut Stage) -> Result<()> {
        if !stage.has_tokens() {
            self.notes
                .push("there are no tokens with the software signer".into());
            return Ok(());
        }
        let Some(index) = self.without_token.take() else {
            let index = self.choose(stage);
            stage.take_token(index)?;
            self.without_token = Some(index);
            self.note(stage, index, "has lost its HSM");
            return Ok(());
        };
        self.note(stage, index, "has its HSM again");
        self.faults.hsm_back = stage.return_token(index).await?;
        self.back(stage, index, self.faults.hsm_back);
        Ok(())
    }

    /// Whose turn it is, among those that have no fault.
    fn choose(&mut self, stage: &Stage) -> usize {
        let count = stage.network().validators.len();
        let faulty: BTreeSet<_> = self
            .killed
            .iter()
            .chain(&self.without_token)
            .copied()
            .collect();
        let turns = (0..count).map(|turn| (self.next + turn) % count);
        let index = turns
            .into_iter()
            .find(|index| !faulty.contains(index))
            .unwrap_or(self.next);
        self.next = (index + 1) % count;
        index
    }

    fn back(&mut self, stage: &Stage, index: usize, back: Option<Duration>) {
        // With two away the network rightly stands still, so only a fault alone has to end.
        let alone = self.killed.is_none() && self.without_token.is_none();
        self.faults.failed |= back.is_none() && alone;
        match back {
            Some(back) => self.note(
                stage,
                index,
                &format!("votes again after {} ms", back.as_millis()),
            ),
            None => self.note(stage, index, "does not vote yet"),
        }
    }

    fn note(&mut self, stage: &Stage, index: usize, what: &str) {
        let name = stage
            .network()
            .validators
            .get(index)
            .map_or("a validator", |validator| validator.name.as_str());
        let at = self.started.elapsed().as_secs_f64();
        self.notes.push(format!("{at:>7.1} s  {name} {what}"));
        let surplus = self.notes.len().saturating_sub(NOTES_MAX);
        self.notes.drain(..surplus);
    }

    async fn draw(&mut self, stage: &Stage, tally: &Tally) {
        let (totals, now) = (tally.totals(), Instant::now());
        let (before, settled_before) = std::mem::replace(&mut self.drawn, (now, totals.settled));
        let passed_s = (now - before).as_secs_f64().max(f64::EPSILON);
        let seen = stage.witness().seen();
        let mut rows = Vec::new();
        for validator in &stage.network().validators {
            let signed = seen.signed.get(&validator.index);
            let killed = self.killed == Some(validator.index);
            rows.push(Row {
                name: validator.name.clone(),
                state: self.state(validator.index),
                height: if killed {
                    None
                } else {
                    height(&validator.api_address()).await
                },
                voted_s: signed.map(|(_, at)| at.elapsed().as_secs_f64()),
                api: validator.api.clone(),
            });
        }
        screen::draw(&Picture {
            title: format!(
                "Falaj {}, {} validators, {:.0} s",
                stage.network().chain,
                rows.len(),
                self.started.elapsed().as_secs_f64()
            ),
            height: seen.height,
            per_second: totals.settled.saturating_sub(settled_before) as f64 / passed_s,
            totals,
            supply: supply(stage),
            rows,
            notes: self.notes.clone(),
        });
    }

    fn state(&self, index: usize) -> &'static str {
        if self.killed == Some(index) {
            "killed"
        } else if self.without_token == Some(index) {
            "no HSM"
        } else {
            "runs"
        }
    }
}

async fn height(address: &Result<std::net::SocketAddr>) -> Option<u64> {
    let answer = http::get(*address.as_ref().ok()?, "/v1/status")
        .await
        .ok()?;
    Some(answer.json::<Status>().ok()?.height)
}

fn supply(stage: &Stage) -> String {
    let scale = Scale::new(SCALE);
    let spell = |units: &String| Some(Units::new(units.parse().ok()?).to_decimal(scale?));
    let supply = stage.witness().seen().supply;
    let supply: Vec<_> = supply
        .iter()
        .map(|(code, units)| format!("{} {code}", spell(units).unwrap_or_else(|| units.clone())))
        .collect();
    let word = match stage.supply_holds() {
        None => return "no block yet".into(),
        Some(true) => "unchanged",
        Some(false) => "CHANGED",
    };
    format!("{}, {word}", supply.join(", "))
}
