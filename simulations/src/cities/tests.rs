//! Distances as geographers have them, and delays as rulers give them.

use super::*;

/// The same formula in floating point.
fn reference_m(one: City, other: City) -> f64 {
    let radians = |(latitude, longitude): (i32, i32)| {
        let of = |centidegrees: i32| (f64::from(centidegrees) / 100.0).to_radians();
        (of(latitude), of(longitude))
    };
    let ((latitude, longitude), (to, east)) = (radians(one.place()), radians(other.place()));
    let half = |angle: f64| (angle / 2.0).sin().powi(2);
    let haversine = half(to - latitude) + latitude.cos() * to.cos() * half(east - longitude);
    2.0 * 6_371_000.0 * haversine.sqrt().asin()
}

/// Goal: between any two cities the integers say what floating point says, within ten metres.
#[test]
fn distances_are_those_of_the_formula() {
    for one in City::ALL {
        for other in City::ALL {
            let (found, wanted) = (one.distance_m(*other), reference_m(*one, *other));
            let found = f64::from(u32::try_from(found).unwrap());
            assert!(
                (found - wanted).abs() < 10.0,
                "{one:?} to {other:?}: {found}, {wanted}"
            );
        }
    }
}

/// Goal: known distances, there and back alike, over the date line and the equator too.
#[test]
fn distances_are_those_of_the_map() {
    for (one, other, km) in [
        (City::London, City::NewYork, 5_570),
        (City::Tokyo, City::SanFrancisco, 8_270),
        (City::Sydney, City::London, 16_990),
        (City::Dubai, City::AbuDhabi, 122),
        (City::Zurich, City::Zurich, 0),
    ] {
        let there = one.distance_m(other);
        assert_eq!(there, other.distance_m(one));
        let off = (there / 1_000).abs_diff(km);
        assert!(off <= 10, "{one:?} to {other:?}: {there} m");
    }
}

/// Goal: five microseconds a kilometre of fibre, and more by as much as the way is longer.
#[test]
fn delays_grow_with_the_way() {
    let straight = City::London.delay_ns(City::NewYork, 100);
    assert!((27_800_000..27_900_000).contains(&straight), "{straight}");
    let usual = City::London.delay_ns(City::NewYork, STRETCH_PERCENT);
    assert_eq!(
        usual,
        City::London.distance_m(City::NewYork) * 5 * 210 / 100
    );
}
