//! The decoders report of any cutting what std reports, and so does every kernel.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::text::text_utf8(data));
