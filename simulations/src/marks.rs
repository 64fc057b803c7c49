//! What a campaign must have reached to have tested what it claims.
//!
//! Invariant: a mark is hit by what was observed, never by what was planned; a campaign without a hit of some mark is inconclusive.
//! Shape: one counter a mark, summed over the seeds of a campaign.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Something that a campaign must have reached.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Mark {
            $($(#[$doc])* $name,)*
        }

        impl Mark {
            /// Every mark.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

marks! {
    /// A network stood, and was asked why.
    StoodStill = "stood_still";
    /// A height was decided in a round above 0.
    LaterRound = "later_round";
    /// A correct node was in round 3 or above.
    RoundThree = "round_three";
    /// A correct node proposed a block again with its valid round.
    Reproposal = "reproposal";
    /// A correct node prevoted with a valid round.
    PrevoteAgain = "prevote_again";
    /// A correct node locked.
    Locked = "locked";
    /// A nil precommit was made.
    NilPrecommit = "nil_precommit";
    /// The propose timer acted.
    ProposeTimeout = "propose_timeout";
    /// The prevote timer acted.
    PrevoteTimeout = "prevote_timeout";
    /// The precommit timer acted.
    PrecommitTimeout = "precommit_timeout";
    /// A round was skipped to.
    RoundSkipped = "round_skipped";
    /// Round 0 waited idle and then began.
    IdleStart = "idle_start";
    /// A block without transactions was decided.
    EmptyBlock = "empty_block";
    /// A node restarted.
    Restart = "restart";
    /// A node restarted and found its guard at the height it was deciding.
    RestartInHeight = "restart_in_height";
    /// A node restarted with a lock.
    RestartLocked = "restart_locked";
    /// A node restarted with its guard above the last block it had.
    GuardAhead = "guard_ahead";
    /// A node restarted and its guard had recorded a vote for a block that was gone.
    LostBlock = "lost_block";
    /// A restart found the end of a log torn and cut it.
    TornLog = "torn_log";
    /// A restart executed blocks that the store had not.
    Replayed = "replayed";
    /// The power went while a node was recovering.
    CrashInRecovery = "crash_in_recovery";
    /// A node that was behind was sent decided blocks.
    CatchUp = "catch_up";
    /// A batch was fetched by its digest.
    BatchFetched = "batch_fetched";
    /// Two proposals of one round became evidence.
    DoubleProposal = "double_proposal";
    /// Two votes of one round became evidence.
    DoubleVote = "double_vote";
    /// A block carried the proof of an offence.
    EvidenceCommitted = "evidence_committed";
    /// A partition cut the network and healed.
    PartitionHealed = "partition_healed";
    /// A side was not heard for a while.
    OneWay = "one_way";
    /// A message was lost.
    Loss = "loss";
    /// A message came twice.
    Duplicate = "duplicate";
    /// A message overtook another.
    Reorder = "reorder";
    /// Votes, a polka or a certificate that gave their recipient a quorum were held back.
    HeldQuorum = "held_quorum";
    /// One node locked alone in a round in which a quorum precommitted nil, while somebody chose when messages arrive.
    LoneLock = "lone_lock";
    /// A message was on its way for longer than a round waits for its proposal.
    LongDelay = "long_delay";
    /// A message found no room in the queue of its link.
    Overflow = "overflow";
    /// A message was damaged on its way, and its connection ended.
    ConnectionEnded = "connection_ended";
    /// All connections of a node ended at once.
    ConnectionsReset = "connections_reset";
    /// A node heard liars alone, or nobody.
    Eclipsed = "eclipsed";
    /// Something waited on a clogged link.
    Clogged = "clogged";
    /// A process was killed, and its machine kept what was not synced.
    Killed = "killed";
    /// A bit of a log flipped.
    BitRot = "bit_rot";
    /// A write landed on bytes of another place or file.
    MisdirectedWrite = "misdirected_write";
    /// Of two nodes, one of which was set up from another genesis, one refused what the other had signed.
    OtherGenesis = "other_genesis";
    /// A machine was put back to an older image of itself.
    OldImage = "old_image";
    /// A crash took what a sync had promised to keep.
    LyingSync = "lying_sync";
    /// Something waited for a node whose process stood still.
    Paused = "paused";
    /// A slow processor executed a block.
    SlowProcessor = "slow_processor";
    /// A sync took longer than any on a good day.
    SlowDisk = "slow_disk";
    /// A node proposed a block while its wall clock was ten milliseconds off, or more.
    ClockOffset = "clock_offset";
    /// A timer ran out on a clock that is too fast or too slow.
    ClockDrift = "clock_drift";
    /// A timer ran out before its time.
    EarlyTimer = "early_timer";
    /// A timer ran out after its time.
    LateTimer = "late_timer";
    /// The wall clock of a running node leapt.
    ClockLeapt = "clock_leapt";
    /// A sync failed and took its process with it.
    SyncFailed = "sync_failed";
    /// A sector of a disk could not be read.
    BadSector = "bad_sector";
    /// A token gave a wrong signature.
    WrongSignature = "wrong_signature";
    /// A correct node reported a peer that sent what it must not.
    PeerFault = "peer_fault";
    /// A correct node took no more from a peer.
    PeerLimited = "peer_limited";
    /// A liar voted for rounds and heights that nobody was in.
    FarVotes = "far_votes";
    /// A liar passed votes on under another name.
    RelabelledVotes = "relabelled_votes";
    /// A liar sent a certificate or a polka of its own making.
    ForgedCertificate = "forged_certificate";
    /// A liar proposed blocks without end.
    FloodOfProposals = "flood_of_proposals";
    /// A liar asked without end.
    FloodOfRequests = "flood_of_requests";
    /// A liar sent batches without end.
    FloodOfBatches = "flood_of_batches";
    /// A liar kept a batch from most.
    WithheldBatch = "withheld_batch";
    /// A liar answered with something else than it was asked for.
    LieInSync = "lie_in_sync";
    /// A liar said nothing to some.
    Silence = "silence";
    /// A liar sent again what it had said before.
    StaleReplay = "stale_replay";
    /// A liar sent bytes that were cut or changed.
    Garbled = "garbled";
    /// A liar prevoted for another block than the one that it had precommitted.
    ForgottenLock = "forgotten_lock";
    /// A liar showed a prevote to all that it had shown to one before.
    LatePolka = "late_polka";
    /// A liar claimed a valid round that it had not seen.
    FalseValidRound = "false_valid_round";
    /// A liar proposed a block that no correct validator may prevote.
    InvalidBlock = "invalid_block";
    /// A liar accused somebody of a vote that was never signed.
    ForgedEvidence = "forged_evidence";
    /// A token was asked while it was gone.
    TokenGone = "token_gone";
    /// A token signed and the answer was lost, or came too late.
    LateSignature = "late_signature";
    /// A token answered with a signature when its call had been given up.
    LateSuccess = "late_success";
    /// A token was asked whose PIN was locked, and was asked no more.
    PinLocked = "pin_locked";
    /// A token was asked for a key that it had no more.
    KeyMissing = "key_missing";
    /// A node signed again after a person had put its token right.
    TokenMended = "token_mended";
    /// A node heard its own key say what it had not said, and signed no more.
    KeyElsewhere = "key_elsewhere";
    /// A guard was found out to be an older copy of itself, and signed no more.
    GuardOlder = "guard_older";
    /// A signature was refused, and came when it was asked for again.
    SignedLater = "signed_later";
    /// A log found no room.
    DiskFull = "disk_full";
    /// A log that had found no room had some again.
    DiskRoom = "disk_room";
    /// A node computed another outcome than a quorum certified.
    Diverged = "diverged";
    /// A feature gate was scheduled.
    GateScheduled = "gate_scheduled";
    /// A height under a feature gate was decided.
    GatePassed = "gate_passed";
    /// A node stood before a feature gate that its program lacked.
    GateRefused = "gate_refused";
    /// A transaction was ordered twice and passed over once.
    DuplicatePayment = "duplicate_payment";
    /// A payment failed in a block for want of money.
    FailedPayment = "failed_payment";
    /// A block held something else under an id that was used.
    Rival = "rival";
    /// A block held a transaction that had expired by then.
    Expired = "expired";
    /// A key signed for what it may not do.
    Stranger = "stranger";
    /// An account was opened.
    AccountOpened = "account_opened";
    /// Money was issued.
    Issued = "issued";
    /// Money was redeemed.
    Redeemed = "redeemed";
    /// An issue or a redemption was vetoed.
    Vetoed = "vetoed";
    /// A cap stopped an issue or a redemption.
    CapReached = "cap_reached";
    /// An issue or a redemption was to be executed with too few approvals.
    TooFewApprovals = "too_few_approvals";
    /// A validator that had let its turn pass came last.
    Benched = "benched";
    /// A block decided another validator set.
    SetChanged = "set_changed";
    /// A validator left the set.
    MemberLeft = "member_left";
    /// A node that had left the set, or was never in it, is a validator again.
    MemberReturned = "member_returned";
    /// A validator got another voting power.
    Reweighed = "reweighed";
    /// A validator got another key.
    KeyRotated = "key_rotated";
    /// A validator that genesis does not name signed a statement.
    NewcomerVoted = "newcomer_voted";
    /// A node began with a snapshot that others gave it.
    Joined = "joined";
    /// One that joins was dropped in the middle and went on from what it had kept.
    JoinResumed = "join_resumed";
    /// One that joins dropped who gave it something wrong of a snapshot.
    SnapshotLie = "snapshot_lie";
    /// One that joins left a snapshot that nobody had any more.
    SnapshotVanished = "snapshot_vanished";
    /// One that was to join fetched blocks instead.
    FellBack = "fell_back";
    /// A validator signed a statement with the key that came after that of genesis.
    VotedWithNewKey = "voted_with_new_key";
    /// The parameters changed.
    ParametersChanged = "parameters_changed";
    /// A block held as many transactions as the parameters let it, because they had been lowered.
    FullBlock = "full_block";
    /// A step of the set was larger than a step may be.
    StepTooLarge = "step_too_large";
    /// A step of the set came before the last one was in force.
    ChangeUnderWay = "change_under_way";
    /// A node started between a block that decided another set and the first height of that set.
    RestartAtChange = "restart_at_change";
    /// A block decided another set while links were cut.
    ChangeWhileCut = "change_while_cut";
    /// Validators of different powers decided a height.
    UnequalPowers = "unequal_powers";
}

/// How often each mark was hit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks(BTreeMap<Mark, u64>);

impl Marks {
    /// Hits a mark.
    pub fn hit(&mut self, mark: Mark) {
        *self.0.entry(mark).or_default() += 1;
    }

    /// Hits a mark if something holds.
    pub fn hit_if(&mut self, holds: bool, mark: Mark) {
        if holds {
            self.hit(mark);
        }
    }

    /// How often a mark was hit.
    #[must_use]
    pub fn count(&self, mark: Mark) -> u64 {
        self.0.get(&mark).copied().unwrap_or_default()
    }

    /// Adds the hits of another run.
    pub fn add(&mut self, other: &Self) {
        for (mark, hits) in &other.0 {
            *self.0.entry(*mark).or_default() += hits;
        }
    }

    /// Those of the marks that are owed which nothing has hit.
    #[must_use]
    pub fn missing(&self, owed: &[Mark]) -> Vec<Mark> {
        let missing = owed.iter().filter(|mark| self.count(**mark) == 0);
        missing.copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a mark has one name, in reports and in scenario files.
    #[test]
    fn a_mark_has_one_name() {
        for mark in Mark::ALL {
            assert_eq!(serde_json::to_value(mark).unwrap(), mark.name());
        }
    }
}
