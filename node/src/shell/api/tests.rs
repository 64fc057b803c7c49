//! The API over a whole node: one validator on temporary folders, asked without a socket.

mod diverged;
mod document;
mod encoding;
mod ledger_events;
mod node;
mod older;
mod reading;
mod refusing;
mod sockets;
mod streaming;
mod submitting;
pub(in crate::shell) mod world;
