//! Numbers and names as people read them.
//!
//! Units: nanoseconds come in; seconds, milliseconds and microseconds go out, with their units.

use falaj_consensus::types::{BlockId, ValidatorIndex};

use crate::types::SimTime;

/// A duration, in the unit that fits it.
pub(super) fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns} ns"),
        1_000..1_000_000 => format!("{}.{} µs", ns / 1_000, ns / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} ms", ns / 1_000_000, ns / 100_000 % 10),
        _ => format!("{}.{:02} s", ns / 1_000_000_000, ns / 10_000_000 % 100),
    }
}

/// A number of bytes, in the unit that fits it.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{}.{} KiB", bytes / 1_024, bytes % 1_024 * 10 / 1_024),
        _ => {
            let kib = bytes / 1_024;
            format!("{}.{:02} MiB", kib / 1_024, kib % 1_024 * 100 / 1_024)
        }
    }
}

/// A time, to the microsecond.
pub(super) fn time(at: SimTime) -> String {
    let us = at.get() / 1_000;
    format!("{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

/// The beginning of a block's name.
pub(super) fn block(id: BlockId) -> String {
    id.hash().short()
}

/// A validator as messages name it.
pub(super) fn validator(index: ValidatorIndex) -> String {
    format!("v{index}")
}

/// A probability as a percentage that can be told from its neighbours.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 10.0 {
        format!("{percent:.0} %")
    } else if percent >= 1.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.2} %")
    }
}

/// `1 run`, `2 runs`.
pub(super) fn counted(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: every duration has its unit and no more places than help.
    #[test]
    fn durations_have_their_unit() {
        for (ns, words) in [
            (7, "7 ns"),
            (1_250, "1.2 µs"),
            (50_000_000, "50.0 ms"),
            (2_345_000_000, "2.34 s"),
        ] {
            assert_eq!(duration(ns), words);
        }
        assert_eq!(time(SimTime::new(1_500_002_999)), "1.500002 s");
    }
}
