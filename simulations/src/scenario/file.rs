//! A scenario as a file: TOML with strict keys, each knob fixed, drawn from a range, or drawn as without a file.
//!
//! Invariant: a file and a seed give one [`Scenario`], whatever else there is; a file that draws everything and says nothing more
//! gives the random scenario of the seed.
//! Units: in the name of each key; durations are milliseconds with up to six places.
//! Errors: [`FileError`], with a line where there is one; a file that was read and checked always gives a scenario.
//! Source: `docs/guide/scenarios.md`.

mod check;
mod dial;
mod draw;
mod entries;
mod expand;
mod outright;
mod read;
mod sweep;
mod who;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use check::Contradiction;
pub use dial::{Dial, DialError, Ms, Range, Unit};
pub use entries::{
    BadSector, Byzantine, Clock, ClockLeap, Crash, Diverging, Eclipse, FailingDisk, Failover,
    FullDisk, Gate, Heal, Join, KeyMissing, Kill, Leave, Log, Loss, Lost, LyingDisk,
    MisdirectedWrite, MismatchedGenesis, Mute, OldImage, Partition, Pause, PinLocked, PowerCut,
    Reset, Restart, Reweigh, Rot, Rotate, SharedKey, Single, Slow, SlowDisk, Swizzle, Timers,
    Token, TokenBack, TokenGone, Tune, WorstSchedule,
};
pub use outright::Unsayable;
pub use read::FileError;
pub use sweep::{Point, words};
pub use who::{All, Any, Who};

use super::Scenario;
use super::swarm::Class;
use crate::chance::BIT_PLACES;
use crate::cities::City;
use crate::marks::Mark;
use crate::run::Verdict;

/// The most validators that a file may ask for: a side of a partition is drawn as the bits of a draw.
pub const VALIDATORS_MAX: u64 = BIT_PLACES as u64;

/// A scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "falaj-sim scenario")]
pub struct File {
    /// What it shows, in a sentence.
    pub about: String,
    /// The first seed that it is run under if nobody says which; 0 if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// What is drawn for each seed as it is without a file: `"all"`, or some classes. What is neither drawn nor said is as on a good day.
    #[serde(default, skip_serializing_if = "Drawn::is_nothing")]
    pub drawn: Drawn,
    /// How many validators, 1 to 128; four if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validators: Option<Dial<u64>>,
    /// The voting powers of the validators, one after the other, and again from the first when there are more validators than powers; one
    /// each if not said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub powers: Vec<u64>,
    /// How long the trouble lasts until the network stabilises; five seconds if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_ms: Option<Dial<Ms>>,
    /// Clients go on at least until this height is decided; not at all beyond the usual if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heights: Option<Dial<u64>>,
    /// Which arithmetic checks signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<Arithmetic>,
    /// Where the validators stand, one after the other, and again from the first when there are more validators than cities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cities: Vec<City>,
    /// What consensus waits for.
    #[serde(default, skip_serializing_if = "Timeouts::is_default")]
    pub timeouts: Timeouts,
    /// Every link until the network stabilises.
    #[serde(default, skip_serializing_if = "Network::is_default")]
    pub network: Network,
    /// Every disk until then.
    #[serde(default, skip_serializing_if = "Disk::is_default")]
    pub disk: Disk,
    /// What clients do.
    #[serde(default, skip_serializing_if = "Clients::is_default")]
    pub clients: Clients,
    /// Feature gates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gate: Vec<Gate>,
    /// Validators that lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub byzantine: Vec<Byzantine>,
    /// Validators that are lost for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
    /// Validators whose execution gives something else from some time on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diverging: Vec<Diverging>,
    /// Validators that are set up from another genesis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mismatched_genesis: Vec<MismatchedGenesis>,
    /// Validators with a sector of a disk that cannot be read any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_sector: Vec<BadSector>,
    /// Clocks that are wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<Clock>,
    /// Processors that are slow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow: Vec<Slow>,
    /// Partitions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition: Vec<Partition>,
    /// Cuts of one direction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<Mute>,
    /// Ends of all cuts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heal: Vec<Heal>,
    /// Crashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crash: Vec<Crash>,
    /// Power cuts in the middle of a change of a disk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub power_cut: Vec<PowerCut>,
    /// Restarts of what a crash without an end has taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<Restart>,
    /// Tokens that are taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_gone: Vec<TokenGone>,
    /// Tokens that are put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token_back: Vec<TokenBack>,
    /// Tokens that become slow or unreliable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub token: Vec<Token>,
    /// Tokens whose PIN is locked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pin_locked: Vec<PinLocked>,
    /// Tokens whose key is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_missing: Vec<KeyMissing>,
    /// Validators whose key has a second user from some time on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_key: Vec<SharedKey>,
    /// Validators whose place a standby takes, with an older guard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failover: Vec<Failover>,
    /// Validators that leave the set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave: Vec<Leave>,
    /// Validators that get another voting power.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reweigh: Vec<Reweigh>,
    /// Validators that are not in genesis.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<Join>,
    /// Validators that get another key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rotate: Vec<Rotate>,
    /// Other parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tune: Vec<Tune>,
    /// Disks of one log that become slow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slow_disk: Vec<SlowDisk>,
    /// Disks without room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub full_disk: Vec<FullDisk>,
    /// Disks of one log whose syncs fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failing_disk: Vec<FailingDisk>,
    /// Processes that stand still.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pause: Vec<Pause>,
    /// Processes that are killed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kill: Vec<Kill>,
    /// Connections that end all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reset: Vec<Reset>,
    /// Nodes that hear liars alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eclipse: Vec<Eclipse>,
    /// Links that clog one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub swizzle: Vec<Swizzle>,
    /// Bits that rot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rot: Vec<Rot>,
    /// Machines that are put back to an older image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_image: Vec<OldImage>,
    /// Disks whose syncs lie.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lying_disk: Vec<LyingDisk>,
    /// Writes that land elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misdirected_write: Vec<MisdirectedWrite>,
    /// Wall clocks that leap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock_leap: Vec<ClockLeap>,
    /// Somebody who chooses when messages arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst_schedule: Vec<WorstSchedule>,
    /// Timers that run out too early or too late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timers: Vec<Timers>,
    /// Single faults, each as it is, none drawn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<Single>,
    /// The mistake that it keeps from coming back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regression: Option<Regression>,
    /// What a campaign of it has to come to.
    #[serde(default)]
    pub expect: Expect,
    /// Values of some keys, of which a sweep takes the product; the values outside are then of no account.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub sweep: BTreeMap<String, Vec<toml::Value>>,
}

/// What is drawn as it is without a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "\"all\", or a list of classes such as [\"network\", \"crashes\"]"
)]
pub enum Drawn {
    /// Everything.
    All(All),
    /// These classes.
    Classes(BTreeSet<Class>),
}

impl Default for Drawn {
    fn default() -> Self {
        Self::Classes(BTreeSet::new())
    }
}

impl Drawn {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> BTreeSet<Class> {
        match self {
            Self::All(All::All) => Class::ALL.into_iter().collect(),
            Self::Classes(classes) => classes.clone(),
        }
    }
}

/// Which arithmetic checks signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Arithmetic {
    /// The simulated HSM's keyed hash.
    Simulated,
    /// Ed25519, by the checker that production uses.
    Real,
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $(
                    $(#[$field_doc])*
                    #[serde(default, skip_serializing_if = "Option::is_none")]
                    pub $field: Option<Dial<$kind>>,
                )*
            }

            impl $name {
                fn is_default(&self) -> bool {
                    *self == Self::default()
                }
            }
        )*
    };
}

sections! {
    /// What consensus waits for, on the chain's own clock.
    Timeouts {
        /// For a proposal.
        propose_ms: Ms,
        /// For prevotes after a quorum of them.
        prevote_ms: Ms,
        /// For precommits after a quorum of them.
        precommit_ms: Ms,
        /// What each further round adds.
        growth_ms: Ms,
        /// From which round on nothing is added.
        growth_rounds_max: u64,
        /// Between two attempts to send what was not acknowledged.
        tick_ms: Ms,
        /// Until a block without transactions is made.
        heartbeat_ms: Ms,
    }

    /// How bad links are.
    Network {
        /// Messages that never arrive.
        loss_ppm: u64,
        /// Messages that arrive twice.
        duplicate_ppm: u64,
        /// Messages that may overtake those before them.
        reorder_ppm: u64,
        /// The shortest delay.
        delay_ms: Ms,
        /// The longest; between the two the tail is heavy. Four times `delay_ms` if that is said and this is not.
        delay_cap_ms: Ms,
        /// How much longer than the great circle the ways between cities are; 210 if not said.
        stretch_percent: u64,
        /// Messages that are damaged on their way: the connection notices and ends.
        damage_ppm: u64,
        /// What a link carries in a second, in KiB; without a limit if not said.
        bandwidth_kib: u64,
        /// What may wait to leave, in KiB; half a second's worth if `bandwidth_kib` is said and this is not.
        queue_kib: u64,
    }

    /// How bad disks are.
    Disk {
        /// The fastest sync.
        sync_min_ms: Ms,
        /// The slowest; between the two the tail is heavy.
        sync_cap_ms: Ms,
    }

    /// How much clients do.
    Clients {
        /// The shortest gap between two acts: payments, openings of accounts, orders of issues and redemptions.
        gap_min_ms: Ms,
        /// The longest gap; between the two the tail is heavy.
        gap_cap_ms: Ms,
        /// How long a client waits for its receipt before it asks again elsewhere.
        patience_ms: Ms,
        /// How many payments come at once now and then.
        burst: u64,
        /// Payments of one hot account to another, of all.
        hot_ppm: u64,
    }
}

/// A mistake that was made and mended: a known-bad variant brings it back, and an oracle sees it under the first seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// The name of the variant, as `falaj-sim selfcheck` has it.
    pub mutation: String,
    /// The oracle.
    pub oracle: String,
}

/// What a campaign has to come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// The worst verdict of its seeds.
    pub verdict: Verdict,
    /// What must have been reached, or the campaign is inconclusive.
    pub marks: BTreeSet<Mark>,
    /// From so many seeds on the marks are owed; so many are run, from `seed` on, if nobody says which.
    pub seeds: u64,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            verdict: Verdict::SafeLive,
            marks: BTreeSet::new(),
            seeds: 1,
        }
    }
}

impl File {
    /// Reads a file's text.
    ///
    /// # Errors
    /// [`FileError`]: no TOML, an unknown key, an impossible value, too many faulty validators, or a contradiction.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let file = read::read(text)?;
        file.check()?;
        Ok(file)
    }

    /// Whether it says what can be.
    ///
    /// # Errors
    /// [`FileError`]: an impossible value, too many faulty validators, or a contradiction.
    pub fn check(&self) -> Result<(), FileError> {
        check::check(self)
    }

    /// The points of a file's text: one of itself if it has no sweep.
    ///
    /// # Errors
    /// [`FileError`], as [`File::parse`], for the file and for each point.
    pub fn points(text: &str) -> Result<Vec<Point>, FileError> {
        sweep::points(text)
    }

    /// The seeds that it is run under if nobody says which.
    #[must_use]
    pub fn seeds(&self) -> std::ops::Range<u64> {
        let first = self.seed.unwrap_or(0);
        first..first.saturating_add(self.expect.seeds)
    }

    /// The file that says a scenario outright: nothing in it is drawn.
    ///
    /// # Errors
    /// [`Unsayable`], when a part of the scenario has no key.
    pub fn of(scenario: &Scenario) -> Result<Self, Unsayable> {
        outright::file(scenario)
    }

    /// Its text, for people: a line for each key, a paragraph for each entry.
    #[must_use]
    pub fn to_text(&self) -> String {
        write::text(self)
    }

    /// The same file with every default written out.
    #[must_use]
    pub fn expanded(&self) -> Self {
        expand::expanded(self)
    }

    /// The scenario of a seed.
    #[must_use]
    pub fn scenario(&self, seed: u64) -> Scenario {
        draw::scenario(self, seed)
    }

    /// The JSON Schema of scenario files.
    #[must_use]
    pub fn schema() -> schemars::Schema {
        schemars::schema_for!(Self)
    }
}

#[cfg(test)]
mod tests;
