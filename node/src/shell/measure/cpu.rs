//! CPU time that the process has used, by the system's own clock.
//!
//! Units: nanoseconds, user and system, of all threads, those that ended included.
//! Source: POSIX.1-2017, `clock_gettime`, `CLOCK_PROCESS_CPUTIME_ID`.

use rustix::time::{ClockId, clock_gettime};

pub(super) fn process_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Goal: the clock runs while work is done.
    #[test]
    fn work_takes_cpu_time() {
        let before = process_ns();
        let mut hash = falaj_consensus::hash::sha256(b"work");
        while process_ns() == before {
            hash = falaj_consensus::hash::sha256(hash.bytes());
        }
        assert!(process_ns() > before);
    }
}
