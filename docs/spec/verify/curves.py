"""The arithmetic under the signatures: twisted Edwards 25519, and the short Weierstrass curves P-256 and P-384.

Nothing here is secret and nothing is constant in time: it verifies, and must never sign.
Sources: RFC 8032 section 5.1, FIPS 186-5 with SP 800-186.
"""

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)


def edwards_point(data):
    """A point (X, Y, Z, T) from 32 bytes by ZIP 215: any y below 2^255, any sign; None where y is of no point."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number % 2**255 % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_MINUS_ONE % P
    if v * x * x % P != u:
        return None
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


def edwards_add(a, b):
    """RFC 8032 section 5.1.4; complete, so it doubles too."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * D * a[3] * b[3] % P
    h = 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def edwards_times(number, point):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = edwards_add(total, point)
        point, number = edwards_add(point, point), number >> 1
    return total


def edwards_negative(a):
    return -a[0] % P, a[1], a[2], -a[3] % P


def edwards_is_zero(a):
    return a[0] % P == 0 and (a[1] - a[2]) % P == 0


EDWARDS_BASE = edwards_point(b"\x58" + b"\x66" * 31)


class Weierstrass:
    """y^2 = x^3 - 3x + b over the integers modulo p, of prime order n. None is the point at infinity."""

    def __init__(self, p, b, n, base):
        self.p, self.b, self.n, self.base = p, b, n, base
        self.bytes = (p.bit_length() + 7) // 8

    def holds(self, point):
        x, y = point
        return x < self.p and y < self.p and (y * y - x**3 + 3 * x - self.b) % self.p == 0

    def add(self, a, b):
        if a is None or b is None:
            return a or b
        if a[0] == b[0]:
            if (a[1] + b[1]) % self.p == 0:
                return None
            slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, self.p)
        else:
            slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, self.p)
        x = (slope * slope - a[0] - b[0]) % self.p
        return x, (slope * (a[0] - x) - a[1]) % self.p

    def times(self, number, point):
        total = None
        while number:
            if number & 1:
                total = self.add(total, point)
            point, number = self.add(point, point), number >> 1
        return total


P256 = Weierstrass(
    2**256 - 2**224 + 2**192 + 2**96 - 1,
    0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    (
        0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
        0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    ),
)
P384 = Weierstrass(
    2**384 - 2**128 - 2**96 + 2**32 - 1,
    0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
    (
        0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
        0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
    ),
)
