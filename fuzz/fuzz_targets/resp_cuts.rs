//! Every engine answers any cutting as the oracle answers the whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::resp::resp_cuts(data));
