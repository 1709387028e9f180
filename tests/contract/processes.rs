//! Stacks in processes that are short of memory, or that print full backtraces.

use std::env;
#[cfg(not(pushdown_asan))]
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use pushdown::engine::coroutine::{Input, Options, Parser};
use pushdown::{ErrorKind, Failure, PushParser};
#[cfg(not(pushdown_asan))]
use pushdown::{Status, quoted};

/// Runs the calling test again, in a process that a shell command has prepared. Returns false in that
/// process.
fn reruns(test: &str, prepare: &str) -> bool {
    const RERUN: &str = "PUSHDOWN_RERUN";
    if env::var_os(RERUN).is_some() {
        return false;
    }
    let output = Command::new("sh")
        .args(["-c", &format!("{prepare} && exec \"$0\" \"$@\"")])
        .arg(env::current_exe().unwrap())
        .args(["--exact", &format!("processes::{test}"), "--nocapture"])
        .env(RERUN, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}\n{stdout}", output.status);
    assert!(stdout.contains("1 passed"), "{stdout}");
    true
}

#[test]
fn a_panic_at_the_end_of_a_stack_has_room_for_its_backtrace() {
    fn bottom(input: &mut Input<'_>) -> Result<(), Failure> {
        input.next()?;
        let deeper = input.nested(bottom);
        assert!(deeper.is_ok(), "at the bottom");
        deeper
    }
    if reruns(
        "a_panic_at_the_end_of_a_stack_has_room_for_its_backtrace",
        "export RUST_BACKTRACE=full",
    ) {
        return;
    }
    for size in [0, 64 << 10] {
        let options = Options::new().stack_size(size).max_depth(u32::MAX);
        let mut parser: Parser = options.parser(bottom).unwrap();
        let fed = catch_unwind(AssertUnwindSafe(|| parser.feed(&[0; 1_000_000])));
        assert!(fed.is_err());
        assert_eq!(parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
    }
}

/// Not with AddressSanitizer, which needs more address space than the limit allows.
#[cfg(not(pushdown_asan))]
#[test]
fn a_stack_is_refused_when_memory_runs_out() {
    if reruns("a_stack_is_refused_when_memory_runs_out", "ulimit -v 1000000") {
        return;
    }
    let mut parsers = Vec::with_capacity(1_000_000);
    let error = loop {
        match quoted::Coroutine::try_new() {
            Ok(parser) => parsers.push(parser),
            Err(error) => break error,
        }
    };
    println!("{} parsers, then: {error}", parsers.len());
    assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    assert!(Parser::<(), ()>::try_new(|input| input.expect(b'.')).is_err());
    for parser in &mut parsers {
        assert_eq!(parser.feed(b"\"\"").status, Status::Success);
    }
    drop(parsers);
    assert!(quoted::Coroutine::try_new().is_ok());
}
