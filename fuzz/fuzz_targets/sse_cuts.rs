//! Every engine reports for any cutting what the reference does for the whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::sse::sse_cuts(data));
