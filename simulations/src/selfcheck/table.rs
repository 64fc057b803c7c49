//! The table: for each mutation what kind of rule it breaks, which oracle has to see it, and where it shows.
//!
//! What is broken stands with the mutation, in `falaj_consensus::mutation`. The oracle is named by what it states, not by what has
//! happened to catch it: where several could, the one whose statement the mutation breaks first.

use falaj_consensus::mutation::Mutation;

use super::Suit;
use crate::run::LIVENESS;

/// What kind of rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// The rules of consensus by their lines, and turns.
    Rules,
    /// Tallies, quorums, evidence.
    Tally,
    /// Locks.
    Locks,
    /// Timers.
    Timers,
    /// Sign-bytes.
    SignBytes,
    /// The signing guard.
    Guard,
    /// Logs and recovery.
    Logs,
    /// From a client to a batch that a quorum holds.
    Dissemination,
    /// What is asked of peers.
    Fetching,
    /// Execution and supply.
    Execution,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 10] = [
        Self::Rules,
        Self::Tally,
        Self::Locks,
        Self::Timers,
        Self::SignBytes,
        Self::Guard,
        Self::Logs,
        Self::Dissemination,
        Self::Fetching,
        Self::Execution,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Tally => "tally",
            Self::Locks => "locks",
            Self::Timers => "timers",
            Self::SignBytes => "sign-bytes",
            Self::Guard => "guard",
            Self::Logs => "logs",
            Self::Dissemination => "dissemination",
            Self::Fetching => "fetching",
            Self::Execution => "execution",
        }
    }
}

/// How a mutation is hunted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// What kind of rule it breaks.
    pub area: Area,
    /// The oracle that has to see it.
    pub oracle: &'static str,
    /// The scenarios under which it shows, in turn.
    pub suits: &'static [Suit],
}

const AGREEMENT: &str = "agreement";
const VALIDITY: &str = "validity";
const CERTIFICATES: &str = "certificates";
const DOUBLE_SIGN: &str = "double sign";
const CONSERVATION: &str = "conservation";
const ONCE: &str = "exactly once";
const CONFORMANCE: &str = "rule conformance";
const DISCLOSURE: &str = "durable before disclosed";
const ALARMS: &str = "alarms";
const RECOVERY: &str = "recovery";
const BOUNDS: &str = "bounds";
const EVIDENCE: &str = "evidence";
const WHY: &str = "why";
const UPGRADES: &str = "upgrades";

/// The row of a mutation.
#[must_use]
pub const fn case(mutation: Mutation) -> Case {
    use Mutation as M;
    use Suit as S;
    let (area, oracle, suits): (Area, &str, &[Suit]) = match mutation {
        M::ProposeFreshOverValid => (Area::Rules, CONFORMANCE, &[S::HastyTimeouts]),
        M::ProposeWithOtherValidRound => (Area::Rules, CONFORMANCE, &[S::HastyTimeouts]),
        M::BlockTimeStands => (Area::Rules, CONFORMANCE, &[S::CalmDay]),
        M::ParentOutcomeUnchecked => (Area::Rules, CONFORMANCE, &[S::CalmDay]),
        M::PrecommitBeforeExecution => (Area::Rules, CONFORMANCE, &[S::CalmDay, S::BusyAccounts]),
        M::PrecommitOnOlderPolka => (Area::Rules, ALARMS, &[S::HastyTimeouts]),
        M::NilPrecommitOnHint => (Area::Rules, CONFORMANCE, &[S::HastyTimeouts]),
        M::JumpOnOneVote => (Area::Rules, CONFORMANCE, &[S::HastyTimeouts]),
        M::TurnsStandStill => (Area::Rules, CONFORMANCE, &[S::CalmDay]),
        M::NobodyIsBenched => (Area::Rules, CONFORMANCE, &[S::OneDown]),
        M::BenchWithoutLimit => (Area::Rules, CONFORMANCE, &[S::HastyTimeouts]),

        M::GatePassedUnsupported => (Area::Rules, UPGRADES, &[S::LateUpgrade]),
        M::GateAHeightEarly => (Area::Rules, CONFORMANCE, &[S::RollingUpgrade]),

        M::QuorumOfTwoThirds => (Area::Tally, CONFORMANCE, &[S::HastySix]),
        M::QuorumOfHalf => (Area::Tally, CONFORMANCE, &[S::HastySeven]),
        M::PowersCountEqual => (Area::Tally, CONFORMANCE, &[S::UnequalPowers]),
        M::CertificateOfMixedVotes => (Area::Tally, CERTIFICATES, &[S::HastyTimeouts]),
        M::SecondVoteCounts => (Area::Tally, CERTIFICATES, &[S::HastyLiar]),
        M::RepeatedVoteIsEvidence => (Area::Tally, ALARMS, &[S::BadNetwork]),
        M::AmnesiaWithoutValidRound => (Area::Tally, ALARMS, &[S::HastyTimeouts, S::HastyLiar]),
        M::RoundsAheadUnbounded => (Area::Tally, BOUNDS, &[S::Random]),
        M::SecondVoteProvesNothing => (Area::Tally, EVIDENCE, &[S::HastyLiar]),
        M::SecondProposalProvesNothing => (Area::Tally, EVIDENCE, &[S::HastyLiar]),
        M::EvidenceFloods => (Area::Tally, EVIDENCE, &[S::HastyLiar, S::Random]),
        M::EvidenceRecordedTwice => (Area::Execution, EVIDENCE, &[S::HastyLiar, S::Random]),
        M::EvidenceUnverified => (Area::Execution, EVIDENCE, &[S::Random]),

        M::PrevoteFreshUnderLock => (Area::Locks, CONFORMANCE, &[S::HastyTimeouts]),
        M::PrecommitWithoutLock => (Area::Locks, ALARMS, &[S::HastyTimeouts]),
        M::RestartWithoutLock => (Area::Locks, CONFORMANCE, &[S::HastyCrashes]),

        M::NoProposeTimer => (Area::Timers, LIVENESS, &[S::OneDown]),
        M::NoPrevoteTimer => (Area::Timers, LIVENESS, &[S::HastyTimeouts]),
        M::NoPrecommitTimer => (Area::Timers, LIVENESS, &[S::OneDown]),
        M::NoHeartbeat => (Area::Timers, LIVENESS, &[S::IdleNetwork]),
        M::NoRetransmitTick => (Area::Timers, WHY, &[S::BadNetwork, S::HastyTimeouts]),
        M::LatePrecommitTimerActs => (Area::Timers, CONFORMANCE, &[S::HastyTimeouts]),

        M::SignBytesWithoutGenesis => (Area::SignBytes, DOUBLE_SIGN, &[S::CalmDay]),
        M::SignBytesWithoutChain => (Area::SignBytes, DOUBLE_SIGN, &[S::CalmDay]),
        M::SignBytesWithoutValidRound => (Area::SignBytes, CONFORMANCE, &[S::HastyTimeouts]),

        M::ReleaseBeforeIntentSynced => (Area::Guard, DISCLOSURE, &[S::PowerCuts]),
        M::RestartWithoutVotes => (Area::Guard, ALARMS, &[S::HastyCrashes, S::PowerCuts]),
        M::GuardForgetsPlaces => (Area::Guard, DOUBLE_SIGN, &[S::HastyCrashes, S::PowerCuts]),

        M::LateVoteGivenUp => (Area::Guard, WHY, &[S::LostToken]),
        M::UnsignedVotesForgotten => (Area::Guard, ALARMS, &[S::LostSignature]),
        M::GuardOfAnotherKey => (Area::Guard, ALARMS, &[S::CrashAtRotation]),
        M::FirstKeyKept => (Area::Guard, WHY, &[S::KeysRotated]),

        M::FolderNotSynced => (Area::Logs, RECOVERY, &[S::RollingRestart, S::PowerCuts]),
        M::LastCertificateForgotten => (Area::Logs, AGREEMENT, &[S::RollingRestart]),
        M::VoteBeforeBlockSynced => (Area::Logs, DISCLOSURE, &[S::CalmDay, S::SlowMachines]),
        M::PolkaNotRecorded => (Area::Logs, DISCLOSURE, &[S::HastyTimeouts]),
        M::DecisionBeforeSynced => (Area::Logs, DISCLOSURE, &[S::CalmDay]),

        M::EverybodyIsWaitedFor => (Area::Fetching, WHY, &[S::LostToken]),

        M::AcknowledgeBeforeSynced => (Area::Dissemination, DISCLOSURE, &[S::CalmDay]),
        M::AcknowledgeOverGap => (Area::Dissemination, DISCLOSURE, &[S::BadNetwork]),
        M::PushBeforeSynced => (Area::Dissemination, DISCLOSURE, &[S::CalmDay]),
        M::LeaversNumbersForgotten => (Area::Dissemination, DISCLOSURE, &[S::CrashAtSetChange]),
        M::BatchNumberReused => (Area::Dissemination, DISCLOSURE, &[S::CalmDay]),
        M::MempoolForgets => (Area::Dissemination, LIVENESS, &[S::CalmDay]),
        M::InlineTailDropped => (
            Area::Dissemination,
            VALIDITY,
            &[S::CalmDay, S::BusyAccounts],
        ),
        M::ChecksNeverEnd => (Area::Dissemination, BOUNDS, &[S::CalmDay]),
        M::QuotaNotGivenBack => (Area::Dissemination, BOUNDS, &[S::CalmDay]),

        M::BlocksNeverFetched => (Area::Fetching, LIVENESS, &[S::RollingRestart]),
        M::BatchesAskedOfOnePeer => (Area::Fetching, LIVENESS, &[S::WithheldBatches]),
        M::BlocksBelowKept => (Area::Fetching, BOUNDS, &[S::Random]),
        M::HeightStatedAhead => (Area::Fetching, DISCLOSURE, &[S::CalmDay]),
        M::ChunksUnchecked => (Area::Fetching, AGREEMENT, &[S::JoinsBySnapshot]),
        M::CertificateRelabelled => (Area::Fetching, CERTIFICATES, &[S::BadNetwork]),

        M::DebitForgotten => (Area::Execution, CONSERVATION, &[S::CalmDay]),
        M::DebitForgottenAndNoticed => (Area::Execution, ALARMS, &[S::CalmDay]),
        M::OverdraftAllowed => (Area::Execution, CONSERVATION, &[S::BusyAccounts]),
        M::SupplyMisstated => (Area::Execution, CONSERVATION, &[S::CalmDay]),
        M::ExecutionDependsOnNode => (Area::Execution, CONFORMANCE, &[S::CalmDay]),
        M::ReceiptsOutOfOrder => (Area::Execution, ONCE, &[S::BusyAccounts]),
        M::SetInForceEarly => (Area::Execution, CONFORMANCE, &[S::ValidatorLeaves]),
        M::ParametersInForceEarly => (Area::Execution, VALIDITY, &[S::ParametersChange]),
        M::StepWithoutLimit => (Area::Execution, CONSERVATION, &[S::ValidatorsReweighed]),
    };
    Case {
        area,
        oracle,
        suits,
    }
}
