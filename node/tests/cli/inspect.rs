//! `falaj inspect`: what lies in a home, beside a running node and without one, and what it says of damage. It changes nothing.

use falaj_consensus::crypto::Signature;
use falaj_consensus::durable::{FolderLock, FramedLog, LogId, LogIdentity, OsDisk, Position};
use falaj_consensus::message::{CommitCertificate, Evidence, PrevoteValue, Statement, Vote};
use falaj_consensus::types::{BlockId, Height, OutcomeHash, Round, ValidatorIndex};
use falaj_consensus::validator_set::Bitmap;
use falaj_ledger::genesis::Genesis;
use falaj_node::storage::BlockRecord;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::bench::{Bench, edit};
use crate::client::pay;

const ABSENT_ID: &str = "01890000-0000-7000-8000-000000000000";

/// A stopped node of two heights, and the id of its first payment.
fn settled() -> (Bench, String) {
    let bench = Bench::with_home();
    let node = bench.start();
    let paid = pay(node.api, &bench.home(), 1);
    pay(node.api, &bench.home(), 2);
    node.stop().expect(0, &[]);
    (bench, paid["id"].as_str().unwrap().to_owned())
}

#[track_caller]
fn inspect(bench: &Bench, arguments: &[&str]) -> Value {
    let ended = bench.run(&[&["inspect", "--json"], arguments].concat());
    ended.expect(0, &[]);
    ended.json()
}

/// Every file of a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

#[test]
fn a_block_is_shown_with_its_checked_certificate() {
    let (bench, id) = settled();
    let block = inspect(&bench, &["block", "1"]);
    assert_eq!(block["height"], 1);
    assert_eq!(block["certificate"]["verified"], true);
    assert_eq!(block["certificate"]["signers"], serde_json::json!([0]));
    assert_eq!(block["transactions"][0]["id"], id.as_str());
    // A validator alone needs nobody's batches: its transactions travel in the block.
    assert_eq!(block["batches"], serde_json::json!([]));
    let second = inspect(&bench, &["block", "2"]);
    assert_eq!(second["header"]["parent_id"], block["id"]);
    assert_eq!(
        second["header"]["parent_outcome"],
        block["certificate"]["outcome"]
    );
    bench
        .run(&["inspect", "block", "3"])
        .expect(1, &["height 3 is not decided here"]);
    bench
        .run(&["inspect", "block", "1"])
        .expect(0, &["verified: true", &id]);
}

#[test]
fn blocks_are_listed_one_a_line() {
    let (bench, _) = settled();
    let listed = bench.run(&["inspect", "blocks", "--json"]);
    let heights: Vec<u64> = listed
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["height"]
                .as_u64()
                .unwrap()
        })
        .collect();
    assert_eq!(heights, [1, 2]);
    let last = bench.run(&["inspect", "blocks", "--from", "2", "--to", "9"]);
    assert_eq!(last.out.lines().count(), 1);
}

#[test]
fn a_height_is_shown_with_every_record() {
    let (bench, _) = settled();
    let height = inspect(&bench, &["height", "2"]);
    assert_eq!(height["state"], "decided");
    assert_eq!(height["blocks"].as_array().unwrap().len(), 1);
    assert_eq!(height["certificates"].as_array().unwrap().len(), 1);
    let polka = &height["polkas"][0]["polka"];
    assert_eq!(polka["id"], height["certificates"][0]["certificate"]["id"]);
    assert_eq!(polka["signers"], serde_json::json!([0]));
    assert_eq!(height["conflicting"], serde_json::json!([]));
    bench
        .run(&["inspect", "height", "9", "--json"])
        .expect(1, &["absent"]);
}

/// A log of a home as its node leaves it gets a third height, whose block carries what nobody signed.
fn accuse(bench: &Bench) {
    let text = fs::read_to_string(bench.home().join("genesis.json")).unwrap();
    let genesis = Genesis::from_json(&text).unwrap();
    let statement = |value| Statement::Prevote {
        height: Height::new(1),
        round: Round::new(0),
        value,
    };
    let vote = |value| {
        let signature = Signature::new(vec![1; 64]).unwrap();
        Vote::new(ValidatorIndex::new(0), statement(value), signature).unwrap()
    };
    let some = PrevoteValue {
        id: BlockId::default(),
        valid_round: None,
    };
    let proof = Evidence::DoublePrevote(vote(None), vote(Some(some)));
    let lock = FolderLock::acquire(&bench.home().join("data")).unwrap();
    let disk = OsDisk::subfolder(&lock, LogId::Block.name()).unwrap();
    let identity = LogIdentity {
        log: LogId::Block,
        genesis_hash: genesis.hash(),
    };
    let mut log = FramedLog::open(disk, identity).unwrap();
    let last = log.read(Position::new(log.last().get() - 2)).unwrap();
    let Some(BlockRecord::Proposed {
        mut header,
        mut body,
    }) = BlockRecord::decode(&last)
    else {
        panic!("a block stands before its polka and its certificate");
    };
    body.evidence = vec![proof];
    header.height = Height::new(3);
    header.evidence_root = body.evidence_root();
    let at = log.append(&BlockRecord::proposed(&header, &body)).unwrap();
    let certificate = CommitCertificate {
        height: header.height,
        round: Round::new(0),
        id: header.id(),
        outcome: OutcomeHash::default(),
        signers: Bitmap::none(1),
        signatures: Vec::new(),
    };
    let decided = BlockRecord::decided(&certificate, at, &[]);
    log.append(&decided).unwrap();
    let synced = log.sync().unwrap();
    assert_eq!(synced.upto(), log.last());
}

#[test]
fn evidence_is_shown_with_both_statements() {
    let (bench, _) = settled();
    assert_eq!(bench.run(&["inspect", "evidence", "--json"]).out, "");
    accuse(&bench);
    let shown = inspect(&bench, &["evidence"]);
    for (name, value) in [
        ("kind", Value::from("double-prevote")),
        ("height", 1.into()),
        ("block", 3.into()),
        ("validator", 1.into()),
        ("verified", false.into()),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    assert_eq!(shown["statements"][0], "prevoted nil in round 0");
    bench
        .run(&["inspect", "evidence"])
        .expect(0, &["kind: double-prevote", "prevoted nil in round 0"]);
}

#[test]
fn the_guard_is_shown_as_the_signer_reads_it() {
    let (bench, _) = settled();
    let guard = inspect(&bench, &["guard", "--records", "3"]);
    assert_eq!(guard["guard"]["place"]["height"], 2);
    assert_eq!(guard["guard"]["place"]["step"], "precommit");
    assert_eq!(
        guard["guard"]["lock"]["id"],
        inspect(&bench, &["block", "2"])["id"]
    );
    assert!(guard["guard"]["latched"].is_null());
    assert!(guard["problem"].is_null());
    assert_eq!(guard["last_records"].as_array().unwrap().len(), 3);
    let first = inspect(&bench, &["guard", "--records", "1000"]);
    assert_eq!(first["last_records"][0]["what"], "floor");
}

#[test]
fn the_logs_are_shown_whole() {
    let (bench, _) = settled();
    let ended = bench.run(&["inspect", "log", "--json"]);
    ended.expect(0, &[]);
    let logs: Vec<Value> = ended
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = logs
        .iter()
        .map(|log| log["log"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["block", "batch", "guard", "audit"]);
    assert!(logs.iter().all(|log| log["state"] == "whole"), "{logs:?}");
    // A block, the polka of the lock and a certificate for each height.
    assert_eq!(logs[0]["last"], 6);
    assert_eq!(inspect(&bench, &["log", "batch"])["last"], 0);
}

#[test]
fn the_genesis_is_shown_with_its_hash() {
    let (bench, _) = settled();
    let shown = inspect(&bench, &["genesis"]);
    let file = fs::read_to_string(bench.home().join("genesis.json")).unwrap();
    assert_eq!(
        shown["genesis"],
        serde_json::from_str::<Value>(&file).unwrap()
    );
    let hash = shown["hash"].as_str().unwrap();
    bench
        .run(&["inspect", "genesis"])
        .expect(0, &["falaj-test-1", hash, "2006000.00"]);
    edit(
        &bench.home().join("genesis.json"),
        "2006000.00",
        "2006000.01",
    );
    bench
        .run(&["inspect", "genesis"])
        .expect(78, &["not a genesis that adds up"]);
}

// What became of a transaction is found by executing the chain, without the store and without the node.
#[test]
fn a_transaction_is_shown_with_what_became_of_it() {
    let (bench, id) = settled();
    let found = inspect(&bench, &["tx", &id]);
    assert_eq!(found["transaction"]["id"], id.as_str());
    assert_eq!(found["places"][0]["height"], 1);
    assert!(found["places"][0]["result"].is_null());
    let executed = inspect(&bench, &["tx", &id, "--execute", "--participant", "2"]);
    assert_eq!(executed["places"][0]["result"]["state"], "executed");
    bench
        .run(&["inspect", "tx", &id, "--participant", "3"])
        .expect(1, &["no transaction"]);
    bench
        .run(&["inspect", "tx", ABSENT_ID])
        .expect(1, &["no transaction"]);
    bench.run(&["inspect", "tx", "seven"]).expect(2, &["UUID"]);
}

/// Every inspection that reads logs.
const ALL: [&[&str]; 5] = [
    &["block", "1"],
    &["blocks"],
    &["height", "1"],
    &["guard"],
    &["log"],
];

// Beside the node, which holds the locks, and without taking or changing anything.
#[test]
fn a_home_is_inspected_beside_its_node() {
    let bench = Bench::with_home();
    let node = bench.start();
    pay(node.api, &bench.home(), 1);
    for arguments in ALL {
        inspect(&bench, arguments);
    }
    pay(node.api, &bench.home(), 2);
    node.stop().expect(0, &[]);
    let before = files(&bench.home());
    for arguments in ALL {
        inspect(&bench, arguments);
    }
    assert!(
        before == files(&bench.home()),
        "an inspection changed the home"
    );
}

// Damage ends the inspection with its file and first bad byte; a torn tail is told and left where it is.
#[test]
fn damage_is_told_with_its_first_bad_byte() {
    let (bench, id) = settled();
    let file = bench.home().join("data/block/block-0000000000.log");
    let whole = fs::read(&file).unwrap();
    let mut bytes = whole.clone();
    bytes.extend([9; 40]);
    fs::write(&file, &bytes).unwrap();
    let torn = inspect(&bench, &["log", "block"]);
    assert_eq!(torn["state"], "torn");
    assert_eq!(
        (&torn["torn"]["bytes"], &torn["torn"]["offset"]),
        (&40.into(), &whole.len().into())
    );
    assert_eq!(fs::read(&file).unwrap(), bytes);
    let mut damaged = whole;
    damaged[100] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let words = ["block-0000000000.log is damaged at byte 64"];
    for arguments in [
        &["block", "1"][..],
        &["tx", &id],
        &["log"],
        &["log", "block"],
    ] {
        bench
            .run(&[&["inspect"], arguments].concat())
            .expect(65, &words);
    }
    inspect(&bench, &["log", "batch"]);
    assert_eq!(fs::read(&file).unwrap(), damaged);
}

#[test]
fn a_damaged_guard_is_told() {
    let (bench, _) = settled();
    let file = bench.home().join("guard/guard/guard-0000000000.log");
    let mut bytes = fs::read(&file).unwrap();
    bytes[100] ^= 1;
    fs::write(&file, bytes).unwrap();
    bench
        .run(&["inspect", "guard"])
        .expect(65, &["guard-0000000000.log is damaged at byte 64"]);
}

#[test]
fn logs_of_another_chain_are_refused() {
    let ((bench, _), (other, _)) = (settled(), settled());
    let (log, theirs) = ("data/block/block-0000000000.log", other.home());
    fs::copy(theirs.join(log), bench.home().join(log)).unwrap();
    bench
        .run(&["inspect", "block", "1"])
        .expect(78, &["belongs to another genesis"]);
}

// What looks damaged under a node at work may be in motion: the answer is to ask again, not an alarm.
#[test]
fn damage_under_a_node_at_work_is_told_as_motion() {
    let bench = Bench::with_home();
    let node = bench.start();
    pay(node.api, &bench.home(), 1);
    let file = bench.home().join("data/block/block-0000000000.log");
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&file, damaged).unwrap();
    bench
        .run(&["inspect", "block", "1"])
        .expect(73, &["a node works in", "stop the node first"]);
    fs::write(&file, whole).unwrap();
    node.stop().expect(0, &[]);
    inspect(&bench, &["block", "1"]);
}
