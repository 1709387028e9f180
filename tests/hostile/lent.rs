//! Slices of the chunk, kept for as long as code that compiles can keep them.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn, ready};
use std::mem;
use std::ops::ControlFlow::{self, Break};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use pushdown::engine::stackless::Input;
use pushdown::engine::{coroutine, generator, machine, stackless};
use pushdown::scan::Stop;
use pushdown::{DynParser, ErrorKind, Failure, PushParser, Status};

use crate::{Log, ReadsOnDrop, both, error, feed, panic_of, text};

/// Pending when it is first polled, and then ready.
async fn pending_once() {
    let mut polled = false;
    poll_fn(|_| if mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

/// Polls a read once, finds it pending, and drops it.
async fn poll_read_once(input: &mut Input<'_>) {
    let mut read = pin!(input.next());
    poll_fn(|cx| {
        assert!(read.as_mut().poll(cx).is_pending(), "the chunk is used up");
        Poll::Ready(())
    })
    .await;
}

#[test]
fn a_body_that_waits_for_something_else_is_dropped_while_its_slice_is_still_lent() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut Input<'_>| {
            let _outer = ReadsOnDrop(b"outer", log.clone());
            let _slice = ReadsOnDrop(input.take(3).await?, log.clone());
            pending::<Result<(), Failure>>().await
        }
    };
    both(body, |parser| {
        let progress = feed(parser, b"abcd");
        assert_eq!(log.take(), ["abc", "outer"], "dropped in order, inside `feed`");
        assert_eq!((progress.consumed, progress.status), (3, Status::BadInput));
        assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 3));
        assert_eq!(feed(parser, b"d").consumed, 0, "the end is sticky");
        parser.reset();
        assert_eq!(feed(parser, b"xyz").status, Status::BadInput);
        assert_eq!(log.take(), ["xyz", "outer"]);
    });
}

#[test]
fn a_body_that_waits_for_something_else_after_the_end_is_dropped_by_finish() {
    let body = || {
        async |input: &mut Input<'_>| {
            while input.next().await.is_ok() {}
            pending::<Result<(), Failure>>().await
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"ab").status, Status::NeedMoreInput);
        assert_eq!(parser.finish().err(), error(ErrorKind::Stalled, 2));
    });
}

#[test]
fn a_slice_may_be_kept_across_a_future_that_is_ready() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut Input<'_>| {
            let slice = input.take(3).await?;
            ready(()).await;
            log.note(text(slice));
            Ok(())
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"abc").status, Status::Success);
        assert_eq!(log.take(), ["abc"]);
    });
}

#[test]
fn a_pending_read_that_was_dropped_keeps_the_body_but_not_its_chunk() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut Input<'_>| {
            input.next().await?;
            poll_read_once(input).await;
            pending_once().await;
            log.note(text(input.take(9).await?));
            Ok(())
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"a").status, Status::NeedMoreInput);
        assert_eq!(feed(parser, b"bc").status, Status::Success);
        assert_eq!(log.take(), ["bc"]);
    });
}

#[test]
fn a_byte_put_back_after_a_pending_read_is_not_kept_across_a_foreign_wait() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut Input<'_>| {
            input.next().await?;
            poll_read_once(input).await;
            let _ = input.fail(ErrorKind::UnexpectedByte);
            let _slice = ReadsOnDrop(input.take(9).await?, log.clone());
            pending_once().await;
            Ok(())
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"a").status, Status::BadInput);
        assert_eq!(log.take(), ["a"], "dropped inside `feed`");
        assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 1));
    });
}

#[test]
fn leaked_reads_take_nothing() {
    let body = || {
        async |input: &mut Input<'_>| {
            mem::forget(input.next());
            mem::forget(input.skip_until(b'.'));
            input.expect(b'a').await
        }
    };
    both(body, |parser| assert_eq!(feed(parser, b"a.").consumed, 1));
}

/// A future that keeps a slice and panics when it is polled. The unwinding does not drop the slice,
/// which lies in the future and not in a frame.
struct Keeper<'i, 'p> {
    input: Option<&'i mut Input<'p>>,
    kept: Option<ReadsOnDrop<'i>>,
}

impl Future for Keeper<'_, '_> {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let input = self.input.take().expect("it is polled once");
        if let Poll::Ready(Ok(slice)) = pin!(input.take(3)).poll(cx) {
            self.kept = Some(ReadsOnDrop(slice, KEPT.with_borrow(Log::clone)));
        }
        panic!("in `poll`");
    }
}

thread_local! {
    static KEPT: RefCell<Log> = RefCell::default();
}

fn keeper<'i, 'p>(input: &'i mut Input<'p>) -> Keeper<'i, 'p> {
    Keeper { input: Some(input), kept: None }
}

#[test]
fn a_future_that_panics_and_keeps_its_slice_is_dropped_while_the_slice_is_still_lent() {
    both(
        || keeper,
        |parser| {
            let log = Log::default();
            KEPT.set(log.clone());
            let payload = panic_of(|| feed(parser, b"abc"));
            assert_eq!(payload.downcast_ref(), Some(&"in `poll`"));
            assert_eq!(log.take(), ["abc"]);
            assert_eq!(parser.error().copied(), error(ErrorKind::Panicked, 3));
        },
    );
}

/// Returns an index past the last byte.
struct PastTheEnd;

impl Stop for PastTheEnd {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        Some(bytes.len())
    }
}

struct Scan;

impl machine::Machine for Scan {
    type Events = ();
    type Output = ();

    fn step(&mut self, input: &mut machine::Input<'_>) -> Result<ControlFlow<()>, Failure> {
        input.skip_until(PastTheEnd)?;
        Ok(Break(()))
    }

    fn reset(&mut self) {}
}

#[test]
fn a_stop_that_lies_does_not_make_a_scan_read_past_the_chunk() {
    let mut machine = machine::Parser::new(Scan);
    let mut coroutine = coroutine::Parser::new(|input: &mut coroutine::Input<'_>| {
        input.skip_until(PastTheEnd)?;
        Ok(())
    });
    async fn scan(input: &mut Input<'_>) -> Result<(), Failure> {
        input.scan_until(PastTheEnd, |_| ()).await?;
        Ok(())
    }
    let parsers: [&mut DynParser<'_, ()>; 4] = [
        &mut machine,
        &mut coroutine,
        &mut stackless::Parser::new(scan),
        &mut generator::Parser::new(scan),
    ];
    for parser in parsers {
        panic_of(|| feed(parser, b"abc"));
        assert_eq!(parser.error().copied(), error(ErrorKind::Panicked, 0));
    }
}
