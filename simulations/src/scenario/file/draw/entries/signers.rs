//! Entries about signers: tokens that wait for a person, keys with a second user, standbys whose guard lags.

use super::{Entries, File, Ms};
use crate::chance::Site;
use crate::fault::Fault;
use crate::types::{NodeIndex, SimTime};

const PIN_LOCKED: Site = Site::new("scenario/file/pin-locked");
const KEY_MISSING: Site = Site::new("scenario/file/key-missing");
const SHARED_KEY: Site = Site::new("scenario/file/shared-key");
const FAILOVER: Site = Site::new("scenario/file/failover");

/// How long before a failover the guard was copied.
const LAG_NS: u64 = 500_000_000;

impl Entries<'_> {
    /// Who is lost because something signs past its guard.
    pub(super) fn unsound_signers(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.shared_key) {
            let turn = self.turn(SHARED_KEY, number, 0);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                self.lose(turn.at(&entry.at_ms), Fault::SharedKey(node), node);
            }
        }
        for (number, entry) in (0..).zip(&file.failover) {
            let turn = self.turn(FAILOVER, number, 0);
            let (at, remembers) = (turn.at(&entry.at_ms), entry.remembers);
            for node in entry.nodes.pick(&turn.0, &self.correct()) {
                let lag = turn.own(node, 0, entry.lag_ms.as_ref());
                let lag_ns = lag.map_or(LAG_NS, Ms::ns);
                let copied = SimTime::new(at.get().saturating_sub(lag_ns));
                self.add(copied, Fault::GuardCopied(node));
                self.lose(at, Fault::Failover { node, remembers }, node);
            }
        }
    }

    fn lose(&mut self, at: SimTime, fault: Fault, node: NodeIndex) {
        self.scenario.lost.insert(node);
        self.scenario.unsound.insert(node);
        self.add(at, fault);
    }

    /// Tokens that wait for a person.
    pub(super) fn unfit_tokens(&mut self, file: &File) {
        for (number, entry) in (0..).zip(&file.pin_locked) {
            self.each(PIN_LOCKED, number, entry.times.as_ref(), |this, turn| {
                let course = (&entry.nodes, &entry.at_ms, entry.for_ms.as_ref());
                this.while_it_lasts(turn, course, [Fault::PinLocked, Fault::TokenMended]);
            });
        }
        for (number, entry) in (0..).zip(&file.key_missing) {
            self.each(KEY_MISSING, number, entry.times.as_ref(), |this, turn| {
                let course = (&entry.nodes, &entry.at_ms, entry.for_ms.as_ref());
                this.while_it_lasts(turn, course, [Fault::KeyMissing, Fault::TokenMended]);
            });
        }
    }
}
