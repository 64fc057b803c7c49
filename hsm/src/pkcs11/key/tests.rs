//! The forms in which tokens hand out public keys.

use super::*;

fn curve(params: &[u8], point: &[u8]) -> Result<(Algorithm, Vec<u8>), &'static str> {
    Parts {
        kind: Some(KeyType::EC),
        params,
        point,
        ..Parts::default()
    }
    .decode()
}

// SoftHSM wraps the point in an OCTET STRING, kryoptic does not; both are the same key.
#[test]
fn a_point_is_read_bare_and_wrapped() {
    let bare = [9; 32];
    let wrapped = [&[0x04, 32][..], &bare].concat();
    let expected = Ok((Algorithm::Ed25519, bare.to_vec()));
    for params in [&ED25519_PARAMS[..], &ED25519_NAME[..]] {
        assert_eq!(curve(params, &bare), expected);
        assert_eq!(curve(params, &wrapped), expected);
    }
    for (params, algorithm) in [
        (&P256_PARAMS[..], Algorithm::EcdsaP256),
        (&P384_PARAMS[..], Algorithm::EcdsaP384),
    ] {
        let bare = vec![4; algorithm.public_key_bytes()];
        let wrapped = [&[0x04, u8::try_from(bare.len()).unwrap()][..], &bare].concat();
        assert_eq!(curve(params, &bare), Ok((algorithm, bare.clone())));
        assert_eq!(curve(params, &wrapped), Ok((algorithm, bare)));
    }
}

// Anything else is no point of ours.
#[test]
fn other_points_and_curves_are_refused() {
    assert!(curve(&ED25519_PARAMS, &[4; 33]).is_err());
    assert!(curve(&ED25519_PARAMS, &[&[0x03, 32][..], &[9; 32]].concat()).is_err());
    assert!(curve(&P256_PARAMS, &[2; 33]).is_err());
    assert!(curve(&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], &[4; 65]).is_err());
    assert!(Parts::default().decode().is_err());
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<(Algorithm, Vec<u8>), &'static str> {
    Parts {
        kind: Some(KeyType::RSA),
        modulus,
        exponent,
        ..Parts::default()
    }
    .decode()
}

// A leading zero of either number is encoding, not value; another exponent or size is refused.
#[test]
fn rsa_keys_have_three_sizes_and_one_exponent() {
    let modulus = vec![0x81; 384];
    let padded = [&[0][..], &modulus].concat();
    let expected = Ok((Algorithm::RsaPss3072, modulus.clone()));
    assert_eq!(rsa(&modulus, &[1, 0, 1]), expected);
    assert_eq!(rsa(&padded, &[0, 1, 0, 1]), expected);
    assert!(rsa(&modulus, &[3]).is_err());
    assert!(rsa(&[0x81; 128], &[1, 0, 1]).is_err());
}
