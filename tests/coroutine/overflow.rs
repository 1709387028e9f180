//! The report of an overflow, in processes of their own.

use std::hint::black_box;
use std::process::Output;
use std::ptr;
use std::thread;

use pushdown::PushParser;
use pushdown::engine::coroutine::{self, Input, Options, Parser};
use pushdown::events::Bytes;

use crate::{SIGABRT, SIGSEGV, in_children, signal};

#[allow(unconditional_recursion, reason = "it is to overflow the stack")]
fn overflow(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    overflow(depth + 1) + frame[7]
}

/// The two texts of the reports.
const OURS: &str = "has overflowed its stack of ";
const STANDARD: &str = "has overflowed its stack\n";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn overflow_in_a_body() {
    let mut parser: Parser = Options::new()
        .stack_size(64 << 10)
        .parser(|input: &mut Input<'_>| {
            input.next()?;
            black_box(overflow(0));
            Ok(())
        })
        .unwrap();
    let _ = parser.feed(b"a");
}

fn overflow_in_a_sink() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.next()?;
        input.emit(b"event");
        Ok(())
    });
    let _ = parser.feed_local(b"a", |_| _ = black_box(overflow(0)));
}

fn overflow_on_a_thread() {
    thread::spawn(|| black_box(overflow(0))).join().unwrap();
}

/// Reads the first page of the address space.
#[allow(unsafe_code, reason = "it is to fault")]
fn fault() {
    // SAFETY: none; the process ends.
    unsafe { black_box(ptr::read_volatile(ptr::without_provenance::<u8>(64))) };
}

fn use_many_slabs() {
    for size in 1..50 {
        let parser: Parser = Options::new()
            .stack_size(size << 16)
            .parser(|input: &mut Input<'_>| input.expect(b'a'))
            .unwrap();
        drop(parser);
        coroutine::release_idle_stacks();
    }
}

fn reported(output: &Output) {
    assert_eq!(signal(output), Some(SIGABRT), "{output:?}");
    let text = stderr(output);
    assert!(text.contains(OURS) && text.contains("`Options::stack_size`"), "{text}");
}

#[test]
fn an_overflow_of_a_body_or_a_sink_is_reported_where_the_program_asks_for_it() {
    in_children(
        "overflow::an_overflow_of_a_body_or_a_sink_is_reported_where_the_program_asks_for_it",
        &[
            ("silent", &overflow_in_a_body, &|output| {
                assert_eq!(signal(output), Some(SIGSEGV), "{output:?}");
                assert!(!stderr(output).contains(OURS));
            }),
            (
                "body",
                &|| {
                    coroutine::report_overflow();
                    coroutine::report_overflow();
                    overflow_in_a_body();
                },
                &reported,
            ),
            (
                "sink on another thread",
                &|| {
                    coroutine::report_overflow();
                    thread::spawn(overflow_in_a_sink).join().unwrap();
                },
                &reported,
            ),
        ],
    );
}

#[test]
fn an_overflow_is_reported_after_many_slabs_have_come_and_gone() {
    in_children(
        "overflow::an_overflow_is_reported_after_many_slabs_have_come_and_gone",
        &[(
            "slabs",
            &|| {
                coroutine::report_overflow();
                let threads: Vec<_> = (0..4).map(|_| thread::spawn(use_many_slabs)).collect();
                for thread in threads {
                    thread.join().unwrap();
                }
                overflow_in_a_body();
            },
            &reported,
        )],
    );
}

#[test]
fn an_ordinary_fault_goes_to_the_handler_before() {
    in_children(
        "overflow::an_ordinary_fault_goes_to_the_handler_before",
        &[
            (
                "thread",
                &|| {
                    coroutine::report_overflow();
                    overflow_on_a_thread();
                },
                &|output| {
                    assert_eq!(signal(output), Some(SIGABRT), "{output:?}");
                    let text = stderr(output);
                    assert!(text.contains(STANDARD) && !text.contains(OURS), "{text}");
                },
            ),
            (
                "fault",
                &|| {
                    coroutine::report_overflow();
                    let _used = Parser::<Bytes, ()>::new(|input| input.expect(b'a'));
                    fault();
                },
                &|output| {
                    assert_eq!(signal(output), Some(SIGSEGV), "{output:?}");
                    assert!(!stderr(output).contains("overflowed"), "{output:?}");
                },
            ),
        ],
    );
}
