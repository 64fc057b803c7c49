//! "Why is it not moving?", in plain words.
//!
//! Shape: `height 812, round 7: 2 of 4 prevotes, 3 needed; missing V3 (no link for 41 s) and V4 (HSM: the token is gone)`.
//! Source: `docs/spec/consensus.md`, "Why is it not moving".

use falaj_consensus::engine::{Shortfall, Status, Wait};
use falaj_consensus::types::ValidatorIndex;
use falaj_consensus::validator_set::ValidatorSet;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::{Cause, Missing, OwnCause, Why};
use crate::shell::watch::{LinkView, SignerView, Watch};

/// A thing that is waited for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct WaitView {
    /// `work`, `acknowledgements`, `proposal`, `own-proposal`, `polka`, `header`, `body`, `execution`, `prevotes`, `precommits`, `next-height` or `halted`.
    kind: &'static str,
    /// In words.
    text: String,
    /// The validators that are waited for, by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    validators: Vec<u32>,
}

/// A validator that is waited for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct MissingView {
    /// Its id.
    validator: u32,
    /// Its power.
    power: u64,
    /// `unreachable`, `shunned`, `behind`, `ahead`, `silent`; of this node `own_diverged`, `own_disk_full`, `own_upgrade_needed`, `own_signer`, `own_below_guard` or `own_under_way`.
    cause: &'static str,
    /// The same in words.
    text: String,
}

/// Who tells what is known of the validators.
pub(super) struct Sight<'a> {
    pub(super) set: &'a ValidatorSet,
    /// This node's validator.
    pub(super) own: Option<u32>,
    pub(super) watch: &'a Watch,
    /// What the replica says.
    pub(super) why: &'a Why,
}

impl Sight<'_> {
    /// One sentence.
    pub(super) fn sentence(&self) -> String {
        let Status { height, round, .. } = self.why.status;
        let waits = self.waits();
        let first = match self.why.missing.first().map(|missing| missing.cause) {
            Some(Cause::Own(OwnCause::DiskFull)) => "this node stands still: no room on a disk",
            Some(_) | None => waits
                .first()
                .map_or("nothing is waited for", |wait| wait.text.as_str()),
        };
        if round.get() == 0 {
            format!("height {height}: {first}")
        } else {
            format!("height {height}, round {round}: {first}")
        }
    }

    /// Everything that is waited for.
    pub(super) fn waits(&self) -> Vec<WaitView> {
        let waits = self.why.status.waits.iter();
        waits.map(|wait| self.wait(wait)).collect()
    }

    /// Whom the first of them is for.
    pub(super) fn missing(&self) -> Vec<MissingView> {
        let missing = self.why.missing.iter();
        missing
            .map(|missing| MissingView {
                validator: missing.validator.get(),
                power: missing.power,
                cause: missing.cause.code(),
                text: self.words_of(missing),
            })
            .collect()
    }

    fn wait(&self, wait: &Wait) -> WaitView {
        let plain = |kind, text: String| WaitView {
            kind,
            text,
            validators: Vec::new(),
        };
        match wait {
            Wait::Work => self.work(),
            Wait::Proposal { from } => WaitView {
                kind: "proposal",
                text: format!("waiting for the proposal of {}", self.named(*from)),
                validators: self.ids(&[*from]),
            },
            Wait::OwnProposal => {
                let why = self
                    .signer_trouble()
                    .map(|why| format!(" ({why})"))
                    .unwrap_or_default();
                plain("own-proposal", format!("making our own proposal{why}"))
            }
            Wait::Polka { round, id } => plain(
                "polka",
                format!(
                    "the polka of round {round} for block {} is missing",
                    id.hash().short()
                ),
            ),
            Wait::Header(id) => plain(
                "header",
                format!("fetching the header of block {}", id.hash().short()),
            ),
            Wait::Body(id) => plain(
                "body",
                format!("fetching body and batches of block {}", id.hash().short()),
            ),
            Wait::Execution(id) => plain(
                "execution",
                format!("executing block {}", id.hash().short()),
            ),
            Wait::Prevotes(short) => self.votes("prevotes", short),
            Wait::Precommits(short) => self.votes("precommits", short),
            Wait::NextHeight => plain("next-height", "decided; the next height begins".into()),
            Wait::Halted => {
                let alarm = self
                    .watch
                    .alarms()
                    .pop()
                    .map(|note| format!(": {}", note.text));
                plain(
                    "halted",
                    format!("halted until a person acts{}", alarm.unwrap_or_default()),
                )
            }
        }
    }

    /// Idle, or held up: a batch is named once validators with more than two thirds of the power have it on their disks.
    fn work(&self) -> WaitView {
        let batches = self.why.batches_held_up;
        if batches == 0 {
            return WaitView {
                kind: "work",
                text: "nothing to order".into(),
                validators: Vec::new(),
            };
        }
        let missing = &self.why.missing;
        let named: Vec<_> = missing.iter().map(|missing| self.name(missing)).collect();
        WaitView {
            kind: "acknowledgements",
            text: format!(
                "{batches} batches wait for more than two thirds of the power to hold them; missing {}",
                listed(&named)
            ),
            validators: missing
                .iter()
                .map(|missing| missing.validator.get())
                .collect(),
        }
    }

    fn votes(&self, kind: &'static str, short: &Shortfall) -> WaitView {
        let total = self.set.total_power();
        let missing: Vec<_> = short
            .missing
            .iter()
            .map(|index| self.named(*index))
            .collect();
        let power = short.power;
        let split = if short.power_of_leader == power {
            String::new()
        } else {
            format!(", {} of them for the same thing", short.power_of_leader)
        };
        let from = if missing.is_empty() {
            String::new()
        } else {
            format!("; missing {}", listed(&missing))
        };
        let needed = short.power_of_quorum;
        WaitView {
            kind,
            text: format!("{power} of {total} {kind}{split}, {needed} needed{from}"),
            validators: self.ids(&short.missing),
        }
    }

    fn ids(&self, indices: &[ValidatorIndex]) -> Vec<u32> {
        let ids = indices.iter().filter_map(|index| self.set.get(*index));
        ids.map(|member| member.id.get()).collect()
    }

    /// A validator, and what is known of why it is missing, if it is.
    fn named(&self, index: ValidatorIndex) -> String {
        let id = self.set.get(index).map(|member| member.id);
        let missing = &self.why.missing;
        match missing.iter().find(|missing| Some(missing.validator) == id) {
            Some(missing) => self.name(missing),
            None => id.map_or_else(
                || format!("validator {index}"),
                |id| format!("V{}", id.get()),
            ),
        }
    }

    fn name(&self, missing: &Missing) -> String {
        format!("V{} ({})", missing.validator.get(), self.words_of(missing))
    }

    fn words_of(&self, missing: &Missing) -> String {
        match missing.cause {
            Cause::Own(OwnCause::Diverged) => "diverged".into(),
            Cause::Own(OwnCause::DiskFull) => "disk full".into(),
            Cause::Own(OwnCause::UpgradeNeeded) => "this program lacks a feature".into(),
            Cause::Own(OwnCause::Signer(reason)) => self
                .signer_trouble()
                .unwrap_or_else(|| format!("signing refused: {reason:?}")),
            Cause::Own(OwnCause::BelowGuard) => "follows until it is past its guard".into(),
            Cause::Own(OwnCause::UnderWay) => {
                self.signer_trouble().unwrap_or_else(|| "this node".into())
            }
            Cause::Unreachable => {
                let LinkView { seconds, .. } = self.watch.link_view(missing.validator.get());
                format!("no link for {seconds} s")
            }
            Cause::Shunned => "link cut for what it did".into(),
            Cause::Behind(height) => format!("at height {height}"),
            Cause::Ahead(height) => format!("has decided height {height}"),
            Cause::Silent => "reachable and silent".into(),
        }
    }

    fn signer_trouble(&self) -> Option<String> {
        self.own?;
        signer_trouble(&self.watch.signer())
    }
}

/// What keeps the signer from signing.
pub(super) fn signer_trouble(signer: &SignerView) -> Option<String> {
    match (&signer.fault, signer.refusing) {
        (Some(fault), _) => Some(format!("HSM: {fault}")),
        (None, Some(code)) => Some(format!("signing refused: {code}")),
        (None, None) => None,
    }
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::runtime::Clock;
    use falaj_consensus::round::Step;
    use falaj_consensus::types::{Height, Round, ValidatorId};
    use falaj_ledger::testing::genesis;

    fn status(waits: Vec<Wait>) -> Status {
        Status {
            height: Height::new(812),
            round: Round::new(7),
            step: Step::Prevote,
            proposer: ValidatorIndex::new(0),
            locked: None,
            valid: None,
            decided: None,
            waits,
        }
    }

    fn missing(validator: u32, cause: Cause) -> Missing {
        Missing {
            validator: ValidatorId::new(validator),
            power: 1,
            cause,
        }
    }

    fn told(watch: &Watch, waits: Vec<Wait>) -> String {
        told_of(watch, waits, 0, Vec::new())
    }

    fn told_of(watch: &Watch, waits: Vec<Wait>, held_up: usize, missing: Vec<Missing>) -> String {
        let why = Why {
            status: status(waits),
            batches_held_up: held_up,
            missing,
        };
        let set = genesis().validators;
        let sight = Sight {
            set: &set,
            own: Some(4),
            watch,
            why: &why,
        };
        sight.sentence()
    }

    #[test]
    fn missing_votes_are_told_with_what_is_known_of_their_validators() {
        let watch = Watch::new(Clock::start(), Some("pkcs11"));
        watch.link(2, true);
        let short = Shortfall {
            power: 1,
            power_of_leader: 1,
            power_of_quorum: 3,
            missing: [1, 2, 3].map(ValidatorIndex::new).to_vec(),
        };
        let missing = vec![
            missing(2, Cause::Silent),
            missing(3, Cause::Unreachable),
            missing(4, Cause::Own(OwnCause::UnderWay)),
        ];
        assert_eq!(
            told_of(&watch, vec![Wait::Prevotes(short)], 0, missing),
            "height 812, round 7: 1 of 4 prevotes, 3 needed; missing V2 (reachable and silent), V3 (no link for 0 s) and V4 (this node)"
        );
    }

    #[test]
    fn a_split_vote_is_told_apart_from_a_missing_one() {
        let watch = Watch::new(Clock::start(), None);
        let short = Shortfall {
            power: 4,
            power_of_leader: 2,
            power_of_quorum: 3,
            missing: Vec::new(),
        };
        assert_eq!(
            told(&watch, vec![Wait::Precommits(short)]),
            "height 812, round 7: 4 of 4 precommits, 2 of them for the same thing, 3 needed"
        );
    }

    #[test]
    fn a_full_disk_is_the_answer_and_not_the_others() {
        let watch = Watch::new(Clock::start(), None);
        let full = vec![missing(4, Cause::Own(OwnCause::DiskFull))];
        assert_eq!(
            told_of(&watch, vec![Wait::Work], 0, full),
            "height 812, round 7: this node stands still: no room on a disk"
        );
    }

    #[test]
    fn idle_says_so() {
        let watch = Watch::new(Clock::start(), None);
        assert_eq!(
            told(&watch, vec![Wait::Work]),
            "height 812, round 7: nothing to order"
        );
    }
    #[test]
    fn batches_that_too_few_hold_are_not_idleness() {
        let watch = Watch::new(Clock::start(), None);
        watch.link(2, true);
        let missing = vec![
            missing(2, Cause::Behind(Height::new(700))),
            missing(3, Cause::Unreachable),
        ];
        assert_eq!(
            told_of(&watch, vec![Wait::Work], 3, missing),
            "height 812, round 7: 3 batches wait for more than two thirds of the power to hold them; missing V2 (at height 700) and V3 (no link for 0 s)"
        );
    }
}
