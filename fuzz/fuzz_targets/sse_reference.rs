//! The messages of any cutting are those of the reference.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::sse::sse_reference(data));
