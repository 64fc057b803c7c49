//! Every mutation: what it is called, and which rule it breaks. Numbers are the lines of the paper.

macro_rules! mutations {
    ($(#[doc = $breaks:literal] $name:ident = $text:literal;)*) => {
        /// A rule to break.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutation {
            $(#[doc = $breaks] $name,)*
        }

        impl Mutation {
            /// Every mutation.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name on the command line and in reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// What is broken.
            #[must_use]
            pub fn breaks(self) -> &'static str {
                let said = match self {
                    $(Self::$name => $breaks,)*
                };
                said.trim()
            }
        }
    };
}

mutations! {
    /// 15: a proposer proposes a fresh block over its valid value.
    ProposeFreshOverValid = "propose_fresh_over_valid";
    /// 16: a block is proposed again with a valid round in which it had no polka.
    ProposeWithOtherValidRound = "propose_with_other_valid_round";
    /// 22: a block whose time is not after its parent's is built and accepted.
    BlockTimeStands = "block_time_stands";
    /// 22: a block on another outcome of its parent is built and accepted.
    ParentOutcomeUnchecked = "parent_outcome_unchecked";
    /// 36: the outcome of the block before is precommitted while the block's own is being computed.
    PrecommitBeforeExecution = "precommit_before_execution";
    /// 36: a polka of the round before is taken for one of this round.
    PrecommitOnOlderPolka = "precommit_on_older_polka";
    /// 44: nil prevotes of an honest hint make a nil precommit.
    NilPrecommitOnHint = "nil_precommit_on_hint";
    /// 55: one vote of a later round is enough to jump there.
    JumpOnOneVote = "jump_on_one_vote";
    /// Turns do not go round with the height.
    TurnsStandStill = "turns_stand_still";
    /// Who let its turn pass is not benched.
    NobodyIsBenched = "nobody_is_benched";
    /// A third of the power and more may sit on the bench.
    BenchWithoutLimit = "bench_without_limit";

    /// A height is opened whatever feature gate it stands under.
    GatePassedUnsupported = "gate_passed_unsupported";
    /// A feature gate is in force one height before its own.
    GateAHeightEarly = "gate_a_height_early";

    /// Two thirds of the power are a quorum.
    QuorumOfTwoThirds = "quorum_of_two_thirds";
    /// More than half of the power is a quorum.
    QuorumOfHalf = "quorum_of_half";
    /// Every validator has one vote, whatever its power.
    PowersCountEqual = "powers_count_equal";
    /// Precommits for other blocks and for nil count towards a certificate.
    CertificateOfMixedVotes = "certificate_of_mixed_votes";
    /// The second vote of a sender counts beside its first.
    SecondVoteCounts = "second_vote_counts";
    /// The same vote, heard twice, is evidence against its sender.
    RepeatedVoteIsEvidence = "repeated_vote_is_evidence";
    /// A prevote for another block than was precommitted is evidence, whatever its valid round.
    AmnesiaWithoutValidRound = "amnesia_without_valid_round";
    /// Votes are kept of however many rounds ahead a sender names.
    RoundsAheadUnbounded = "rounds_ahead_unbounded";
    /// A second vote of a sender proves nothing.
    SecondVoteProvesNothing = "second_vote_proves_nothing";
    /// A second proposal of a round proves nothing.
    SecondProposalProvesNothing = "second_proposal_proves_nothing";
    /// An offence is told each time that it shows.
    EvidenceFloods = "evidence_floods";
    /// A block may carry evidence of an offence that the ledger has recorded.
    EvidenceRecordedTwice = "evidence_recorded_twice";
    /// Nobody checks the evidence that a block carries.
    EvidenceUnverified = "evidence_unverified";

    /// 22: who is locked accepts a fresh block, and the guard lets it.
    PrevoteFreshUnderLock = "prevote_fresh_under_lock";
    /// 37: a precommit does not lock the engine; the guard still does.
    PrecommitWithoutLock = "precommit_without_lock";
    /// A restart forgets the lock, and the guard lets it.
    RestartWithoutLock = "restart_without_lock";

    /// 21: nobody ends the wait for a proposal.
    NoProposeTimer = "no_propose_timer";
    /// 34: nobody ends the wait for a polka.
    NoPrevoteTimer = "no_prevote_timer";
    /// 47: nobody ends a round.
    NoPrecommitTimer = "no_precommit_timer";
    /// 11: an idle height never begins by itself.
    NoHeartbeat = "no_heartbeat";
    /// Nothing is asked for or said again.
    NoRetransmitTick = "no_retransmit_tick";
    /// 65: the precommit timer of an earlier round acts.
    LatePrecommitTimerActs = "late_precommit_timer_acts";

    /// Sign-bytes do not name the genesis.
    SignBytesWithoutGenesis = "sign_bytes_without_genesis";
    /// Sign-bytes do not name the chain.
    SignBytesWithoutChain = "sign_bytes_without_chain";
    /// Sign-bytes of a prevote do not name its valid round.
    SignBytesWithoutValidRound = "sign_bytes_without_valid_round";

    /// A signature leaves before its intent is on disk.
    ReleaseBeforeIntentSynced = "release_before_intent_synced";
    /// A restarted engine does not ask its guard what it has said; the guard still refuses.
    RestartWithoutVotes = "restart_without_votes";
    /// A restarted engine does not ask its guard what it has said, and the guard signs anything.
    GuardForgetsPlaces = "guard_forgets_places";

    /// A vote that the token did not sign in time is given up at once.
    LateVoteGivenUp = "late_vote_given_up";
    /// A restart knows its votes by their signatures alone.
    UnsignedVotesForgotten = "unsigned_votes_forgotten";
    /// A restart stands on the guard of its first key, whichever key the height's set has.
    GuardOfAnotherKey = "guard_of_another_key";
    /// A validator takes the key that it began with for its own, whichever one the set has.
    FirstKeyKept = "first_key_kept";

    /// A new file's name is not synced.
    FolderNotSynced = "folder_not_synced";
    /// A restart does not take up the certificate that is the last record of its block log.
    LastCertificateForgotten = "last_certificate_forgotten";
    /// A vote leaves before its block is on disk.
    VoteBeforeBlockSynced = "vote_before_block_synced";
    /// A prevote that answers a proposal made again leaves without the polka that justifies it on disk.
    PolkaNotRecorded = "polka_not_recorded";
    /// A decision is told before its certificate is on disk.
    DecisionBeforeSynced = "decision_before_synced";

    /// Everybody is named as waited for, whoever has voted.
    EverybodyIsWaitedFor = "everybody_is_waited_for";

    /// A batch is acknowledged before it is on disk.
    AcknowledgeBeforeSynced = "acknowledge_before_synced";
    /// An acknowledgement goes over numbers that never came.
    AcknowledgeOverGap = "acknowledge_over_gap";
    /// An author pushes its batch before it is on disk.
    PushBeforeSynced = "push_before_synced";
    /// A restart forgets the numbers of who has left the set.
    LeaversNumbersForgotten = "leavers_numbers_forgotten";
    /// An author gives the number of its last batch again.
    BatchNumberReused = "batch_number_reused";
    /// What was admitted is not kept.
    MempoolForgets = "mempool_forgets";
    /// The inline tail of a block is not executed.
    InlineTailDropped = "inline_tail_dropped";
    /// A check that has ended goes on counting against its sender.
    ChecksNeverEnd = "checks_never_end";
    /// What was ordered goes on counting against its sender.
    QuotaNotGivenBack = "quota_not_given_back";

    /// Decided blocks are never asked for, and no certificate is given to who is behind.
    BlocksNeverFetched = "blocks_never_fetched";
    /// A peer that does not give a batch is asked for it again, and nobody else is.
    BatchesAskedOfOnePeer = "batches_asked_of_one_peer";
    /// Blocks that were fetched ahead are kept once their heights are decided by other means.
    BlocksBelowKept = "blocks_below_kept";
    /// A node states a height that it is still deciding.
    HeightStatedAhead = "height_stated_ahead";
    /// Who is behind is given certificates of a wrong round.
    CertificateRelabelled = "certificate_relabelled";
    /// Who joins by a snapshot keeps chunks that it did not check.
    ChunksUnchecked = "chunks_unchecked";

    /// A transfer credits and does not debit, and the ledger does not look.
    DebitForgotten = "debit_forgotten";
    /// A transfer credits and does not debit; the ledger looks.
    DebitForgottenAndNoticed = "debit_forgotten_and_noticed";
    /// An account may pay what it does not have, and the ledger does not look.
    OverdraftAllowed = "overdraft_allowed";
    /// The supply that an outcome states is one unit too high.
    SupplyMisstated = "supply_misstated";
    /// What a block gives depends on the node that executes it.
    ExecutionDependsOnNode = "execution_depends_on_node";
    /// Receipts are not in the order of the block.
    ReceiptsOutOfOrder = "receipts_out_of_order";
    /// A set comes into force a height early.
    SetInForceEarly = "set_in_force_early";
    /// Parameters hold a height too early.
    ParametersInForceEarly = "parameters_in_force_early";
    /// A step of the set may move any number of validators and any power.
    StepWithoutLimit = "step_without_limit";
}
