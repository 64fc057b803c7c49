//! The exhaustive modes as commands: counts, verdicts, names that play again, and what is refused.

use crate::program::{falaj_sim, last_line};

fn words(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Goal: every scenario of a round is there, in parts or whole, and the report counts what it says.
#[test]
fn twins_are_counted() {
    let whole = falaj_sim(&["twins", "--rounds", "1", "--json"]);
    assert_eq!(whole.status.code(), Some(0));
    let whole = last_line(&whole);
    assert_eq!(whole["verdict"], "safe_live");
    assert_eq!(
        (&whole["scenarios"], &whole["scenarios_named"]),
        (&64.into(), &384.into())
    );
    let part = last_line(&falaj_sim(&[
        "twins", "--rounds", "1", "--shard", "3/4", "--json",
    ]));
    assert_eq!(
        (&part["scenarios"], &part["shard"]),
        (&16.into(), &"3/4".into())
    );
}

/// Goal: a scenario plays again by its name, and a text that names none is a usage error that says what a name is.
#[test]
fn a_scenario_plays_by_its_name() {
    let played = falaj_sim(&["twins", "--only", "ab-cCd.abcC-d"]);
    assert_eq!(played.status.code(), Some(0));
    let text = words(&played);
    for line in [
        "round 0: ab-cCd",
        "round 1: abcC-d",
        "whole",
        "a says proposal of",
        "b decides",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.ends_with("safe_live\n"));
    let refused = falaj_sim(&["twins", "--only", "abc"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no split of a, b, c, d"));
}

/// Goal: an exploration that ends is a verdict, and one that a bound cut is inconclusive and says which.
#[test]
fn explorations_say_what_they_left_out() {
    let cut = falaj_sim(&["explore", "--states", "20", "--json"]);
    assert_eq!(cut.status.code(), Some(12));
    let cut = last_line(&cut);
    assert_eq!(
        (&cut["states"], &cut["cut_by_states"]),
        (&20.into(), &true.into())
    );
    assert_eq!(cut["verdict"], "inconclusive");
    let shallow = falaj_sim(&["explore", "--cast", "liar", "--depth", "2"]);
    assert_eq!(shallow.status.code(), Some(12));
    assert!(words(&shallow).contains("cut: nothing behind 2 steps was looked at"));
    let walked = falaj_sim(&["explore", "--only", "0.0"]);
    assert_eq!(walked.status.code(), Some(0));
    assert!(words(&walked).contains(" hears "));
}
