//! Real Falaj processes on one machine: provisioned, loaded, disturbed, verified, shown.
//!
//! Everything here drives the `falaj` program by its command line and its HTTP API, as an operator or a bank would; nothing of a node runs
//! in this process. [`verify`] alone uses the libraries: it re-executes what the nodes' logs hold, without believing the nodes.
//! Guide: `docs/guide/testnet.md`.

pub mod bench;
pub mod cli;
pub mod cluster;
pub mod control;
pub mod demo;
pub mod economy;
pub mod events;
pub mod exit;
pub mod fault;
pub mod files;
pub mod hold;
pub mod http;
pub mod keyring;
pub mod keys;
pub mod load;
pub mod manifest;
pub mod network;
pub mod paysim;
pub mod ports;
pub mod process;
pub mod program;
pub mod provision;
pub mod stop;
pub mod sweeper;
mod synced;
pub mod timers;
pub mod token;
pub mod verify;
pub mod wallet;
pub mod witness;
mod words;
