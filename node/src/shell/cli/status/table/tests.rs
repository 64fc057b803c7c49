//! The table of a node that is well, and of one that is not.

use super::*;
use crate::shell::cli::status::seen::{AlarmSeen, StatusSeen};

fn status() -> StatusSeen {
    StatusSeen {
        version: "0.1.0".into(),
        chain: "falaj-test-1".into(),
        validator: Some(3),
        banner: None,
        height: 811,
        seconds_since_commit: Some(0.42),
        why: "height 812: nothing to order".into(),
        open: Some(OpenSeen {
            height: 812,
            round: 0,
            step: "propose".into(),
            proposer: 2,
        }),
        behind_heights: 0,
        mempool_tx: 0,
        mempool_bytes: 0,
        in_flight_tx: 0,
        peers_up: 1,
        peers: 1,
        signer: Some(SignerSeen {
            hsm_up: Some(true),
            refusing: None,
            fault: None,
            needs_a_person: false,
        }),
        alarms: Vec::new(),
    }
}

fn peer_of(up: bool) -> PeerSeen {
    PeerSeen {
        validator: Some(2),
        peer_id: "12D3".into(),
        address: Some("/ip4/127.0.0.1/tcp/7000".into()),
        up,
        seconds: 41,
        rtt_us: up.then_some(180),
        last_error: (!up).then(|| "connection refused".into()),
    }
}

fn check(name: &str, fault: Option<&str>) -> Check {
    Check {
        name: name.into(),
        ok: fault.is_none(),
        fault: fault.map(str::to_owned),
    }
}

fn text(status: StatusSeen, checks: Vec<Check>, peers: Vec<PeerSeen>) -> String {
    let address = ([127, 0, 0, 1], 7450).into();
    lines(&Seen::new(address, status, checks, peers)).join("\n")
}

#[test]
fn a_node_that_is_well_reads_at_a_glance() {
    let checks = vec![
        check("core", None),
        check("synced", None),
        check("hsm", None),
    ];
    insta::assert_snapshot!(text(status(), checks, vec![peer_of(true)]));
}

#[test]
fn a_node_that_stands_says_why_and_what_to_do() {
    let stands = StatusSeen {
        banner: Some("TEST KEY".into()),
        seconds_since_commit: Some(44.0),
        why: "height 812, round 7: 2 of 4 prevotes, 3 needed; missing V2 (no link for 41 s) and V3 (HSM: the token is gone)".into(),
        behind_heights: 5,
        peers_up: 0,
        signer: Some(SignerSeen {
            hsm_up: Some(false),
            refusing: None,
            fault: Some("HSM: the token is gone".into()),
            needs_a_person: true,
        }),
        alarms: vec![AlarmSeen {
            time_us: 1_782_907_200_000_000,
            text: "the guard refused".into(),
        }],
        ..status()
    };
    let checks = vec![
        check("core", None),
        check("synced", Some("5 heights behind its peers")),
        check("hsm", Some("HSM: the token is gone")),
    ];
    insta::assert_snapshot!(text(stands, checks, vec![peer_of(false)]));
}

#[test]
fn every_check_that_can_fail_says_what_to_do() {
    for name in [
        "core", "linked", "synced", "disk", "outcome", "hsm", "member", "halted", "voted",
    ] {
        assert!(advice(name).is_some(), "{name}");
    }
}
