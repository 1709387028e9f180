//! Every engine answers as the oracle does, when the input is one chunk.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::resp::resp_engines(data));
