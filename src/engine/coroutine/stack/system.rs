//! The calls of the operating system.

use core::ffi::c_void;
use core::ptr::{self, NonNull};
use std::io;
use std::sync::OnceLock;

/// The size of a page in bytes, a power of two.
pub(super) fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: reads a constant of the system.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).ok().filter(|size| size.is_power_of_two()).unwrap_or(4096)
    })
}

/// Reserves address space, which takes memory only once it is touched.
pub(super) fn reserve(len: usize) -> io::Result<NonNull<u8>> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping, at an address that the system chooses.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // A huge page would give memory to every stack in it as soon as one of them is touched. It is
    // advice only: a system without huge pages refuses it.
    #[cfg(target_os = "linux")]
    // SAFETY: the mapping is ours.
    unsafe {
        libc::madvise(start, len, libc::MADV_NOHUGEPAGE);
    }
    NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
}

/// Returns a reservation to the system.
///
/// # Safety
/// It came from [`reserve`] with the same length, and is not used again.
pub(super) unsafe fn release(start: NonNull<u8>, len: usize) {
    // SAFETY: upheld by the caller.
    let result = unsafe { libc::munmap(start.as_ptr().cast(), len) };
    debug_assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// Makes every access to these pages end the process.
///
/// # Safety
/// They are whole pages of a reservation, and not in use.
pub(super) unsafe fn guard(start: NonNull<u8>, len: usize) -> io::Result<()> {
    /// Linux 6.13: a guard is an entry in the page table instead of a mapping.
    #[cfg(target_os = "linux")]
    const MADV_GUARD_INSTALL: i32 = 102;

    let start: *mut c_void = start.as_ptr().cast();
    #[cfg(target_os = "linux")]
    // SAFETY: upheld by the caller.
    if unsafe { libc::madvise(start, len, MADV_GUARD_INSTALL) } == 0 {
        return Ok(());
    }
    // SAFETY: upheld by the caller.
    match unsafe { libc::mprotect(start, len, libc::PROT_NONE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns the pages' memory to the system; they read as zero when next touched.
///
/// # Safety
/// They are whole pages of a reservation, and their contents are not needed.
pub(super) unsafe fn discard(start: NonNull<u8>, len: usize) {
    // Advice only: where it is refused the memory stays.
    // SAFETY: upheld by the caller.
    unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTNEED) };
}
