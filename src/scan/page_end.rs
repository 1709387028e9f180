//! No kernel reads outside the slice that it is given: slices that end where a page ends, before one
//! that cannot be read, and slices that begin where a page begins, behind such a page. A read outside
//! them ends the test's process.

use core::{ptr, slice};

use super::kernel::Kernel;
use super::{Escaped, Set};

/// Longer than every loop of every kernel.
const LONGEST: usize = 700;

/// A page between two that cannot be read.
struct Page {
    start: *mut u8,
    size: usize,
}

impl Page {
    fn new() -> Self {
        // SAFETY: asks for a number.
        let size = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
        let (none, private) = (libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, at an address of the system's choice.
        let pages = unsafe { libc::mmap(ptr::null_mut(), 3 * size, none, private, -1, 0) };
        assert_ne!(pages, libc::MAP_FAILED);
        // SAFETY: it lies within the mapping.
        let start = unsafe { pages.cast::<u8>().add(size) };
        // SAFETY: the page is in the mapping, and nothing refers to it.
        let readable =
            unsafe { libc::mprotect(start.cast(), size, libc::PROT_READ | libc::PROT_WRITE) };
        assert_eq!(readable, 0);
        Self { start, size }
    }

    /// The last or the first bytes of the page.
    fn bytes(&mut self, length: usize, at_end: bool) -> &mut [u8] {
        let from = if at_end { self.size - length } else { 0 };
        // SAFETY: the page can be read and written, and is borrowed through `self`.
        unsafe { slice::from_raw_parts_mut(self.start.add(from), length) }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the whole mapping, which is not used again.
        let unmapped = unsafe { libc::munmap(self.start.sub(self.size).cast(), 3 * self.size) };
        assert_eq!(unmapped, 0);
    }
}

#[test]
fn no_kernel_reads_outside_its_slice() {
    let stop = Escaped { close: b'"', escape: b'\\' };
    let set = Set::of(b",;\n\"");
    let mut page = Page::new();
    let mut searched = 0;
    for kernel in Kernel::available() {
        for length in 0..=LONGEST {
            for at_end in [true, false] {
                let bytes = page.bytes(length, at_end);
                bytes.fill(b'a');
                assert_eq!(kernel.skip_escaped(stop, bytes), None, "{} {length}", kernel.name());
                assert_eq!(kernel.find_in_set(&set, bytes), None, "{} {length}", kernel.name());
                if let Some(last) = bytes.last_mut() {
                    *last = b'"';
                    let found = kernel.skip_escaped(stop, bytes);
                    assert_eq!(found, Some(length - 1), "{} {length}", kernel.name());
                    let found = kernel.find_in_set(&set, bytes);
                    assert_eq!(found, Some(length - 1), "{} {length}", kernel.name());
                }
                searched += 1;
            }
        }
        std::println!("1 kernel at the ends of a page: {}", kernel.name());
    }
    assert!(searched > 0);
}
