//! Output that cannot be written, and a sweep that somebody interrupts.
//!
//! How: the small disk is a tmpfs in a mount namespace (unshare(1)), as root of a user namespace or as root; a system that lets us mount
//! neither way fails the test and is named.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::yield_now;

use rustix::process::{Pid, Signal, kill_process};

use crate::program::{falaj_sim, last_line, written};

/// A short good day.
const CALM: &str = "about = \"calm\"\nhorizon_ms = 100\n";
/// Many short runs.
const MANY: &str =
    "about = \"many\"\nvalidators = 1\nhorizon_ms = 50\n[sweep]\ndelay_ms = [1, 2]\n";

/// What a program of the test writes to a standard output that is full; exit code and words.
fn on_a_full_output(arguments: &[&str]) -> (Option<i32>, String) {
    let full = File::options().write(true).open("/dev/full");
    let output = Command::new(env!("CARGO_BIN_EXE_falaj-sim"))
        .args(arguments)
        .stdout(full.expect("a device of every Linux"))
        .output()
        .expect("the program is built");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), words)
}

/// Goal: what cannot be printed is not taken for printed, whatever the command: a report that a full disk swallowed is no success.
#[test]
fn a_full_standard_output_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), CALM);
    let report = last_line(&falaj_sim(&["run", &path, "--seed", "1", "--json"]));
    let token = report["token"].as_str().unwrap_or_default();
    let sweep = folder.path().join("out").display().to_string();
    for arguments in [
        &["schema"][..],
        &["run", &path, "--seed", "1"],
        &["run", &path, "--seeds", "1..2", "--json"],
        &["run", &path, "--seed", "1", "--trace"],
        &["run", &path, "--out", &sweep],
        &["replay", token, "--until", "9"],
        &["step", token, "--at", "9"],
    ] {
        let (code, words) = on_a_full_output(arguments);
        assert_eq!(code, Some(26), "{arguments:?}: {words}");
        let told = "falaj-sim: standard output: cannot be written: ";
        assert!(words.starts_with(told), "{arguments:?}: {words}");
        assert_eq!(words.lines().count(), 1, "{words}");
    }
}

/// Goal: somebody who reads a few lines of a trace and goes is no failure.
#[test]
fn a_reader_that_goes_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), CALM);
    let mut program = Command::new(env!("CARGO_BIN_EXE_falaj-sim"))
        .args(["run", &path, "--seed", "1", "--trace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    drop(program.stdout.take());
    let output = program.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

/// Runs a sweep on a disk of 28 KiB, then once more with room for all, and keeps what it wrote; prints both exit codes.
const ON_A_SMALL_DISK: &str = r#"set -e
disk=$1 kept=$2
shift 2
mount -t tmpfs -o size=28k falaj "$disk"
first=0
"$@" >&2 || first=$?
mount -o remount,size=8m "$disk"
second=0
"$@" >&2 || second=$?
cp -R "$disk"/. "$kept/"
echo "$first $second"
"#;

/// Goal: a disk that fills up in the middle of a sweep ends it with a code of its own and names the file; with room again the same
/// command goes on, and the sweep is as if nothing had happened.
#[test]
fn a_full_disk_ends_a_sweep_that_then_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).expect("a folder of the test");
        path.display().to_string()
    };
    let (disk, kept, whole) = (place("disk"), place("kept"), place("whole"));
    let path = written(folder.path(), MANY);
    let seeds = ["--seeds", "0..30"];
    let program = env!("CARGO_BIN_EXE_falaj-sim");
    let output = Command::new("unshare")
        .args([how_to_mount(&disk), "sh", "-c", ON_A_SMALL_DISK, "sh"])
        .args([&disk, &kept, program, "run", &path, "--out", &disk])
        .args(seeds)
        .output()
        .expect("unshare(1)");
    let words = String::from_utf8_lossy(&output.stderr);
    let codes = String::from_utf8_lossy(&output.stdout);
    assert_eq!(codes.trim(), "26 0", "{words}");
    let told = "runs.ndjson: cannot be written: No space left on device";
    assert!(words.contains(told), "{words}");
    let code = falaj_sim(&[&["run", &path, "--out", &whole], &seeds[..]].concat());
    assert_eq!(code.status.code(), Some(0));
    for name in ["runs.ndjson", "summary.json"] {
        let text = |folder: &str| fs::read_to_string(Path::new(folder).join(name)).unwrap();
        assert_eq!(text(&kept), text(&whole), "{name}");
    }
}

/// The flags of unshare(1) by which this system lets us mount: as root of a namespace, or as root.
fn how_to_mount(folder: &str) -> &'static str {
    let mut refused = String::new();
    for flags in ["-rm", "-m"] {
        let mount = [flags, "mount", "-t", "tmpfs", "falaj", folder];
        let tried = Command::new("unshare")
            .args(mount)
            .output()
            .expect("unshare(1)");
        if tried.status.success() {
            return flags;
        }
        refused.push_str(&String::from_utf8_lossy(&tried.stderr));
    }
    panic!(
        "this test fills a small disk, and this system lets us mount none: {refused}; allow user namespaces, or run it as root"
    );
}

/// A sweep that would take minutes, under way: its folder has more lines than before.
fn under_way(path: &str, out: &Path) -> Child {
    let lines =
        || fs::read_to_string(out.join("runs.ndjson")).map_or(0, |text| text.lines().count());
    let before = lines();
    let mut program = Command::new(env!("CARGO_BIN_EXE_falaj-sim"))
        .args(["run", path, "--seeds", "0..20000", "--out"])
        .arg(out)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    while lines() == before {
        let ended = program.try_wait().expect("it is ours");
        assert_eq!(ended, None, "it has work for minutes");
        yield_now();
    }
    program
}

/// Goal: SIGINT and SIGTERM end a sweep between two runs, with a code of its own and a word on how to go on; every line that is kept is
/// whole, and the next time adds to them.
#[test]
fn an_interrupted_sweep_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), MANY);
    let out = folder.path().join("out");
    let mut kept = String::new();
    for signal in [Signal::INT, Signal::TERM] {
        let program = under_way(&path, &out);
        kill_process(Pid::from_child(&program), signal).expect("it runs");
        let output = program.wait_with_output().expect("it ends");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(36), "{words}");
        let lines = fs::read_to_string(out.join("runs.ndjson")).unwrap();
        let told = format!(
            "falaj-sim: interrupted after {} of 40000 runs, which are kept: run the same command again, it goes on where it was\n",
            lines.lines().count()
        );
        assert_eq!(words, told);
        assert!(lines.ends_with('\n') && lines.starts_with(&kept));
        assert!(lines.len() > kept.len());
        kept = lines;
    }
}
