//! Faults with a time: what goes wrong, with whom, and when it is over.
//!
//! Invariant: a schedule is data; leaving an entry out leaves all others where they were.
//! As text a fault is a word, or a word with what belongs to it: `heal`, `{ crash = 2 }`, `{ partition = { side = [0], noticed = false } }`.
//! Shape: entries in order of time; everything is over at the stabilisation of the run but for validators that are faulty for good.

mod form;
mod tuning;
mod who;

use falaj_consensus::durable::LogId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::disk::DiskDials;
use crate::hsm::TokenDials;
use crate::schedule::ScheduleDials;
use crate::timers::TimerDials;
use crate::types::{NodeIndex, SimTime};

pub use tuning::Tuning;

/// What goes wrong, or is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Nothing passes between these nodes and all others, in either direction.
    Partition {
        /// One side.
        side: Vec<NodeIndex>,
        /// Whether both sides notice that their streams broke.
        noticed: bool,
    },
    /// These nodes hear the others and are not heard.
    Mute {
        /// Who is not heard.
        side: Vec<NodeIndex>,
    },
    /// All connections of these nodes end at once, noticed, and are made again one by one.
    Reset {
        /// Whose.
        side: Vec<NodeIndex>,
    },
    /// A node hears these alone, and is heard by them alone.
    Eclipse {
        /// Who.
        node: NodeIndex,
        /// Whom it hears.
        by: Vec<NodeIndex>,
    },
    /// What goes to a node or comes from it waits on its way.
    Clog(NodeIndex),
    /// It arrives.
    Unclog(NodeIndex),
    /// Somebody who sees everything chooses from now on when each message arrives, after the trouble too.
    WorstSchedule(ScheduleDials),
    /// All links carry again.
    Heal,
    /// The process is killed and the machine loses its power: what was not synced is lost in part.
    Crash(NodeIndex),
    /// The process is killed, as when memory runs out; the machine keeps its power, and what was not synced is still there.
    Kill(NodeIndex),
    /// The power goes after so many more changes on the node's disks, in the middle of whatever it does then.
    PowerCut {
        /// Whose.
        node: NodeIndex,
        /// How many changes still happen.
        after_changes: u64,
    },
    /// The node starts again; with a number, its power goes once more after so many changes, in recovery or soon after it.
    Restart {
        /// Who.
        node: NodeIndex,
        /// When the power goes again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_changes: Option<u64>,
    },
    /// A node that was not there until now starts for the first time, on empty disks, and joins by a snapshot that the others have taken.
    Arrive(NodeIndex),
    /// The disk of one of a node's logs becomes slow or unreliable.
    Disk {
        /// Whose.
        node: NodeIndex,
        /// Which log's.
        #[serde(with = "form::Log")]
        #[schemars(with = "form::Log")]
        log: LogId,
        /// How bad it is.
        dials: DiskDials,
    },
    /// All disks of a node are full.
    DiskFull(NodeIndex),
    /// They have room again.
    DiskRoom(NodeIndex),
    /// The node's execution gives other outcomes than everybody's from now on.
    Diverge(NodeIndex),
    /// The node's machine is set up anew, on empty disks and with its key, from another genesis than the others', and started.
    OtherGenesis(NodeIndex),
    /// A program that computes right is there, for the next start.
    Mend(NodeIndex),
    /// The process ends and another program is started on the same disks, which supports these features.
    Program {
        /// Whose.
        node: NodeIndex,
        /// The word of the features that it supports.
        features: u64,
    },
    /// A sector of a log's disk can no longer be read; these bits choose it.
    BadSector {
        /// Whose.
        node: NodeIndex,
        /// Which log's.
        #[serde(with = "form::Log")]
        #[schemars(with = "form::Log")]
        log: LogId,
        /// Which file and sector, as a number to be reduced; below 2⁶³, which is what a scenario file can say.
        chosen: u64,
    },
    /// A bit of a log has flipped; the process ends, and reads it at its next start. These bits choose it, as above.
    Rot {
        /// Whose.
        node: NodeIndex,
        /// Which log's.
        #[serde(with = "form::Log")]
        #[schemars(with = "form::Log")]
        log: LogId,
        /// Which file and bit.
        chosen: u64,
    },
    /// The next write that a log is told is on disk goes elsewhere on the node's disks, which shows once the power has gone. These bits
    /// choose where, as above.
    Misdirect {
        /// Whose.
        node: NodeIndex,
        /// Which log's.
        #[serde(with = "form::Log")]
        #[schemars(with = "form::Log")]
        log: LogId,
        /// Which disk, file and sector it lands on.
        chosen: u64,
    },
    /// An image is taken of the machine, as far as its disks would survive a crash.
    ImageTaken(NodeIndex),
    /// The machine is put back to that image; the process ends.
    ImageRestored(NodeIndex),
    /// The process stands still, while everything else goes on.
    Pause(NodeIndex),
    /// It goes on, with all that has waited.
    Resume(NodeIndex),
    /// The wall clock leaps.
    ClockLeap {
        /// Whose.
        node: NodeIndex,
        /// How far ahead; negative when back.
        by_us: i64,
    },
    /// Timers run out too early or too late from now on.
    Timers {
        /// Whose.
        node: NodeIndex,
        /// By how much.
        dials: TimerDials,
    },
    /// The token is taken out of its slot.
    TokenGone(NodeIndex),
    /// It is put back.
    TokenBack(NodeIndex),
    /// The token becomes slow or unreliable.
    Token {
        /// Whose.
        node: NodeIndex,
        /// How bad it is.
        dials: TokenDials,
    },
    /// The PIN of a node's token is locked: the next login is refused, and nobody tries again.
    PinLocked(NodeIndex),
    /// The key of a node is gone from its token.
    KeyMissing(NodeIndex),
    /// A person puts PIN and key right, and starts the process anew that had switched its token off.
    TokenMended(NodeIndex),
    /// A second process signs with a node's key from now on.
    SharedKey(NodeIndex),
    /// A standby takes a copy of a node's folders.
    GuardCopied(NodeIndex),
    /// The authority asks that these validators leave the set.
    Leave {
        /// Who.
        side: Vec<NodeIndex>,
    },
    /// The authority asks that these be validators again, with the keys and powers of genesis.
    Return {
        /// Who.
        side: Vec<NodeIndex>,
    },
    /// The authority asks for another voting power of these validators.
    Reweigh {
        /// Whose.
        side: Vec<NodeIndex>,
        /// The power of each; below 2⁶³.
        power: u64,
    },
    /// These, which genesis does not name, get a guard, and the authority is asked that they be validators.
    Join {
        /// Who.
        side: Vec<NodeIndex>,
    },
    /// The authority asks for the other key of these validators, each in a step of its own: the second one, or that of genesis again.
    Rotate {
        /// Whose.
        side: Vec<NodeIndex>,
    },
    /// The authority asks for other parameters.
    Tune(Tuning),
    /// The standby takes the node's place, with the guard that it has copied.
    Failover {
        /// Whose.
        node: NodeIndex,
        /// Whether it has the node's own data folder, which remembers how far the guard had come, or its copy of that too.
        remembers: bool,
    },
}

/// A fault with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed {
    /// When it happens.
    pub at: SimTime,
    /// What happens.
    pub fault: Fault,
}
