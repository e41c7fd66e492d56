//! libFuzzer entry point; the body is `relaycore_fuzz::load::load_reader`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::load::load_reader(data));
