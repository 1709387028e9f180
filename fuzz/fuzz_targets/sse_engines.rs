//! Every engine reports what the reference does.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::sse::sse_engines(data));
