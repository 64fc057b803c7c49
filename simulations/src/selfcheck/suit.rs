//! The scenarios under which mutations are hunted: some that ship, some that are made for it, and the random ones.
//!
//! Invariant: the real code is right under each, so whatever is found under one is found because of a mutation.

use std::sync::LazyLock;

use crate::scenario::Scenario;
use crate::scenario::file::File;

macro_rules! suits {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $path:literal;)*) => {
        /// A scenario to hunt under.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Suit {
            $($(#[$doc])* $name,)*
            /// The random scenario of each seed.
            Random,
        }

        impl Suit {
            /// Every suit.
            pub const ALL: &[Self] = &[$(Self::$name,)* Self::Random];

            /// Its name in reports: that of its file.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Random => "random",
                }
            }

            /// Its file, if it has one.
            fn file(self) -> Option<&'static File> {
                match self {
                    $(Self::$name => {
                        static FILE: LazyLock<File> = LazyLock::new(|| {
                            File::parse(include_str!($path)).expect("a file of our own")
                        });
                        Some(&FILE)
                    })*
                    Self::Random => None,
                }
            }
        }
    };
}

suits! {
    /// A good day.
    CalmDay = "calm-day", "../../scenarios/calm-day.toml";
    /// Timeouts that every slow message misses.
    HastyTimeouts = "hasty-timeouts", "../../scenarios/hasty-timeouts.toml";
    /// Nobody pays.
    IdleNetwork = "idle-network", "../../scenarios/idle-network.toml";
    /// Loss, duplicates, overtaking.
    BadNetwork = "bad-network", "../../scenarios/bad-network.toml";
    /// Many payments from few accounts.
    BusyAccounts = "busy-accounts", "../../scenarios/busy-accounts.toml";
    /// The power goes in the middle of a change of a disk.
    PowerCuts = "power-cuts", "../../scenarios/power-cuts.toml";
    /// One node meets a feature gate with an old program.
    LateUpgrade = "late-upgrade", "../../scenarios/late-upgrade.toml";
    /// All nodes have the newer program before a feature gate.
    RollingUpgrade = "rolling-upgrade", "../../scenarios/rolling-upgrade.toml";
    /// Nodes are killed one after the other.
    RollingRestart = "rolling-restart", "../../scenarios/rolling-restart.toml";
    /// One validator is down for good.
    OneDown = "one-down", "../../scenarios/one-down.toml";
    /// Slow disks and a slow processor.
    SlowMachines = "slow-machines", "../../scenarios/slow-machines.toml";
    /// Powers that differ, and crashes.
    UnequalPowers = "unequal-powers", "../../scenarios/unequal-powers.toml";
    /// A validator leaves and comes back.
    ValidatorLeaves = "validator-leaves", "../../scenarios/validator-leaves.toml";
    /// Many steps of the set in a row.
    ValidatorsReweighed = "validators-reweighed", "../../scenarios/validators-reweighed.toml";
    /// All fall while a validator leaves and while it comes back.
    CrashAtSetChange = "crash-at-set-change", "../../scenarios/crash-at-set-change.toml";
    /// Parameters change while the network runs.
    ParametersChange = "parameters-change", "../../scenarios/parameters-change.toml";
    /// Every validator gets another key.
    KeysRotated = "keys-rotated", "../../scenarios/keys-rotated.toml";
    /// All fall while a validator gets another key.
    CrashAtRotation = "crash-at-rotation", "../../scenarios/crash-at-rotation.toml";
    /// Hasty timeouts and crashes in the middle of rounds.
    HastyCrashes = "hasty-crashes", "suits/hasty-crashes.toml";
    /// Hasty timeouts and a double voter.
    HastyLiar = "hasty-liar", "suits/hasty-liar.toml";
    /// Hasty timeouts, six validators: two thirds of them are four.
    HastySix = "hasty-six", "suits/hasty-six.toml";
    /// Hasty timeouts, seven validators: more than half of them are four.
    HastySeven = "hasty-seven", "suits/hasty-seven.toml";
    /// A validator is down, and another's token is pulled out for a while: it stands, and goes on.
    LostToken = "lost-token", "../../scenarios/lost-token.toml";
    /// A node that lacks batches, and a peer that has them and gives none.
    WithheldBatches = "withheld-batches", "suits/withheld-batches.toml";
    /// A validator arrives late and joins by a snapshot, of which one of the others lies.
    JoinsBySnapshot = "joins-by-snapshot", "../../scenarios/joins-by-snapshot.toml";
    /// A power cut that takes a signature that had left.
    LostSignature = "a-vote-whose-signature-was-lost", "../../scenarios/regressions/a-vote-whose-signature-was-lost.toml";
}

impl Suit {
    /// The scenario of a seed.
    ///
    /// # Panics
    /// Never: the files are tested.
    #[must_use]
    pub fn scenario(self, seed: u64) -> Scenario {
        match self.file() {
            Some(file) => file.scenario(seed),
            None => Scenario::swarm(seed),
        }
    }

    /// The seed of a hunt's turn: hunts begin with the seed that a file names, since what is minimised may fail under that alone.
    #[must_use]
    pub fn seed(self, turn: u64) -> u64 {
        let first = self.file().map_or(0, |file| file.seeds().start);
        first.saturating_add(turn)
    }

    /// The suit whose turn a seed of the real code is.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let turn = seed % Self::ALL.len() as u64;
        Self::ALL[usize::try_from(turn).expect("it is below a length")]
    }
}
