//! What `falaj-testnet new` measures, and that the genesis gets it.

use falaj_testnet::manifest::{GENESIS_FILE, Manifest, read_genesis};
use falaj_testnet::timers::{TimersManifest, timers_for};

use crate::programs::run;

/// Goal: keys of both kinds are measured where they lie, and what is told, written and agreed upon are the same timers.
#[tokio::test]
async fn new_measures_and_writes_the_timers() {
    for signer in [
        &["--signer", "softhsm", "--algorithm", "p256,ed25519"],
        &["--signer", "software", "--algorithm", "ed25519"],
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let directory = folder.path().display().to_string();
        let new = ["new", "--dir", &directory, "--json", "--validators", "2"];
        let made = run(&[&new[..], &signer[..]].concat()).await;
        assert_eq!(made.code, Some(0), "{}", made.said);
        let timers = Manifest::read(folder.path()).expect("a testnet").timers;
        let told: TimersManifest =
            serde_json::from_value(made.last()["timers"].clone()).expect("timers are told");
        assert_eq!(told, timers);
        assert!(timers.measured.sign_us > 0 && timers.measured.sync_us > 0);
        let genesis = read_genesis(&folder.path().join(GENESIS_FILE)).expect("a genesis");
        assert_eq!(genesis.parameters, timers_for(timers.measured));
    }
}
