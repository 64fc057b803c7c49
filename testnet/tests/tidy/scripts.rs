//! The scripts behind `make test`: a crash, a silence and a failure are each counted, none of them as success.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::repository::{root, texts_ending};

const ONE_OK: &str = "     Running unittests src/lib.rs (target/debug/deps/a-1)\n\nrunning 3 tests\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
const ONE_FAILED: &str = "     Running tests/it/main.rs (target/debug/deps/b-1)\n\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
const CRASHED: &str = "     Running unittests src/lib.rs (target/debug/deps/c-1)\n\nrunning 2 tests\ntest one ... ok\nerror: test failed, to rerun pass `-p c --lib`\n";
const TWO_DOC_RUNS: &str = "   Doc-tests a\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\ntest result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";

/// What `sum.sh` makes of a step's output and exit status: passed and failed.
fn sum(step: &str, status: u8, output: &str) -> String {
    let mut child = Command::new("sh")
        .current_dir(root())
        .args(["testnet/scripts/sum.sh", step, &status.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell starts");
    let mut input = child.stdin.take().expect("standard input is a pipe");
    // A step that is not counted by test ends without reading: the pipe may then be closed.
    let _ = input.write_all(output.as_bytes());
    drop(input);
    let done = child.wait_with_output().expect("the shell ends");
    String::from_utf8(done.stdout)
        .expect("numbers")
        .trim()
        .to_owned()
}

/// Goal: counts are added over binaries and documentation tests.
#[test]
fn sum_adds_all_runs() {
    assert_eq!(
        sum("tests", 0, &[ONE_OK, ONE_OK, TWO_DOC_RUNS].concat()),
        "11 0"
    );
}

/// Goal: a failed test is counted, and what ran beside it too.
#[test]
fn sum_counts_failures() {
    assert_eq!(sum("tests", 101, &[ONE_OK, ONE_FAILED].concat()), "5 1");
}

/// Goal: a binary that died without a result is one failure, wherever it stands.
#[test]
fn sum_counts_a_crash_as_a_failure() {
    assert_eq!(sum("tests", 101, &[ONE_OK, CRASHED].concat()), "3 1");
    assert_eq!(sum("tests", 101, &[CRASHED, ONE_OK].concat()), "3 1");
    assert_eq!(sum("tests", 101, &[CRASHED, ONE_FAILED].concat()), "2 2");
}

/// Goal: an exit status is believed over the text, and nothing run is not success.
#[test]
fn sum_never_takes_silence_for_success() {
    assert_eq!(sum("tests", 101, ONE_OK), "3 1");
    assert_eq!(sum("tests", 101, "error: could not compile\n"), "0 1");
    assert_eq!(sum("tests", 0, ""), "0 1");
}

/// Goal: seeds are counted by the simulator's own last line, and its silence is a failure.
#[test]
fn sum_counts_seeds() {
    assert_eq!(
        sum(
            "sim",
            0,
            "progress\n{\"verdict\":\"safe_live\",\"seeds\":300,\"events\":7}\n"
        ),
        "300 0"
    );
    assert_eq!(
        sum(
            "sim",
            0,
            "{\"events\": 7, \"seeds\": 12, \"verdict\": \"safe_live\"}"
        ),
        "12 0"
    );
    assert_eq!(
        sum("sim", 10, "{\"verdict\":\"safe_live\",\"seeds\":300}\n"),
        "0 1"
    );
    assert_eq!(
        sum("sim", 0, "{\"verdict\":\"unsafe\",\"seeds\":300}\n"),
        "0 1"
    );
    assert_eq!(
        sum("sim", 0, "{\"verdict\":\"safe_live\",\"seeds\":0}\n"),
        "0 1"
    );
    assert_eq!(sum("sim", 0, ""), "0 1");
}

/// Goal: any other step counts once, by its status alone.
#[test]
fn sum_counts_other_steps_by_their_status() {
    assert_eq!(sum("check", 0, ONE_FAILED), "1 0");
    assert_eq!(sum("check", 2, ONE_OK), "0 1");
}

/// Goal: every shell script is one that a POSIX shell can read.
#[test]
fn scripts_parse() {
    for script in texts_ending(".sh") {
        let status = Command::new("sh")
            .current_dir(root())
            .args(["-n", &script.path])
            .status()
            .expect("a shell starts");
        assert!(status.success(), "{}", script.path);
    }
}
