//! How a home is set on a genesis: once. A home that was set before is refused whatever of it is lost, one whose setting was stopped is
//! set by the same command again, and what is refused leaves everything as it was.

use std::fs;
use std::path::PathBuf;

use crate::bench::{Bench, Ended, copy};
use crate::client::{height, pay};

fn set_again(bench: &Bench, more: &[&str]) -> Ended {
    let genesis = bench.path("genesis.json").display().to_string();
    bench.run(&[&["init", "--genesis", &genesis], more].concat())
}

#[track_caller]
fn starts_at(bench: &Bench, last: u8) {
    let node = bench.start();
    assert_eq!(height(node.api), u64::from(last), "{}", node.said);
    pay(node.api, &bench.home(), last + 1);
    node.stop().expect(0, &[]);
}

/// Folders of guard and data, and places to put them aside.
fn folders(bench: &Bench) -> [(PathBuf, PathBuf); 2] {
    ["guard", "data"].map(|name| {
        (
            bench.home().join(name),
            bench.path(&format!("{name}-aside")),
        )
    })
}

// A key that signed may not get a guard at height 0, whatever else is lost beside it.
#[test]
fn a_home_that_lost_data_and_guard_is_not_set_again() {
    let bench = Bench::settled();
    let folders = folders(&bench);
    for (folder, aside) in &folders {
        fs::rename(folder, aside).unwrap();
    }
    let words = [
        "the signing guard is gone",
        "to do: never set this home",
        "guard lost",
    ];
    set_again(&bench, &[]).expect(78, &words);
    // The binding alone tells it too.
    let (genesis, aside) = (bench.home().join("genesis.json"), bench.path("aside"));
    fs::rename(&genesis, &aside).unwrap();
    set_again(&bench, &[]).expect(78, &["the signing guard is gone", "transport.binding"]);
    fs::rename(&aside, &genesis).unwrap();
    for (folder, aside) in &folders {
        assert!(!folder.exists(), "nothing is made");
        fs::rename(aside, folder).unwrap();
    }
    starts_at(&bench, 2);
}

// A guard that is gone was lost: what it signed is unknown, so it is never begun afresh, by `init` least of all.
#[test]
fn a_lost_guard_is_said_and_not_made_again() {
    let bench = Bench::settled();
    let [(guard, aside), _] = folders(&bench);
    fs::rename(&guard, &aside).unwrap();
    let words = ["the signing guard is gone", "never make its guard anew"];
    set_again(&bench, &[]).expect(78, &words);
    bench.try_start(&[]).err().unwrap().expect(78, &words);
    assert!(!guard.join("guard/guard-0000000000.log").exists());
    fs::remove_dir_all(&guard).unwrap();
    fs::rename(&aside, &guard).unwrap();
    starts_at(&bench, 2);
}

#[test]
fn a_lost_data_folder_is_not_made_again() {
    let bench = Bench::settled();
    let [_, (data, aside)] = folders(&bench);
    fs::rename(&data, &aside).unwrap();
    set_again(&bench, &[]).expect(78, &["the logs are gone", "lost data folder"]);
    assert!(!data.exists(), "nothing is made");
    fs::rename(&aside, &data).unwrap();
    starts_at(&bench, 2);
}

// The flags beside a setting that is refused are refused with it.
#[test]
fn a_home_that_is_set_says_on_which_genesis() {
    let bench = Bench::settled();
    let config = fs::read(bench.home().join("config.toml")).unwrap();
    let seen = bench.run(&["inspect", "genesis", "--json"]).json();
    let hash = seen["hash"].as_str().unwrap().to_owned();
    let again = set_again(&bench, &["--listen", "/ip4/127.0.0.1/tcp/4711"]);
    again.expect(78, &["is set on genesis", &hash, "already"]);
    assert_eq!(fs::read(bench.home().join("config.toml")).unwrap(), config);
    starts_at(&bench, 2);
}

// Wherever a setting stops, the node does not start, and the same command finishes it.
#[test]
fn a_setting_that_was_stopped_is_finished_by_the_same_command() {
    let bench = Bench::with_home();
    let hash = bench.run(&["inspect", "genesis", "--json"]).json()["hash"].clone();
    let (mark, binding) = ("init.unfinished", bench.home().join("transport.binding"));
    let whole = bench.path("whole");
    copy(&bench.home(), &whole);
    let stops: [&[&str]; 5] = [
        &["genesis.json", "data", "guard"],
        &["data", "guard"],
        &["data/batch", "guard"],
        &["guard/guard/guard-0000000000.log", "guard/audit"],
        &[],
    ];
    for lost in stops {
        fs::remove_dir_all(bench.home()).unwrap();
        copy(&whole, &bench.home());
        fs::remove_file(&binding).unwrap();
        for path in lost {
            let path = bench.home().join(path);
            if path.is_dir() {
                fs::remove_dir_all(path).unwrap();
            } else {
                fs::remove_file(path).unwrap();
            }
        }
        fs::write(bench.home().join(mark), hash.as_str().unwrap()).unwrap();
        let words = ["did not finish", "to do: `falaj init --genesis"];
        bench.try_start(&[]).err().unwrap().expect(78, &words);
        set_again(&bench, &[]).expect(0, &[]);
        assert!(!bench.home().join(mark).exists());
        starts_at(&bench, 0);
    }
}

// Nothing is left of a setting that is refused: no peer, no folder.
#[test]
fn a_refused_genesis_leaves_the_home_as_it_was() {
    let bench = Bench::new();
    bench.init(&[]).expect(0, &[]);
    let other = falaj_ledger::testing::Who::Validator(1).key().public();
    let file = bench.path("genesis.json");
    fs::write(
        &file,
        falaj_ledger::testing::genesis_of_one(other).to_json(),
    )
    .unwrap();
    let names = || {
        let mut names: Vec<_> = fs::read_dir(bench.home()).unwrap().collect();
        names.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
        names
            .into_iter()
            .map(|entry| entry.unwrap().file_name())
            .collect::<Vec<_>>()
    };
    let (before, config) = (names(), fs::read(bench.home().join("config.toml")).unwrap());
    let listen = ["--listen", "/ip4/127.0.0.1/tcp/4711"];
    set_again(&bench, &listen).expect(78, &["no validator 1 with this node's key"]);
    fs::write(&file, "{}").unwrap();
    set_again(&bench, &listen).expect(78, &["not a genesis that adds up"]);
    fs::remove_file(&file).unwrap();
    set_again(&bench, &listen).expect(78, &["cannot read"]);
    assert_eq!(names(), before);
    assert_eq!(fs::read(bench.home().join("config.toml")).unwrap(), config);
}
