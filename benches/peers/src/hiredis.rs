use std::ffi::c_void;
use std::ptr::NonNull;

unsafe extern "C" {
    safe fn hiredis_new() -> Option<NonNull<c_void>>;
    fn hiredis_free(reader: NonNull<c_void>);
    fn hiredis_feed(reader: NonNull<c_void>, chunk: *const u8, len: usize) -> isize;
}

/// The reader of hiredis, the client in C. It copies each chunk to its buffer, and makes a tree of each reply, with an
/// allocation for every node and every text. Before version 1 it reads RESP2 alone.
#[derive(Debug)]
pub struct Hiredis(NonNull<c_void>);

impl Hiredis {
    /// Creates a reader.
    ///
    /// # Panics
    /// If there is no memory.
    pub fn new() -> Self {
        Self(hiredis_new().expect("memory"))
    }

    /// Reads a chunk, and drops the replies that it completes. Returns their number, or `None` if the chunk is not
    /// understood.
    pub fn feed(&mut self, chunk: &[u8]) -> Option<usize> {
        // SAFETY: the reader is one that has not been freed. The function reads `len` bytes from `chunk`, and keeps no
        // pointer.
        let replies = unsafe { hiredis_feed(self.0, chunk.as_ptr(), chunk.len()) };
        replies.try_into().ok()
    }
}

impl Default for Hiredis {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Hiredis {
    fn drop(&mut self) {
        // SAFETY: nothing uses the reader after this.
        unsafe { hiredis_free(self.0) };
    }
}
