//! Polkas and commit certificates: one form, every signature right, more than two thirds.

use super::cast::{Cast, at, id, outcome};
use crate::crypto::Signature;
use crate::hash;
use crate::message::{CommitCertificate, Polka};
use crate::types::{Height, Round};
use crate::validator_set::Bitmap;
use crate::verify::VerifyError;

fn refusal(cast: &Cast, certificate: CommitCertificate) -> VerifyError {
    cast.context().certificate(certificate).unwrap_err()
}

fn bitmap(bytes: &[u8]) -> Bitmap {
    borsh::from_slice(&hash::encode(&bytes.to_vec())).unwrap()
}

#[test]
fn quorums_verify() {
    let cast = Cast::four();
    for signers in [&[0, 1, 2][..], &[1, 2, 3], &[0, 1, 2, 3]] {
        let certificate = cast.certificate(signers);
        let verified = cast.context().certificate(certificate.clone()).unwrap();
        assert_eq!(verified.get(), &certificate);
        let polka = cast.polka(signers);
        assert_eq!(cast.context().polka(polka.clone()).unwrap().get(), &polka);
    }
}

// 3p > 2N: exactly two thirds is no quorum, one more is; by power, not by heads.
#[test]
fn exactly_two_thirds_is_no_quorum_and_one_more_is() {
    let cast = Cast::of(&[1, 1, 1]);
    assert_eq!(
        refusal(&cast, cast.certificate(&[0, 1])),
        VerifyError::NoQuorum
    );
    assert!(
        cast.context()
            .certificate(cast.certificate(&[0, 1, 2]))
            .is_ok()
    );

    let cast = Cast::of(&[40, 26, 34, 2]);
    assert_eq!(
        refusal(&cast, cast.certificate(&[1, 2, 3])),
        VerifyError::NoQuorum
    );
    assert_eq!(
        refusal(&cast, cast.certificate(&[0, 1, 3])),
        VerifyError::NoQuorum
    );
    assert!(
        cast.context()
            .certificate(cast.certificate(&[0, 2]))
            .is_ok()
    );

    let cast = Cast::of(&[200, 100]);
    assert_eq!(
        refusal(&cast, cast.certificate(&[0])),
        VerifyError::NoQuorum
    );
    let cast = Cast::of(&[201, 100]);
    assert!(cast.context().certificate(cast.certificate(&[0])).is_ok());
}

#[test]
fn nobody_is_no_quorum() {
    let cast = Cast::four();
    let mut certificate = cast.certificate(&[0, 1, 2]);
    certificate.signers = Bitmap::none(4);
    certificate.signatures.clear();
    assert_eq!(refusal(&cast, certificate), VerifyError::NoQuorum);
}

// A bit is set or not: nobody can sign twice, and a second signature of one signer has no place.
#[test]
fn a_signer_counts_once() {
    let cast = Cast::four();
    let mut certificate = cast.certificate(&[0, 1]);
    certificate
        .signatures
        .push(certificate.signatures[1].clone());
    let refused = refusal(&cast, certificate);
    assert_eq!(
        refused,
        VerifyError::SignatureCount {
            signers: 2,
            signatures: 3
        }
    );
}

#[test]
fn a_bitmap_has_one_form() {
    let cast = Cast::four();
    for bytes in [
        &[][..],
        &[0b0111, 0],
        &[0b1_0111],
        &[0b1000_0111],
        &[0, 0b0111],
    ] {
        let mut certificate = cast.certificate(&[0, 1, 2]);
        certificate.signers = bitmap(bytes);
        assert_eq!(
            refusal(&cast, certificate),
            VerifyError::Bitmap,
            "{bytes:?}"
        );
        let mut polka = cast.polka(&[0, 1, 2]);
        polka.signers = bitmap(bytes);
        assert_eq!(cast.context().polka(polka), Err(VerifyError::Bitmap));
    }
}

#[test]
fn as_many_signatures_as_signers() {
    let cast = Cast::four();
    let mut more = cast.certificate(&[0, 1, 2]);
    more.signatures.push(more.signatures[0].clone());
    let refused = refusal(&cast, more);
    assert_eq!(
        refused,
        VerifyError::SignatureCount {
            signers: 3,
            signatures: 4
        }
    );
    let mut fewer = cast.certificate(&[0, 1, 2, 3]);
    fewer.signatures.pop();
    let refused = refusal(&cast, fewer);
    assert_eq!(
        refused,
        VerifyError::SignatureCount {
            signers: 4,
            signatures: 3
        }
    );
}

// One bad signature rejects, also when the others alone would be a quorum.
#[test]
fn one_bad_signature_rejects() {
    let cast = Cast::four();
    for wrong in 0..4_u16 {
        let mut certificate = cast.certificate(&[0, 1, 2, 3]);
        let mut bytes = certificate.signatures[usize::from(wrong)].bytes().to_vec();
        bytes[63] ^= 0x10;
        certificate.signatures[usize::from(wrong)] = Signature::new(bytes).unwrap();
        assert_eq!(
            refusal(&cast, certificate),
            VerifyError::Signature(at(wrong))
        );
    }
}

#[test]
fn signatures_stand_in_the_order_of_the_bitmap() {
    let cast = Cast::four();
    let mut certificate = cast.certificate(&[0, 1, 2]);
    certificate.signatures.swap(1, 2);
    assert_eq!(refusal(&cast, certificate), VerifyError::Signature(at(1)));
    let mut certificate = cast.certificate(&[0, 1, 2]);
    certificate.signers = bitmap(&[0b1011]);
    assert_eq!(refusal(&cast, certificate), VerifyError::Signature(at(3)));
}

// A certificate says what was signed: round, id and outcome are covered.
#[test]
fn a_certificate_is_signed_whole() {
    let cast = Cast::four();
    let changes: [fn(&mut CommitCertificate); 4] = [
        |certificate| certificate.height = certificate.height.next(),
        |certificate| certificate.round = Round::new(3),
        |certificate| certificate.id = id(9),
        |certificate| certificate.outcome = outcome(9),
    ];
    for change in changes {
        let mut certificate = cast.certificate(&[0, 1, 2]);
        change(&mut certificate);
        assert_eq!(refusal(&cast, certificate), VerifyError::Signature(at(0)));
    }
}

#[test]
fn prevotes_are_not_precommits() {
    let cast = Cast::four();
    let mut certificate = cast.certificate(&[0, 1, 2]);
    certificate.signatures = cast.polka(&[0, 1, 2]).signatures;
    assert_eq!(refusal(&cast, certificate), VerifyError::Signature(at(0)));
}

#[test]
fn a_polka_is_signed_whole_and_has_an_older_valid_round() {
    let cast = Cast::four();
    let refused = |change: fn(&mut Polka)| {
        let mut polka = cast.polka(&[0, 1, 2]);
        change(&mut polka);
        cast.context().polka(polka).unwrap_err()
    };
    let wrong = VerifyError::Signature(at(0));
    assert_eq!(refused(|polka| polka.id = id(9)), wrong);
    assert_eq!(refused(|polka| polka.round = Round::new(3)), wrong);
    assert_eq!(refused(|polka| polka.valid_round = None), wrong);
    assert_eq!(
        refused(|polka| polka.valid_round = Some(Round::new(2))),
        VerifyError::Rounds
    );
}

#[test]
fn there_is_no_certificate_at_height_0_or_at_the_end_of_the_range() {
    let cast = Cast::four();
    let positions = [
        (Height::new(0), Round::new(0), VerifyError::NoHeight),
        (
            Height::new(u64::MAX),
            Round::new(0),
            VerifyError::EndOfRange,
        ),
        (
            Height::new(1),
            Round::new(u32::MAX),
            VerifyError::EndOfRange,
        ),
    ];
    for (height, round, error) in positions {
        let mut certificate = cast.certificate(&[0, 1, 2]);
        (certificate.height, certificate.round) = (height, round);
        assert_eq!(refusal(&cast, certificate), error);
        let mut polka = cast.polka(&[0, 1, 2]);
        (polka.height, polka.round) = (height, round);
        assert_eq!(cast.context().polka(polka), Err(error));
    }
}
