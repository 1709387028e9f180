//! The engine `coroutine`: its bounds and pauses beside those of `stackless`, what happens while its
//! stacks unwind, and the stacks themselves.
//!
//! ```text
//! ASAN_OPTIONS=detect_stack_use_after_return=0 \
//! RUSTFLAGS="-Zsanitizer=address --cfg pushdown_asan" cargo +nightly test \
//!     --target x86_64-unknown-linux-gnu --all-features --test coroutine
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Output};
use std::rc::Rc;
use std::{env, mem, thread};

use pushdown::{Error, ErrorKind, Progress, PushParser};

mod bounds;
mod embedding;
mod ends;
mod laws;
mod overflow;
mod stacks;
mod unwinding;

/// The notes of a test, in order.
#[derive(Clone, Debug, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn note(&self, note: impl fmt::Debug) {
        self.0.borrow_mut().push(format!("{note:?}"));
    }

    fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.borrow_mut())
    }
}

/// Feeds a chunk that is freed right after the call.
fn feed(parser: &mut impl PushParser, chunk: &[u8]) -> Progress {
    let freed = Box::<[u8]>::from(chunk);
    parser.feed(&freed)
}

/// The payload of the panic of a call, which has left no trace on the thread.
fn panic_of<R>(call: impl FnOnce() -> R) -> Box<dyn Any + Send> {
    let result = catch_unwind(AssertUnwindSafe(call));
    assert!(!thread::panicking(), "the panic is over once it is caught");
    match result {
        Ok(_) => panic!("the call should have panicked"),
        Err(payload) => payload,
    }
}

/// The message of the panic of a call.
fn message_of<R>(call: impl FnOnce() -> R) -> &'static str {
    panic_of(call).downcast_ref::<&'static str>().expect("a message")
}

fn error(kind: ErrorKind, offset: u64) -> Option<Error> {
    Some(Error::new(kind, offset))
}

/// A name, a function to run in a process of its own, and a check of what came of it.
type Case<'c> = (&'c str, &'c dyn Fn(), &'c dyn Fn(&Output));

/// Runs the calling test again for each of the cases, each in a process of its own, and checks what
/// came of it. In such a process it runs the case.
fn in_children(test: &str, cases: &[Case<'_>]) {
    const CASE: &str = "PUSHDOWN_CASE";
    if let Ok(word) = env::var(CASE) {
        for (name, run, _) in cases {
            if *name == word {
                run();
            }
        }
        return;
    }
    let options = env::var("ASAN_OPTIONS").unwrap_or_default();
    for (name, _, check) in cases {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CASE, name)
            // Faults end the process as they do without the sanitizer.
            .env(
                "ASAN_OPTIONS",
                format!("{options}:handle_segv=0:handle_abort=0:use_sigaltstack=0:detect_leaks=0"),
            )
            .output();
        let output = output.unwrap();
        println!("{name}: {}", output.status);
        check(&output);
    }
}

fn signal(output: &Output) -> Option<i32> {
    use std::os::unix::process::ExitStatusExt;
    output.status.signal()
}

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;
