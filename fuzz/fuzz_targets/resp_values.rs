//! Values and requests are those of the oracle's events in any cutting, and are read as they are written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::resp::resp_values(data));
