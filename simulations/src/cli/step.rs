//! `falaj-sim step`: where every node, or one, stands after an event, and what happens around it.
//!
//! Shape: the run is made twice, once for the lines and once for the world at the event; both are the same run.
//! Units: blocks and outcomes by the first four bytes of their hashes.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::sync::mpsc::channel;

use clap::Args;
use falaj_simulations::run::run_to_event;
use falaj_simulations::scenario::Scenario;
use falaj_simulations::token::Token;
use falaj_simulations::trace::Line;
use falaj_simulations::types::NodeIndex;
use falaj_simulations::world::{ConsensusView, NodeView, World};
use serde_json::json;

use super::exit::Failure;
use super::input::TokenArgs;
use super::print;

#[derive(Args)]
pub(super) struct StepArgs {
    #[command(flatten)]
    token: TokenArgs,
    /// After which event; events have their numbers in the trace.
    #[arg(long, value_name = "EVENT", value_parser = clap::value_parser!(u64).range(1..))]
    at: u64,
    /// This node alone.
    #[arg(long)]
    node: Option<u16>,
    /// How many events before and after to show.
    #[arg(long, default_value_t = 8)]
    around: u64,
    /// Print one object of JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn step(args: &StepArgs) -> Result<ExitCode, Failure> {
    let (source, seed) = args.token.source()?;
    let scenario = source.plan.scenario(seed);
    let validators = scenario.validators;
    if let Some(node) = args.node.filter(|node| *node >= validators) {
        return Err(Failure::NoNode { node, validators });
    }
    let world = run_to_event(seed, &scenario, None, args.at);
    let (event, events) = (args.at, world.trace().events());
    if events < event {
        return Err(Failure::NoEvent { event, events });
    }
    let window = event.saturating_sub(args.around)..=event.saturating_add(args.around);
    let moment = Moment {
        token: source.token(seed),
        event,
        nodes: views(&world, args.node),
        lines: lines(seed, &scenario, &window),
        world,
    };
    let text = if args.json {
        moment.json()
    } else {
        moment.text()
    };
    print::line(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn views(world: &World, node: Option<u16>) -> Vec<NodeView> {
    let all = world.nodes().map(NodeIndex::get);
    all.filter(|place| node.is_none_or(|node| node == *place))
        .map(|place| world.view(NodeIndex::new(place)))
        .collect()
}

/// The lines of some events.
fn lines(seed: u64, scenario: &Scenario, window: &RangeInclusive<u64>) -> Vec<Line> {
    let (sender, heard) = channel::<Line>();
    std::thread::scope(|scope| {
        let kept = scope.spawn(move || {
            let wanted = heard.iter().filter(|line| window.contains(&line.event));
            wanted.collect::<Vec<Line>>()
        });
        drop(run_to_event(seed, scenario, Some(sender), *window.end()));
        kept.join().unwrap_or_default()
    })
}

/// A run at an event.
struct Moment {
    token: Token,
    event: u64,
    world: World,
    nodes: Vec<NodeView>,
    lines: Vec<Line>,
}

impl Moment {
    fn json(&self) -> String {
        let line =
            |line: &Line| json!({ "event": line.event, "hash": line.hash, "words": line.words });
        let violation = self.world.violation().map(ToString::to_string);
        json!({
            "token": self.token.to_string(),
            "event": self.event,
            "sim_ns": self.world.now().get(),
            "decided": self.world.decided().get(),
            "violation": violation,
            "events": self.lines.iter().map(line).collect::<Vec<_>>(),
            "nodes": self.nodes,
        })
        .to_string()
    }

    fn text(&self) -> String {
        let (now, decided) = (self.world.now(), self.world.decided());
        let mut text = format!(
            "after event {}, at {now}; decided anywhere: height {decided}\n",
            self.event
        );
        if let Some(violation) = self.world.violation() {
            let _ = writeln!(text, "wrong: {violation}");
        }
        for line in &self.lines {
            let here = if line.event == self.event { '>' } else { ' ' };
            let _ = writeln!(text, "{here} {} {}", line.event, line.words);
        }
        for node in &self.nodes {
            text.push_str(&of_node(node));
        }
        text.trim_end().to_owned()
    }
}

fn of_node(view: &NodeView) -> String {
    let NodeView {
        node,
        mode,
        starts,
        stored,
        pending,
        ..
    } = view;
    let mut text = format!("\nn{node} {mode}");
    for (is, word) in [(view.lies, "lies"), (view.lost, "lost for good")] {
        if is {
            let _ = write!(text, ", {word}");
        }
    }
    let _ = writeln!(
        text,
        ", started {starts} times; its store holds height {stored}"
    );
    if let Some(consensus) = &view.consensus {
        text.push_str(&of_consensus(consensus));
    }
    if let Some(guard) = &view.guard {
        let (height, round, step) = (guard.height, guard.round, guard.step);
        let (lock, latch) = (locked(guard.locked.as_ref()), guard.latch.as_deref());
        let latch = latch.unwrap_or("open");
        let _ = writeln!(
            text,
            "  guard     {height}/{round} {step}, locked {lock}, latch {latch}"
        );
    }
    if let Some(logs) = &view.logs {
        let (guard, audit, block, batch) = (logs.guard, logs.audit, logs.block, logs.batch);
        let _ = writeln!(
            text,
            "  logs      guard {guard}, audit {audit}, block {block}, batch {batch}; {pending} steps wait for the disk"
        );
    }
    if let Some(mempool) = &view.mempool {
        let (transactions, bytes) = (mempool.transactions, mempool.bytes);
        let _ = writeln!(
            text,
            "  mempool   {transactions} transactions, {bytes} bytes"
        );
    }
    text
}

fn of_consensus(view: &ConsensusView) -> String {
    let ConsensusView {
        height,
        round,
        step,
        proposer,
        ..
    } = view;
    let mut text = format!("  consensus {height}/{round} {step}, turn of v{proposer}\n");
    let valid = view.valid.as_ref();
    let valid = valid.map_or_else(nothing, |(round, id)| format!("{id} of round {round}"));
    let _ = writeln!(
        text,
        "  locked    {}, valid {valid}",
        locked(view.locked.as_ref())
    );
    if let Some((id, outcome)) = &view.decided {
        let _ = writeln!(text, "  decided   {id} giving {outcome}");
    }
    for wait in &view.waits {
        let _ = writeln!(text, "  waits for {wait}");
    }
    for (round, votes) in &view.votes {
        let kinds = [
            ("prevotes  ", &votes.prevotes),
            ("precommits", &votes.precommits),
        ];
        for (kind, votes) in kinds.into_iter().filter(|(_, votes)| !votes.is_empty()) {
            let votes: Vec<_> = votes
                .iter()
                .map(|(from, vote)| format!("v{from} {vote}"))
                .collect();
            let _ = writeln!(text, "  {kind} of round {round}: {}", votes.join(", "));
        }
    }
    text
}

fn locked(lock: Option<&(u32, String, String)>) -> String {
    lock.map_or_else(nothing, |(round, id, outcome)| {
        format!("{id} giving {outcome} in round {round}")
    })
}

fn nothing() -> String {
    "nothing".to_owned()
}
