//! When heights are over.

use super::*;

fn mark(height: u64, time_ms: u64) -> Mark {
    Mark {
        height: Height::new(height),
        time_us: time_ms * 1_000,
    }
}

fn windows(heights: u64, ms: u64) -> Parameters {
    Parameters {
        evidence_age_heights: heights,
        evidence_age_ms: ms,
        ..Parameters::default()
    }
}

/// The ages after blocks of these heights, one each so many ms.
fn after(
    from: Ages,
    heights: std::ops::RangeInclusive<u64>,
    ms: u64,
    windows: &Parameters,
) -> Ages {
    heights.fold(from, |ages, height| {
        ages.after(mark(height, height * ms), windows)
    })
}

// docs/spec/ledger.md, "Evidence": a height is over once both windows are past since a mark that is not below it, and not before.
#[test]
fn both_windows_have_to_be_past() {
    let cases = [
        // Ten heights and 100 ms, a height each 10 ms: at height 12 both are past for the first time since height 1.
        (windows(10, 100), 10, 11, 0),
        (windows(10, 100), 10, 12, 1),
        (windows(10, 100), 10, 30, 19),
        // One window alone.
        (windows(10, u64::MAX / 1_000), 10, 500, 0),
        (windows(u64::MAX, 100), 10, 500, 0),
        // The longer one decides.
        (windows(10, 400), 10, 41, 0),
        (windows(10, 400), 10, 42, 1),
        (windows(40, 100), 10, 42, 1),
    ];
    for (windows, ms, last, over) in cases {
        let ages = after(Ages::default(), 1..=last, ms, &windows);
        assert_eq!(ages.over(), Height::new(over), "{windows:?} at {last}");
    }
}

// Goal: whatever the windows are, a few marks are enough, and nothing is over too early or much too late.
#[test]
fn marks_are_bounded_and_near() {
    for (heights, ms) in [(1_000, 1), (1_000, 20_000), (50, 50_000), (2_000, 1_000)] {
        let windows = windows(heights, ms);
        let mut ages = Ages::default();
        for height in 1..=8_000_u64 {
            ages = ages.after(mark(height, height * 10), &windows);
            assert!(ages.marks.len() <= 67, "{} marks", ages.marks.len());
            let window = heights.max(ms / 10);
            let age_of_over = height - ages.over().get();
            assert!(ages.over().get() == 0 || age_of_over > window);
            assert!(height <= window + window / 16 + 2 || age_of_over <= window + window / 16 + 2);
        }
    }
}

// Goal: what is over stays over when the windows grow, so nothing is recorded a second time after it was dropped.
#[test]
fn what_is_over_stays_over() {
    let ages = after(Ages::default(), 1..=50, 10, &windows(10, 100));
    let over = ages.over();
    assert_eq!(over, Height::new(39));
    let longer = after(ages, 51..=60, 10, &windows(1_000, 100_000));
    assert_eq!(longer.over(), over);
}
