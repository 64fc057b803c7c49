//! Signers in trouble: tokens that wait for a person, keys with a second user, standbys whose guard lags.

use super::{MS_NS, SECOND_NS, Swarm};
use crate::chance::Site;
use crate::fault::Fault;
use crate::types::SimTime;

const UNFIT: Site = Site::new("scenario/unfit-token");
const SHARED: Site = Site::new("scenario/shared-key");
const FAILOVER: Site = Site::new("scenario/failover");

impl Swarm<'_> {
    /// A PIN is locked, or a key is gone, until a person comes.
    pub(super) fn unfit_tokens(&mut self) {
        for number in 0..self.times(UNFIT, 2) {
            let draw = self.draw(UNFIT, number);
            let node = self.node(draw.word(0));
            let at = self.time(draw.word(1));
            let lasts_ns = draw.word(2).log_uniform(500 * MS_NS, 8 * SECOND_NS);
            if self.scenario.lost.contains(&node) {
                continue;
            }
            let fault = if draw.word(3).below(2) == 0 {
                Fault::PinLocked(node)
            } else {
                Fault::KeyMissing(node)
            };
            self.add(at, fault);
            self.add(at.after_ns(lasts_ns), Fault::TokenMended(node));
        }
    }

    /// A second process signs with one validator's key, if consensus bears one more that is faulty.
    pub(super) fn shared_keys(&mut self) {
        let draw = self.draw(SHARED, 0);
        if let Some(node) = self.one_more(&draw) {
            let at = self.time(draw.word(2));
            self.scenario.unsound.insert(node);
            self.lose(at, node, Fault::SharedKey(node));
        }
    }

    /// A standby takes one validator's place with an older guard, if consensus bears one more that is faulty.
    pub(super) fn failovers(&mut self) {
        let draw = self.draw(FAILOVER, 0);
        if let Some(node) = self.one_more(&draw) {
            let at = self.time(draw.word(2));
            let lag_ns = draw.word(3).log_uniform(10 * MS_NS, 5 * SECOND_NS);
            let copied = SimTime::new(at.get().saturating_sub(lag_ns));
            let remembers = draw.word(4).below(2) == 0;
            self.scenario.unsound.insert(node);
            self.add(copied, Fault::GuardCopied(node));
            self.lose(at, node, Fault::Failover { node, remembers });
        }
    }
}
