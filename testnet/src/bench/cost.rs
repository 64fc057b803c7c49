//! CPU that a piece of work takes on the calling thread.
//!
//! Units: microseconds, user and system.
//! Source: POSIX.1-2017, `clock_gettime`, `CLOCK_THREAD_CPUTIME_ID`.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Does the work, and says what CPU it took and what it gave.
pub(super) fn of<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = clock_gettime(ClockId::ThreadCPUTime);
    let given = work();
    let after = clock_gettime(ClockId::ThreadCPUTime);
    (microseconds(after) - microseconds(before), given)
}

fn microseconds(time: Timespec) -> f64 {
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_a_cost_and_gives_what_it_gives() {
        let (us, sum) = of(|| (0..100_000_u64).map(std::hint::black_box).sum::<u64>());
        assert_eq!(sum, 4_999_950_000);
        assert!(us > 0.0);
    }

    #[test]
    fn seconds_and_nanoseconds_add_up() {
        let time = Timespec {
            tv_sec: 2,
            tv_nsec: 500_000,
        };
        assert!((microseconds(time) - 2_000_500.0).abs() < 1e-6);
    }
}
