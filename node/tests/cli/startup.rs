//! What keeps a node from starting: addresses, folders, configuration, genesis, logs. Each has its exit code and its words, each leaves
//! everything as it was, and afterwards the node starts and has what it had.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use crate::bench::{Bench, Ended, copy, edit, genesis_with};
use crate::client::{get, height, pay};

/// That the node starts, and has what it had.
#[track_caller]
fn starts_with_everything(bench: &Bench) {
    let node = bench.start();
    assert_eq!(height(node.api), 2, "{}", node.said);
    pay(node.api, &bench.home(), 3);
    assert_eq!(height(node.api), 3);
    node.stop().expect(0, &[]);
}

#[track_caller]
fn refused(bench: &Bench, environment: &[(&str, &str)]) -> Ended {
    bench.try_start(environment).err().unwrap()
}

#[test]
fn a_port_in_use_is_refused() {
    let bench = Bench::settled();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let api = address.to_string();
    refused(&bench, &[("FALAJ_API__LISTEN", &api)]).expect(69, &[&api, "api.listen"]);
    let port = address.port().to_string();
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    refused(&bench, &[("FALAJ_NETWORK__LISTEN", &listen)]).expect(69, &[&port]);
    assert!(!bench.home().join("run.json").exists());
    starts_with_everything(&bench);
}

// The first node is not disturbed: it goes on deciding.
#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    let bench = Bench::with_home();
    let node = bench.start();
    refused(&bench, &[]).expect(73, &["in use by another process", "data"]);
    assert_eq!(get(node.api, "/livez").0, 200);
    pay(node.api, &bench.home(), 1);
    pay(node.api, &bench.home(), 2);
    node.stop().expect(0, &[]);
    starts_with_everything(&bench);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let bench = Bench::settled();
    bench.edit_config("[api]", "[apy]");
    refused(&bench, &[]).expect(78, &["unknown key apy", "did you mean api?"]);
    bench.edit_config("[apy]", "[api]");
    let typo = [("FALAJ_MEMPOOL__BATCH_WAIT", "10")];
    refused(&bench, &typo).expect(78, &["did you mean mempool.batch_wait_ms?"]);
    starts_with_everything(&bench);
}

// The token is not even asked: the timers of the genesis say how long a signature may take.
#[test]
fn a_signature_deadline_beyond_the_timers_is_refused() {
    let bench = Bench::settled();
    let logins = bench.shim.calls("C_Login");
    for ms in ["245", "0"] {
        let beyond = [("FALAJ_VALIDATOR__SIGNER__SIGN_DEADLINE_MS", ms)];
        let words = ["validator.signer.sign_deadline_ms", "1 to 244 ms"];
        refused(&bench, &beyond).expect(78, &words);
    }
    assert_eq!(bench.shim.calls("C_Login"), logins);
    starts_with_everything(&bench);
}

#[test]
fn a_bind_beyond_loopback_is_refused() {
    let bench = Bench::settled();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let beyond = [("FALAJ_API__LISTEN", address)];
        refused(&bench, &beyond).expect(78, &["api.listen", "not a loopback address", "TLS"]);
    }
    starts_with_everything(&bench);
}

#[test]
fn a_genesis_that_does_not_add_up_is_refused() {
    let bench = Bench::settled();
    let file = bench.home().join("genesis.json");
    edit(
        &file,
        "\"issued\": \"2006000.00\"",
        "\"issued\": \"2006000.01\"",
    );
    refused(&bench, &[]).expect(78, &["not a genesis that adds up", "because"]);
    let text = file.display().to_string();
    let init = bench.run(&["init", "--genesis", &text]);
    init.expect(78, &["not a genesis that adds up"]);
    edit(&file, "2006000.01", "2006000.00");
    starts_with_everything(&bench);
}

#[test]
fn a_genesis_without_our_key_is_refused() {
    let bench = Bench::settled();
    let file = bench.home().join("genesis.json");
    let own = fs::read(&file).unwrap();
    let other = falaj_ledger::testing::Who::Validator(1).key().public();
    fs::write(
        &file,
        falaj_ledger::testing::genesis_of_one(other).to_json(),
    )
    .unwrap();
    let code = refused(&bench, &[]).code;
    assert_eq!(code, 78);
    fs::write(&file, own).unwrap();
    starts_with_everything(&bench);
}

// The logs say whose they are: nothing of the other chain is read as ours, and nothing of it is changed.
#[test]
fn a_data_folder_of_another_chain_is_refused() {
    let (bench, other) = (Bench::settled(), Bench::settled());
    let (data, aside) = (bench.home().join("data"), bench.path("aside"));
    fs::rename(&data, &aside).unwrap();
    copy(&other.home().join("data"), &data);
    let words = [
        "belongs to another genesis",
        "to do: ",
        "storage.md, \"wrong genesis\"",
    ];
    refused(&bench, &[]).expect(78, &words);
    fs::remove_dir_all(&data).unwrap();
    fs::rename(&aside, &data).unwrap();
    starts_with_everything(&bench);
    starts_with_everything(&other);
}

// The store is a copy, but one of another chain is somebody's, and is not set aside as if it were damaged.
#[test]
fn a_store_of_another_chain_is_refused() {
    let (bench, other) = (Bench::settled(), Bench::settled());
    let (store, aside) = (bench.home().join("data/ledger"), bench.path("aside"));
    fs::rename(&store, &aside).unwrap();
    copy(&other.home().join("data/ledger"), &store);
    let words = ["store belongs to the chain of genesis", "to do: "];
    refused(&bench, &[]).expect(78, &words);
    fs::remove_dir_all(&store).unwrap();
    fs::rename(&aside, &store).unwrap();
    starts_with_everything(&bench);
}

/// What a node says of its last block, with the state root, of all accounts, and of the history of both payments.
fn told(api: SocketAddr) -> [String; 6] {
    let paths = [
        "/v1/blocks/latest",
        "/v1/accounts?limit=1000",
        "/v1/currencies",
        "/v1/blocks/1/receipts",
        "/v1/blocks/2/receipts",
        "/v1/events",
    ];
    paths.map(|path| {
        let (status, body) = get(api, path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    })
}

// docs/spec/storage.md, "A copy, not the truth": whoever deletes the store has all of it again from the logs.
#[test]
fn a_deleted_store_is_rebuilt() {
    let bench = Bench::settled();
    let node = bench.start();
    let before = told(node.api);
    node.stop().expect(0, &[]);
    fs::remove_dir_all(bench.home().join("data/ledger")).unwrap();
    let node = bench.start();
    assert_eq!(told(node.api), before);
    node.stop().expect(0, &[]);
    starts_with_everything(&bench);
}

/// The one file of the block log.
fn block_log(bench: &Bench) -> PathBuf {
    bench.home().join("data/block/block-0000000000.log")
}

// A frame that was whole once and is not any more is never stepped over.
#[test]
fn a_damaged_record_is_refused_with_its_place() {
    let bench = Bench::settled();
    let file = block_log(&bench);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[100] ^= 1;
    fs::write(&file, &damaged).unwrap();
    let words = [
        "block-0000000000.log is damaged at byte 64",
        "bad frame",
        "to do: ",
        "storage.md, \"damaged log\"",
    ];
    refused(&bench, &[]).expect(65, &words);
    assert_eq!(fs::read(&file).unwrap(), damaged);
    fs::write(&file, whole).unwrap();
    starts_with_everything(&bench);
}

// What a power cut leaves behind the last whole frame is cut off, and the node starts.
#[test]
fn a_torn_tail_is_cut() {
    let bench = Bench::settled();
    let file = block_log(&bench);
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend([9; 40]);
    fs::write(&file, bytes).unwrap();
    starts_with_everything(&bench);
}

#[test]
fn a_log_that_is_gone_is_refused() {
    let bench = Bench::settled();
    let (file, aside) = (block_log(&bench), bench.path("aside"));
    fs::rename(&file, &aside).unwrap();
    let words = [
        "block log: no segment found",
        "to do: ",
        "storage.md, \"lost data folder\"",
    ];
    refused(&bench, &[]).expect(78, &words);
    bench.run(&["inspect", "blocks"]).expect(78, &words);
    fs::rename(&aside, &file).unwrap();
    starts_with_everything(&bench);
}

// A copy of the data folder that is put back must not put the guard back.
#[test]
fn a_guard_inside_the_data_folder_is_refused() {
    let bench = Bench::settled();
    let (own, nested) = ("guard = \"guard\"", "guard = \"data/guard\"");
    bench.edit_config(own, nested);
    refused(&bench, &[]).expect(78, &["lie in one another"]);
    bench.edit_config(nested, own);
    starts_with_everything(&bench);
}

#[test]
fn a_home_that_is_none_says_what_to_type() {
    let bench = Bench::new();
    refused(&bench, &[]).expect(78, &["falaj init"]);
}

// A killed node leaves run.json behind; it keeps nobody from starting.
#[test]
fn a_killed_node_starts_again() {
    let bench = Bench::with_home();
    let node = bench.start();
    pay(node.api, &bench.home(), 1);
    pay(node.api, &bench.home(), 2);
    node.kill();
    assert!(bench.home().join("run.json").exists());
    starts_with_everything(&bench);
}

// Nobody who reads the log of a node can take its network for more than a test.
#[test]
fn the_log_of_a_software_node_says_test() {
    let bench = Bench::new();
    let software = ["--signer", "software", "--development", "--json"];
    let made = bench.run(&[&["init", "--validator", "1"], &software[..]].concat());
    made.expect(0, &["TEST: consensus key in software"]);
    bench.set_on(&genesis_with(&made.json()));
    let node = bench.start();
    let warned = node.said.lines().find(|line| line.contains("TEST"));
    let warned = warned.unwrap_or_else(|| panic!("{}", node.said));
    assert!(warned.contains("WARN"), "{warned}");
    let (status, metrics) = get(node.api, "/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("falaj_test_signer 1"), "{metrics}");
    node.stop().expect(0, &[]);
}
