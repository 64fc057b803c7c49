//! The shell: what drives the replica on real networks, disks and HSMs.

pub mod api;
pub mod binding;
pub mod cli;
pub mod config;
pub mod draft;
pub mod form;
pub mod hello;
pub mod history;
pub mod home;
pub mod keys;
pub mod measure;
pub mod network;
pub mod node;
pub mod outlet;
pub mod recover;
pub mod room;
pub mod runtime;
pub mod shelf;
pub mod snapshot;
pub mod view;
pub mod watch;
pub mod whole;
