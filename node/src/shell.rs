//! The shell: what drives the replica on real networks, disks and HSMs.

pub mod network;
