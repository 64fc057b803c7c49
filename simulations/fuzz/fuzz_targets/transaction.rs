//! `falaj_fuzz::transaction::target` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| falaj_fuzz::transaction::target(data));
