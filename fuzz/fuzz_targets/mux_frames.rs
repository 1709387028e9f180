//! Any cutting gives the frames of the whole, and every answer belongs to its question.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pushdown_fuzz::mux::mux_frames(data));
