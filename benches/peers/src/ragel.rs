use std::ffi::c_int;

use crate::{Recogniser, Status};

unsafe extern "C" {
    safe fn quoted_first() -> c_int;
    fn quoted_feed(state: &mut c_int, chunk: *const u8, len: usize) -> c_int;
}

/// A machine in C, made by Ragel with `-G2`, which writes a `goto` for every transition.
#[derive(Debug)]
pub struct Ragel(c_int);

impl Default for Ragel {
    fn default() -> Self {
        Self(quoted_first())
    }
}

impl Recogniser for Ragel {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        // SAFETY: the function reads `len` bytes from `chunk`, and keeps no pointer.
        match unsafe { quoted_feed(&mut self.0, chunk.as_ptr(), chunk.len()) } {
            0 => Status::NeedMoreInput,
            1 => Status::Success,
            _ => Status::BadInput,
        }
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}
