//! libFuzzer entry point; the body is `relaycore_fuzz::formats::format_round_trip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::formats::format_round_trip(data));
