//! Binding, possession and canary: outside the order, of fixed shapes, and never a vote.

use falaj_consensus::crypto::PublicKey;
use falaj_consensus::message::SignBytes;
use falaj_consensus::types::{Hash32, ValidatorId};
use falaj_consensus::verify::{Checker, SignedItem};

use crate::fixture::{
    DEADLINE_NS, Disks, HashChecker, Home, NOW, TestToken, Trouble, ask, chain, key, prevote,
};
use crate::guard::Latch;
use crate::purpose::{Binding, Canary, Possession, Purpose, TRANSPORT_KEY_BYTES_MAX};
use crate::signer::{Alarm, AttestRequest, Attestation, Attested, Input, Output, RequestId};
use crate::{Fault, Refusal};

fn attest_until(
    home: &mut Home,
    token: &TestToken,
    attestation: Attestation,
    deadline_ns: u64,
) -> Result<Attested, Refusal> {
    let request = AttestRequest {
        id: RequestId::new(5),
        attestation,
        deadline_ns,
    };
    let mut outputs = home
        .run(NOW, Input::Attest(Box::new(request)), token)
        .unwrap();
    match outputs.pop() {
        Some(Output::Attested { id, result }) if id == RequestId::new(5) => result,
        other => panic!("{other:?}"),
    }
}

fn attest(
    home: &mut Home,
    token: &TestToken,
    attestation: Attestation,
) -> Result<Attested, Refusal> {
    attest_until(home, token, attestation, DEADLINE_NS)
}

fn binding(transport_key: Vec<u8>) -> Binding {
    Binding {
        validator: ValidatorId::new(1),
        transport_key,
        serial: 3,
    }
}

fn possession(key: PublicKey) -> Possession {
    let change = Hash32::new([3; 32]);
    Possession {
        chain_id: chain().chain_id,
        change,
        validator: ValidatorId::new(1),
        key,
    }
}

fn all() -> [Attestation; 3] {
    [
        Attestation::Binding(binding(vec![8; 38])),
        Attestation::Possession(possession(key(1))),
        Attestation::Canary,
    ]
}

// Each attestation is signed with a right signature, moves no guard, and needs no sync.
#[test]
fn attestations_are_signed_outside_the_order() {
    let (disks, mut home) = Disks::home();
    let token = TestToken::new();
    ask(&mut home, &token, prevote(1, 0, None)).unwrap();
    let (before, operations) = (
        home.signer().guard().unwrap().clone(),
        disks.guard.operations(),
    );
    for attestation in all() {
        let purpose = attestation.purpose();
        let Attested { bytes, signature } = attest(&mut home, &token, attestation).unwrap();
        assert!(HashChecker.check(SignedItem {
            key: &key(1),
            message: &bytes,
            signature: &signature
        }));
        assert_eq!(home.signer().counters().signed(purpose), 1);
    }
    assert_eq!(home.signer().guard().unwrap(), &before);
    assert_eq!(disks.guard.operations(), operations);
}

// No attestation's bytes are a statement's, on any chain, and no two purposes share a tag.
#[test]
fn no_attestation_decodes_as_a_vote() {
    let bytes = [
        binding(vec![8; 38])
            .sign_bytes(&chain())
            .unwrap()
            .as_slice()
            .to_vec(),
        possession(key(1)).sign_bytes().unwrap().as_slice().to_vec(),
        Canary { challenge: [1; 32] }
            .sign_bytes()
            .as_slice()
            .to_vec(),
    ];
    let vote = prevote(1, 0, None).sign_bytes(&chain()).as_slice()[..16].to_vec();
    let mut tags: Vec<_> = bytes.iter().map(|bytes| bytes[..16].to_vec()).collect();
    tags.push(vote);
    for bytes in &bytes {
        assert!(SignBytes::parse(&chain(), bytes).is_err());
        assert!(
            borsh::from_slice::<SignBytes>(
                &[
                    &u32::try_from(bytes.len()).unwrap().to_le_bytes(),
                    &bytes[..]
                ]
                .concat()
            )
            .is_err()
        );
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
}

// The shapes, byte for byte.
#[test]
fn attestations_have_their_committed_bytes() {
    let text = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let genesis = "07".repeat(32);
    assert_eq!(
        text(binding(vec![8; 2]).sign_bytes(&chain()).unwrap().as_slice()),
        format!(
            "66616c616a2f62696e64696e67000000{}{}{genesis}{}{}{}",
            "0100", "0400000074657374", "01000000", "020000000808", "0300000000000000"
        )
    );
    assert_eq!(
        text(Canary { challenge: [1; 32] }.sign_bytes().as_slice()),
        format!("66616c616a2f63616e617279000000000100{}", "01".repeat(32))
    );
    assert_eq!(
        text(possession(key(1)).sign_bytes().unwrap().as_slice()),
        format!(
            "66616c616a2f706f7373657373696f6e0100{}{}{}{}{}",
            "0400000074657374",
            "03".repeat(32),
            "01000000",
            "0241000000",
            "04".to_owned() + &"01".repeat(64)
        )
    );
}

// What is not about this key on this chain, or has no form, is refused.
#[test]
fn attestations_of_others_are_refused() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    let other_chain = Possession {
        chain_id: "other".to_owned(),
        ..possession(key(1))
    };
    let cases = [
        ("wrong_key", Attestation::Possession(possession(key(2)))),
        ("wrong_chain", Attestation::Possession(other_chain)),
        ("shape", Attestation::Binding(binding(Vec::new()))),
        (
            "shape",
            Attestation::Binding(binding(vec![1; TRANSPORT_KEY_BYTES_MAX + 1])),
        ),
    ];
    for (code, attestation) in cases {
        assert_eq!(
            attest(&mut home, &token, attestation).unwrap_err().code(),
            code
        );
        assert!(home.signer().counters().refused(code) > 0);
    }
    assert_eq!(
        attest_until(&mut home, &token, Attestation::Canary, NOW.mono_ns)
            .unwrap_err()
            .code(),
        "stale"
    );
    assert!(token.signed().is_empty());
}

// A canary never has the same challenge twice, and a wrong answer to it is not given out.
#[test]
fn canaries_differ_and_are_checked() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    let first = attest(&mut home, &token, Attestation::Canary).unwrap();
    let second = attest(&mut home, &token, Attestation::Canary).unwrap();
    assert_ne!(first.bytes, second.bytes);
    token.trouble(Trouble::SignsOtherBytes);
    let request = AttestRequest {
        id: RequestId::new(5),
        attestation: Attestation::Canary,
        deadline_ns: DEADLINE_NS,
    };
    let outputs = home
        .run(NOW, Input::Attest(Box::new(request)), &token)
        .unwrap();
    let refusal = Refusal::Backend {
        fault: Fault::WrongSignature,
        device_code: None,
    };
    assert!(matches!(
        outputs[0],
        Output::Alarm(Alarm::WrongSignature {
            purpose: Purpose::Canary,
            ..
        })
    ));
    assert_eq!(
        outputs[1],
        Output::Attested {
            id: RequestId::new(5),
            result: Err(refusal)
        }
    );
}

// A latch stops votes; a canary may still be asked for, to find out whether the token lives.
#[test]
fn a_latch_does_not_stop_attestations() {
    let (_, mut home) = Disks::home();
    let token = TestToken::new();
    home.submit(NOW, Input::Latch(Latch::Operator)).unwrap();
    home.sync().unwrap();
    let _ = home.released();
    attest(&mut home, &token, Attestation::Canary).unwrap();
    assert_eq!(home.signer().counters().signed(Purpose::Canary), 1);
}
