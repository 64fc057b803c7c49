"""Keys, and the one rule of each signature algorithm: docs/spec/encoding.md, "Keys" and "Signatures"."""

from hashlib import sha256, sha384, sha512

from curves import (
    EDWARDS_BASE, L, P, P256, P384,
    edwards_add, edwards_is_zero, edwards_negative, edwards_point, edwards_times,
)
from encoding import Malformed, blob, u8

ED25519 = 1
NAMES = {1: "ed25519", 2: "p256", 3: "p384", 4: "rsa-pss-2048", 5: "rsa-pss-3072", 6: "rsa-pss-4096"}
KEY_BYTES = {1: 32, 2: 65, 3: 97, 4: 256, 5: 384, 6: 512}
SIGNATURE_BYTES_MAX = 512
CURVES = {2: (P256, sha256), 3: (P384, sha384)}


def read_key(reader):
    algorithm = reader.one_of(NAMES)
    return checked_key(algorithm, reader.bytes(max(KEY_BYTES.values())))


def checked_key(algorithm, data):
    """A key is (algorithm, bytes), of the one form of its algorithm."""
    fits = len(data) == KEY_BYTES[algorithm]
    if algorithm in CURVES:
        fits = fits and data[0] == 4
    elif algorithm != ED25519:
        fits = fits and data[0] & 0x80 and data[-1] & 1
    if not fits:
        raise Malformed(f"no key of {NAMES[algorithm]}")
    return algorithm, data


def key_bytes(key):
    return u8(key[0]) + blob(key[1])


def may_be_enrolled(key):
    """Asks more of Ed25519: the canonical encoding of a point that is not of small order."""
    if key[0] != ED25519:
        return True
    point = edwards_point(key[1])
    y = int.from_bytes(key[1], "little") % 2**255
    negative_zero = point is not None and point[0] == 0 and key[1][31] >> 7
    return point is not None and y < P and not negative_zero and not edwards_is_zero(edwards_times(8, point))


def verifies(key, message, signature):
    algorithm, data = key
    if algorithm == ED25519:
        return ed25519(data, message, signature)
    if algorithm in CURVES:
        return ecdsa(*CURVES[algorithm], data, message, signature)
    return rsa_pss(data, message, signature)


def ed25519(key, message, signature):
    """ZIP 215, with the factor 8."""
    if len(signature) != 64:
        return False
    a, r, s = edwards_point(key), edwards_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(sha512(signature[:32] + key + message).digest(), "little") % L
    right = edwards_add(r, edwards_times(k, a))
    difference = edwards_add(edwards_times(s, EDWARDS_BASE), edwards_negative(right))
    return edwards_is_zero(edwards_times(8, difference))


def ecdsa(curve, digest, key, message, signature):
    """FIPS 186-5 section 6.4.2, with s in the lower half."""
    size = curve.bytes
    if len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    point = int.from_bytes(key[1 : 1 + size], "big"), int.from_bytes(key[1 + size :], "big")
    if not (0 < r < curve.n and 0 < s <= curve.n // 2 and curve.holds(point)):
        return False
    e, w = int.from_bytes(digest(message).digest(), "big"), pow(s, -1, curve.n)
    sum_ = curve.add(curve.times(e * w % curve.n, curve.base), curve.times(r * w % curve.n, point))
    return sum_ is not None and sum_[0] % curve.n == r


def rsa_pss(modulus, message, signature):
    """RFC 8017 sections 8.1.2 and 9.1.2: SHA-256, MGF1 with SHA-256, 32 bytes of salt."""
    n, s, size = int.from_bytes(modulus, "big"), int.from_bytes(signature, "big"), len(modulus)
    if len(signature) != size or s >= n:
        return False
    encoded = pow(s, 65537, n).to_bytes(size, "big")
    masked, hashed, trailer = encoded[: size - 33], encoded[size - 33 : -1], encoded[-1]
    if trailer != 0xBC or masked[0] & 0x80:
        return False
    mask = mgf1(hashed, len(masked))
    block = bytes(a ^ b for a, b in zip(masked, mask))
    block = bytes([block[0] & 0x7F]) + block[1:]
    padding = bytes(len(block) - 33) + b"\1"
    salted = bytes(8) + sha256(message).digest() + block[-32:]
    return block[:-32] == padding and sha256(salted).digest() == hashed


def mgf1(seed, length):
    blocks = (sha256(seed + count.to_bytes(4, "big")).digest() for count in range(length // 32 + 1))
    return b"".join(blocks)[:length]
