//! The engine by stories: each rule under its line in the paper, each deviation, then what surrounds the rules.

mod agreement;
mod blocks;
mod bounds;
mod equivocation;
mod gates;
mod heights;
mod idle;
mod net;
mod relay;
mod restart;
mod rules;
mod status;
mod story;
