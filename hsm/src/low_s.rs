//! The one form of an ECDSA signature: `r ‖ s` with s at most half the order of the curve.
//!
//! Invariant: of the two values of s that verify, the low one is released; verifiers accept no other.
//! Shapes: 64 bytes for P-256, 96 for P-384, big-endian halves.
//! Errors: none; bytes of another length or algorithm are given back as they came, and the host's check refuses them.
//! Source: `docs/spec/encoding.md`, "Signatures"; FIPS 186-5 §6.4; SP 800-186 §3.2.1 for the orders.

use falaj_consensus::crypto::Algorithm;

/// Order of P-256.
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Order of P-384.
const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// Gives an ECDSA signature its low s; other signatures stay as they are.
#[must_use]
pub fn low_s(algorithm: Algorithm, signature: Vec<u8>) -> Vec<u8> {
    match algorithm {
        Algorithm::EcdsaP256 => with_low_s(&P256_ORDER, signature),
        Algorithm::EcdsaP384 => with_low_s(&P384_ORDER, signature),
        Algorithm::Ed25519
        | Algorithm::RsaPss2048
        | Algorithm::RsaPss3072
        | Algorithm::RsaPss4096 => signature,
    }
}

fn with_low_s<const N: usize>(order: &[u8; N], mut signature: Vec<u8>) -> Vec<u8> {
    let Some((r, s)) = signature.split_last_chunk_mut::<N>() else {
        return signature;
    };
    // s and order − s add up to an odd number, so one of them is below half the order: the smaller.
    let other = subtract(order, s);
    if r.len() == N && *s < *order && other < *s {
        *s = other;
    }
    signature
}

/// `a − b` modulo 2^8N, big-endian.
fn subtract<const N: usize>(a: &[u8; N], b: &[u8; N]) -> [u8; N] {
    let mut difference = [0_u8; N];
    let mut borrow = false;
    for ((digit, a), b) in difference.iter_mut().zip(a).zip(b).rev() {
        let (first, under) = a.overflowing_sub(*b);
        let (second, under_again) = first.overflowing_sub(u8::from(borrow));
        *digit = second;
        borrow = under || under_again;
    }
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature<const N: usize>(s: [u8; N]) -> Vec<u8> {
        let mut bytes = vec![7; N];
        bytes.extend_from_slice(&s);
        bytes
    }

    // A high s becomes order − s, a low one stays, and the result is low whichever came.
    #[test]
    fn high_s_is_mirrored_and_low_s_stays() {
        let mut one = [0; 32];
        one[31] = 1;
        let high = subtract(&P256_ORDER, &one);
        assert_eq!(low_s(Algorithm::EcdsaP256, signature(high)), signature(one));
        assert_eq!(low_s(Algorithm::EcdsaP256, signature(one)), signature(one));
        let mut two = [0; 48];
        two[47] = 2;
        let high = subtract(&P384_ORDER, &two);
        assert_eq!(low_s(Algorithm::EcdsaP384, signature(high)), signature(two));
    }

    // The boundary: (n − 1)/2 is low and stays, (n + 1)/2 is high and becomes (n − 1)/2.
    #[test]
    fn half_of_the_order_is_the_greatest_low_s() {
        let mut half = [0_u8; 32];
        let mut carry = 0;
        for (digit, byte) in half.iter_mut().zip(P256_ORDER) {
            *digit = carry | byte >> 1;
            carry = byte << 7;
        }
        let above = subtract(&P256_ORDER, &half);
        assert_eq!(
            low_s(Algorithm::EcdsaP256, signature(half)),
            signature(half)
        );
        assert_eq!(
            low_s(Algorithm::EcdsaP256, signature(above)),
            signature(half)
        );
    }

    // What is no ECDSA signature is left for the check to refuse.
    #[test]
    fn other_bytes_stay_as_they_are() {
        assert_eq!(low_s(Algorithm::EcdsaP256, vec![0xff; 63]), vec![0xff; 63]);
        assert_eq!(low_s(Algorithm::EcdsaP256, vec![0xff; 64]), vec![0xff; 64]);
        assert_eq!(low_s(Algorithm::Ed25519, vec![0xff; 64]), vec![0xff; 64]);
    }
}
