//! `falaj_fuzz::snapshot::target` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| falaj_fuzz::snapshot::target(data));
