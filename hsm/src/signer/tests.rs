//! Tests of the signer with its logs and a token, by topic.

mod attest;
mod audit;
mod crash;
mod decide;
mod files;
mod flow;
mod refusals;
