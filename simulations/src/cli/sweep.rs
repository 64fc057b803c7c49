//! `falaj-sim run --out FOLDER` and `falaj-sim merge`: sweeps, and campaigns of random scenarios, in parts.
//!
//! Shape: a part that was interrupted goes on where it was; parts of one sweep are put together when all are there.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use falaj_simulations::run::Verdict;
use falaj_simulations::scenario::Plan;
use falaj_simulations::scenario::file::{File, Point, words};
use falaj_simulations::sweep::{PointSummary, Record, Shard, Sweep, summary};
use serde_json::json;

use super::exit::Failure;
use super::folder::{self, Folder, Manifest};
use super::input::read_text;
use super::interrupt::Interrupt;
use super::print;
use super::progress::progress;
use super::provenance::provenance;
use super::report::write_sweep;
use crate::speed::Speed;

/// A part of a sweep to run.
pub(super) struct Part<'a> {
    pub(super) scenario: Option<&'a Path>,
    pub(super) out: &'a Path,
    pub(super) seeds: Option<Range<u64>>,
    pub(super) shard: Shard,
    pub(super) jobs: usize,
    pub(super) json: bool,
}

#[derive(Args)]
pub(super) struct MergeArgs {
    /// Where the whole goes.
    #[arg(long)]
    out: PathBuf,
    /// The folders of all shards.
    #[arg(required = true)]
    shards: Vec<PathBuf>,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(part: &Part<'_>) -> Result<ExitCode, Failure> {
    let (sweep, manifest) = plan(part)?;
    let interrupt = Interrupt::listen();
    let (mut folder, mut records) = Folder::open(part.out, &manifest)?;
    let done: BTreeSet<String> = records.iter().map(|record| record.id.clone()).collect();
    let bar = progress(manifest.runs);
    let (started, before) = (Instant::now(), records.len());
    bar.inc(before as u64);
    let mut kept = Ok(());
    let tasks = sweep.tasks(part.shard);
    sweep.run(&tasks, &done, part.jobs, |record| {
        bar.inc(1);
        kept = folder.add(&record);
        records.push(record);
        kept.is_ok() && !interrupt.came()
    });
    bar.finish_and_clear();
    kept?;
    let speed = speed(&records[before..], started.elapsed(), part.jobs);
    let (ended, runs) = (records.len() as u64, manifest.runs);
    if ended < runs {
        return Err(Failure::Interrupted { ended, runs });
    }
    in_order(&mut records);
    // A part alone owes nothing: other shards may have reached it.
    let whole = part.shard == Shard::WHOLE;
    let points = summary(&records, if whole { &manifest.marks } else { &[] });
    folder.finish(&records, &points)?;
    write_sweep(part.out, &manifest, &records, &points)?;
    tell(&manifest, &records, &points, Some(&speed), part.json)
}

/// How fast the runs were made that were not there before.
fn speed(made: &[Record], wall: Duration, jobs: usize) -> Speed {
    Speed {
        wall,
        runs: made.len() as u64,
        events: made.iter().map(|record| record.events).sum(),
        sim_ns: made.iter().map(|record| u128::from(record.sim_ns)).sum(),
        jobs,
    }
}

/// What is to be run, and what will say so.
fn plan(part: &Part<'_>) -> Result<(Sweep, Manifest), Failure> {
    let (whole, points) = match part.scenario {
        Some(path) => of_file(path)?,
        None => (Plan::Swarm, vec![Point::random()]),
    };
    let provenance = provenance()?;
    let sweep = Sweep {
        build: provenance.build.clone(),
        seeds: part.seeds.clone().unwrap_or_else(|| whole.seeds()),
        points,
    };
    let expanded =
        |point: &Point| json!({ "values": point.values, "scenario": point.plan.expanded() });
    let manifest = Manifest {
        format: Manifest::FORMAT,
        about: whole.about().to_owned(),
        sweep: sweep.id(),
        shard: part.shard,
        runs: sweep.tasks(part.shard).len() as u64,
        seeds: [sweep.seeds.start, sweep.seeds.end],
        marks: whole.owed(sweep.seeds.end - sweep.seeds.start),
        points: sweep.points.iter().map(expanded).collect(),
        provenance,
    };
    Ok((sweep, manifest))
}

/// A scenario file as it is written, and its points.
fn of_file(path: &Path) -> Result<(Plan, Vec<Point>), Failure> {
    let text = read_text(path)?;
    let wrong = |source| Failure::Scenario {
        path: path.to_owned(),
        source: Box::new(source),
    };
    let file = File::parse(&text).map_err(wrong)?;
    let points = File::points(&text).map_err(wrong)?;
    Ok((Plan::File(Box::new(file)), points))
}

pub(super) fn merge(args: &MergeArgs) -> Result<ExitCode, Failure> {
    let shards = shards(&args.shards)?;
    let Some((_, first)) = shards.values().next().cloned() else {
        let shard = Shard::WHOLE;
        return Err(Failure::MissingShard { shard });
    };
    let mut records = Vec::new();
    for index in 0..first.shard.count {
        let shard = Shard {
            index,
            ..first.shard
        };
        let (path, manifest) = shards.get(&shard).ok_or(Failure::MissingShard { shard })?;
        records.extend(whole(path, manifest)?);
    }
    in_order(&mut records);
    let points = summary(&records, &first.marks);
    let manifest = Manifest {
        shard: Shard::WHOLE,
        runs: records.len() as u64,
        ..first
    };
    Folder::open(&args.out, &manifest)?;
    folder::write_results(&args.out, &records, &points)?;
    write_sweep(&args.out, &manifest, &records, &points)?;
    tell(&manifest, &records, &points, None, args.json)
}

/// The folders of one sweep by their shards.
fn shards(paths: &[PathBuf]) -> Result<BTreeMap<Shard, (PathBuf, Manifest)>, Failure> {
    let mut shards: BTreeMap<Shard, (PathBuf, Manifest)> = BTreeMap::new();
    for path in paths {
        let (path, manifest) = (path.clone(), folder::read_manifest(path)?);
        let (sweep, shard) = (&manifest.sweep, manifest.shard);
        let differs = |other: &Manifest| (&other.sweep, other.shard.count) != (sweep, shard.count);
        if shards.values().any(|(_, other)| differs(other)) {
            return Err(Failure::OtherSweep { path });
        }
        if shards.contains_key(&shard) {
            return Err(Failure::TwiceShard { shard, path });
        }
        shards.insert(shard, (path, manifest));
    }
    Ok(shards)
}

/// The records of a shard, all of them.
fn whole(path: &Path, manifest: &Manifest) -> Result<Vec<Record>, Failure> {
    let (records, _) = folder::read_records(path)?;
    let lacks = manifest.runs.saturating_sub(records.len() as u64);
    if lacks > 0 {
        return Err(Failure::Unfinished {
            shard: manifest.shard,
            path: path.to_owned(),
            lacks,
            runs: manifest.runs,
        });
    }
    Ok(records)
}

fn in_order(records: &mut [Record]) {
    records.sort_by_key(|record| (record.point, record.seed));
}

fn tell(
    manifest: &Manifest,
    records: &[Record],
    points: &[PointSummary],
    speed: Option<&Speed>,
    json: bool,
) -> Result<ExitCode, Failure> {
    let reached = points.iter().all(|point| point.marks_missing.is_empty());
    let least = if reached {
        Verdict::SafeLive
    } else {
        Verdict::Inconclusive
    };
    let verdict = records
        .iter()
        .map(|record| record.verdict)
        .fold(least, Verdict::max);
    let text = if json {
        json!({
            "verdict": verdict.name(),
            "sweep": manifest.sweep,
            "shard": manifest.shard.to_string(),
            "runs": records.len(),
            "points": points,
            "speed": speed.map(Speed::json),
        })
        .to_string()
    } else {
        let lines: Vec<String> = points.iter().map(in_words).collect();
        format!(
            "{}\n{}: {} runs{}",
            lines.join("\n"),
            verdict.name(),
            records.len(),
            speed.map_or_else(String::new, |speed| format!("\n{}", speed.words())),
        )
    };
    print::line(&text)?;
    Ok(ExitCode::from(verdict.exit_code()))
}

fn in_words(point: &PointSummary) -> String {
    let verdicts: Vec<String> = point
        .verdicts
        .iter()
        .map(|(verdict, runs)| format!("{runs} {}", verdict.name()))
        .collect();
    let missing: Vec<&str> = point.marks_missing.iter().map(|mark| mark.name()).collect();
    let missing = if missing.is_empty() {
        String::new()
    } else {
        format!("; not reached: {}", missing.join(", "))
    };
    format!(
        "{}: {} of {} runs; a run fails with probability {:.4} to {:.4}{missing}",
        words(&point.values),
        verdicts.join(", "),
        point.runs,
        point.failure.low,
        point.failure.high,
    )
}
