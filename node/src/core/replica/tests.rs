//! One replica, driven by hand: its effects performed at once on disks in memory, its outputs read.

mod alone;
mod batching;
mod catching_up;
mod evidence;
mod faults;
mod flood;
mod forks;
mod frames;
mod governing;
mod harness;
mod serving;
mod signing;
mod standing;
mod upgrading;
mod voting;
