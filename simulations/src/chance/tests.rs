//! Chance is a function of its four inputs, and the shapes of its numbers are what they say.

use super::*;

const SITE: Site = Site::new("test/site");
const OTHER: Site = Site::new("test/other");

fn words(seed: u64, site: Site, place: u64) -> Vec<u64> {
    let mut draws = Chance::new(seed).draws(site, place);
    (0..4).map(|_| draws.next().word(0).get()).collect()
}

/// Goal: frozen for ever, so that a seed of last year still means the same run.
#[test]
fn the_first_draw_is_frozen() {
    let draw = Chance::new(7).draws(SITE, 3).at(0);
    assert_eq!((draw.word(0).get(), draw.word(7).get()), FROZEN);
}

const FROZEN: (u64, u64) = (2_266_523_261_708_196_744, 14_051_960_337_023_831_273);

/// Goal: equal inputs give equal draws; a change of any one of them gives others.
#[test]
fn a_draw_depends_on_seed_site_place_and_counter() {
    let drawn = words(1, SITE, 2);
    assert_eq!(drawn, words(1, SITE, 2));
    assert_ne!(drawn, words(2, SITE, 2));
    assert_ne!(drawn, words(1, OTHER, 2));
    assert_ne!(drawn, words(1, SITE, 3));
    assert_ne!(drawn[0], drawn[1]);
}

/// Goal: what was drawn before, or elsewhere, moves nothing.
#[test]
fn draws_can_be_had_in_any_order() {
    let draws = Chance::new(5).draws(SITE, 0);
    let later = draws.at(9).word(4);
    let mut in_turn = Chance::new(5).draws(SITE, 0);
    for _ in 0..9 {
        in_turn.next();
    }
    assert_eq!(in_turn.next().word(4), later);
    assert_eq!(in_turn.count(), 10);
}

/// Goal: probabilities and uniform numbers come out as asked, within what 100,000 draws allow.
#[test]
fn numbers_are_spread_as_asked() {
    let mut draws = Chance::new(11).draws(SITE, 0);
    let (mut happened, mut sum) = (0_u32, 0_u64);
    for _ in 0..100_000 {
        let draw = draws.next();
        happened += u32::from(draw.word(0).happens(Ppm::new(250_000)));
        sum += draw.word(1).below(1_000);
    }
    assert!((24_500..25_500).contains(&happened), "{happened}");
    assert!((49_000_000..51_000_000).contains(&sum), "{sum}");
}

/// Goal: the ends are reached and never passed.
#[test]
fn intervals_include_their_ends() {
    assert_eq!(
        (Word::new(0).within(5, 9), Word::new(u64::MAX).within(5, 9)),
        (5, 9)
    );
    assert_eq!(Word::new(42).within(0, u64::MAX), 42);
    assert_eq!(Word::new(u64::MAX).below(0), 0);
    assert!(Word::new(u64::MAX).happens(Ppm::ALWAYS));
    assert!(!Word::new(0).happens(Ppm::NEVER));
    for (low, high) in [(1, 1), (3, 1_000), (1, u64::from(u32::MAX)), (7, 8)] {
        assert_eq!(Word::new(0).log_uniform(low, high), low);
        assert_eq!(
            Word::new(u64::MAX).log_uniform(low, high),
            high,
            "{low} {high}"
        );
    }
}

/// Goal: the octaves between 1 and 1,024 are equally likely.
#[test]
fn log_uniform_gives_each_octave_its_share() {
    let mut octaves = [0_u32; 11];
    let mut draws = Chance::new(13).draws(SITE, 0);
    for _ in 0..100_000 {
        octaves[draws.next().word(0).log_uniform(1, 1_023).ilog2() as usize] += 1;
    }
    assert!(
        octaves[..10]
            .iter()
            .all(|count| (9_000..11_500).contains(count)),
        "{octaves:?}"
    );
}

/// Goal: the tail thins by four for each doubling, and ends at the cap.
#[test]
fn heavy_tail_thins_by_four() {
    let mut draws = Chance::new(17).draws(SITE, 0);
    let drawn: Vec<u64> = (0..100_000)
        .map(|_| draws.next().word(0).heavy_tail(100, 1_500))
        .collect();
    let above = |bound: u64| drawn.iter().filter(|value| **value >= bound).count();
    assert!(drawn.iter().all(|value| (100..=1_500).contains(value)));
    assert!((24_000..26_000).contains(&above(200)), "{}", above(200));
    assert!((5_800..6_700).contains(&above(400)), "{}", above(400));
    assert!(above(1_500) > 0);
    assert_eq!(Word::new(0).heavy_tail(u64::MAX, u64::MAX), u64::MAX);
}

/// Goal: the first 64 places have the bits of the word itself, and the others bits of their own.
#[test]
fn places_have_bits_of_their_own() {
    let draw = Chance::new(18).draws(SITE, 0).next();
    let bits = |places: std::ops::Range<u16>| {
        places.fold(0_u64, |bits, place| {
            bits >> 1 | u64::from(draw.bit(2, place)) << 63
        })
    };
    assert_eq!(bits(0..64), draw.word(2).get());
    assert_eq!(bits(64..128), draw.word(6).get());
}
