//! The folder of a sweep: `run.json` says what it is, `runs.ndjson` holds a line for each run, `summary.json` what each point came to.
//!
//! Invariant: a line counts once it ends; what an interruption left of a line is cut off. A finished `runs.ndjson` is in order of point
//! and seed, whatever order the runs ended in.
//! Errors: a folder of another sweep, a damaged line, output that cannot be written.
//! Source: `docs/guide/scenarios.md`, "Sweeps".

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use falaj_simulations::marks::Mark;
use falaj_simulations::sweep::{PointSummary, Record, Shard};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exit::Failure;
use super::input::read_text;
use super::provenance::Provenance;

/// `run.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The version of the folder's form.
    pub(super) format: u32,
    /// What the scenario shows.
    pub(super) about: String,
    /// What names the sweep.
    pub(super) sweep: String,
    /// Which part of it is here.
    pub(super) shard: Shard,
    /// How many runs it has.
    pub(super) runs: u64,
    /// The first seed, and the one after the last.
    pub(super) seeds: [u64; 2],
    /// What each point has to reach.
    pub(super) marks: Vec<Mark>,
    /// What made it.
    pub(super) provenance: Provenance,
    /// Each point with every default.
    pub(super) points: Vec<Value>,
}

impl Manifest {
    pub(super) const FORMAT: u32 = 1;
}

/// An open folder.
pub(super) struct Folder {
    path: PathBuf,
    lines: File,
}

impl Folder {
    /// Opens a folder for a part of a sweep, and gives what is there of it.
    pub(super) fn open(path: &Path, manifest: &Manifest) -> Result<(Self, Vec<Record>), Failure> {
        fs::create_dir_all(path).map_err(unwritable(path))?;
        let name = path.join("run.json");
        if name.exists() {
            let there = read_manifest(path)?;
            if (&there.sweep, there.shard) != (&manifest.sweep, manifest.shard) {
                return Err(Failure::OtherSweep {
                    path: path.to_owned(),
                });
            }
        } else {
            write_whole(&name, pretty(manifest))?;
        }
        let (records, length) = read_records(path)?;
        let name = path.join("runs.ndjson");
        let mut options = OpenOptions::new();
        let lines = options.create(true).append(true).open(&name);
        let lines = lines.map_err(unwritable(&name))?;
        lines.set_len(length).map_err(unwritable(&name))?;
        let path = path.to_owned();
        Ok((Self { path, lines }, records))
    }

    /// Adds the line of a run.
    pub(super) fn add(&mut self, record: &Record) -> Result<(), Failure> {
        let name = self.path.join("runs.ndjson");
        self.lines
            .write_all(line(record).as_bytes())
            .map_err(unwritable(&name))
    }

    /// Puts the lines in order and writes what each point came to.
    pub(super) fn finish(self, records: &[Record], points: &[PointSummary]) -> Result<(), Failure> {
        self.lines.sync_all().map_err(unwritable(&self.path))?;
        write_results(&self.path, records, points)
    }
}

/// Writes lines and summary of a whole sweep.
pub(super) fn write_results(
    path: &Path,
    records: &[Record],
    points: &[PointSummary],
) -> Result<(), Failure> {
    let lines: String = records.iter().map(line).collect();
    write_whole(&path.join("runs.ndjson"), &lines)?;
    #[cfg(feature = "parquet")]
    write_columns(&path.join("runs.parquet"), records)?;
    write_whole(&path.join("summary.json"), pretty(&points))
}

/// The lines once more, in columns.
#[cfg(feature = "parquet")]
fn write_columns(path: &Path, records: &[Record]) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let written = falaj_simulations::sweep::write_parquet(records, &mut bytes);
    written.map_err(|error| unwritable(path)(io::Error::other(error)))?;
    write_whole(path, bytes)
}

/// `run.json` of a folder.
pub(super) fn read_manifest(path: &Path) -> Result<Manifest, Failure> {
    let name = path.join("run.json");
    let text = read_text(&name)?;
    serde_json::from_str(&text).map_err(|source| Failure::Damaged {
        path: name,
        line: source.line(),
        source,
    })
}

/// The token of a folder that holds the report of a run; none in that of a sweep.
pub(super) fn token_of(path: &Path) -> Result<Option<String>, Failure> {
    let name = path.join("run.json");
    let text = read_text(&name)?;
    let value: Value = serde_json::from_str(&text).map_err(|source| Failure::Damaged {
        path: name,
        line: source.line(),
        source,
    })?;
    Ok(value["token"].as_str().map(str::to_owned))
}

/// Whether a folder holds nothing yet, or the report of the same run.
pub(super) fn keeps_nothing_but(path: &Path, token: &str) -> Result<(), Failure> {
    if path.join("run.json").exists() && token_of(path)?.as_deref() != Some(token) {
        let path = path.to_owned();
        return Err(Failure::OtherReport { path });
    }
    Ok(())
}

/// The whole lines of a folder, and how many bytes they are.
pub(super) fn read_records(path: &Path) -> Result<(Vec<Record>, u64), Failure> {
    let name = path.join("runs.ndjson");
    let text = match fs::read_to_string(&name) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(source) => return Err(Failure::Unreadable { path: name, source }),
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut seen = BTreeSet::new();
    let mut records = Vec::new();
    for (number, text) in (1..).zip(whole.lines()) {
        let record: Record = serde_json::from_str(text).map_err(|source| Failure::Damaged {
            path: name.clone(),
            line: number,
            source,
        })?;
        if seen.insert(record.id.clone()) {
            records.push(record);
        }
    }
    Ok((records, whole.len() as u64))
}

/// All or nothing: another file first, then its name.
pub(super) fn write_whole(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let aside = path.with_extension("part");
    let written = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path));
    written.map_err(|source| {
        // What is left of it is of no use; that it cannot go either changes nothing.
        let _left = fs::remove_file(&aside);
        unwritable(path)(source)
    })
}

/// JSON for people.
pub(super) fn pretty(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("it has no key that is no text");
    text + "\n"
}

fn line(record: &Record) -> String {
    serde_json::to_string(record).expect("it has no key that is no text") + "\n"
}

/// An error of writing, with where.
pub(super) fn unwritable(path: &Path) -> impl Fn(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::Unwritable {
        path: path.clone(),
        source,
    }
}
