//! How long heights and steps take, by this node's own clock.
//!
//! A height is timed from the end of its idle wait, or its second round if that was never told, to its certificate on disk.

use falaj_consensus::round::Step;

use super::seconds_between;

/// Times of the open height.
#[derive(Debug, Default)]
pub(super) struct HeightClock {
    begun_ns: Option<u64>,
    step: Option<(Step, u64)>,
    last_commit_ns: Option<u64>,
}

impl HeightClock {
    /// The height has something to decide.
    pub(super) fn begun(&mut self, now_ns: u64) {
        self.begun_ns.get_or_insert(now_ns);
    }

    /// A step was entered; gives the one that was left, and how long it took.
    pub(super) fn step(&mut self, step: Step, now_ns: u64) -> Option<(&'static str, f64)> {
        self.begun(now_ns);
        let (left, since_ns) = self.step.replace((step, now_ns))?;
        Some((step_name(left), seconds_between(since_ns, now_ns)))
    }

    /// The height is final; gives how long it took since it had something to decide.
    pub(super) fn committed(&mut self, now_ns: u64) -> Option<f64> {
        self.last_commit_ns = Some(now_ns);
        self.step = None;
        let begun_ns = self.begun_ns.take()?;
        Some(seconds_between(begun_ns, now_ns))
    }

    pub(super) const fn last_commit_ns(&self) -> Option<u64> {
        self.last_commit_ns
    }
}

/// The word for a step.
#[must_use]
pub const fn step_name(step: Step) -> &'static str {
    match step {
        Step::Propose => "propose",
        Step::Prevote => "prevote",
        Step::Precommit => "precommit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_height_is_timed_from_its_beginning_to_its_certificate() {
        let mut clock = HeightClock::default();
        clock.begun(1_000_000_000);
        clock.begun(2_000_000_000);
        assert_eq!(clock.step(Step::Prevote, 2_000_000_000), None);
        let left = clock.step(Step::Precommit, 2_500_000_000);
        assert_eq!(left, Some(("prevote", 0.5)));
        assert_eq!(clock.committed(4_000_000_000), Some(3.0));
        assert_eq!(clock.committed(5_000_000_000), None);
        assert_eq!(clock.last_commit_ns(), Some(5_000_000_000));
    }
}
