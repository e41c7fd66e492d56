//! libFuzzer entry point; the body is `relaycore_fuzz::load::load_packets`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::load::load_packets(data));
