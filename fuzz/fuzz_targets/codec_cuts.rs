//! Every driver finds what a plain loop over the whole stream finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::codec::codec_cuts(data));
