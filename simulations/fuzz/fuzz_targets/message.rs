//! `falaj_fuzz::message::target` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| falaj_fuzz::message::target(data));
