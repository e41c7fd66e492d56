//! libFuzzer entry point; the body is `relaycore_fuzz::client::rtsp_client`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::client::rtsp_client(data));
