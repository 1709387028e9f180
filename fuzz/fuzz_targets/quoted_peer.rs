//! Every engine ends where the regular expression matches.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::parsers::quoted_peer(data));
