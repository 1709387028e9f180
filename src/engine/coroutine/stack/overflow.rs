//! The report of a stack overflow: a handler of the signal that an access to a guard raises.
//!
//! # The invariants
//! After each invariant: the test that fails without it.
//!
//! * **O1. The handler uses what is safe in a signal handler.** Atomics, and the system calls `write`,
//!   `abort` and `sigaction`: no lock and no memory of the heap. (Review; no test can.)
//! * **O2. A node of the list is never freed.** A slab that goes leaves its node to the next one.
//!   (`coroutine/overflow.rs: an_overflow_is_reported_after_many_slabs_have_come_and_gone`)
//! * **O3. The previous action is stored before the handler can run, and never again.**
//!   (`coroutine/overflow.rs: an_ordinary_fault_goes_to_the_handler_before`)

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize};
use std::boxed::Box;
use std::sync::Once;

/// The slabs of all threads, for the signal handler.
static SLABS: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());

/// Where the guards of one slab are. A node is used again, never freed (O2).
struct Node {
    /// Zero while the other numbers are not valid.
    start: AtomicUsize,
    len: AtomicUsize,
    /// The size of a stack with its guard.
    guarded: AtomicUsize,
    guard: AtomicUsize,
    taken: AtomicBool,
    next: *mut Node,
}

/// The guards of a slab, as long as the slab lives.
pub(super) struct Guards(&'static Node);

impl Guards {
    pub(super) fn new(start: usize, len: usize, guarded: usize, guard: usize) -> Self {
        let free = nodes().find(|node| !node.taken.swap(true, Acquire));
        let node = free.unwrap_or_else(new_node);
        node.len.store(len, Relaxed);
        node.guarded.store(guarded, Relaxed);
        node.guard.store(guard, Relaxed);
        node.start.store(start, Release);
        Self(node)
    }
}

impl Drop for Guards {
    fn drop(&mut self) {
        self.0.start.store(0, Relaxed);
        self.0.taken.store(false, Release);
    }
}

fn new_node() -> &'static Node {
    let node = Box::leak(Box::new(Node {
        start: AtomicUsize::new(0),
        len: AtomicUsize::new(0),
        guarded: AtomicUsize::new(0),
        guard: AtomicUsize::new(0),
        taken: AtomicBool::new(true),
        next: SLABS.load(Acquire),
    }));
    while let Err(first) = SLABS.compare_exchange(node.next, node, Release, Acquire) {
        node.next = first;
    }
    node
}

fn nodes() -> impl Iterator<Item = &'static Node> {
    let mut next = SLABS.load(Acquire);
    core::iter::from_fn(move || {
        // SAFETY: O2: null, or a node that is never freed, and that does not change but for its atomics.
        let node = unsafe { next.as_ref()? };
        next = node.next;
        Some(node)
    })
}

/// The size of the stack whose guard contains this address.
fn stack_guarded_at(address: usize) -> Option<usize> {
    nodes().find_map(|node| {
        let start = node.start.load(Acquire);
        let (len, guarded) = (node.len.load(Relaxed), node.guarded.load(Relaxed));
        let guard = node.guard.load(Relaxed);
        let at = address.checked_sub(start).filter(|at| start != 0 && *at < len)?;
        (at % guarded < guard).then_some(guarded - guard)
    })
}

/// The action for a signal before the handler was installed (O3).
struct Previous(UnsafeCell<MaybeUninit<libc::sigaction>>);

// SAFETY: O3: written once, before anything reads it.
unsafe impl Sync for Previous {}

impl Previous {
    const fn unknown() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

static SEGV: Previous = Previous::unknown();
static BUS: Previous = Previous::unknown();

/// Installs the handler, once.
pub(in super::super) fn report_overflow() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Which of the two a guard raises depends on the system.
        install(libc::SIGSEGV, &SEGV);
        install(libc::SIGBUS, &BUS);
    });
}

fn install(signal: c_int, previous: &'static Previous) {
    let action = handle as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    // SAFETY: both are valid as zeros, and the calls read and write these two values. O3: the previous
    // action is there before the handler is.
    unsafe {
        let mut handler: libc::sigaction = core::mem::zeroed();
        handler.sa_sigaction = action as usize;
        // The overflowed stack has no room for the handler. Threads of the standard library have
        // another one for it.
        handler.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigemptyset(&raw mut handler.sa_mask);
        let before = previous.0.get().cast();
        if libc::sigaction(signal, ptr::null(), before) == 0 {
            libc::sigaction(signal, &raw const handler, ptr::null_mut());
        }
    }
}

extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the system passes a description of the fault.
    let address = unsafe { (*info).si_addr() }.addr();
    if let Some(size) = stack_guarded_at(address) {
        report(size);
        // SAFETY: O1.
        unsafe { libc::abort() };
    }
    let previous = if signal == libc::SIGBUS { &BUS } else { &SEGV };
    // SAFETY: O3: `install` has written it.
    let previous = unsafe { (*previous.0.get()).assume_init_ref() };
    match previous.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // The instruction faults again when this returns, and the process ends as it would have.
            // SAFETY: O1; a valid action.
            unsafe {
                let mut default: libc::sigaction = core::mem::zeroed();
                default.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &raw const default, ptr::null_mut());
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: with this flag it is such a function.
            let handler = unsafe {
                core::mem::transmute::<usize, extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void)>(
                    handler,
                )
            };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: without this flag it is such a function.
            let handler = unsafe { core::mem::transmute::<usize, extern "C" fn(c_int)>(handler) };
            handler(signal);
        }
    }
}

fn report(mut size: usize) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    while first > 0 && (size > 0 || first == digits.len()) {
        first -= 1;
        digits[first] = b'0' + (size % 10) as u8;
        size /= 10;
    }
    write(b"\na parser of `pushdown::engine::coroutine` has overflowed its stack of ");
    write(&digits[first..]);
    write(
        b" bytes\nIts body and the sinks that it calls run there: \
        give them more with `Options::stack_size`.\n",
    );
}

/// Writes as much as the system takes. An error has no caller to go to.
fn write(text: &[u8]) {
    // SAFETY: O1: reads the text.
    unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_guard_or_not() {
        // Ten stacks of 80 bytes at addresses that no slab has.
        const START: usize = 1 << 62;
        for _ in 0..2 {
            let guards = Guards::new(START, 1000, 100, 20);
            for guard in [0, 1, 19, 100, 119, 900, 919] {
                assert_eq!(stack_guarded_at(START + guard), Some(80), "{guard}");
            }
            for other in [20, 99, 120, 920, 999, 1000, 1019, 5000] {
                assert_eq!(stack_guarded_at(START + other), None, "{other}");
            }
            assert_eq!(stack_guarded_at(START - 1), None);
            assert_eq!(stack_guarded_at(0), None);
            drop(guards);
            assert_eq!(stack_guarded_at(START), None);
        }
    }
}
