//! `falaj-testnet up`: that its nodes end with it, and that it starts them again when asked.

use falaj_testnet::control::ask_to_start;
use falaj_testnet::network::Network;

use crate::programs::{Up, run};
use crate::stage::{processes_of, until};

async fn one_node() -> Up {
    let arguments = ["--signer", "software", "--validators", "1"];
    Up::start(&[&arguments[..], &["--customers", "1"]].concat()).await
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

/// Goal: whoever asks for a node while its killed process is still on its way out gets it, and whoever asks for one that cannot start hears why.
#[tokio::test]
async fn a_start_waits_for_the_end_of_the_process() {
    let up = one_node().await;
    let file = up.network_file();
    let pid = || Network::read(&file).expect("a network").validators[0].pid;
    let before = pid();
    ask_to_start(up.folder(), 0).expect("a running up");
    until("up has taken the request", async || {
        std::fs::read_dir(up.folder().join("control"))
            .expect("a folder")
            .next()
            .is_none()
    })
    .await;
    let fault = async |fault: &str| {
        run(&[
            "fault",
            fault,
            "--network",
            file.to_str().expect("a name of letters"),
            "--validator",
            "0",
        ])
        .await
    };
    assert_eq!(fault("kill").await.code, Some(0));
    until("another process runs", async || pid() != before).await;

    let configuration = up.folder().join("validator-1/config.toml");
    assert_eq!(fault("kill").await.code, Some(0));
    std::fs::write(&configuration, "nonsense = 1").expect("a file");
    until("its process is gone", async || {
        processes_of(up.folder()).len() == 1
    })
    .await;
    let refused = fault("start").await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.said.contains("nonsense"), "{}", refused.said);
}
