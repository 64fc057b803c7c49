//! Since when each validator can be reached, or cannot.

use std::collections::BTreeMap;

/// A link to a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkView {
    /// Whether messages can be sent.
    pub up: bool,
    /// For how long that has been so, in seconds.
    pub seconds: u64,
}

/// Every link that ever changed; the others are down since the start.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<u32, (bool, u64)>);

impl Links {
    pub(super) fn changed(&mut self, validator: u32, up: bool, now_ns: u64) {
        self.0.insert(validator, (up, now_ns));
    }

    pub(super) fn view(&self, validator: u32, now_ns: u64) -> LinkView {
        let (up, since_ns) = self.0.get(&validator).copied().unwrap_or_default();
        let seconds = now_ns.saturating_sub(since_ns) / 1_000_000_000;
        LinkView { up, seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_down_since_the_start_until_it_comes_up() {
        let mut links = Links::default();
        let down = links.view(3, 41_000_000_000);
        assert_eq!((down.up, down.seconds), (false, 41));
        links.changed(3, true, 42_000_000_000);
        let up = links.view(3, 45_000_000_000);
        assert_eq!((up.up, up.seconds), (true, 3));
    }
}
