//! Every engine answers as the oracle does.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::json::json_engines(data));
