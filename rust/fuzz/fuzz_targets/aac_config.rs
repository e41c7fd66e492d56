//! libFuzzer entry point; the body is `relaycore_fuzz::media::aac_config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::media::aac_config(data));
