//! The entries of a scenario file: who lies, who is lost, what goes wrong when.
//!
//! Invariant: an entry says all that its fault needs; what it leaves out is as on a good day, and each default is in the schema.
//! Units: milliseconds of virtual time, parts per million.
//! Source: `docs/guide/scenarios.md`, "Entries".

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dial::{Dial, Ms};
use super::who::Who;
use crate::byzantine::Behaviour;
use crate::fault::Fault;

/// Entries; a key that ends in `?` is a number that may be left out.
macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident {
        $($(#[$field_doc:meta])* $field:ident $(? $left_out:ident)? $(: $kind:ty)?,)*
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $(
                    $(#[$field_doc])*
                    $(
                        #[serde(default, skip_serializing_if = "Option::is_none")]
                        pub $field: Option<Dial<$left_out>>,
                    )?
                    $(pub $field: $kind,)?
                )*
            }
        )*
    };
}

entries! {
    /// Validators that lie.
    Byzantine {
        /// Who.
        nodes: Who,
        /// How; behaviours compose.
        behaviours: Vec<Behaviour>,
    }

    /// A feature gate that the authority schedules as soon as it can; every program lacks it until a fault `program` brings another.
    Gate {
        /// Its bit, 0 to 63.
        feature: u8,
        /// The first height under it, at least 16 above the block that decides it.
        from: u64,
    }

    /// Validators that are lost for good.
    Lost {
        /// Who.
        nodes: Who,
        /// How; by a crash if not said.
        #[serde(default)]
        by: Loss,
        /// When.
        at_ms: Dial<Ms>,
    }

    /// Validators whose execution gives other outcomes than everybody's, for good.
    Diverging {
        /// Who.
        nodes: Who,
        /// From when on.
        at_ms: Dial<Ms>,
    }

    /// Validators that are set up anew from another genesis than the others', with the same name, keys and rules, and let in: each is on
    /// another chain for good.
    MismatchedGenesis {
        /// Who.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
    }

    /// A sector of a log cannot be read any more; the process is started again after a while, reads it, and is lost.
    BadSector {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When.
        at_ms: Dial<Ms>,
        /// After what time the process is started again; a second if not said.
        restart_ms? Ms,
    }

    /// Clocks that are wrong.
    Clock {
        /// Whose.
        nodes: Who,
        /// How far the wall clock is ahead; negative when behind.
        #[serde(default)]
        offset_us: i64,
        /// How much faster than right both clocks run, within ±500,000.
        #[serde(default)]
        drift_ppm: i32,
    }

    /// Processors that are slow until the network stabilises.
    Slow {
        /// Whose.
        nodes: Who,
        /// How many times slower than usual.
        factor: Dial<u64>,
    }

    /// Nothing passes between a side and all others.
    Partition {
        /// One side.
        side: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until a `heal` or the end of the trouble if not said.
        for_ms? Ms,
        /// Whether both sides notice that their streams broke.
        #[serde(default)]
        noticed: bool,
        /// How often; once if not said.
        times? u64,
    }

    /// A side hears the others and is not heard.
    Mute {
        /// Who is not heard.
        side: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until a `heal` or the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Somebody who sees all messages and timers chooses when each message arrives, to keep heights from being decided; he is there to
    /// the end.
    WorstSchedule {
        /// From when on.
        at_ms: Dial<Ms>,
        /// How long he may hold a message back until the network stabilises.
        hold_ms: Dial<Ms>,
        /// How long after that; a millisecond if not said. Timeouts have to fit.
        delta_ms? Ms,
    }

    /// All links carry again.
    Heal {
        /// When.
        at_ms: Dial<Ms>,
    }

    /// Processes are killed and their machines lose their power.
    Crash {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long each is down; until the end of the trouble if not said.
        for_ms? Ms,
        /// The power goes once more after so many changes of a disk, in recovery or soon after it.
        again_after_changes? u64,
        /// How often; once if not said.
        times? u64,
    }

    /// The power goes in the middle of whatever a node does after so many more changes of its disks.
    PowerCut {
        /// Whose.
        nodes: Who,
        /// When counting begins.
        at_ms: Dial<Ms>,
        /// How many changes still happen.
        after_changes: Dial<u64>,
        /// When the node starts again, from `at_ms` on; by itself, a while after the cut, if not said.
        for_ms? Ms,
        /// The power goes once more after so many changes of a disk, in recovery or soon after it.
        again_after_changes? u64,
        /// How often; once if not said.
        times? u64,
    }

    /// Nodes start again, unless they run.
    Restart {
        /// Who.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// The power goes once more after so many changes of a disk.
        again_after_changes? u64,
    }

    /// Tokens are taken out of their slots.
    TokenGone {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until a `token_back` or the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Tokens are put back.
    TokenBack {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
    }

    /// Tokens become slow or unreliable.
    Token {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until the end of the trouble if not said.
        for_ms? Ms,
        /// The fastest signature.
        latency_min_ms? Ms,
        /// The slowest; between the two the tail is heavy.
        latency_cap_ms? Ms,
        /// Calls that fail before anything is signed.
        session_loss_ppm? u64,
        /// Calls that sign and then fail to answer.
        lost_answer_ppm? u64,
        /// Calls whose answer is not the signature.
        wrong_answer_ppm? u64,
        /// How often; once if not said.
        times? u64,
    }

    /// The PINs of tokens are locked.
    PinLocked {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long until a person comes; until the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Keys are gone from their tokens.
    KeyMissing {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long until a person comes; until the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// A second process signs with a validator's key, for good.
    SharedKey {
        /// Whose.
        nodes: Who,
        /// Since when.
        at_ms: Dial<Ms>,
    }

    /// A standby takes a validator's place with an older copy of its guard, for good.
    Failover {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long before that the guard was copied; half a second if not said.
        lag_ms? Ms,
        /// Whether it has the validator's own data folder, which remembers how far the guard had come, or a copy of the same age.
        #[serde(default)]
        remembers: bool,
    }

    /// The authority asks that these validators leave the set, in one step.
    Leave {
        /// Who.
        nodes: Who,
        /// When it is asked for.
        at_ms: Dial<Ms>,
        /// After what time it is asked that they come back, in a step for each; never if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// The authority asks for another voting power of these validators, in one step.
    Reweigh {
        /// Whose.
        nodes: Who,
        /// When it is asked for.
        at_ms: Dial<Ms>,
        /// The power of each.
        power: Dial<u64>,
        /// After what time it is asked that they have the power of genesis again, in a step for each; never if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// These are not in genesis and follow; then the authority asks that they be validators, in a step for each.
    Join {
        /// Who.
        nodes: Who,
        /// When it is asked for.
        at_ms: Dial<Ms>,
    }

    /// The authority asks for the other key of these validators: a second one, and after that the one of genesis again, a step for each.
    Rotate {
        /// Whose.
        nodes: Who,
        /// When it is asked for.
        at_ms: Dial<Ms>,
        /// After what time it is asked that they have the key before again; never if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// The authority asks for other parameters, and after a while for those of genesis.
    Tune {
        /// When it is asked for.
        at_ms: Dial<Ms>,
        /// How long the timers of a round are in hundredths of those of genesis; as they are there if not said.
        timers_percent? u64,
        /// Most transactions of a block; as many as in genesis if not said.
        block_transactions? u64,
        /// After what time it is asked for those of genesis; never if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// The disk of one log of a node becomes slow until the network stabilises.
    SlowDisk {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When.
        at_ms: Dial<Ms>,
        /// The fastest sync.
        sync_min_ms: Dial<Ms>,
        /// The slowest sync; four times the fastest if not said.
        sync_cap_ms? Ms,
    }

    /// No byte more fits on any disk of a node.
    FullDisk {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Syncs of one log of a node fail; each takes its process with it, which starts again by itself.
    FailingDisk {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until the end of the trouble if not said.
        for_ms? Ms,
        /// Syncs that fail.
        sync_fails_ppm: Dial<u64>,
        /// How often; once if not said.
        times? u64,
    }

    /// Processes are killed, as when memory runs out; their machines keep what was not synced.
    Kill {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long each is down; until the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// All connections of these nodes end at once, and are made again one by one.
    Reset {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How often; once if not said.
        times? u64,
    }

    /// Nodes hear the liars alone; nobody, where there are none.
    Eclipse {
        /// Who.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until a `heal` or the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// The links of these nodes clog, each at a time of its own, and are free again in another order; nothing is lost.
    Swizzle {
        /// Whose.
        nodes: Who,
        /// When the first may clog.
        at_ms: Dial<Ms>,
        /// How long it takes to clog them all, and again to free them; a second if not said.
        over_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// A bit of a log flips; the process is started again and reads it.
    Rot {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When.
        at_ms: Dial<Ms>,
    }

    /// Machines are put back to an older image of themselves, and started again.
    OldImage {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How old the image is.
        age_ms: Dial<Ms>,
    }

    /// Syncs of one log report success and do nothing; the machine loses its power a while later.
    LyingDisk {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When.
        at_ms: Dial<Ms>,
        /// Syncs that lie.
        sync_lies_ppm: Dial<u64>,
        /// After what time the power goes; a second if not said.
        restart_ms? Ms,
    }

    /// A write of a log that was told to be on disk lands elsewhere: in another place of its file, or in another file of the node; the
    /// machine loses its power a while later.
    MisdirectedWrite {
        /// Whose.
        nodes: Who,
        /// Which log's.
        log: Log,
        /// When; it is the next write.
        at_ms: Dial<Ms>,
        /// After what time the power goes; a second if not said.
        restart_ms? Ms,
    }

    /// Processes stand still, and go on with all that has waited.
    Pause {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until the end of the trouble if not said.
        for_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Timers run out too early or too late, beyond any drift; never in the first half of their time.
    Timers {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How long; until the end of the trouble if not said.
        for_ms? Ms,
        /// By how much a timer may be early; not at all if not said.
        early_ms? Ms,
        /// By how much it may be late; not at all if not said.
        late_ms? Ms,
        /// How often; once if not said.
        times? u64,
    }

    /// Wall clocks leap, until the network stabilises.
    ClockLeap {
        /// Whose.
        nodes: Who,
        /// When.
        at_ms: Dial<Ms>,
        /// How far ahead; negative when back.
        by_us: i64,
    }
}

/// One fault, as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Single {
    /// When.
    pub at_ms: Ms,
    /// What.
    pub what: Fault,
}

/// How a validator is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Its process ends.
    #[default]
    Crash,
    /// Its token is gone; it follows and cannot vote.
    Token,
}

/// A log of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Log {
    /// What a key may have signed, with lock and polka.
    Guard,
    /// Every signature and refusal of the signer.
    Audit,
    /// Headers, bodies and commit certificates.
    Block,
    /// Batches of transactions.
    Batch,
}
