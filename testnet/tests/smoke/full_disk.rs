//! A validator whose disk fills up, for real: its data and its guard lie on a small file system, which somebody else fills.
//!
//! How: `up` runs in a mount namespace of its own (unshare(1)) with a tmpfs in it, which is seen from here below `/proc/PID/root`.
//! That needs no rights where the system lets everybody make namespaces, and those of root elsewhere; a system that grants neither fails the
//! test, and is named.
//! Source: `docs/spec/durable.md`, "A full disk"; `docs/runbook/storage.md`, "full disk".

use bytes::Bytes;
use falaj_ledger::amount::Amount;
use falaj_testnet::http::{Answer, Connection};
use falaj_testnet::wallet::Wallet;
use rustix::fs::statvfs;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::payments::{Payments, all_final_everywhere};
use crate::programs::{Up, run, small, text};
use crate::stage::{Onlooker, temporary_folder, until};

/// Whose disk it is, by index.
const POOR: usize = 3;
/// Its name, and its index as an argument.
const NAME: &str = "validator-4";
const INDEX: &str = "3";
/// What a node takes for full is 64 MiB, so an empty one of this size has room.
const DISK: &str = "size=160m,mode=700";
/// Less than that, and enough for what is under way when the node sees it.
const LITTLE_BYTES: u64 = 32 * 1024 * 1024;

/// Puts data and guard of a home on a new file system, and becomes a command.
const ON_A_SMALL_DISK: &str = r#"set -e
disk=$1 home=$2 options=$3
shift 3
mount -t tmpfs -o "$options" falaj "$disk"
for part in data guard; do
    cp -a "$home/$part" "$disk/"
    mount --bind "$disk/$part" "$home/$part"
done
exec "$@"
"#;

/// Goal: a full disk stops one validator and nobody else. It says so, acknowledges and signs nothing, and votes again by itself when there
/// is room; killed meanwhile, it comes back once there is; and nothing that was acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_one_validator_until_there_is_room() {
    let mut up = with_a_small_disk().await;
    let disk = Disk::of(&up);
    let seen = Onlooker::of(up.network()).await;
    let payments = Payments::begin(&seen.network).await;
    payments.settle_more().await;
    goes_on_by_itself(&up, &seen, &payments, &disk).await;
    comes_back_after_a_kill(&up, &seen, &payments, &disk).await;
    let keys = payments.end().await;
    for index in 0..=POOR {
        seen.catches_up(index).await;
    }
    all_final_everywhere(&seen.network, &keys).await;
    let verified = run(&["verify", "--json", text(&disk.testnet)]).await;
    assert_eq!(verified.code, Some(0), "{}", verified.printed);
    up.stop().await;
}

async fn goes_on_by_itself(up: &Up, seen: &Onlooker, payments: &Payments, disk: &Disk) {
    disk.fill(LITTLE_BYTES);
    is_full(seen).await;
    refuses(seen).await;
    others_go_on(seen, payments).await;
    let log = || std::fs::read_to_string(up.folder().join(NAME).join("node.log")).expect("a log");
    let told = |line: &str| line.contains("the disk is full") && line.contains("code=6005");
    assert!(log().lines().any(told), "{}", log());
    disk.make_room();
    votes_again(seen).await;
    assert!(log().contains("the disk has room again"), "{}", log());
}

/// Not a byte is left this time, neither for the node that stands still nor for the one that starts.
async fn comes_back_after_a_kill(up: &Up, seen: &Onlooker, payments: &Payments, disk: &Disk) {
    disk.fill(LITTLE_BYTES);
    is_full(seen).await;
    // By then the store of the one that stands still has all that it had decided.
    others_go_on(seen, payments).await;
    disk.fill(0);
    others_go_on(seen, payments).await;
    seen.says(POOR, "/livez", true).await;
    let killed = up.fault("kill", INDEX).await;
    assert_eq!(killed.code, Some(0), "{}", killed.printed);
    // A file that it had open and had removed is gone only now.
    disk.fill(0);
    payments.settle_more().await;
    let refused = up.fault("start", INDEX).await;
    assert_eq!(refused.code, Some(1), "{}", refused.printed);
    assert!(
        refused.printed.contains("(exit status: 74)"),
        "{}",
        refused.printed
    );
    disk.make_room();
    let started = up.fault("start", INDEX).await;
    assert_eq!(started.code, Some(0), "{}", started.printed);
    votes_again(seen).await;
}

/// Waits until the node says so, of itself and as the reason why it does not vote.
async fn is_full(seen: &Onlooker) {
    for check in ["/readyz", "/votez"] {
        until(&format!("{check} says that the disk is full"), async || {
            let answer = seen.ask(POOR, check).await;
            answer.is_some_and(|answer| {
                answer.status == 503 && said(&answer).contains("[-]disk failed: the disk is full")
            })
        })
        .await;
    }
}

/// Nobody is told that it took a payment.
async fn refuses(seen: &Onlooker) {
    let wallet = Wallet::open(&seen.network).expect("the keys of a testnet");
    let [debit, credit, ..] = wallet.customers() else {
        panic!("two customers")
    };
    let amount = Amount::new(1).expect("an amount");
    let signed = wallet.transfer(*debit, *credit, amount).expect("a key");
    let address = seen.network.validators[POOR].api_address();
    let mut node = Connection::open(address.expect("an address"))
        .await
        .expect("it answers");
    let body = Bytes::from(signed.bytes.to_vec());
    let answer = node
        .post("/v1/transactions", "application/octet-stream", body)
        .await;
    let answer = answer.expect("an answer");
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem");
    assert_eq!(
        (answer.status.as_u16(), &problem["code"]),
        (503, &6005.into())
    );
}

/// The other three settle, and leave it behind.
async fn others_go_on(seen: &Onlooker, payments: &Payments) {
    payments.settle_more().await;
    seen.moves_on().await;
    until("it is left behind", async || {
        seen.height(POOR).await.is_some_and(|own| own < seen.last())
    })
    .await;
}

async fn votes_again(seen: &Onlooker) {
    seen.catches_up(POOR).await;
    seen.votes(POOR).await;
    seen.says(POOR, "/votez", true).await;
}

fn said(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// The small file system, seen from outside its namespace.
struct Disk {
    foreign: PathBuf,
    testnet: PathBuf,
}

impl Disk {
    fn of(up: &Up) -> Self {
        let inside = format!("/proc/{}/root{}", up.pid(), text(up.folder()));
        let testnet = PathBuf::from(inside);
        let foreign = testnet.join("disk/foreign");
        Self { foreign, testnet }
    }

    /// Somebody else writes until no more than some bytes are left.
    fn fill(&self, left_bytes: u64) {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.foreign)
            .expect("a file");
        let mut free = free_bytes(&self.foreign);
        while free > left_bytes {
            let piece =
                vec![0x5a; usize::try_from((free - left_bytes).min(1 << 20)).expect("a MiB")];
            match file.write(&piece) {
                Ok(_) => free = free_bytes(&self.foreign),
                // The node was quicker.
                Err(error) if error.kind() == ErrorKind::StorageFull => return,
                Err(error) => panic!("{free} bytes are free: {error}"),
            }
        }
    }

    fn make_room(&self) {
        let emptied = File::create(&self.foreign);
        drop(emptied.expect("a file"));
    }
}

fn free_bytes(path: &Path) -> u64 {
    let disk = statvfs(path).expect("a file system");
    disk.f_bavail * disk.f_frsize
}

/// A network of four of which one has its data and its guard on a small disk.
async fn with_a_small_disk() -> Up {
    let folder = temporary_folder();
    let made = [&["new", "--dir", text(folder.path())][..], &small("4")].concat();
    let made = run(&made).await;
    assert_eq!(made.code, Some(0), "{}", made.said);
    let disk = folder.path().join("disk");
    std::fs::create_dir(&disk).expect("a folder");
    let home = folder.path().join(NAME);
    let mut command = Command::new("unshare");
    command.args([how_to_mount(&disk), "sh", "-c", ON_A_SMALL_DISK, "sh"]);
    command.args([text(&disk), text(&home), DISK]);
    command.args([
        env!("CARGO_BIN_EXE_falaj-testnet"),
        "up",
        "--dir",
        text(folder.path()),
    ]);
    Up::by(command, folder).await
}

/// The flags of unshare(1) by which this system lets us mount: as root of a namespace, or as root.
fn how_to_mount(folder: &Path) -> &'static str {
    let mut refused = String::new();
    for flags in ["-rm", "-m"] {
        let mount = [flags, "mount", "-t", "tmpfs", "falaj", text(folder)];
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
        "this test fills a small file system, and this system lets us mount none: {refused}; allow user namespaces, or run it as root"
    );
}
