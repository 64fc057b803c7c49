//! What the commands refuse, and what they put on standard output.

use crate::programs::{command, run, text};

/// Goal: with `--json` there is one object on standard output for a command line that cannot be read, and its exit code is 2.
#[tokio::test]
async fn wrong_usage_is_one_object() {
    for arguments in [
        &["up", "--json"][..],
        &["--json", "up", "--dri", "x"],
        &["load", "--network", "x", "--rate", "fast", "--json"],
        &["--json"],
    ] {
        let ended = run(arguments).await;
        assert_eq!(ended.code, Some(2), "{arguments:?}");
        assert_eq!(ended.printed.lines().count(), 1, "{}", ended.printed);
        assert_eq!(ended.last()["exit_code"], 2, "{}", ended.printed);
        for key in ["error", "causes", "fix"] {
            assert!(!ended.last()[key].is_null(), "{}", ended.printed);
        }
        assert_eq!(ended.said, "");
    }
    let help = run(&["--help", "--json"]).await;
    assert_eq!(help.code, Some(0));
    assert!(help.printed.contains("Usage:"), "{}", help.printed);
}

/// Goal: what cannot be is wrong usage, and leaves no folder behind.
#[tokio::test]
async fn what_cannot_be_is_wrong_usage() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("testnet");
    let name = text(&dir);
    for arguments in [
        "new --validators 0",
        "new --validators 101",
        "up --validators 0",
        "new --signer software --algorithm p256",
        "new --banks 0",
        "demo --rate 0",
        "demo --seconds inf",
        "demo --validators 0",
        "load --rate 0",
        "load --seconds nan",
        "load --from x --in-flight 0",
    ] {
        let mut words: Vec<_> = arguments.split(' ').collect();
        match words[0] {
            "new" | "up" => words.extend(["--dir", name]),
            "load" => words.extend(["--network", name]),
            _ => {}
        }
        let ended = run(&words).await;
        assert_eq!(ended.code, Some(2), "{arguments}: {}", ended.said);
        assert_eq!(ended.printed, "", "{arguments}");
        assert!(!dir.exists(), "{arguments}");
    }
}

/// Goal: a step that fails leaves nothing, neither a folder that was made for it nor anything in one that was there. Without its tool no
/// token can be made.
#[tokio::test]
async fn what_fails_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("testnet");
    for (word, dir) in [
        ("new", missing.as_path()),
        ("up", missing.as_path()),
        ("new", folder.path()),
    ] {
        let name = text(dir);
        let ended = command(&[word, "--dir", name, "--validators", "2"])
            .env("PATH", "")
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("softhsm2-util"), "{said}");
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        assert_eq!(entries.count(), 0, "{word} {name}");
    }
}

/// Goal: what is not running is unavailable, and it is said what to do.
#[tokio::test]
async fn a_network_that_does_not_run_is_unavailable() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("network.json");
    let name = text(&file);
    for words in [&["load"][..], &["fault", "kill", "--validator", "0"]] {
        let ended = run(&[words, &["--network", name]].concat()).await;
        assert_eq!(ended.code, Some(69), "{}", ended.said);
        assert!(ended.said.contains("  to do: "), "{}", ended.said);
    }
}
