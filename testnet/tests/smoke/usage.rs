//! What the commands refuse, and what they put on standard output.

use crate::programs::run;

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

/// Goal: a demo's lines for people are beside its object, however its checks end; one validator alone stands still while it is down.
#[tokio::test]
async fn a_demo_prints_its_object_alone() {
    let shape = [
        "--signer",
        "software",
        "--validators",
        "1",
        "--customers",
        "1",
    ];
    let length = ["--rate", "5", "--seconds", "1"];
    let ended = run(&[&["demo", "--json"][..], &shape, &length].concat()).await;
    assert_eq!(ended.printed.lines().count(), 1, "{}", ended.printed);
    assert_eq!(ended.last()["validators"], 1, "{}", ended.printed);
    assert!(
        ended.said.contains("kill -9 of validator-1"),
        "{}",
        ended.said
    );
}
