//! `falaj-testnet up`: that its nodes end with it, and that it starts them again when asked.

use falaj_testnet::control::ask_to_start;
use falaj_testnet::events::height;
use falaj_testnet::load::addresses;
use falaj_testnet::process::signal;
use falaj_testnet::token;
use rustix::process::Signal;
use serde_json::json;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::programs::{Up, command, run, small, text};
use crate::stage::{processes_of, until};

async fn one_node() -> Up {
    Up::start(&small("1")).await
}

/// Goal: the nodes end with `up`, however it ends.
#[tokio::test]
async fn nodes_do_not_outlive_a_killed_up() {
    let mut up = one_node().await;
    let folder = up.folder().to_owned();
    assert_eq!(processes_of(&folder).len(), 2, "up and its node");
    up.kill();
    until("no process is left", async || {
        processes_of(&folder).is_empty()
    })
    .await;
}

/// Goal: `up` takes a folder over whose `up` was killed a moment ago, with everything that was final.
#[tokio::test]
async fn a_killed_up_is_taken_over() {
    let mut up = one_node().await;
    up.pays().await;
    let reached = height(&addresses(&up.network()).expect("addresses")).await;
    up.kill_and_start().await;
    let found = height(&addresses(&up.network()).expect("addresses")).await;
    assert!(found.expect("an answer") >= reached.expect("an answer"));
    up.stop().await;
    let verified = run(&["verify", text(up.folder())]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.printed);
}

/// Goal: a second `up` on a running folder says who has it, and the network does not notice.
#[tokio::test]
async fn a_running_folder_is_held() {
    let mut up = one_node().await;
    let folder = text(up.folder()).to_owned();
    let run_file = up.folder().join("validator-1/run.json");
    let files = || [up.network_file(), run_file.clone()].map(std::fs::read_to_string);
    let before = files().map(Result::ok);
    for command in ["up", "new"] {
        let second = run(&[command, "--dir", &folder, "--json"]).await;
        assert_eq!(second.code, Some(73), "{}", second.said);
        let said = format!("is in use by process {}", up.pid());
        let error = second.last()["error"].as_str().expect("an error");
        assert!(error.ends_with(&said), "{error}");
    }
    assert_eq!(files().map(Result::ok), before);
    let log = std::fs::read_to_string(up.folder().join("validator-1/node.log")).expect("a log");
    assert!(!log.contains("in use"), "{log}");
    up.stop().await;
    let left = up.folder().join("lock");
    assert!(!left.exists(), "the folder is held by nobody");
}

/// Goal: a folder that was moved is not started, as its homes name the tokens of where it was, nor one that is not what is asked for; a
/// node that cannot start ends the waiting with its own words, and the others with it.
#[tokio::test]
async fn a_node_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = text(folder.path());
    let made = [&["new", "--dir", name][..], &small("2")].concat();
    assert_eq!(run(&made).await.code, Some(0));
    let moved = folder.path().with_extension("moved");
    std::fs::rename(folder.path(), &moved).expect("a folder");
    let refused = run(&["up", "--dir", text(&moved)]).await;
    assert_eq!(refused.code, Some(78), "{}", refused.said);
    let made = format!("was made as {name}");
    assert!(refused.said.contains(&made), "{}", refused.said);
    assert!(
        !moved.join("validator-1/node.log").exists(),
        "nothing was started"
    );
    std::fs::rename(&moved, folder.path()).expect("a folder");

    for other in [
        ["--validators", "7"],
        ["--signer", "softhsm"],
        ["--customers", "2"],
    ] {
        let refused = run(&[&["up", "--dir", name][..], &other].concat()).await;
        assert_eq!(refused.code, Some(2), "{}", refused.said);
        assert!(refused.said.contains(other[0]), "{}", refused.said);
    }
    let configuration = folder.path().join("validator-2/config.toml");
    std::fs::write(&configuration, "nonsense = 1").expect("a file");
    let same = [
        "--validators",
        "2",
        "--algorithm",
        "ed25519",
        "--banks",
        "4",
    ];
    let ended = run(&[&["up", "--dir", name][..], &same].concat()).await;
    assert_eq!(ended.code, Some(1));
    let first = ended.said.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("error: validator-2 (index 1) ended (exit status: 78): error: "),
        "{}",
        ended.said
    );
    assert!(first.contains("nonsense"), "{}", ended.said);
    assert_eq!(processes_of(folder.path()), Vec::<String>::new());
}

/// Goal: what is waited for is told, and a network that never came up is no success.
#[tokio::test]
async fn what_is_waited_for_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = text(folder.path());
    let made = [
        "new",
        "--dir",
        name,
        "--validators",
        "1",
        "--customers",
        "1",
    ];
    assert_eq!(run(&made).await.code, Some(0));
    let tokens = folder.path().join("tokens/validator-1");
    token::take_away(&token::environment(&tokens).expect("a name of letters")).expect("a token");
    let mut up = command(&["up", "--dir", name])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut said = BufReader::new(up.stderr.take().expect("a pipe")).lines();
    let waits = said.next().expect("a line").expect("text");
    assert!(
        waits.starts_with("waiting: validator-1 (index 0) is not ready: hsm failed: "),
        "{waits}"
    );
    signal(up.id(), Signal::TERM).expect("it runs");
    let last = said.map_while(Result::ok).collect::<Vec<_>>().join(" ");
    assert!(
        last.contains("interrupted before the network was up"),
        "{last}"
    );
    assert_eq!(up.wait().expect("it ends").code(), Some(1));
}

/// Goal: what one node has lost is told of that node, and the others are verified all the same; output that is cut is no output.
#[tokio::test]
async fn verify_goes_on_after_a_node_without_logs() {
    let mut up = Up::start(&small("2")).await;
    up.pays().await;
    up.stop().await;
    let folder = text(up.folder()).to_owned();
    let right = run(&["verify", &folder]).await;
    assert_eq!(right.code, Some(0), "{}", right.printed);
    // Four banks, each with a reserve of 1,000,000,000.00 and one customer with 1,000,000.00.
    assert!(
        right.printed.contains(" supply 4004000000.00 XTS, "),
        "{}",
        right.printed
    );

    std::fs::remove_dir_all(up.folder().join("validator-2/data/block")).expect("a log");
    let json = run(&["verify", &folder, "--json"]).await;
    assert_eq!(json.code, Some(1));
    let report = json.last();
    assert!(report["nodes"][0]["height"].as_u64() > Some(0), "{report}");
    assert_eq!(
        report["nodes"][0]["supply_minor_units"]["XTS"],
        "400400000000"
    );
    let problems = report["problems"].as_array().expect("a list");
    let [problem] = problems.as_slice() else {
        panic!("one problem: {report}");
    };
    let problem = problem.as_str().expect("text");
    assert!(
        problem.starts_with("validator-2: ") && problem.contains("data/block"),
        "{problem}"
    );
    let text = run(&["verify", &folder]).await;
    assert!(
        text.printed
            .contains("validator-2  nothing could be re-executed"),
        "{}",
        text.printed
    );

    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a device");
    let cut = command(&["verify", &folder, "--json"])
        .stdout(full)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&cut.stderr);
    assert_eq!(cut.status.code(), Some(74), "{said}");
    assert!(said.contains("cannot write to standard output"), "{said}");
}

/// Goal: whoever asks for a node while its killed process is still on its way out gets it, and whoever asks for one that cannot start hears
/// why; the others are started when they are asked for all the same.
#[tokio::test]
async fn a_start_waits_for_the_end_of_the_process() {
    let up = Up::start(&small("2")).await;
    let pid = || up.network().validators[0].pid;
    let before = pid();
    ask_to_start(up.folder(), 0).expect("a running up");
    until("up has taken the request", async || {
        std::fs::read_dir(up.folder().join("control"))
            .expect("a folder")
            .next()
            .is_none()
    })
    .await;
    let killed = up.fault("kill", "0").await;
    assert_eq!(killed.code, Some(0));
    let done = json!({"fault": "kill", "index": 0, "name": "validator-1", "pid": before});
    assert_eq!(killed.lines, [done]);
    let nobody = up.fault("kill", "2").await;
    assert_eq!(nobody.code, Some(2), "{}", nobody.printed);
    until("another process runs", async || pid() != before).await;

    let configuration = up.folder().join("validator-1/config.toml");
    for index in ["0", "1"] {
        assert_eq!(up.fault("kill", index).await.code, Some(0));
    }
    std::fs::write(&configuration, "nonsense = 1").expect("a file");
    let refused = up.fault("start", "0").await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.printed.contains("nonsense"), "{}", refused.printed);
    let other = up.fault("start", "1").await;
    assert_eq!(other.code, Some(0), "{}", other.printed);
}
