//! Our value of an input that redis-protocol accepts is the same, of as many bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::resp::resp_peer(data));
