//! Every engine accepts what serde_json accepts, and reports the same value.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::json::json_peer(data));
