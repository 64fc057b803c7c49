//! The angle between two places on a sphere, in integers.
//!
//! Invariant: exact to some 10^-8 of a radian, which is less than a metre on the Earth.
//! Shape: angles and their sines are fixed-point numbers with 32 bits behind the point.
//! Errors: none; a latitude is at most 90 degrees, a longitude at most 180.

/// An angle in radians.
#[derive(Clone, Copy)]
pub(super) struct Angle(i128);

const BITS: u32 = 32;
const ONE: i128 = 1 << BITS;
/// A right angle, π/2.
const RIGHT: i128 = 6_746_518_852;
/// Hundredths of a degree in a right angle.
const RIGHT_CENTIDEGREES: i128 = 9_000;

impl Angle {
    const fn of_centidegrees(centidegrees: i128) -> Self {
        Self(centidegrees * RIGHT / RIGHT_CENTIDEGREES)
    }

    /// Its share of a radian times a length.
    pub(super) fn times(self, length: u64) -> u64 {
        let product = (self.0 * i128::from(length)) >> BITS;
        u64::try_from(product).expect("angles of an arc are positive and below π")
    }
}

/// The haversine formula.
pub(super) fn radians(one: (i32, i32), other: (i32, i32)) -> Angle {
    let ((latitude, longitude), (other_latitude, other_longitude)) = (one, other);
    let between = |one: i32, other: i32| i128::from(one) - i128::from(other);
    let turn = between(longitude, other_longitude).abs();
    let turn = turn.min(4 * RIGHT_CENTIDEGREES - turn);
    let across = squared(sine_of_half(between(latitude, other_latitude).abs()));
    let along = squared(sine_of_half(turn));
    let shrunk = product(cosine(latitude), cosine(other_latitude));
    let haversine = (across + product(shrunk, along)).min(ONE);
    Angle(2 * arcsine(root(haversine)))
}

fn sine_of_half(centidegrees: i128) -> i128 {
    sine(Angle::of_centidegrees(centidegrees).0 / 2)
}

fn cosine(centidegrees: i32) -> i128 {
    sine(RIGHT - Angle::of_centidegrees(i128::from(centidegrees).abs()).0)
}

/// Its series, for angles from none to a right one.
fn sine(angle: i128) -> i128 {
    let (mut sum, mut term) = (angle, angle);
    for step in [2 * 3, 4 * 5, 6 * 7, 8 * 9, 10 * 11, 12 * 13, 14 * 15] {
        term = -product(product(term, angle), angle) / step;
        sum += term;
    }
    sum
}

/// The angle with this sine, from none to a right one.
fn arcsine(wanted: i128) -> i128 {
    let (mut low, mut high) = (0, RIGHT);
    while high - low > 1 {
        let middle = i128::midpoint(low, high);
        if sine(middle) <= wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

fn product(one: i128, other: i128) -> i128 {
    (one * other) >> BITS
}

fn squared(number: i128) -> i128 {
    product(number, number)
}

fn root(number: i128) -> i128 {
    (number << BITS).isqrt()
}
