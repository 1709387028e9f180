//! Attacks that compile: what hostile bodies, sinks and callers do to parsers at run time. Each has
//! a defined outcome, and none touches memory that is not its own, which AddressSanitizer sees:
//!
//! ```text
//! ASAN_OPTIONS=detect_stack_use_after_return=0 \
//! RUSTFLAGS="-Zsanitizer=address --cfg pushdown_asan" cargo +nightly test \
//!     --target x86_64-unknown-linux-gnu --all-features --test attacks
//! ```
//!
//! The option is for all tests: it keeps variables on the stack, which `Input::nested` measures and
//! which a coroutine that is dropped gives back with all that is on it.
//!
//! The attacks that do not compile are in `src/attacks.rs`.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use pushdown::engine::{generator, stackless};
use pushdown::{Error, ErrorKind, Events, Failure, PushParser};

#[path = "../common/engines.rs"]
mod engines;

mod ends;
mod lent;
mod nested;
mod threads;
mod waits;

/// What happened, in order.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl fmt::Display) {
        self.0.lock().unwrap().push(what.to_string());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Read byte by byte in this crate, which is checked, where the standard library's own code is not.
fn text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Notes that it is dropped, and what its slice holds by then.
struct ReadsOnDrop<'s>(&'s [u8], Log);

impl Drop for ReadsOnDrop<'_> {
    fn drop(&mut self) {
        self.1.note(text(self.0));
    }
}

/// Runs a test with both engines that drive `async` bodies.
fn both<B, E, T>(body: impl Fn() -> B, test: impl Fn(&mut dyn PushParser<Events = E>))
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

/// Feeds a chunk that is freed right after.
fn feed<E: Events>(parser: &mut dyn PushParser<Events = E>, chunk: &[u8]) -> pushdown::Progress {
    let freed = Box::<[u8]>::from(chunk);
    parser.feed(&freed)
}

/// What a call panics with.
fn panic_of<R>(call: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(_) => panic!("the call should have panicked"),
        Err(payload) => payload,
    }
}

fn error(kind: ErrorKind, offset: u64) -> Option<Error> {
    Some(Error { kind, offset })
}
