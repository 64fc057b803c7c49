//! Every way in which input can be bad, each with its exit code.
//!
//! Invariant: a code is never given another meaning; 0 and 10 to 13 are verdicts, 2 is a usage error.
//! Source: `docs/simulation.md`, "Verdicts".

use std::io;
use std::path::PathBuf;

use falaj_simulations::minimise::MinimiseError;
use falaj_simulations::pictures::EmptyWindow;
use falaj_simulations::scenario::file::FileError;
use falaj_simulations::sweep::Shard;
use falaj_simulations::token::{TokenError, build};

/// The exit code of two traces that differ.
pub(crate) const DIFFERENT: u8 = 34;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// A file is no scenario.
    #[error("{}: {source}", path.display())]
    Scenario {
        path: PathBuf,
        source: Box<FileError>,
    },
    /// A scenario with a sweep, and nowhere to keep its runs.
    #[error("{}: a scenario with a sweep needs --out FOLDER", path.display())]
    NeedsOut { path: PathBuf },
    /// A program that knows no mutations.
    #[cfg(not(feature = "mutations"))]
    #[error(
        "this program was built without mutations; with them: cargo run --release -p falaj-simulations --features mutations -- selfcheck"
    )]
    NoMutations,
    /// A mutation that nobody knows.
    #[cfg(feature = "mutations")]
    #[error("there is no mutation {name}; did you mean {nearest}?")]
    UnknownMutation { name: String, nearest: &'static str },
    /// Output that cannot be written, as on a full disk.
    #[error("{}: cannot be written: {source}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
    /// A part of a sweep that somebody ended before its end.
    #[error(
        "interrupted after {ended} of {runs} runs, which are kept: run the same command again, it goes on where it was"
    )]
    Interrupted { ended: u64, runs: u64 },
    /// A part of a sweep that is not there.
    #[error("shard {shard} is missing")]
    MissingShard { shard: Shard },
    /// A part of a sweep that has not come to its end.
    #[error("shard {shard} in {} lacks {lacks} of its {runs} runs: run it again, it goes on where it was", path.display())]
    Unfinished {
        shard: Shard,
        path: PathBuf,
        lacks: u64,
        runs: u64,
    },
    /// The same part twice.
    #[error("shard {shard} is there twice, in {} too", path.display())]
    TwiceShard { shard: Shard, path: PathBuf },
    /// A folder that holds something else.
    #[error("{}: holds another sweep, or another part of it: other scenario, seeds, shard or program", path.display())]
    OtherSweep { path: PathBuf },
    /// A line that nobody can have written.
    #[error("{}: line {line}: {source}", path.display())]
    Damaged {
        path: PathBuf,
        line: usize,
        source: serde_json::Error,
    },
    /// A folder that holds another report, or a sweep.
    #[error("{}: holds a sweep or the report of another run: name another folder by --out", path.display())]
    OtherReport { path: PathBuf },
    /// A part of a sweep's page.
    #[error("{}: is a sweep, which has neither heights nor events of its own: name one of its runs by its token", path.display())]
    NoWindow { path: PathBuf },
    /// A part of a run that has nothing in it.
    #[error(transparent)]
    EmptyWindow(#[from] EmptyWindow),
    /// A text that is nothing to make a report of.
    #[error(
        "{text}: there is no such folder, and it is no token: a token is fs1.BUILD.SEED.SCENARIO.CHECK"
    )]
    NeitherTokenNorFolder { text: String },
    /// A text that names no run.
    #[error("{token}: {source}")]
    Token { token: String, source: TokenError },
    /// A token of other sources.
    #[error(
        "the token is of build {theirs}, this is build {}: the same seed may be another run here; use the program that printed it, or --any-build to try",
        build()
    )]
    OtherBuild { theirs: String },
    /// An event after the end of a run.
    #[error("there is no event {event}: the run has {events}")]
    NoEvent { event: u64, events: u64 },
    /// A node that is not there.
    #[error("there is no node {node}: the run has {validators}, counted from 0")]
    NoNode { node: u16, validators: u16 },
    /// A file without a line of a trace.
    #[error("{}: holds no trace: write one with `falaj-sim replay TOKEN --trace`", path.display())]
    NoTrace { path: PathBuf },
    /// Traces of two runs.
    #[error("{}: is the trace of another scenario or seed", path.display())]
    OtherRun { path: PathBuf },
    /// A run that cannot be made smaller.
    #[error("nothing is minimised: {0}")]
    Minimise(#[from] MinimiseError),
}

impl Failure {
    /// The exit code of the program.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Unreadable { .. } => 20,
            Self::Scenario { source, .. } => match **source {
                FileError::Malformed { .. } | FileError::Point { .. } => 21,
                FileError::Unknown { .. } => 22,
                FileError::Impossible { .. } | FileError::Undrawable { .. } => 23,
                FileError::TooManyFaulty { .. } => 24,
                FileError::Contradiction(_) => 25,
            },
            Self::NeedsOut { .. } | Self::NoWindow { .. } => 2,
            #[cfg(not(feature = "mutations"))]
            Self::NoMutations => 2,
            #[cfg(feature = "mutations")]
            Self::UnknownMutation { .. } => 2,
            Self::Unwritable { .. } => 26,
            Self::MissingShard { .. } | Self::Unfinished { .. } => 27,
            Self::OtherSweep { .. } | Self::TwiceShard { .. } | Self::OtherReport { .. } => 28,
            Self::Damaged { .. } => 29,
            Self::Token { .. } | Self::NeitherTokenNorFolder { .. } => 30,
            Self::OtherBuild { .. } => 31,
            Self::NoEvent { .. } | Self::NoNode { .. } | Self::EmptyWindow(_) => 32,
            Self::NoTrace { .. } | Self::OtherRun { .. } => 33,
            Self::Minimise(_) => 35,
            Self::Interrupted { .. } => 36,
        }
    }
}
