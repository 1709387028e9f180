//! Hostile bodies, sinks and callers whose code compiles. Each has a defined outcome, and none
//! accesses memory that it may not, which AddressSanitizer checks:
//!
//! ```text
//! ASAN_OPTIONS=detect_stack_use_after_return=0 \
//! RUSTFLAGS="-Zsanitizer=address --cfg pushdown_asan" cargo +nightly test \
//!     --target x86_64-unknown-linux-gnu --all-features --test hostile
//! ```
//!
//! All tests need the option. It keeps variables on the real stack: `Input::nested` measures that
//! stack, and a coroutine that is dropped gives it back with everything on it.
//!
//! Hostile code that does not compile is in `src/compile_fail/`.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use pushdown::engine::{generator, stackless};
use pushdown::{DynParser, Error, ErrorKind, Events, Failure, PushParser};

#[path = "../common/engines.rs"]
mod engines;

mod ends;
mod lent;
mod nested;
mod threads;
mod waits;

/// The notes of a test, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, note: impl fmt::Display) {
        self.0.lock().unwrap().push(note.to_string());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Reads byte by byte in this crate, where AddressSanitizer checks each access. The standard library
/// is compiled without it.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Notes, when it is dropped, what its slice then holds.
struct ReadsOnDrop<'s>(&'s [u8], Log);

impl Drop for ReadsOnDrop<'_> {
    fn drop(&mut self) {
        self.1.note(text(self.0));
    }
}

/// Runs a test with each of the two engines that drive `async` bodies.
fn both<B, E, T>(body: impl Fn() -> B, test: impl Fn(&mut DynParser<'_, E, T>))
where
    B: AsyncFnMut(&mut stackless::Input<'_, E>) -> Result<T, Failure> + 'static,
    E: Events,
    T: 'static,
{
    println!("stackless");
    test(&mut stackless::Parser::new(body()));
    println!("generator");
    test(&mut generator::Parser::new(body()));
}

/// Feeds a chunk that is freed right after the call.
fn feed(parser: &mut (impl PushParser + ?Sized), chunk: &[u8]) -> pushdown::Progress {
    let freed = Box::<[u8]>::from(chunk);
    parser.feed(&freed)
}

/// The payload of the panic of a call.
fn panic_of<R>(call: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(_) => panic!("the call should have panicked"),
        Err(payload) => payload,
    }
}

fn error(kind: ErrorKind, offset: u64) -> Option<Error> {
    Some(Error::new(kind, offset))
}
