//! One run: chaos, stabilisation, and the proof of liveness after it; its report.
//!
//! Invariant: a report is a function of scenario and seed. The verdict is the worst that was found.
//! Shape: until the scenario's `stabilise_at` only safety is owed. From then on every correct node has to get beyond whatever was
//! decided anywhere, within a bound; then clients stop, and every payment has to have its receipt within a bound.
//! Errors: a panic of anything simulated ends the run with [`Verdict::Error`].
//! Source: `docs/simulation.md`, "Verdicts".

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;

use falaj_consensus::types::{Height, Round};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::checker::Bound;
use crate::history::{Duty, History};
use crate::marks::Marks;
use crate::scenario::Scenario;
use crate::spread::Spread;
use crate::trace::{Line, Trace, TraceHash};
use crate::types::SimTime;
use crate::world::World;

/// The oracle that misses what is not decided in time.
pub const LIVENESS: &str = "liveness";
/// What finds a broken belief.
pub const PANIC: &str = "panic";

/// Not everybody correct got beyond what was decided when the network stabilised.
pub const UNSETTLED: &str = "unsettled";
/// The next height was not decided while clients went on.
pub const STANDSTILL: &str = "standstill";
/// Payments got no receipt.
pub const NO_RECEIPT: &str = "no_receipt";

/// How long clients go on once everybody has decided again.
const CALM_NS: u64 = 1_000_000_000;

/// What a run or a campaign came to, from best to worst.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was wrong, and everything was decided in time.
    SafeLive,
    /// Nothing was wrong, but the campaign did not reach all that it claims to test.
    Inconclusive,
    /// Something was not decided in time.
    NotLive,
    /// The simulator or something in it failed.
    Error,
    /// An oracle found something wrong.
    Unsafe,
}

impl Verdict {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SafeLive => "safe_live",
            Self::Inconclusive => "inconclusive",
            Self::NotLive => "not_live",
            Self::Error => "error",
            Self::Unsafe => "unsafe",
        }
    }

    /// The exit code of the program.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::SafeLive => 0,
            Self::Unsafe => 10,
            Self::NotLive => 11,
            Self::Inconclusive => 12,
            Self::Error => 13,
        }
    }
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// What it came to.
    pub verdict: Verdict,
    /// Which oracle found something, [`LIVENESS`] or [`PANIC`]; empty if nothing did.
    pub oracle: &'static str,
    /// What kind of finding it is: of what was not done in time [`UNSETTLED`], [`STANDSTILL`] or [`NO_RECEIPT`], else the oracle's name;
    /// empty if nothing was found.
    pub kind: &'static str,
    /// What was wrong, in words; empty if nothing was.
    pub finding: String,
    /// The hash over every event.
    pub trace_hash: TraceHash,
    /// How many events there were.
    pub events: u64,
    /// How much virtual time went by, in nanoseconds.
    pub sim_ns: u64,
    /// How many heights were decided.
    pub heights: Height,
    /// How many payments got their receipt.
    pub receipts: u64,
    /// How long payments waited for their receipt, in virtual nanoseconds from the client's first request; none if there was no receipt.
    pub finality_ns: Option<Spread>,
    /// Bytes that nodes gave to the network.
    pub sent_bytes: u64,
    /// What was reached.
    pub marks: Marks,
}

/// Runs a scenario under a seed; `lines` hears every event.
#[must_use]
pub fn run(seed: u64, scenario: &Scenario, lines: Option<Sender<Line>>) -> Report {
    finish(&mut World::new(seed, scenario.clone(), Trace::new(lines)))
}

/// The same run, and what was seen of it.
#[must_use]
pub fn run_recorded(seed: u64, scenario: &Scenario) -> (Report, History) {
    let mut world = World::new(seed, scenario.clone(), Trace::new(None));
    world.record();
    let report = finish(&mut world);
    let mut history = world.take_history().unwrap_or_default();
    history.finality_ns = world.workload().finality_ns().to_vec();
    (report, history)
}

impl World {
    /// Runs to the end as a campaign does, wherever it stands: what is left of the trouble, stabilisation, and the proof of liveness.
    #[must_use]
    pub fn finish(&mut self) -> Report {
        finish(self)
    }
}

/// What was not done in time.
struct Late {
    kind: &'static str,
    words: String,
}

fn finish(world: &mut World) -> Report {
    let ended = catch_unwind(AssertUnwindSafe(|| to_the_end(world)));
    let (verdict, oracle, kind, finding) = match (world.violation(), ended) {
        (Some(violation), _) => {
            let (oracle, words) = (violation.oracle, violation.to_string());
            (Verdict::Unsafe, oracle, oracle, words)
        }
        (None, Ok(Ok(()))) => (Verdict::SafeLive, "", "", String::new()),
        (None, Ok(Err(Late { kind, words }))) => (Verdict::NotLive, LIVENESS, kind, words),
        (None, Err(panic)) => (Verdict::Error, PANIC, PANIC, words_of(panic.as_ref())),
    };
    Report {
        seed: world.seed(),
        verdict,
        oracle,
        kind,
        finding,
        trace_hash: world.trace().hash(),
        events: world.trace().events(),
        sim_ns: world.now().get(),
        heights: world.decided(),
        receipts: world.workload().receipts(),
        finality_ns: Spread::of(world.workload().finality_ns()),
        sent_bytes: world.network().tally().sent_bytes,
        marks: world.marks().clone(),
    }
}

/// The same run up to an event: the world as it is once that has happened, or at the end if so many do not happen.
#[must_use]
pub fn run_to_event(
    seed: u64,
    scenario: &Scenario,
    lines: Option<Sender<Line>>,
    event: u64,
) -> World {
    let mut world = World::new(seed, scenario.clone(), Trace::new(lines));
    world.stop_at(event);
    // What was wrong is for whoever runs it to the end; here the world is looked at.
    let _ended = catch_unwind(AssertUnwindSafe(|| to_the_end(&mut world)));
    world
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("a panic: {}", text.unwrap_or_default())
}

fn to_the_end(world: &mut World) -> Result<(), Late> {
    let ended = owed_to_the_end(world);
    world.look_at_all();
    ended
}

fn owed_to_the_end(world: &mut World) -> Result<(), Late> {
    let stable = world.scenario().stabilise_at.unwrap_or(SimTime::START);
    let stable = stable.max(world.now());
    world.run_to(stable);
    if world.is_over() {
        return Ok(());
    }
    world.stabilise();
    settle(world, stable)?;
    let calm = world.now().after_ns(CALM_NS);
    world.run_to(calm);
    go_on(world)?;
    collect(world)
}

/// Clients go on until the height is decided that the scenario wants, each height within a bound.
fn go_on(world: &mut World) -> Result<(), Late> {
    let Some(goal) = world.scenario().heights else {
        return Ok(());
    };
    while world.decided() < goal && !world.is_over() {
        let next = world.decided().next();
        let within_ns = bound(world).height_ns();
        let there = |world: &World| world.decided() >= next;
        let what = || format!("height {next} after the one before");
        let now = world.now();
        if !owed(world, what, now, within_ns, there) {
            let words = format!(
                "height {next} of {goal} was not decided within {within_ns} ns of the one before"
            );
            let kind = STANDSTILL;
            return Err(Late { kind, words });
        }
    }
    Ok(())
}

/// Everybody correct gets beyond what was decided before the network stabilised.
fn settle(world: &mut World, stable: SimTime) -> Result<(), Late> {
    let (round, behind) = (worst_round(world), spread(world));
    let goal = world.decided().next();
    let within_ns = bound(world).settled_ns(round, behind);
    let there = |world: &World| world.least_height().is_some_and(|least| least >= goal);
    let what = || format!("height {goal} at every correct node after stabilisation");
    if owed(world, what, stable, within_ns, there) {
        return Ok(());
    }
    let standing: Vec<_> = world
        .correct()
        .map(|node| (node, world.replica(node).map(|replica| replica.status())))
        .collect();
    let words = format!(
        "height {goal} was not decided by all within {within_ns} ns of stabilisation: {standing:?}"
    );
    let kind = UNSETTLED;
    Err(Late { kind, words })
}

/// Clients stop, and every payment gets its receipt.
fn collect(world: &mut World) -> Result<(), Late> {
    world.workload_mut().stop();
    let within_ns = bound(world).receipt_ns();
    let done = |world: &World| world.workload().open().is_empty();
    let what = || "a receipt for every payment once clients have stopped".to_owned();
    let now = world.now();
    if owed(world, what, now, within_ns, done) {
        return Ok(());
    }
    let open: Vec<_> = world.workload().open().keys().collect();
    let words = format!(
        "{} payments got no receipt within {within_ns} ns: {open:?}",
        open.len()
    );
    let kind = NO_RECEIPT;
    Err(Late { kind, words })
}

/// Runs until what is owed is done; whether it was, or the run is over for another reason.
fn owed(
    world: &mut World,
    what: impl FnOnce() -> String,
    since: SimTime,
    within_ns: u64,
    done: impl Fn(&World) -> bool,
) -> bool {
    let kept = world.run_until(since.after_ns(within_ns), done);
    if !kept {
        world.ask_why();
    }
    let duty = Duty {
        what: what(),
        since,
        within_ns,
        ended: world.now(),
        kept,
    };
    let over = world.is_over();
    world.write_duty(duty);
    kept || over
}

fn bound(world: &World) -> Bound {
    let scenario = world.scenario();
    Bound {
        parameters: scenario.slowest_parameters(),
        validators: scenario.validators,
        patience_ns: scenario.workload.patience_ns,
    }
}

fn worst_round(world: &World) -> Round {
    let rounds = world
        .correct()
        .filter_map(|node| Some(world.replica(node)?.status().round));
    rounds.max().unwrap_or_default()
}

/// How many heights lie between the best and the worst node.
fn spread(world: &World) -> u64 {
    let least = world.correct().filter_map(|node| world.height(node)).min();
    world.decided().get() - least.unwrap_or_default().get().min(world.decided().get())
}
