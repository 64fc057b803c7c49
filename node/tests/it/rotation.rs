//! Validators change while the network decides: one of four gets another key, and a fifth comes in that the genesis does not name.

use data_encoding::HEXLOWER;
use falaj_consensus::crypto::{Algorithm, PublicKey};
use falaj_consensus::types::{ValidatorId, VotingPower};
use falaj_consensus::validator_set::{Declared, Validator, ValidatorSet};
use falaj_ledger::authority::AuthorityId;
use falaj_ledger::genesis::Genesis;
use falaj_ledger::proposal::{Action, ProposalId};
use falaj_ledger::set_change::{Entry, SetChange};
use falaj_ledger::testing::{
    BANK_A, BANK_B, CENTRAL_BANK, Ledger, Who, account, genesis_governed, transfer,
};
use falaj_ledger::transaction::{Flags, Op, Propose, TxId};
use falaj_node::shell::form::ValidatorsForm;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::node::run;
use crate::program::{Said, falaj};

const FIRST: u32 = 4;
const NEWCOMER: u32 = 5;
/// The authority over validators of the test world.
const VALIDATORS: u32 = 5;

/// Homes with their addresses, and the nodes that run.
struct Network {
    folder: tempfile::TempDir,
    /// Every set that was decided.
    sets: Vec<ValidatorSet>,
    ledger: Ledger,
    nodes: Vec<Option<Running>>,
    sent: u64,
}

struct Running {
    child: Child,
    log: JoinHandle<()>,
}

impl Running {
    fn stop(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        self.log.join().unwrap();
    }
}

fn public_key(made: &Value) -> PublicKey {
    let key = made["public_key"].as_str().unwrap();
    PublicKey::new(Algorithm::Ed25519, HEXLOWER.decode(key.as_bytes()).unwrap()).unwrap()
}

fn member(id: u32, key: PublicKey) -> Validator {
    Validator {
        id: ValidatorId::new(id),
        power: VotingPower::new(1),
        key,
        declared: Declared::default(),
    }
}

impl Network {
    /// Makes five homes on a genesis that names the first four.
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = |id: u32| text(&folder.path().join(id.to_string()));
        let ids: Vec<u32> = (1..=NEWCOMER).collect();
        let made: Vec<Value> = ids
            .iter()
            .map(|id| {
                let number = id.to_string();
                let flags = ["--signer", "software", "--development", "--json"];
                let about = ["init", "--home", &home(*id), "--validator", &number];
                falaj(about.into_iter().chain(flags)).json(0)
            })
            .collect();
        let first = ids.iter().zip(&made).take(4);
        let members = first.map(|(id, made)| member(*id, public_key(made)));
        let set = ValidatorSet::new(members.collect()).unwrap();
        let genesis = Genesis {
            validators: set.clone(),
            ..genesis_governed()
        };
        let file = folder.path().join("genesis.json");
        fs::write(&file, genesis.to_json()).unwrap();
        for id in &ids {
            let mut flags = ["init", "--home", &home(*id), "--genesis", &text(&file)]
                .map(str::to_owned)
                .to_vec();
            flags.extend(["--listen".into(), address(*id)]);
            flags.extend(["--api-listen".into(), "127.0.0.1:0".into()]);
            let others = ids.iter().zip(&made);
            for (other, made) in others.filter(|(other, _)| *other != id) {
                let peer = made["peer_id"].as_str().unwrap();
                let peer = format!("{other}={peer}@{}", address(*other));
                flags.extend(["--peer".into(), peer]);
            }
            // Whether the genesis names a validator is said, and has to be so.
            let new = ["--newcomer".to_owned()];
            let (right, wrong) = if *id == NEWCOMER {
                ([&flags[..], &new].concat(), flags)
            } else {
                (flags.clone(), [&flags[..], &new].concat())
            };
            let refused = falaj(&wrong);
            assert_eq!(refused.code(), 78, "{refused:?}");
            falaj(&right).text();
            // Who comes to a chain that is there begins with a snapshot of peers, if they have one.
            let config = fs::read_to_string(Path::new(&home(*id)).join("config.toml")).unwrap();
            assert_eq!(config.contains("join = true"), *id == NEWCOMER, "{config}");
        }
        Self {
            ledger: Ledger::new(&genesis),
            sets: vec![set],
            folder,
            nodes: ids.iter().map(|_| None).collect(),
            sent: 0,
        }
    }

    fn home(&self, id: u32) -> PathBuf {
        self.folder.path().join(id.to_string())
    }

    fn node(&mut self, id: u32) -> &mut Option<Running> {
        &mut self.nodes[usize::try_from(id - 1).unwrap()]
    }

    fn start(&mut self, id: u32) {
        let (child, log) = run(&self.home(id));
        *self.node(id) = Some(Running { child, log });
    }

    fn stop(&mut self, id: u32) {
        self.node(id).take().unwrap().stop();
    }

    fn falaj(&self, id: u32, arguments: &[&str]) -> Said {
        let home = ["--home".to_owned(), text(&self.home(id))];
        let arguments = arguments.iter().map(|word| (*word).to_owned());
        falaj(arguments.chain(home))
    }

    /// Has a node carry out an operation, and waits until it is final.
    fn act(
        &mut self,
        at: u32,
        of: falaj_ledger::participant::ParticipantNumber,
        op: Op,
        signers: &[Who],
    ) -> ProposalId {
        self.sent += 1;
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = u64::try_from(now_ms.as_millis()).unwrap();
        let mut body = self.ledger.body(of, op);
        let mut chance = [0; 10];
        chance[2..].copy_from_slice(&self.sent.to_be_bytes());
        body.id = TxId::new(now_ms, chance).unwrap();
        body.valid_from_ms = now_ms - 1_000;
        body.valid_until_ms = now_ms + 60_000;
        let signed = self.ledger.checked(body, signers);
        let file = self.folder.path().join("transaction");
        fs::write(&file, signed.tx().to_bytes()).unwrap();
        let said = self.falaj(at, &["tx", "submit", &text(&file), "--wait", "--json"]);
        assert_eq!(said.json(0)["state"], "executed");
        ProposalId::new(signed.content_hash().hash())
    }

    fn set(&self) -> &ValidatorSet {
        self.sets.last().unwrap()
    }

    /// Two heights, so that whatever was decided before is in force.
    fn pay(&mut self, at: u32) {
        for _ in 0..2 {
            let payment = Op::Transfer(transfer(account(BANK_A, 1), account(BANK_B, 1), 5));
            self.act(at, BANK_A, payment, &[Who::Participant(BANK_A)]);
        }
    }

    /// The change by which a validator gets this key, which its stopped home proves that it holds; with a guard of its own, if that is said.
    fn prove(&self, id: u32, key: PublicKey, guard: &[&str]) -> SetChange {
        let entry = Entry {
            validator: member(id, key),
            possession: None,
        };
        let change = SetChange {
            base: self.set().hash(),
            entries: vec![entry],
            leaving: Vec::new(),
        };
        let file = self.folder.path().join("change.json");
        let form = serde_json::to_string(&ValidatorsForm::of(&change)).unwrap();
        fs::write(&file, form).unwrap();
        let proven = ["keys", "possession", &text(&file)];
        let proven = self.falaj(id, &[&proven, guard].concat()).text();
        let form: ValidatorsForm = serde_json::from_str(&proven).unwrap();
        form.change().unwrap()
    }

    /// Has the authority carry out a change, and waits until it is in force.
    fn decide(&mut self, change: &SetChange) {
        let central = [Who::Participant(CENTRAL_BANK)];
        let proposing = Op::Propose(Propose {
            authority: AuthorityId::new(VALIDATORS),
            action: Action::Validators(change.clone()),
            flags: Flags::NONE,
        });
        let proposal = self.act(1, CENTRAL_BANK, proposing, &central);
        let two = [Who::Member(0), Who::Member(1)];
        self.act(1, CENTRAL_BANK, Op::Approve(proposal), &two);
        self.act(1, CENTRAL_BANK, Op::Execute(proposal), &central);
        let mut members = self.set().members().to_vec();
        let entered = &change.entries[0].validator;
        members.retain(|member| member.id != entered.id);
        members.push(entered.clone());
        members.sort_by_key(|member| member.id);
        self.sets.push(ValidatorSet::new(members).unwrap());
        self.pay(1);
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for running in self.nodes.iter_mut().filter_map(Option::take) {
            let Running { mut child, log } = running;
            drop(child.stdin.take());
            let _ = child.wait();
            drop(log.join());
        }
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Where a validator listens: on a loopback address of this process alone, so that nobody else can have the port.
fn address(id: u32) -> String {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    format!("/ip4/127.{}.{middle}.{low}/tcp/{}", high + 1, 20_000 + id)
}

fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from:?} is not in {text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

// docs/spec/guard.md, "Records"; docs/spec/consensus.md, "The key of a height": a validator of the genesis goes on with another key and
// another guard, and one that the genesis does not name comes in, while the others decide. In the end two of the five votes that are needed
// are those of the two.
#[test]
fn validators_change_while_the_network_decides() {
    let mut network = Network::make();
    (1..=NEWCOMER).for_each(|id| network.start(id));
    network.pay(1);

    network.stop(FIRST);
    let home = network.home(FIRST);
    let (config, next) = (home.join("config.toml"), home.join("next.key"));
    fs::write(&next, [7; 32]).unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o600)).unwrap();
    edit(&config, "consensus.key", "next.key");
    let key = network.falaj(FIRST, &["keys", "show", "--json"]).json(0);
    let change = network.prove(FIRST, public_key(&key), &["--guard", "guard-next"]);
    // The new key with the guard of the old one is refused.
    let refused = network.falaj(FIRST, &["start"]);
    assert_eq!(refused.code(), 78, "{refused:?}");
    edit(&config, "next.key", "consensus.key");
    network.start(FIRST);
    network.decide(&change);
    network.stop(FIRST);
    edit(&config, "consensus.key", "next.key");
    edit(&config, "\"guard\"", "\"guard-next\"");
    network.start(FIRST);

    network.stop(NEWCOMER);
    let key = network.falaj(NEWCOMER, &["keys", "show", "--json"]).json(0);
    let change = network.prove(NEWCOMER, public_key(&key), &[]);
    let file = text(&network.folder.path().join("change.json"));
    let second = network.falaj(
        NEWCOMER,
        &["keys", "possession", &file, "--guard", "second"],
    );
    assert_eq!(second.code(), 1, "{second:?}");
    assert!(second.err().contains("has a guard"), "{second:?}");
    network.start(NEWCOMER);
    network.decide(&change);

    network.pay(FIRST);
    network.pay(NEWCOMER);
    network.stop(3);
    network.pay(FIRST);
    network.pay(1);

    // A node that starts after the changes proves with its store what one that saw them proves: from the genesis alone.
    network.stop(1);
    network.start(1);
    network.pay(1);
    let id = account(BANK_A, 1).to_text(&genesis_governed().network);
    for node in [1, FIRST, NEWCOMER] {
        let out = text(&network.folder.path().join(format!("{node}.proof")));
        network
            .falaj(node, &["account", "proof", &id, "--out", &out])
            .text();
        let file = text(&network.folder.path().join("genesis.json"));
        let verified = falaj(["verify", "--genesis", &file, &out, "--json"]).json(0);
        assert_eq!(verified["validators"], 5, "{verified}");
    }
}
