//! Days of payments, settled and reconciled by the program on a network that the program runs; and everything it must refuse.

use falaj_testnet::network::Network;
use falaj_testnet::program::Environment;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

use crate::generator;
use crate::programs::{Up, run, text};
use crate::stage::program;

const SEED: u64 = 20_240_229;
const ROWS: usize = 300;

/// Goal: every type of payment settles, every rejection is told with its line and code, and every account reconciles to the last unit, also
/// when a node dies meanwhile, and on the next day of the same names; what is wrong is refused by its exit code, and nothing is sent of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_payments_settle_and_reconcile() {
    let mut up = Up::start(&["--signer", "software", "--customers", "2"]).await;
    a_day_by_hand(&up).await;
    the_same_names_another_day(&up).await;
    each_row_by_a_proposal_of_its_own(&up).await;
    a_day_by_chance_under_a_kill(&up).await;
    files_that_are_wrong(&up).await;
    faults_on_nobody(&up).await;
    let verified = run(&["verify", text(up.folder()), "--json"]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.last());
    networks_that_are_not_there(&mut up).await;
}

fn by_hand() -> String {
    format!("{}/tests/smoke/day.csv", env!("CARGO_MANIFEST_DIR"))
}

async fn a_day_by_hand(up: &Up) {
    let table = up.folder().join("accounts.csv");
    let file = by_hand();
    let settled = up
        .load(&["--from", &file, "--accounts", text(&table)])
        .await;
    let sum = settled.last();
    assert_eq!(settled.code, Some(0), "{sum} {}", settled.said);
    let rejected: BTreeSet<_> = settled.lines[..settled.lines.len() - 1]
        .iter()
        .map(|line| {
            (
                line["line"].as_u64(),
                line["type"].as_str(),
                line["code"].as_u64(),
            )
        })
        .collect();
    let expected = [
        (8, "CASH_OUT", 3003),
        (9, "PAYMENT", 3003),
        (10, "TRANSFER", 1008),
        (11, "CASH_IN", 1008),
        (12, "CASH_OUT", 1008),
        (13, "TRANSFER", 1010),
        (14, "PAYMENT", 3003),
        (17, "OPENING", 3017),
        (17, "TRANSFER", 3003),
        (18, "TRANSFER", 3017),
        (19, "CASH_IN", 3017),
    ];
    let expected = expected.map(|(line, kind, code)| (Some(line), Some(kind), Some(code)));
    assert_eq!(rejected, expected.into());
    for (key, value) in [
        ("/submitted", json!(19)),
        ("/final", json!(9)),
        (
            "/rejected",
            json!({"1008": 3, "1010": 1, "3003": 4, "3017": 2}),
        ),
        ("/unknown", json!(0)),
        ("/openings/found", json!(0)),
        ("/openings/rejected", json!({"3017": 1})),
        ("/reconciliation/ok", json!(true)),
        ("/reconciliation/accounts", json!(10)),
        ("/reconciliation/institutions", json!(5)),
        ("/reconciliation/differ", json!(0)),
    ] {
        assert_eq!(sum.pointer(key), Some(&value), "{key} of {sum}");
    }
    holds(
        &table,
        &[
            ("C100", "0.00", "0.00"),
            ("C200", "999.99", "-998.99"),
            ("C300", "0.00", "0.00"),
            ("C400", "0.00", "9999999999999998.99"),
            ("C401", "0.00", "0.00"),
            ("C402", "5000000000000000.00", "-5000000000000000.00"),
            ("C900", "4999.99", "-4999.99"),
            ("C901", "0.00", "0.01"),
            ("M500", "25.25", "-25.25"),
            ("M600", "0.00", "49.00"),
        ],
    );
    shows(up, &table, "M500", "25.25").await;
}

/// That `falaj account show` takes a name's account as the table has it.
async fn shows(up: &Up, table: &Path, name: &str, held: &str) {
    let mut reader = csv::Reader::from_path(table).expect("a table");
    let mut rows = reader.records().map(|row| row.expect("a row"));
    let row = rows
        .find(|row| &row[1] == name)
        .expect("a name of the file");
    let words = ["account", "show", &row[0]].map(str::to_owned);
    let home = up.folder().join("validator-1");
    let asked = move || program().ask::<Value>(&home, &Environment::new(), &words);
    let shown = tokio::task::spawn_blocking(asked).await.expect("a thread");
    let shown = shown.expect("an account").to_string();
    assert!(shown.contains(&format!("\"{held}\"")), "{shown}");
}

/// What the table says of each name: what the ledger holds, and how far the file is off.
fn holds(table: &Path, expected: &[(&str, &str, &str)]) {
    let mut reader = csv::Reader::from_path(table).expect("a table");
    let rows = reader.records().map(|row| row.expect("a row"));
    let found: Vec<_> = rows
        .map(|row| [1, 2, 3, 4, 6].map(|column| row[column].to_owned()))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, held, off)| [*name, *held, *held, "0.00", *off].map(str::to_owned))
        .collect();
    assert_eq!(found, expected);
}

/// Accounts that are open already begin with what they hold.
async fn the_same_names_another_day(up: &Up) {
    let file = by_hand();
    let settled = up.load(&["--from", &file]).await;
    let sum = settled.last();
    assert_eq!(settled.code, Some(0), "{sum} {}", settled.said);
    assert_eq!(
        sum["openings"],
        json!({"opened": 0, "found": 10, "rejected": {}})
    );
    assert_eq!(sum["reconciliation"]["ok"], true, "{sum}");
}

async fn each_row_by_a_proposal_of_its_own(up: &Up) {
    let file = by_hand();
    let settled = up
        .load(&["--from", &file, "--rows-per-proposal", "1", "--rate", "200"])
        .await;
    let sum = settled.last();
    assert_eq!(settled.code, Some(0), "{sum} {}", settled.said);
    assert_eq!(sum["reconciliation"]["ok"], true, "{sum}");
    let moved = |key: &str| sum[key].as_u64().expect("a count");
    assert!(moved("issues") >= 1 && moved("redemptions") >= 1, "{sum}");
}

async fn a_day_by_chance_under_a_kill(up: &Up) {
    let path = up.folder().join("chance.csv");
    std::fs::write(&path, generator::file(SEED, ROWS)).expect("a file");
    let day = ["--from", text(&path), "--rate", "60"];
    let (settled, ()) = tokio::join!(up.load(&day), kill_and_start(up, "3"));
    let sum = settled.last();
    assert_eq!(settled.code, Some(0), "{sum} {}", settled.said);
    let count = |value: &Value| value.as_u64().expect("a count");
    let rejected = sum["rejected"]
        .as_object()
        .expect("codes")
        .values()
        .map(count)
        .sum::<u64>();
    assert_eq!(count(&sum["submitted"]), ROWS as u64);
    assert_eq!(count(&sum["final"]) + rejected, ROWS as u64, "{sum}");
    assert!(count(&sum["final"]) > 0 && rejected > 0, "{sum}");
    assert_eq!(sum["reconciliation"]["differ"], 0, "{sum}");
    assert_eq!(sum["reconciliation"]["ok"], true, "{sum}");
    assert!(
        count(&sum["reconciliation"]["file_differences"]) > 0,
        "{sum}"
    );
}

async fn kill_and_start(up: &Up, validator: &str) {
    for fault in ["kill", "start"] {
        let done = up.fault(fault, validator).await;
        assert_eq!(done.code, Some(0), "{fault}: {}", done.printed);
    }
}

/// Goal: a file that is wrong in its last line is refused by that line, and none of its rows is sent.
async fn files_that_are_wrong(up: &Up) {
    let network = up.network_file();
    let header = "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest,isFraud,isFlaggedFraud";
    let good = "1,TRANSFER,1.0,C777,5.0,4.0,C778,0.0,1.0,0,0";
    let open = accounts(&network).await;
    for (name, rows, line, code) in [
        (
            "short",
            format!("{header}\n{good}\n1,TRANSFER,1.0\n"),
            3,
            "short-row",
        ),
        (
            "type",
            format!("{header}\n{good}\n{}\n", good.replace("TRANSFER", "GIFT")),
            3,
            "unknown-type",
        ),
        (
            "amount",
            format!("{header}\n{good}\n{}\n", good.replace("5.0", "5.001")),
            3,
            "scale-mismatch",
        ),
        (
            "header",
            format!("{}\n{good}\n", header.replace("type", "kind")),
            1,
            "missing-column",
        ),
    ] {
        let path = up.folder().join(format!("{name}.csv"));
        std::fs::write(&path, rows).expect("a file");
        let refused = up.load(&["--from", text(&path)]).await;
        let said = refused.last();
        assert_eq!(refused.code, Some(65), "{name}: {said}");
        assert_eq!(
            (&said["line"], &said["code"]),
            (&json!(line), &json!(code)),
            "{said}"
        );
    }
    let path = up.folder().join("bytes.csv");
    std::fs::write(
        &path,
        [header.as_bytes(), b"\n1,TRANSFER,1.0,C\xff,"].concat(),
    )
    .expect("a file");
    let refused = up.load(&["--from", text(&path)]).await;
    assert_eq!(refused.last()["code"], "not-utf8");
    assert_eq!(accounts(&network).await, open, "nothing was sent");
}

/// How many accounts are open.
async fn accounts(network: &Path) -> usize {
    let network = Network::read(network).expect("a network");
    let address = network.validators[0].api_address().expect("an address");
    let answer = falaj_testnet::http::get(address, "/v1/accounts?limit=1000").await;
    let page: Value = answer.expect("an answer").json().expect("a page");
    page["items"].as_array().expect("accounts").len()
}

async fn faults_on_nobody(up: &Up) {
    for (fault, validator, code, said) in [
        (
            "kill",
            "9",
            2,
            "there is no validator with index 9; indices go from 0 to 3",
        ),
        ("hsm-gone", "0", 1, "no SoftHSM token"),
        ("start", "0", 1, "runs already"),
    ] {
        let refused = up.fault(fault, validator).await;
        assert_eq!(refused.code, Some(code));
        assert!(refused.printed.contains(said), "{}", refused.printed);
    }
}

/// Stops the network, keeps its file, and asks nodes that are gone.
async fn networks_that_are_not_there(up: &mut Up) {
    let kept = up.folder().join("kept.json");
    std::fs::copy(up.network_file(), &kept).expect("a copy");
    up.stop().await;
    let file = by_hand();
    for arguments in [
        vec!["load", "--network", text(&kept), "--seconds", "1"],
        vec!["load", "--network", text(&kept), "--from", &file],
    ] {
        let gone = run(&arguments).await;
        assert_eq!(gone.code, Some(69), "{}", gone.said);
        assert!(
            gone.said.contains("no node of the network answers"),
            "{}",
            gone.said
        );
    }
    let killed = run(&[
        "fault",
        "kill",
        "--network",
        text(&kept),
        "--validator",
        "0",
    ])
    .await;
    assert_eq!(killed.code, Some(1));
    assert!(killed.said.contains("does not run"), "{}", killed.said);
    let other = std::fs::read_to_string(&kept).expect("a file");
    std::fs::write(&kept, other.replace("\"version\": 1", "\"version\": 2")).expect("a file");
    let newer = run(&["load", "--network", text(&kept)]).await;
    assert_eq!(newer.code, Some(78));
    assert!(
        newer.said.contains("has version 2, 1 is needed"),
        "{}",
        newer.said
    );
}

/// Goal: what is no command of this program ends with 2, and a folder with something in it is left as it is.
#[tokio::test]
async fn wrong_commands_are_refused() {
    for arguments in [
        &["settle"][..],
        &["load"],
        &["load", "--network", "x", "--accounts", "y"],
        &["load", "--network", "x", "--from", "y", "--seconds", "5"],
        &["load", "--network", "x", "--rate", "fast"],
        &["new", "--dir", "x", "--signer", "paper"],
        &["new", "--dir", "x", "--algorithm", "rot13"],
        &["fault", "trip", "--network", "x", "--validator", "0"],
        &["fault", "kill", "--network", "x"],
    ] {
        let refused = run(arguments).await;
        assert_eq!(refused.code, Some(2), "{arguments:?}");
        assert!(!refused.said.is_empty(), "{arguments:?}");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("mine"), "text").expect("a file");
    let full = run(&["new", "--dir", text(folder.path())]).await;
    assert_eq!(full.code, Some(73), "{}", full.said);
    assert!(full.said.contains("is not empty"), "{}", full.said);
    let no_testnet = run(&["up", "--dir", text(folder.path())]).await;
    assert_eq!(no_testnet.code, Some(1));
    assert!(
        no_testnet.said.contains("is no testnet"),
        "{}",
        no_testnet.said
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1
    );
    let missing = run(&["load", "--network", "nowhere.json"]).await;
    assert_eq!(missing.code, Some(69));
    assert!(
        missing
            .said
            .contains("there is no nowhere.json, so no network runs there"),
        "{}",
        missing.said
    );
}
