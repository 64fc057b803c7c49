//! How a home is made: everything is checked before anything is written or a key is made, whatever stops it is gone on with by the same
//! command, and a flag that contradicts the home is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, Ended, PIN};

/// `init` of a validator in the token of the bench, with other words for some flags.
fn init(bench: &Bench, other: &[(&str, &str)], more: &[&str]) -> Ended {
    let pin = format!("file:{}", bench.pin_file().display());
    let module = bench.shim.library().display().to_string();
    let mut arguments = vec!["init", "--validator", "1", "--signer", "pkcs11"];
    for (flag, value) in [
        ("--module", module.as_str()),
        ("--token-label", crate::bench::TOKEN),
        ("--pin", &pin),
    ] {
        let instead = other.iter().find(|(name, _)| *name == flag);
        arguments.extend([flag, instead.map_or(value, |(_, value)| value)]);
    }
    bench.run(&[&arguments, more].concat())
}

/// That nothing was written and no key was made, so that the right command makes the home at once.
#[track_caller]
fn is_untouched(bench: &Bench) {
    assert!(!bench.home().exists(), "{:?}", fs::read_dir(bench.home()));
    assert_eq!(bench.shim.calls("C_GenerateKeyPair"), 0);
    init(bench, &[], &[]).expect(0, &["peer id"]);
}

#[test]
fn a_token_that_is_not_there_leaves_nothing_behind() {
    let bench = Bench::new();
    init(&bench, &[("--token-label", "other")], &[]).expect(78, &["no token named"]);
    is_untouched(&bench);
}

#[test]
fn a_library_that_is_not_there_leaves_nothing_behind() {
    let bench = Bench::new();
    init(&bench, &[("--module", "/gone.so")], &[]).expect(78, &["gone.so"]);
    is_untouched(&bench);
}

#[test]
fn a_pin_that_cannot_be_had_leaves_nothing_behind() {
    let bench = Bench::new();
    init(&bench, &[("--pin", "file:/gone")], &[]).expect(77, &["cannot read"]);
    init(&bench, &[("--pin", PIN)], &[]).expect(78, &["validator.signer.pin"]);
    let mode = |mode| fs::set_permissions(bench.pin_file(), fs::Permissions::from_mode(mode));
    mode(0o644).unwrap();
    init(&bench, &[], &[]).expect(77, &["mode 644"]);
    mode(0o600).unwrap();
    is_untouched(&bench);
}

#[test]
fn a_flag_that_is_wrong_makes_no_key() {
    let bench = Bench::new();
    let nowhere = bench.path("nowhere").display().to_string();
    let address = "2=xx@/ip4/127.0.0.1/tcp/1";
    for (more, code, words) in [
        (["--api-listen", "0.0.0.0:7000"], 78, "api.listen"),
        (["--listen", "foo"], 78, "network.listen: foo"),
        (["--peer", "foo"], 2, "foo is not VALIDATOR=PEER_ID@ADDRESS"),
        (["--peer", address], 78, "xx is no transport identity"),
        (["--genesis", &nowhere], 78, "cannot read"),
        (["--algorithm", "rot13"], 78, "validator.signer.algorithm"),
        (["--key-id", "xyz"], 78, "validator.signer.key_id"),
    ] {
        init(&bench, &[], &more).expect(code, &[words]);
    }
    is_untouched(&bench);
}

// A genesis that is there already cannot have a key that is not.
#[test]
fn a_new_validator_cannot_be_in_a_genesis() {
    let bench = Bench::new();
    let file = bench.path("genesis.json");
    let other = falaj_ledger::testing::Who::Validator(1).key().public();
    fs::write(
        &file,
        falaj_ledger::testing::genesis_of_one(other).to_json(),
    )
    .unwrap();
    let file = file.display().to_string();
    let words = ["only made now", "to do: run the same without --genesis"];
    init(&bench, &[], &["--genesis", &file]).expect(78, &words);
    is_untouched(&bench);
}

// The key was made and the configuration did not get its name: the same command takes the key over, another does not.
#[test]
fn a_key_of_an_unfinished_making_is_taken_over() {
    let bench = Bench::new();
    let made = bench.init(&[]).json();
    let (config, unfinished) = (
        bench.home().join("config.toml"),
        bench.home().join("config.unfinished"),
    );
    fs::rename(&config, &unfinished).unwrap();
    bench
        .init(&["--algorithm", "p384"])
        .expect(78, &["already holds"]);
    assert!(!config.exists());
    fs::remove_file(bench.home().join("transport.key")).unwrap();
    let again = bench.init(&[]).json();
    assert_eq!(again["public_key"], made["public_key"]);
    assert_eq!(bench.shim.calls("C_GenerateKeyPair"), 1);
    assert!(config.exists() && !unfinished.exists());
    bench.run(&["keys", "show"]).expect(0, &["peer id"]);
}

// Somebody's key is nobody's leftover: without an unfinished making it is refused, and nothing is written.
#[test]
fn a_key_that_is_there_is_not_taken_over() {
    let bench = Bench::new();
    bench.init(&[]).expect(0, &[]);
    fs::remove_dir_all(bench.home()).unwrap();
    bench
        .init(&[])
        .expect(78, &["already holds", "nothing is overwritten"]);
    assert!(!bench.home().exists());
}

// A stop left the transport key alone; it becomes the home's.
#[test]
fn a_transport_key_that_is_there_is_used() {
    let bench = Bench::new();
    let made = bench.init(&[]).json();
    fs::rename(
        bench.home().join("config.toml"),
        bench.home().join("config.unfinished"),
    )
    .unwrap();
    assert_eq!(bench.init(&[]).json()["peer_id"], made["peer_id"]);
}

// Both values are named, and the address beside the flag is refused with it.
#[test]
fn a_flag_that_contradicts_the_home_is_refused() {
    let bench = Bench::new();
    bench.init(&[]).expect(0, &[]);
    let config = bench.home().join("config.toml");
    let before = fs::read(&config).unwrap();
    let listen = ["--listen", "/ip4/127.0.0.1/tcp/4711"];
    for (flags, words) in [
        (
            vec!["--validator", "9", "--signer", "pkcs11"],
            ["--validator 9", "has 1"],
        ),
        (
            vec!["--validator", "1", "--signer", "software"],
            ["--signer software", "has pkcs11"],
        ),
        (
            vec!["--algorithm", "p384"],
            ["--algorithm p384", "has p256"],
        ),
        (
            vec!["--key-label", "k1"],
            ["--key-label k1", "has consensus"],
        ),
        (vec!["--development"], ["--development true", "has none"]),
    ] {
        let arguments = [&["init"], flags.as_slice(), &listen].concat();
        bench.run(&arguments).expect(78, &words);
        assert_eq!(fs::read(&config).unwrap(), before);
    }
}

// Addresses and peers are what `init` changes on a home; the environment is not written into it.
#[test]
fn addresses_and_peers_of_a_home_are_changed() {
    let bench = Bench::new();
    let made = bench.init(&[]).json();
    let listen = "/ip4/127.0.0.1/tcp/4711";
    let mut command = bench.command(&["init", "--json", "--validator", "1", "--listen", listen]);
    command.args(["--signer", "pkcs11"]);
    command.env("FALAJ_API__LISTEN", "127.0.0.1:4712");
    assert!(command.output().unwrap().status.success());
    let config = fs::read_to_string(bench.home().join("config.toml")).unwrap();
    assert!(
        config.contains(listen) && !config.contains("4712"),
        "{config}"
    );
    assert_eq!(bench.run(&["keys", "show", "--json"]).json(), made);
    let bad = bench.run(&["init", "--peer", "2=xx@/ip4/127.0.0.1/tcp/1"]);
    bad.expect(78, &["network.peers: validator 2"]);
}

// A home without its configuration is not a new one.
#[test]
fn a_home_that_lost_its_configuration_is_not_made_again() {
    let bench = Bench::with_home();
    let (config, aside) = (bench.home().join("config.toml"), bench.path("aside"));
    fs::rename(&config, &aside).unwrap();
    bench
        .init(&["--key-label", "k2", "--key-id", "02"])
        .expect(78, &["config.toml is gone", "genesis.json"]);
    fs::rename(&aside, &config).unwrap();
    bench.start().stop().expect(0, &[]);
}

// The configuration states an algorithm; a key of another one is not the one that is meant.
#[test]
fn an_algorithm_that_is_not_the_keys_is_refused() {
    let bench = Bench::with_home();
    bench.edit_config("algorithm = \"p256\"", "algorithm = \"p384\"");
    let words = ["validator.signer.algorithm", "the key is p256, not p384"];
    bench.run(&["keys", "show"]).expect(78, &words);
    bench.run(&["doctor", "hsm"]).expect(78, &words);
    bench.try_start(&[]).err().unwrap().expect(78, &words);
    bench.edit_config("algorithm = \"p384\"", "algorithm = \"rot13\"");
    bench
        .try_start(&[])
        .err()
        .unwrap()
        .expect(78, &["no such algorithm"]);
    bench.edit_config("algorithm = \"rot13\"", "algorithm = \"p256\"");
    bench.start().stop().expect(0, &[]);
}
