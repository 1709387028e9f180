//! The items of any cutting are the values at the pattern, and serde_json finds the same there.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::json::json_items(data));
