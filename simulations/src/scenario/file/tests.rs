//! Scenario files: what they give, and what is refused.

use super::*;
use crate::fault::Fault;
use crate::scenario::Signatures;
use crate::types::{NodeIndex, Ppm, SimTime};

fn file(text: &str) -> File {
    File::parse(&with_about(text)).expect(text)
}

fn refused(text: &str) -> String {
    let refusal = File::parse(&with_about(text)).expect_err(text);
    refusal.to_string()
}

/// Each text is refused with words that begin so.
fn refusals_begin(cases: &[(&str, &str)], refusal: impl Fn(&str) -> String) {
    for (text, words) in cases {
        let refusal = refusal(text);
        assert!(refusal.starts_with(words), "{refusal}");
    }
}

fn with_about(text: &str) -> String {
    format!("about = \"a test\"\n{text}")
}

/// Goal: a file that draws everything and says nothing more is the random scenario of each seed.
#[test]
fn a_file_that_draws_everything_is_the_random_scenario() {
    let all = file("drawn = \"all\"");
    for seed in 0..200 {
        let (drawn, random) = (all.scenario(seed), Scenario::swarm(seed));
        assert_eq!(format!("{drawn:?}"), format!("{random:?}"), "seed {seed}");
    }
}

/// Goal: an empty file is a good day of five seconds, for every seed.
#[test]
fn a_file_that_says_nothing_is_a_good_day() {
    let calm = Scenario {
        stabilise_at: Some(SimTime::new(5_000_000_000)),
        ..Scenario::calm(4)
    };
    for seed in 0..4 {
        assert_eq!(
            format!("{:?}", file("").scenario(seed)),
            format!("{calm:?}")
        );
    }
}

/// Goal: fixing one number leaves every other drawn as it was.
#[test]
fn fixing_one_number_moves_no_other() {
    let drawn = file("drawn = [\"network\", \"partitions\"]");
    let fixed = file("drawn = [\"network\", \"partitions\"]\n[network]\nloss_ppm = 7");
    for seed in 0..50 {
        let mut expected = drawn.scenario(seed);
        expected.network.loss = Ppm::new(7);
        assert_eq!(
            format!("{:?}", fixed.scenario(seed)),
            format!("{expected:?}")
        );
    }
}

/// Goal: every key reaches its knob.
#[test]
fn every_key_reaches_its_knob() {
    let scenario = file(EVERY_KEY).scenario(1);
    let waits = scenario.parameters.timeouts;
    assert_eq!(
        (scenario.validators, scenario.heights),
        (7, Some(falaj_consensus::types::Height::new(9)))
    );
    assert_eq!(scenario.signatures, Signatures::Real);
    assert_eq!(scenario.stabilise_at, Some(SimTime::new(4_000_000_000)));
    assert_eq!(
        (waits.propose_ms, waits.prevote_ms, waits.precommit_ms),
        (301, 102, 103)
    );
    assert_eq!(
        (
            waits.growth_ms,
            waits.tick_ms,
            waits.heartbeat_ms,
            waits.growth_rounds_max
        ),
        (104, 45, 4_006, 7)
    );
    let network = scenario.network;
    assert_eq!(
        [network.loss, network.duplicate, network.reorder].map(Ppm::get),
        [1, 2, 3]
    );
    assert_eq!(
        (network.delay_min_ns, network.delay_cap_ns),
        (4_000_000, 16_000_000)
    );
    assert_eq!(
        (
            network.damage.get(),
            network.bandwidth_bytes,
            network.queue_bytes
        ),
        (5, 6 * 1_024, 7 * 1_024)
    );
    let there: Vec<_> = scenario.cities.into_values().collect();
    let (zurich, tokyo) = (City::Zurich, City::Tokyo);
    assert_eq!(there, [zurich, tokyo, zurich, tokyo, zurich, tokyo, zurich]);
    assert_eq!(scenario.stretch_percent, 150);
    assert_eq!(
        (scenario.disk.sync_min_ns, scenario.disk.sync_cap_ns),
        (5_000_000, 16_000_000)
    );
    let work = scenario.workload;
    assert_eq!(
        [work.gap_min_ns, work.gap_cap_ns, work.patience_ns],
        [17_000_000, 181_500_000, 1_900_000_000]
    );
    assert_eq!((work.burst, work.hot.get()), (31, 32));
    assert_eq!(scenario.byzantine.len(), 1);
    assert_eq!(
        scenario.lost.iter().collect::<Vec<_>>(),
        [&NodeIndex::new(4), &NodeIndex::new(6)]
    );
    assert_eq!(scenario.clocks[&NodeIndex::new(1)].offset_us, -20);
    assert_eq!(scenario.slow[&NodeIndex::new(2)], 21);
    let faults: Vec<String> = scenario
        .faults
        .iter()
        .map(|timed| format!("{} {:?}", timed.at, timed.fault))
        .collect();
    insta_like(&faults);
}

/// The schedule of [`EVERY_KEY`], a line a fault.
fn insta_like(faults: &[String]) {
    let expected = [
        "0.100000000 s TokenGone(NodeIndex(6))",
        "0.200000000 s Partition { side: [NodeIndex(0), NodeIndex(1)], noticed: true }",
        "0.300000000 s Heal",
        "0.400000000 s Mute { side: [NodeIndex(2)] }",
        "0.500000000 s Heal",
        "0.600000000 s Crash(NodeIndex(0))",
        "0.700000000 s Restart { node: NodeIndex(0), after_changes: Some(3) }",
        "0.800000000 s PowerCut { node: NodeIndex(1), after_changes: 5 }",
        "0.900000000 s Restart { node: NodeIndex(1), after_changes: None }",
        "1.000000000 s TokenGone(NodeIndex(2))",
        "1.100000000 s TokenBack(NodeIndex(2))",
        "1.200000000 s Token { node: NodeIndex(3), dials: TokenDials { latency_min_ns: 1000000, latency_cap_ns: 3000000, session_loss: Ppm(8), lost_answer: Ppm(9), wrong_answer: Ppm(10) } }",
        "1.300000000 s Disk { node: NodeIndex(4), log: Guard, dials: DiskDials { sync_fails: Ppm(0), sync_lies: Ppm(0), sync_min_ns: 2000000, sync_cap_ns: 8000000, capacity_bytes: 18446744073709551615 } }",
        "1.400000000 s DiskFull(NodeIndex(0))",
        "1.500000000 s DiskRoom(NodeIndex(0))",
        "1.600000000 s Disk { node: NodeIndex(1), log: Batch, dials: DiskDials { sync_fails: Ppm(12), sync_lies: Ppm(0), sync_min_ns: 300000, sync_cap_ns: 10000000, capacity_bytes: 18446744073709551615 } }",
        "1.700000000 s Pause(NodeIndex(2))",
        "1.800000000 s Resume(NodeIndex(2))",
        "1.900000000 s ClockLeap { node: NodeIndex(3), by_us: -7 }",
        "2.000000000 s Diverge(NodeIndex(4))",
    ];
    assert_eq!(faults, expected);
}

const EVERY_KEY: &str = r#"
validators = 7
heights = 9
horizon_ms = 4000
signatures = "real"
cities = ["zurich", "tokyo"]
timeouts = { propose_ms = 301, prevote_ms = 102, precommit_ms = 103, growth_ms = 104, tick_ms = 45, heartbeat_ms = 4006, growth_rounds_max = 7 }
network = { loss_ppm = 1, duplicate_ppm = 2, reorder_ppm = 3, delay_ms = 4, damage_ppm = 5, bandwidth_kib = 6, queue_kib = 7, stretch_percent = 150 }
disk = { sync_min_ms = 5, sync_cap_ms = 16 }
clients = { gap_min_ms = 17, gap_cap_ms = 181.5, patience_ms = 1900, burst = 31, hot_ppm = 32 }
byzantine = [{ nodes = [5], behaviours = ["equivocate", "vote_twice"] }]
lost = [{ nodes = [6], by = "token", at_ms = 100 }]
clock = [{ nodes = [1], offset_us = -20, drift_ppm = 30 }]
slow = [{ nodes = [2], factor = 21 }]
partition = [{ side = [0, 1], at_ms = 200, for_ms = 100, noticed = true }]
mute = [{ side = [2], at_ms = 400 }]
heal = [{ at_ms = 500 }]
crash = [{ nodes = [0], at_ms = 600, for_ms = 100, again_after_changes = 3 }]
power_cut = [{ nodes = [1], at_ms = 800, after_changes = 5 }]
restart = [{ nodes = [1], at_ms = 900 }]
token_gone = [{ nodes = [2], at_ms = 1000 }]
token_back = [{ nodes = [2], at_ms = 1100 }]
token = [{ nodes = [3], at_ms = 1200, latency_min_ms = 1, latency_cap_ms = 3, session_loss_ppm = 8, lost_answer_ppm = 9, wrong_answer_ppm = 10 }]
slow_disk = [{ nodes = [4], log = "guard", at_ms = 1300, sync_min_ms = 2 }]
full_disk = [{ nodes = [0], at_ms = 1400, for_ms = 100 }]
failing_disk = [{ nodes = [1], log = "batch", at_ms = 1600, sync_fails_ppm = 12 }]
pause = [{ nodes = [2], at_ms = 1700, for_ms = 100 }]
clock_leap = [{ nodes = [3], at_ms = 1900, by_us = -7 }]
diverging = [{ nodes = [4], at_ms = 2000 }]
expect = { verdict = "not_live", marks = ["loss"], seeds = 3 }
"#;

/// Goal: what is written by the program reads as the same file.
#[test]
fn a_file_is_written_as_it_is_read() {
    let every = file(EVERY_KEY);
    let written = toml::to_string(&every).unwrap();
    assert_eq!(File::parse(&written).expect(&written), every);
}

/// Goal: an entry with `times` happens so often, each time at a time of its own, and chance picks nobody who is lost.
#[test]
fn an_entry_repeats_and_leaves_the_lost_alone() {
    let text = "lost = [{ nodes = [0, 1], at_ms = 1 }]\nvalidators = 7\ncrash = [{ nodes = { any = 2 }, at_ms = { uniform = [10, 4000] }, for_ms = 50, times = 6 }]";
    for seed in 0..20 {
        let scenario = file(text).scenario(seed);
        let crashes: Vec<_> = scenario
            .faults
            .iter()
            .filter_map(|timed| {
                let Fault::Crash(node) = timed.fault else {
                    return None;
                };
                (timed.at > SimTime::new(1_000_000)).then_some((timed.at, node))
            })
            .collect();
        assert_eq!(crashes.len(), 12, "seed {seed}");
        assert!(crashes.iter().all(|(_, node)| node.get() > 1));
        assert!(crashes.iter().any(|(at, _)| *at != crashes[0].0));
    }
}

/// Goal: an unknown key or word is refused with its line and the known one that looks most like it.
#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let cases = [
        (
            "vaildators = 4",
            "line 2: unknown key vaildators; did you mean validators?",
        ),
        (
            "[network]\nloss_pm = 4",
            "line 3: unknown key loss_pm; did you mean loss_ppm?",
        ),
        (
            "[[crash]]\nnode = [1]\nat_ms = 5",
            "line 3: unknown key node; did you mean nodes?",
        ),
        (
            "validators = { uniforn = [1, 2] }",
            "line 2: unknown word uniforn; did you mean uniform?",
        ),
        (
            "[expect]\nmarks = [\"benchd\"]",
            "line 3: unknown word benchd; did you mean benched?",
        ),
        (
            "cities = [\"zurich\", \"tokio\"]",
            "line 2: unknown word tokio; did you mean tokyo?",
        ),
        (
            "[expect]\nverdict = \"safe\"",
            "line 3: unknown word safe; did you mean ",
        ),
    ];
    refusals_begin(&cases, refused);
}

/// Goal: what is no TOML, or holds what it cannot hold, is refused with its line.
#[test]
fn malformed_files_are_refused_with_their_line() {
    for text in [
        "validators = ",
        "validators = \"four\"",
        "drawn = 4",
        "[network]\nloss_ppm = -1",
    ] {
        let refusal = refused(text);
        assert!(refusal.starts_with("line "), "{refusal}");
        assert!(!refusal.contains('\n'), "{refusal}");
    }
}

/// Goal: a number out of bounds is refused with its bounds, also where only chance would get there.
#[test]
fn impossible_values_are_refused_with_their_bounds() {
    for (text, words) in [
        ("validators = 0", "validators is 0, outside 1 to 128"),
        (
            "validators = { uniform = [4, 129] }",
            "validators is 129, outside 1 to 128",
        ),
        (
            "horizon_ms = 0",
            "horizon_ms is 0 ms, outside 1 ms to 3600000 ms",
        ),
        (
            "network = { loss_ppm = 1000001 }",
            "network.loss_ppm is 1000001, outside 0 to 1000000",
        ),
        (
            "crash = [{ nodes = [4], at_ms = 1 }]",
            "crash.nodes is 4, outside 0 to 3",
        ),
        (
            "crash = [{ nodes = { any = 5 }, at_ms = 1 }]",
            "crash.nodes.any is 5, outside 0 to 4",
        ),
        (
            "slow = [{ nodes = [1], factor = 0 }]",
            "slow.factor is 0, outside 1 to 1000",
        ),
        (
            "validators = 1\ncities = [\"zurich\", \"tokyo\"]",
            "cities is 2, outside 0 to 1",
        ),
        (
            "network = { stretch_percent = 99 }",
            "network.stretch_percent is 99, outside 100 to 1000",
        ),
        (
            "timeouts = { tick_ms = 0 }",
            "timeouts.tick_ms is 0 ms, outside 1 ms to 60000 ms",
        ),
        (
            "clock = [{ nodes = [1], drift_ppm = 500001 }]",
            "clock.drift_ppm is 500001, outside -500000 to 500000",
        ),
        (
            "expect = { seeds = 0 }",
            "expect.seeds is 0, outside 1 to 1000000000",
        ),
        (
            "validators = { one_of = [] }",
            "validators cannot be drawn: there is nothing to draw from",
        ),
    ] {
        assert_eq!(refused(text), words);
    }
}

/// Goal: more faulty validators than there are, or all of them, are refused; the worst that chance can draw counts.
#[test]
fn more_faulty_than_validators_are_refused() {
    let liars = "byzantine = [{ nodes = { any = 9 }, behaviours = [\"equivocate\"] }]";
    assert_eq!(
        refused(liars),
        "9 of 4 validators would lie or be lost; at least one has to be correct"
    );
    let all = "validators = { one_of = [7, 4] }\nlost = [{ nodes = { any = { uniform = [0, 4] } }, at_ms = 1 }]";
    assert_eq!(
        refused(all),
        "4 of 4 validators would lie or be lost; at least one has to be correct"
    );
}

/// Goal: what excludes each other is refused by name.
#[test]
fn contradictions_are_refused_by_name() {
    for (text, words) in [
        (
            "lost = [{ nodes = [1], at_ms = 1 }]\nrestart = [{ nodes = [1], at_ms = 5 }]",
            "node 1 is lost for good, and [[restart]] needs it",
        ),
        (
            "lost = [{ nodes = [1], at_ms = 1 }]\nbyzantine = [{ nodes = [1], behaviours = [\"equivocate\"] }]",
            "node 1 is named twice",
        ),
        (
            "drawn = \"all\"\nlost = [{ nodes = [1], at_ms = 1 }]",
            "drawn holds \"faulty\"",
        ),
        (
            "partition = [{ side = [1], at_ms = 1, for_ms = 50 }]\nmute = [{ side = [2], at_ms = 9 }]",
            "[[partition]] and [[mute]] overlap",
        ),
        (
            "partition = [{ side = \"all\", at_ms = 1 }]",
            "[[partition]] has a side that holds nobody or everybody",
        ),
        (
            "mute = [{ side = [], at_ms = 1 }]",
            "[[mute]] has a side that holds nobody or everybody",
        ),
        (
            "network = { delay_ms = 5, delay_cap_ms = 4 }",
            "network.delay_cap_ms is below network.delay_ms",
        ),
        (
            "timeouts = { propose_ms = 100 }",
            "parameter timeouts.propose_ms is 100 ms, but a tick of 50 ms asks for more than 250 ms",
        ),
        (
            "crash = [{ nodes = [1], at_ms = 5000 }]",
            "[[crash]] begins at 5000 ms, when the network has stabilised at 5000 ms",
        ),
        (
            "byzantine = [{ nodes = [1], behaviours = [] }]",
            "[[byzantine]] names no behaviour",
        ),
    ] {
        let refusal = refused(text);
        assert!(refusal.starts_with("contradiction: "), "{refusal}");
        assert!(refusal.contains(words), "{refusal}");
    }
}

/// Goal: a file with its defaults written out gives the same scenarios.
#[test]
fn an_expanded_file_gives_the_same_scenarios() {
    for text in [
        "",
        "drawn = \"all\"",
        "drawn = [\"network\", \"timeouts\"]\nclients = { gap_min_ms = 3 }",
        "network = { delay_ms = 7 }",
        "network = { delay_ms = { uniform = [2, 9] } }",
        "network = { delay_cap_ms = 9 }",
        "cities = [\"zurich\", \"tokyo\"]",
        EVERY_KEY,
    ] {
        let file = file(text);
        let expanded = file.expanded();
        for seed in 0..20 {
            let (one, other) = (file.scenario(seed), expanded.scenario(seed));
            assert_eq!(format!("{one:?}"), format!("{other:?}"), "{text}");
        }
    }
    assert_eq!(file("").expanded().validators, Some(Dial::Fixed(4)));
}

fn points(text: &str) -> Result<Vec<Point>, FileError> {
    File::points(&with_about(text))
}

/// Goal: a sweep takes the product of its values, in order; a key may be written with its section.
#[test]
fn a_sweep_takes_the_product() {
    let text =
        "sweep = { validators = [4, 7], delay_ms = [20, 100], \"disk.sync_min_ms\" = [1.5] }";
    let found: Vec<_> = points(text)
        .unwrap()
        .iter()
        .map(|point| {
            let scenario = point.plan.scenario(1);
            let delay_ms = scenario.network.delay_min_ns / 1_000_000;
            assert_eq!(scenario.disk.sync_min_ns, 1_500_000);
            (scenario.validators, delay_ms, words(&point.values))
        })
        .collect();
    let sizes: Vec<_> = found.iter().map(|point| (point.0, point.1)).collect();
    assert_eq!(sizes, [(4, 20), (7, 20), (4, 100), (7, 100)]);
    assert_eq!(
        found[1].2,
        "delay_ms = 20, disk.sync_min_ms = 1.5, validators = 7"
    );
    assert_eq!(points("").unwrap().len(), 1);
}

/// Goal: each key that can be swept reaches the file: a point with an impossible value is refused by that key.
#[test]
fn a_sweep_is_checked_at_each_point() {
    let cases = [
        (
            "sweep = { delay_m = [1] }",
            "line 2: unknown key of sweep delay_m; did you mean delay_ms?",
        ),
        (
            "sweep = { validators = [] }",
            "sweep.validators cannot be drawn: there is nothing to draw from",
        ),
        (
            "sweep = { validators = [4, 129] }",
            "validators is 129, outside 1 to 128",
        ),
        (
            "sweep = { validators = [\"four\"] }",
            "at validators = \"four\": ",
        ),
        (
            "lost = [{ nodes = { any = 4 }, at_ms = 1 }]\nvalidators = 7\nsweep = { validators = [7, 4] }",
            "4 of 4 validators would lie or be lost",
        ),
    ];
    refusals_begin(&cases, |text| points(text).expect_err(text).to_string());
}
