//! The program: one seed is one run, in every process, whatever runs beside it.

use std::process::{Command, Output};

fn falaj_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_falaj-sim"))
        .args(arguments)
        .output()
        .expect("the program is built")
}

fn last_line(output: &Output) -> serde_json::Value {
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).expect("the last line is an object")
}

/// Goal: the same seed in two processes gives one hash, and the report says all it must.
#[test]
fn a_seed_has_one_hash_in_every_process() {
    let run = || last_line(&falaj_sim(&["run", "--seed", "1", "--json"]));
    let (first, second) = (run(), run());
    assert_eq!(first["trace_hash"], second["trace_hash"]);
    assert_eq!(
        (&first["verdict"], &first["seeds"]),
        (&"safe_live".into(), &1.into())
    );
    for number in ["events", "sim_seconds", "wall_seconds", "events_per_second"] {
        assert!(first[number].as_f64().unwrap() > 0.0, "{number}");
    }
}

/// Goal: the hash over many seeds is that of their order, not of the threads that ran them.
#[test]
fn threads_do_not_show_in_the_hash() {
    let run = |jobs| {
        let arguments = ["run", "--seeds", "14..18", "--jobs", jobs, "--json"];
        last_line(&falaj_sim(&arguments))["trace_hash"].clone()
    };
    assert_eq!(run("1"), run("3"));
}

/// Goal: what nobody can mean is a usage error.
#[test]
fn usage_errors_have_their_own_code() {
    for arguments in [
        &["run"][..],
        &["run", "--seeds", "3..3"],
        &["run", "--seeds", "3"],
        &["fly"],
    ] {
        assert_eq!(falaj_sim(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
