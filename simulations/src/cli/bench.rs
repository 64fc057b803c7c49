//! `falaj-sim bench`: how fast this machine simulates.
//!
//! Shape: each point runs seeds of one scenario, from 0 on, until its time is over, and lets those under way come to their end.
//! Errors: figures never fail it; a run that is not what it should be gives the exit code of its verdict.
//! Source: `docs/simulation.md`, "Speed".

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use clap::Args;
use falaj_simulations::run::{Report, Verdict, run as run_one};
use falaj_simulations::scenario::Plan;
use falaj_simulations::scenario::file::File;
use serde_json::{Value, json};

use super::exit::Failure;
use super::print;
use super::progress::waiting;
use super::run::jobs;
use crate::speed::Speed;

/// A block a second, four validators, a good day.
const REAL_TIME: &str = "about = \"A block a second.\"\nheights = 120\n[clients]\ngap_min_ms = 1000\ngap_cap_ms = 1000\n";
/// All trouble that chance has, and then 300 heights.
const HEIGHTS: &str = "about = \"300 heights.\"\ndrawn = \"all\"\nheights = 300\n";

#[derive(Args)]
pub(super) struct BenchArgs {
    /// How long each point runs, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Two seconds a point, for a look.
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    /// How many seeds run at a time where more than one does; as many as there are processors if not said.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What is measured.
struct Point {
    name: &'static str,
    plan: Plan,
    jobs: usize,
}

/// What it came to.
struct Measured {
    name: &'static str,
    verdict: Verdict,
    runs: u64,
    heights: u64,
    speed: Speed,
}

pub(super) fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let seconds = if args.quick { 2 } else { args.seconds };
    let limit = Duration::from_secs(seconds);
    let measured: Vec<Measured> = points(jobs(args.jobs))
        .iter()
        .map(|point| measure(point, limit))
        .collect();
    let lines: Vec<String> = if args.json {
        vec![
            json!({ "points": measured.iter().map(Measured::json).collect::<Vec<_>>() })
                .to_string(),
        ]
    } else {
        measured.iter().map(Measured::words).collect()
    };
    print::line(&lines.join("\n"))?;
    let worst = measured.iter().map(|point| point.verdict).max();
    Ok(ExitCode::from(
        worst.unwrap_or(Verdict::SafeLive).exit_code(),
    ))
}

fn points(jobs: usize) -> [Point; 3] {
    let file = |text| {
        let file = File::parse(text).expect("a scenario of the program");
        Plan::File(Box::new(file))
    };
    let point = |name, plan, jobs| Point { name, plan, jobs };
    [
        point("random seeds, one core", Plan::Swarm, 1),
        point("a block a second, four validators", file(REAL_TIME), 1),
        point(
            "300 heights a seed, all that chance has",
            file(HEIGHTS),
            jobs,
        ),
    ]
}

/// Runs seeds until the time is over, one in each job at least.
fn measure(point: &Point, limit: Duration) -> Measured {
    let bar = waiting(point.name);
    let (started, next) = (Instant::now(), AtomicU64::new(0));
    let reports: Vec<Report> = std::thread::scope(|scope| {
        let (sender, ended) = channel();
        for _ in 0..point.jobs {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let report = run_one(seed, &point.plan.scenario(seed), None);
                    if sender.send(report).is_err() || started.elapsed() >= limit {
                        return;
                    }
                }
            });
        }
        drop(sender);
        ended.iter().collect()
    });
    bar.finish_and_clear();
    Measured::of(point, started.elapsed(), &reports)
}

impl Measured {
    fn of(point: &Point, wall: Duration, reports: &[Report]) -> Self {
        let runs = reports.len() as u64;
        let worst = reports.iter().map(|report| report.verdict).max();
        Self {
            name: point.name,
            verdict: worst.unwrap_or(Verdict::SafeLive),
            runs,
            heights: reports.iter().map(|report| report.heights.get()).sum(),
            speed: Speed {
                wall,
                runs,
                events: reports.iter().map(|report| report.events).sum(),
                sim_ns: reports.iter().map(|report| u128::from(report.sim_ns)).sum(),
                jobs: point.jobs,
            },
        }
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name,
            "verdict": self.verdict.name(),
            "seeds": self.runs,
            "heights": self.heights,
            "speed": self.speed.json(),
        })
    }

    fn words(&self) -> String {
        let (name, verdict, speed) = (self.name, self.verdict.name(), self.speed.words());
        let (runs, heights) = (self.runs, self.heights);
        format!("{name}: {speed} ({runs} seeds, {heights} heights, {verdict})")
    }
}
