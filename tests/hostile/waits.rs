//! Bodies that wait for their input by other means than a plain `await`, or for something else.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use pushdown::engine::stackless::Input;
use pushdown::{End, ErrorKind, PushParser, Status};

use crate::{Log, both, error, feed};

/// The output of the future that is ready first; the other is dropped.
async fn select<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Pending => second.as_mut().poll(cx),
        ready => ready,
    })
    .await
}

/// Ready once the flag is set.
async fn set(flag: &Cell<bool>) {
    poll_fn(|_| if flag.get() { Poll::Ready(()) } else { Poll::Pending }).await;
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// An executor for one future, which sleeps until it is woken.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_read_may_be_selected_with_something_that_never_happens() {
    let body = || {
        async |input: &mut Input<'_>| {
            while select(pending(), input.next()).await? != b'.' {}
            while select(input.next(), pending()).await? != b'.' {}
            Ok(())
        }
    };
    both(body, |parser| {
        for byte in b"ab.c" {
            assert_eq!(feed(parser, &[*byte]).status, Status::NeedMoreInput);
        }
        assert_eq!(feed(parser, b".x").consumed, 1);
        assert_eq!(parser.status(), Status::Success);
    });
}

#[test]
fn a_read_that_loses_against_something_else_has_taken_nothing() {
    let flag = Rc::new(Cell::new(false));
    let log = Log::default();
    let body = || {
        let (flag, log) = (flag.clone(), log.clone());
        async move |input: &mut Input<'_>| {
            input.expect(b'x').await?;
            select(set(&flag), async { assert!(input.next().await.is_err()) }).await;
            log.note(char::from(input.next().await?));
            Ok(())
        }
    };
    both(body, |parser| {
        flag.set(false);
        assert_eq!(feed(parser, b"x").status, Status::NeedMoreInput);
        flag.set(true);
        assert_eq!(feed(parser, b"a").status, Status::Success);
        assert_eq!(log.take(), ["a"]);
    });
}

#[test]
fn a_read_may_be_joined_with_something_else_while_the_read_is_pending() {
    let flag = Rc::new(Cell::new(false));
    let body = || {
        let flag = flag.clone();
        async move |input: &mut Input<'_>| {
            input.expect(b'x').await?;
            let (mut read, mut other) = (pin!(input.next()), pin!(set(&flag)));
            let mut byte = Poll::Pending;
            poll_fn(|cx| {
                if byte.is_pending() {
                    byte = read.as_mut().poll(cx);
                }
                if byte.is_pending() { Poll::Pending } else { other.as_mut().poll(cx) }
            })
            .await;
            Ok(())
        }
    };
    both(body, |parser| {
        flag.set(true);
        assert_eq!(feed(parser, b"x").status, Status::NeedMoreInput);
        assert_eq!(feed(parser, b"a").status, Status::Success);

        flag.set(false);
        parser.reset();
        assert_eq!(feed(parser, b"x").status, Status::NeedMoreInput);
        assert_eq!(feed(parser, b"ab").status, Status::BadInput);
        assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 2));
    });
}

#[test]
fn a_read_under_another_executor_fails_instead_of_sleeping_for_ever() {
    let log = Log::default();
    let body = || {
        let log = log.clone();
        async move |input: &mut Input<'_>| {
            loop {
                match block_on(input.next()) {
                    Ok(byte) => log.note(char::from(byte)),
                    Err(end) => {
                        assert_eq!(end, End::Stalled);
                        return Err::<(), _>(end.into());
                    }
                }
            }
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"ab").status, Status::BadInput);
        assert_eq!(log.take(), ["a", "b"]);
        assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 2));
        parser.reset();
        assert_eq!(parser.finish().err(), error(ErrorKind::Stalled, 0));
    });
}

#[test]
fn a_body_may_go_on_after_a_read_under_another_executor_failed() {
    let body = || {
        async |input: &mut Input<'_>| {
            while block_on(input.next()).is_ok() {}
            input.expect(b'.').await
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"ab").status, Status::NeedMoreInput);
        assert_eq!(feed(parser, b".").status, Status::Success);
    });
}

#[test]
fn a_waker_that_is_kept_wakes_nothing() {
    let kept = Rc::new(Cell::new(None));
    let body = || {
        let kept = kept.clone();
        async move |input: &mut Input<'_>| {
            kept.set(Some(poll_fn(|cx| Poll::Ready(cx.waker().clone())).await));
            input.expect(b'a').await?;
            input.expect(b'b').await
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"a").status, Status::NeedMoreInput);
        let waker: Waker = kept.take().unwrap();
        thread::spawn(move || waker.wake()).join().unwrap();
        assert_eq!((parser.status(), parser.offset()), (Status::NeedMoreInput, 1));
        assert_eq!(feed(parser, b"b").status, Status::Success);
    });
}

#[test]
fn a_read_polled_with_a_kept_waker_waits_like_any_other() {
    let body = || {
        async |input: &mut Input<'_>| {
            let waker = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            input.expect(b'a').await?;
            let mut read = pin!(input.expect(b'b'));
            poll_fn(|_| read.as_mut().poll(&mut Context::from_waker(&waker))).await
        }
    };
    both(body, |parser| {
        assert_eq!(feed(parser, b"a").status, Status::NeedMoreInput);
        assert_eq!(feed(parser, b"b").status, Status::Success);
    });
}
