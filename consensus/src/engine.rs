//! The public face of consensus: inputs in, outputs out, heights in sequence.
//!
//! `Engine::new(own, start)` opens a height, fresh or after a restart (`HeightStart::guard` says which);
//! `Engine::step(now, input) -> Vec<Output>` is the only thing that changes it; `Engine::status()` says why it is not moving.

mod input;
mod output;
mod status;

pub use input::{
    BodyVerdict, GuardPosition, HeightStart, Input, Own, Parent, Resume, ResumedLock, SignRefusal,
    TimerId, TimerKind, VotesWanted, WorkReason,
};
pub use output::{Alarm, BlockPart, DropReason, Event, Output, Publication};
pub use status::{Shortfall, Status, Wait};
