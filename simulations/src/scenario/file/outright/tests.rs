//! Scenarios said outright, and single faults in files.

use super::*;

/// What a file can say of a scenario: the rest changes nothing.
fn without_what_changes_nothing(mut scenario: Scenario) -> Scenario {
    let horizon = scenario.stabilise_at.unwrap();
    let validators = scenario.validators;
    let faults = &mut scenario.faults;
    faults.retain(|timed| timed.at < horizon && has_two_sides(&timed.fault, validators));
    scenario
}

/// Goal: said outright, the random scenario of every seed is the same scenario, under its own seed and under any other.
#[test]
fn a_scenario_said_outright_is_the_same() {
    for seed in 0..300 {
        let scenario = without_what_changes_nothing(Scenario::swarm(seed));
        let said = File::of(&scenario).unwrap();
        said.check().unwrap();
        let again = File::parse(&with_about(&said).to_text()).unwrap();
        assert_eq!(again.scenario(seed + 1), scenario, "seed {seed}");
    }
}

fn with_about(file: &File) -> File {
    File {
        about: "said outright".to_owned(),
        ..file.clone()
    }
}

/// Goal: the text of any file reads as the same file, whatever it draws.
#[test]
fn a_file_reads_as_it_was_written() {
    for (name, text) in crate::scenario::shipped::SHIPPED {
        let file = File::parse(text).unwrap();
        assert_eq!(File::parse(&file.to_text()), Ok(file), "{name}");
    }
}

/// Goal: a single fault is one line, as a person would write it.
#[test]
fn a_single_fault_is_written_in_a_line() {
    let mut scenario = Scenario {
        stabilise_at: Some(SimTime::new(1_000_000_000)),
        ..Scenario::calm(4)
    };
    let at = SimTime::new(812_500_000);
    let node = NodeIndex::new(2);
    scenario.add(Timed {
        at,
        fault: Fault::Crash(node),
    });
    scenario.add(Timed {
        at,
        fault: Fault::Heal,
    });
    let side = vec![node];
    let noticed = true;
    scenario.add(Timed {
        at,
        fault: Fault::Partition { side, noticed },
    });
    let text = with_about(&File::of(&scenario).unwrap()).to_text();
    let expected = "about = \"said outright\"\nvalidators = 4\nhorizon_ms = 1000\n\n\
        [[fault]]\nat_ms = 812.5\nwhat = { crash = 2 }\n\n\
        [[fault]]\nat_ms = 812.5\nwhat = \"heal\"\n\n\
        [[fault]]\nat_ms = 812.5\nwhat = { partition = { noticed = true, side = [2] } }\n\n\
        [expect]\n";
    assert!(text.starts_with(expected), "{text}");
}

/// Goal: a fault that cannot be is refused for its reason, whatever it is.
#[test]
fn impossible_faults_are_refused() {
    let refused = |at: &str, what: &str| {
        let text = format!("about = \"\"\n[[fault]]\nat_ms = {at}\nwhat = {what}\n");
        File::parse(&text).expect_err(what).to_string()
    };
    for (at, what, words) in [
        ("1", "{ crash = 4 }", "fault.what is n4, outside 0 to 3"),
        ("5000", "{ crash = 1 }", "[[fault]] begins at 5000 ms"),
        (
            "1",
            "{ mute = { side = [0, 1, 2, 3] } }",
            "[[fault]] has a side that holds nobody or everybody",
        ),
        (
            "1",
            "{ crsh = 1 }",
            "unknown word crsh; did you mean crash?",
        ),
        (
            "1",
            "{ partition = { side = [1], notised = true } }",
            "unexpected keys in table: notised, available keys: side, noticed",
        ),
        (
            "1",
            "{ power_cut = { node = 1, after_changes = 1000001 } }",
            "fault.what.after_changes is 1000001, outside 0 to 1000000",
        ),
        (
            "1",
            "{ disk = { node = 1, log = \"guard\", dials = { sync_min_ns = 9000, sync_cap_ns = 8000 } } }",
            "the greatest is below the least of fault.what.dials",
        ),
        (
            "1",
            "{ token = { node = 1, dials = { latency_min_ns = 9000, latency_cap_ns = 9000, lost_answer_ppm = 1000001 } } }",
            "1000001 parts per million are more than one",
        ),
    ] {
        let refusal = refused(at, what);
        assert!(refusal.contains(words), "{what}: {refusal}");
    }
}

/// Goal: what no key says is refused, not left out.
#[test]
fn what_no_key_says_is_refused() {
    let endless = Scenario::calm(4);
    assert!(File::of(&endless).is_err());
    let mut scenario = Scenario {
        stabilise_at: Some(SimTime::new(1)),
        ..Scenario::calm(4)
    };
    assert!(File::of(&scenario).is_ok());
    scenario.disk.capacity_bytes = 1;
    assert!(File::of(&scenario).is_err());
}

/// Goal: a file that names its seed is run from there on.
#[test]
fn a_file_may_name_its_seed() {
    let file = |more: &str| File::parse(&format!("about = \"\"\n{more}"));
    assert_eq!(file("").unwrap().seeds(), 0..1);
    assert_eq!(file("seed = 38\nexpect.seeds = 4").unwrap().seeds(), 38..42);
    assert!(file("seed = -1").is_err());
}

/// Goal: where everybody stands is said, and where only some do nothing can be said.
#[test]
fn cities_are_said() {
    let mut scenario = Scenario {
        stabilise_at: Some(SimTime::new(1_000_000_000)),
        stretch_percent: 130,
        ..Scenario::calm(2)
    };
    scenario.cities.insert(NodeIndex::new(0), City::Doha);
    assert!(File::of(&scenario).is_err());
    scenario.cities.insert(NodeIndex::new(1), City::Muscat);
    let said = with_about(&File::of(&scenario).unwrap()).to_text();
    assert_eq!(File::parse(&said).unwrap().scenario(7), scenario, "{said}");
}
