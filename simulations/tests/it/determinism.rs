//! One seed is one run: in every process, whatever its hash maps are seeded with, on however many threads.
//!
//! The standard library seeds the hash maps of each process anew, so that an order taken from one would show between two processes.

use std::thread;

use crate::program::{falaj_sim, last_line, written};

/// All trouble drawn, on small networks with few payments and for a short time, so that two hundred seeds take seconds.
const SMALL: &str = "about = \"small networks in short trouble\"\nvalidators = { one_of = [1, 2, 4] }\nhorizon_ms = 100\n\
    drawn = [\"network\", \"disk\", \"partitions\", \"crashes\", \"tokens\", \"slow_disks\", \"clocks\", \"processors\"]\n\
    clients = { gap_min_ms = 300, gap_cap_ms = 300 }\n";

/// Goal: two hundred seeds in two processes, one with one thread and one with two, have one hash over all their events.
#[test]
fn two_hundred_seeds_are_the_same_in_two_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), SMALL);
    let run = |jobs| {
        let arguments = ["run", &path, "--seeds", "0..200", "--jobs", jobs, "--json"];
        last_line(&falaj_sim(&arguments))
    };
    let (one, other) = thread::scope(|scope| {
        let other = scope.spawn(|| run("2"));
        (run("1"), other.join().unwrap())
    });
    assert_eq!(one["seeds"], 200);
    for key in ["trace_hash", "events", "heights", "receipts", "marks"] {
        assert_eq!(one[key], other[key], "{key}");
    }
    assert!(one["marks"]["restart"].as_u64() > Some(0), "{one}");
}
