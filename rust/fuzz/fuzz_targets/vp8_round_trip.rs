//! libFuzzer entry point; the body is `relaycore_fuzz::video::vp8_round_trip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::video::vp8_round_trip(data));
