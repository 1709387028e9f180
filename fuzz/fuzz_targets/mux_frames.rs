//! The frames of any cutting are those of the whole, and the answers those to the questions.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::mux::mux_frames(data));
