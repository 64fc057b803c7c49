//! The API over a whole node: one validator on temporary folders, asked without a socket.

mod submitting;
mod world;
