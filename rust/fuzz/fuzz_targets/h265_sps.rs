//! libFuzzer entry point; the body is `relaycore_fuzz::video::h265_sps`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::video::h265_sps(data));
