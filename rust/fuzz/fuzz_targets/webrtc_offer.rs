//! libFuzzer entry point; the body is `relaycore_fuzz::webrtc::webrtc_offer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::webrtc::webrtc_offer(data));
