//! `falaj-sim report`: the page of a run by its token, or of a sweep by its folder.
//!
//! Invariant: a run's page is drawn from the run itself, made again: build, scenario and seed are all that it depends on, and the lines of
//! a trace say neither when a message was sent nor which were lost. A sweep's is drawn from what its folder holds.
//! Shape: `report.html`, `run.json` and `plots/NAME.svg`.
//! Errors: what is neither token nor folder, a window with nothing in it, a folder of something else, output that cannot be written.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use falaj_simulations::marks::Mark;
use falaj_simulations::pictures::{Choice, Pages, RunPicture, SweepPicture, draw_run, draw_sweep};
use falaj_simulations::run::{Report, Verdict, run_recorded};
use falaj_simulations::scenario::Scenario;
use falaj_simulations::scenario::file::File;
use falaj_simulations::sweep::{PointSummary, Record, summary};
use falaj_simulations::token::TokenError;
use serde_json::{Value, json};

use super::exit::Failure;
use super::folder::{self, Manifest};
use super::input::{TokenArgs, parse_range};
use super::print;
use super::provenance::{Provenance, provenance};
use crate::report::Source;

/// The page in its folder.
const PAGE: &str = "report.html";
/// The version of the form of a run's `run.json`.
const FORMAT: u32 = 1;

#[derive(Args)]
pub(super) struct ReportArgs {
    /// The token that a run printed, or the folder of a sweep.
    #[arg(value_name = "TOKEN|FOLDER")]
    of: String,
    /// Where it goes; a sweep's goes into its folder, a run's into `report`, if not said.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The heights that the diagram shows, as `FIRST..END`; END is not among them.
    #[arg(long, value_parser = parse_range, conflicts_with = "events")]
    heights: Option<Range<u64>>,
    /// The events that it shows, likewise.
    #[arg(long, value_parser = parse_range)]
    events: Option<Range<u64>>,
    /// Take a token of another build too; its run may be another one here.
    #[arg(long)]
    any_build: bool,
    /// End with one line of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn report(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let folder = Path::new(&args.of);
    let is_folder = folder.is_dir();
    let home = if is_folder {
        folder
    } else {
        Path::new("report")
    };
    let out = args.out.as_deref().unwrap_or(home);
    let verdict = if is_folder {
        of_folder(args, folder, out)?
    } else {
        of_text(args, out)?
    };
    let page = out.join(PAGE);
    let text = if args.json {
        json!({ "verdict": verdict.name(), "report": page }).to_string()
    } else {
        format!("{}: {}", verdict.name(), page.display())
    };
    print::line(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn of_text(args: &ReportArgs, out: &Path) -> Result<Verdict, Failure> {
    let token = TokenArgs {
        token: args.of.clone(),
        any_build: args.any_build,
    };
    match token.source() {
        Err(Failure::Token {
            token: text,
            source: TokenError::Form,
        }) => Err(Failure::NeitherTokenNorFolder { text }),
        other => of_run(args, &other?, out),
    }
}

/// A folder is a sweep's, or that of an earlier report.
fn of_folder(args: &ReportArgs, folder: &Path, out: &Path) -> Result<Verdict, Failure> {
    if let Some(token) = folder::token_of(folder)? {
        let any_build = args.any_build;
        return of_run(args, &TokenArgs { token, any_build }.source()?, out);
    }
    if args.heights.is_some() || args.events.is_some() {
        let path = folder.to_owned();
        return Err(Failure::NoWindow { path });
    }
    let manifest = folder::read_manifest(folder)?;
    let (records, _) = folder::read_records(folder)?;
    let points = summary(&records, &manifest.marks);
    write_sweep(out, &manifest, &records, &points)?;
    let verdicts = records.iter().map(|record| record.verdict);
    Ok(verdicts.max().unwrap_or(Verdict::Inconclusive))
}

/// Draws a run again, into a folder that holds nothing else.
fn of_run(args: &ReportArgs, run: &(Source, u64), out: &Path) -> Result<Verdict, Failure> {
    let (source, seed) = (&run.0, run.1);
    let token = source.token(seed).to_string();
    folder::keeps_nothing_but(out, &token)?;
    let scenario = source.plan.scenario(seed);
    let (report, history) = run_recorded(seed, &scenario);
    let provenance = provenance()?;
    let pages = draw_run(&RunPicture {
        title: &format!("{}, seed {seed}", source.plan.name()),
        about: source.plan.about(),
        token: &token,
        report: &report,
        history: &history,
        scenario: &scenario,
        choice: &choice(args),
        provenance: &provenance.rows(),
    })?;
    write(out, &pages)?;
    let record = record(&token, &report, &scenario, &provenance);
    folder::write_whole(&out.join("run.json"), folder::pretty(&record))?;
    Ok(report.verdict)
}

/// Draws a sweep.
pub(super) fn write_sweep(
    out: &Path,
    manifest: &Manifest,
    records: &[Record],
    points: &[PointSummary],
) -> Result<(), Failure> {
    let pages = draw_sweep(&SweepPicture {
        about: &manifest.about,
        sweep: &manifest.sweep,
        runs: manifest.runs,
        points,
        records,
        provenance: &manifest.provenance.rows(),
    });
    write(out, &pages)
}

fn write(out: &Path, pages: &Pages) -> Result<(), Failure> {
    let plots = out.join("plots");
    fs::create_dir_all(&plots).map_err(folder::unwritable(&plots))?;
    for (name, svg) in &pages.plots {
        folder::write_whole(&plots.join(format!("{name}.svg")), svg)?;
    }
    folder::write_whole(&out.join(PAGE), &pages.html)
}

fn choice(args: &ReportArgs) -> Choice {
    match (&args.heights, &args.events) {
        (Some(heights), _) => Choice::Heights(heights.clone()),
        (None, Some(events)) => Choice::Events(events.clone()),
        (None, None) => Choice::End,
    }
}

/// `run.json`: what the run is, what it came to, what made it.
fn record(token: &str, report: &Report, scenario: &Scenario, provenance: &Provenance) -> Value {
    let said = File::of(scenario).map(|file| file.expanded());
    let marks = Mark::ALL
        .iter()
        .map(|mark| (mark.name(), report.marks.count(*mark)));
    json!({
        "format": FORMAT,
        "token": token,
        "seed": report.seed,
        "verdict": report.verdict.name(),
        "oracle": report.oracle,
        "kind": report.kind,
        "finding": report.finding,
        "trace_hash": report.trace_hash.to_string(),
        "events": report.events,
        "sim_ns": report.sim_ns,
        "heights": report.heights.get(),
        "receipts": report.receipts,
        "marks": marks.filter(|(_, hits)| *hits > 0).collect::<BTreeMap<_, _>>(),
        "provenance": provenance,
        "scenario": said.ok(),
    })
}
