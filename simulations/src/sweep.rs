//! A sweep: every point of a scenario, or the random scenarios, under every seed, in parts that can be interrupted, shared out and put together again.
//!
//! Invariant: a run has an id that names build, point and seed; a run whose record is there is not run again, and the records of a
//! finished sweep are the same whatever the number of jobs, shards and interruptions.
//! Shape: runs are numbered point by point, seed by seed; shard `i` of `n` has those whose number leaves `i`.
//! Source: `docs/guide/scenarios.md`, "Sweeps".

mod interval;
#[cfg(feature = "parquet")]
mod parquet;
mod pool;
mod record;

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use interval::{Interval, interval};
#[cfg(feature = "parquet")]
pub use parquet::write_parquet;
pub use pool::each;
pub use record::{PointSummary, Record, summary};

use crate::run::run;
use crate::scenario::file::Point;

/// A part of a sweep: `index` of `count`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Which.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    pub(crate) const fn holds(self, number: u64) -> bool {
        number % self.count == self.index
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Everything that a sweep is.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// Its points.
    pub points: Vec<Point>,
    /// The seeds of each.
    pub seeds: Range<u64>,
    /// What names the program.
    pub build: String,
}

/// One run to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The place of its point.
    pub point: u64,
    /// Its seed.
    pub seed: u64,
    /// What names it.
    pub id: String,
}

impl Sweep {
    /// What names the sweep: equal for all its shards, another for another program, scenario or range of seeds.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for task in self.tasks(Shard::WHOLE) {
            hasher.update(task.id.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The runs of a shard.
    #[must_use]
    pub fn tasks(&self, shard: Shard) -> Vec<Task> {
        let points = (0..).zip(&self.points);
        let all = points.flat_map(|(place, point)| {
            let name = self.name_of(point);
            self.seeds.clone().map(move |seed| task(place, seed, &name))
        });
        let numbered = (0..).zip(all);
        numbered
            .filter_map(|(number, task)| shard.holds(number).then_some(task))
            .collect()
    }

    /// Runs those tasks that are not done; `ended` is told of each in the order in which they end, and says whether to go on.
    pub fn run(
        &self,
        tasks: &[Task],
        done: &BTreeSet<String>,
        jobs: usize,
        mut ended: impl FnMut(Record) -> bool,
    ) {
        let left: Vec<&Task> = tasks
            .iter()
            .filter(|task| !done.contains(&task.id))
            .collect();
        each(&left, jobs, |task| self.run_one(task), &mut ended);
    }

    fn run_one(&self, task: &Task) -> Record {
        let place = usize::try_from(task.point).expect("it is the place of a point");
        let point = &self.points[place];
        let report = run(task.seed, &point.plan.scenario(task.seed), None);
        Record::of(task, point, report)
    }

    /// The hash of the program and of everything that a point says, defaults included.
    fn name_of(&self, point: &Point) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let said = serde_json::to_vec(&point.plan.expanded()).expect("it is JSON");
        hasher.update(self.build.as_bytes()).update(&said);
        hasher.finalize()
    }
}

fn task(point: u64, seed: u64, name: &blake3::Hash) -> Task {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(&seed.to_le_bytes());
    let id = hasher.finalize().to_hex();
    Task {
        point,
        seed,
        id: id[..32].to_owned(),
    }
}
