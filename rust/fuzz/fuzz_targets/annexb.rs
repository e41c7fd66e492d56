//! libFuzzer entry point; the body is `relaycore_fuzz::media::annexb`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::media::annexb(data));
