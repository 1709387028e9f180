//! Stacks, kept for the next coroutine of the same thread.
//!
//! On Unix they are carved out of slabs. Each slab is one reservation of address space:
//!
//! ```text
//!  slab:  │guard│   stack 0   │guard│   stack 1   │guard│   stack 2   │ ...
//!                             ▲ base: a stack grows down, towards its guard
//! ```
//!
//! Where the system can guard pages without a mapping of their own (Linux 6.13 and later), a process
//! can have as many stacks as its memory holds. Elsewhere each guard splits the slab's mapping, and
//! the system's limit of mappings applies.

#[cfg(unix)]
mod overflow;
#[cfg(unix)]
mod slab;
#[cfg(unix)]
mod system;
#[cfg(unix)]
pub(super) use overflow::report_overflow;
#[cfg(unix)]
pub(super) use slab::{Pooled, release_idle};

#[cfg(not(unix))]
mod single;
#[cfg(not(unix))]
pub(super) use single::{Pooled, release_idle, report_overflow};
