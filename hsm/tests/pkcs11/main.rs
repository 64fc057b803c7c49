//! The PKCS #11 backend on SoftHSM2: real tokens, in a child process for each test.
//!
//! Nothing is skipped: without SoftHSM2 every test fails with the line to run.

mod algorithms;
mod bench;
