//! libFuzzer entry point; the body is `relaycore_fuzz::formats::mpegvideo_depacketise`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| relaycore_fuzz::formats::mpegvideo_depacketise(data));
