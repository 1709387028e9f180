//! A random body answers the same in every engine, cut anywhere and paused anywhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::bodies::bodies_engines(data));
