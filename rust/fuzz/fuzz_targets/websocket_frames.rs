//! libFuzzer entry point; the body is `relaycore_fuzz::wire::websocket_frames`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::wire::websocket_frames(data));
