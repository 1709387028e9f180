//! Every kernel finds what the definition finds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::parsers::scan_kernels(data));
