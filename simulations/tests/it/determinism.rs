//! One seed is one run: in every process, whatever its hash maps are seeded with, on however many threads.
//!
//! Debug and release builds are held against each other by `testnet/scripts/profiles.sh`, under the same scenario.
//! The standard library seeds the hash maps of each process anew, so that an order taken from one would show between two processes.

use std::thread;

use crate::program::{falaj_sim, last_line};

/// Goal: two hundred seeds in two processes, one with one thread and one with two, have one hash over all their events.
#[test]
fn two_hundred_seeds_are_the_same_in_two_processes() {
    let run = |jobs| {
        let range = ["--seeds", "0..200", "--jobs", jobs, "--json"];
        let arguments = [&["run", "short-trouble"], &range[..]].concat();
        last_line(&falaj_sim(&arguments))
    };
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| run("2"));
        (run("1"), other.join().unwrap())
    });
    assert_eq!(one["seeds"], 200);
    assert_eq!(one["failures"], serde_json::json!([]));
    for key in ["trace_hash", "events", "heights", "receipts", "marks"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    assert!(one["marks"]["restart"].as_u64() > Some(0), "{one}");
}
