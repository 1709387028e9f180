//! The stacks: what they hold, where they end, and what happens beyond.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::process::{self, Output};
use std::ptr;
use std::thread;

use pushdown::engine::coroutine::{self, Input, Options, Parser};
use pushdown::events::Bytes;
use pushdown::{ErrorKind, Failure, PushParser, Status};

use crate::{SIGSEGV, feed, in_children, signal};

#[test]
fn outputs_of_any_size_fit_the_stack() {
    fn check<const N: usize>() {
        let mut parser = Options::new()
            .stack_size(16 << 10)
            .parser::<_, Bytes, [u8; N]>(|input| {
                input.nested(|input| {
                    let byte = input.next()?;
                    Ok([byte; N])
                })
            })
            .unwrap();
        assert_eq!(parser.feed(b"a").status, Status::Success);
        assert!(parser.take_output().unwrap().iter().all(|byte| *byte == b'a'));
    }
    check::<0>();
    check::<30_000>();
    check::<60_000>();
}

#[test]
fn bodies_and_outputs_of_any_alignment_are_aligned() {
    // Unoptimised code has many copies of them on the caller's stack, too.
    let thread = thread::Builder::new().stack_size(64 << 20).spawn(make_aligned);
    thread.unwrap().join().unwrap();
}

fn make_aligned() {
    #[derive(Clone, Copy)]
    // The sanitizer's frames are several times as large.
    #[cfg_attr(not(pushdown_asan), repr(align(65536)))]
    #[cfg_attr(pushdown_asan, repr(align(16384)))]
    struct Aligned(u8);

    for count in 1..4 {
        let mut parsers: Vec<_> = (0..count)
            .map(|_| {
                let body = Aligned(7);
                let options = Options::new().stack_size(16 << 10);
                let parser = options.parser(move |input: &mut Input<'_, Bytes>| {
                    let body = &raw const body;
                    input.next()?;
                    #[allow(
                        unsafe_code,
                        reason = "the alignment of a reference is taken for granted"
                    )]
                    // SAFETY: it was just made from a reference. A volatile read is not optimised away.
                    let read = unsafe { ptr::read_volatile(&raw const (*body).0) };
                    assert_eq!(read, 7);
                    Ok(black_box(body).addr() % align_of::<Aligned>())
                });
                parser.unwrap()
            })
            .collect();
        for parser in &mut parsers {
            assert_eq!(feed(parser, b"a").status, Status::Success);
            assert_eq!(parser.take_output(), Some(0));
        }
    }
    let mut parser = Parser::<Bytes, Aligned>::new(|input| Ok(Aligned(input.next()?)));
    assert_eq!(feed(&mut parser, b"a").status, Status::Success);
    assert_eq!(parser.take_output().unwrap().0, b'a');
}

/// Balanced parentheses.
fn group(input: &mut Input<'_>) -> Result<(), Failure> {
    input.expect(b'(')?;
    while input.peek()? == b'(' {
        input.nested(group)?;
    }
    input.expect(b')')
}

#[test]
fn nested_calls_of_an_outer_body_on_an_inner_stack_are_refused_before_that_overflows() {
    let mut outer: Parser = Options::new()
        .max_depth(u32::MAX)
        .parser(|input: &mut Input<'_>| {
            let mut inner = Parser::<Bytes, ()>::new(|input| {
                let byte = input.next()?;
                input.emit(&[byte]);
                Ok(())
            });
            let mut result = Ok(());
            let _ = inner.feed_local(b"x", |_| result = group(input));
            result
        })
        .unwrap();
    let _ = outer.feed(&b"(".repeat(1_000_000));
    assert_eq!(outer.error().map(|error| error.kind), Some(ErrorKind::TooDeep));
    // Reads that do not go deeper are fine there.
    outer.reset();
    for chunk in [b"(", b")"] {
        let _ = feed(&mut outer, chunk);
    }
    assert_eq!(outer.status(), Status::Success);
}

#[allow(unconditional_recursion, reason = "it is to overflow the stack")]
/// Recurses with small frames, and calls `at` with an address in each.
fn descend(at: &dyn Fn(usize)) -> usize {
    let here = black_box(0_u8);
    at((&raw const here).addr());
    descend(at) + usize::from(black_box(here))
}

/// Overflows a stack with frames that step over 8 KiB, while a neighbour below is suspended.
fn step_over_a_page() {
    thread_local! {
        static HIGHEST: Cell<usize> = const { Cell::new(0) };
    }
    // The stack of the second parser lies above that of the first, whose frames are at its upper end.
    let mut neighbour: Parser = Parser::new(|input: &mut Input<'_>| {
        let live = [black_box(1_u8); 64];
        HIGHEST.set((&raw const live).addr() + live.len());
        input.next()?;
        let _ = input.next()?;
        assert_eq!(black_box(live), [1; 64]);
        Ok(())
    });
    let _ = neighbour.feed(b"a");
    let mut overflows: Parser = Parser::new(|input: &mut Input<'_>| {
        input.next()?;
        assert!((&raw const *input).addr() > HIGHEST.get(), "it is the neighbour's neighbour");
        descend(&|here| {
            // Compiled C writes at the lower end of its frame, and need not touch the pages between.
            if here - (8 << 10) <= HIGHEST.get() {
                process::exit(CORRUPTED);
            }
        });
        Ok(())
    });
    let _ = overflows.feed(b"a");
}

/// The exit code for a write into another stack.
const CORRUPTED: i32 = 7;

#[test]
fn a_frame_of_c_that_steps_over_a_page_ends_the_process_before_it_reaches_the_next_stack() {
    in_children(
        "stacks::a_frame_of_c_that_steps_over_a_page_ends_the_process_before_it_reaches_the_next_stack",
        &[("overflow", &step_over_a_page, &|output| {
            assert_ne!(output.status.code(), Some(CORRUPTED), "it wrote into the neighbour");
            assert_eq!(signal(output), Some(SIGSEGV), "{output:?}");
        })],
    );
}

thread_local! {
    static KEPT: RefCell<Option<Parser<Bytes, ()>>> = const { RefCell::new(None) };
}

const EXITED: i32 = 42;

fn exits(input: &mut Input<'_, Bytes>) -> Result<(), Failure> {
    match input.next()? {
        b'b' => process::exit(EXITED),
        b's' => input.emit(b"exit"),
        _inner => {
            let mut inner = Parser::<Bytes, ()>::new(|input| {
                input.next()?;
                input.emit(b"exit");
                Ok(())
            });
            let _ = inner.feed_local(b"a", |_| process::exit(EXITED));
        }
    }
    Ok(())
}

fn exit_in(place: &str) {
    KEPT.with_borrow_mut(|kept| {
        let parser = kept.insert(Parser::new(exits));
        let _ = parser.feed_local(&place.as_bytes()[..1], |_| process::exit(EXITED));
    });
}

#[test]
fn a_process_may_exit_in_a_body_or_a_sink_of_a_parser_in_a_thread_local() {
    let exited = |output: &Output| assert_eq!(output.status.code(), Some(EXITED), "{output:?}");
    in_children(
        "stacks::a_process_may_exit_in_a_body_or_a_sink_of_a_parser_in_a_thread_local",
        &[
            ("body", &|| exit_in("body"), &exited),
            ("sink", &|| exit_in("sink"), &exited),
            ("inner", &|| exit_in("inner"), &exited),
        ],
    );
}

/// Resident memory of the process in KiB.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Touches so many KiB of the stack.
#[cfg(target_os = "linux")]
fn touch(kib: usize) -> u8 {
    let frame = black_box([1_u8; 1 << 10]);
    if kib > 1 { touch(kib - 1) + black_box(frame[kib % 9]) - 1 } else { frame[0] }
}

#[cfg(target_os = "linux")]
fn release_what_was_touched() {
    let make = |_| {
        let mut parser: Parser = Options::new()
            .stack_size(4 << 20)
            .parser(|input: &mut Input<'_>| {
                input.next()?;
                assert_eq!(touch(512), 1);
                Ok(())
            })
            .unwrap();
        let _ = parser.feed(b"a");
        parser
    };
    drop((0..8).map(make).collect::<Vec<_>>());
    let before = resident();
    coroutine::release_idle_stacks();
    let after = resident();
    assert!(before >= after + 8 * 512, "{before} KiB before, {after} KiB after");
}

#[cfg(target_os = "linux")]
#[test]
fn idle_stacks_keep_the_memory_they_have_touched_until_it_is_released() {
    in_children(
        "stacks::idle_stacks_keep_the_memory_they_have_touched_until_it_is_released",
        &[("touched", &release_what_was_touched, &|output| {
            assert!(output.status.success(), "{output:?}");
        })],
    );
}
