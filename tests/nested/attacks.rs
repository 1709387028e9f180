//! Safe bodies that try to use what is gone. Most of them show only under AddressSanitizer that they
//! fail.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use pushdown::engine::stackless::{Input, Options, Parser};
use pushdown::{ErrorKind, Failure, PushParser, Status};

use crate::{feed, foreign, poll_once};

/// Without I9: every call gets a frame, and this one borrows a local that is gone.
#[test]
#[cfg_attr(pushdown_asan, ignore = "loses memory on purpose, which its leak detector reports")]
fn a_boxed_call_that_is_forgotten_is_not_polled_again() {
    let mut parser = Parser::new(async |input: &mut Input<'_>| {
        input.next().await?;
        {
            let text = String::from("borrowed");
            let text = &text;
            let mut call = Box::pin(input.nested(async |input: &mut Input<'_>| {
                let byte = input.next().await?;
                Ok::<usize, Failure>(text.len() + usize::from(byte))
            }));
            assert!(poll_once(&mut call).await.is_none());
            std::mem::forget(call);
        }
        input.next().await?;
        Ok::<(), Failure>(())
    });
    for _ in 0..3 {
        assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
        assert_eq!(parser.feed(b"b").status, Status::Success);
        parser.reset();
    }
}

#[test]
#[cfg_attr(pushdown_asan, ignore = "loses memory on purpose, which its leak detector reports")]
fn a_forgotten_call_does_not_count_in_the_next_run() {
    let mut parser = Options::new().max_depth(1).parser(async |input: &mut Input<'_>| {
        input.next().await?;
        let mut call = Box::pin(
            input.nested(async |input: &mut Input<'_>| input.next().await.map_err(Failure::from)),
        );
        assert!(poll_once(&mut call).await.is_none());
        std::mem::forget(call);
        input.next().await?;
        Ok::<(), Failure>(())
    });
    for _ in 0..5 {
        assert_eq!(feed(&mut parser, b"ab", 1), Status::Success);
        parser.reset();
    }
}

#[test]
fn a_panic_that_the_caller_catches_leaves_no_frame() {
    let mut parser = Options::new().max_depth(1).parser(async |input: &mut Input<'_>| {
        let mut caught = 0;
        for _ in 0..1000 {
            let mut call = pin!(input.nested(async |input: &mut Input<'_>| {
                if input.next().await? == b'!' {
                    resume_unwind(Box::new("!"));
                }
                Ok(())
            }));
            let caught_here =
                poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx))) {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(result)) => Poll::Ready(result.map(|()| false)),
                    Err(_) => Poll::Ready(Ok(true)),
                });
            caught += u32::from(caught_here.await?);
        }
        Ok::<_, Failure>(caught)
    });
    assert_eq!(parser.feed(&[b'!'; 1000]).status, Status::Success);
    assert_eq!(parser.take_output(), Some(1000));
}

/// Without I11: the first call's owner takes the output of the second one's frame, which lies at the
/// same address and is of another type.
#[test]
fn an_owner_whose_frame_is_gone_takes_no_output() {
    let mut parser = Parser::new(async |input: &mut Input<'_>| {
        let (first_stash, second_stash) = (RefCell::new(None), RefCell::new(None));
        let mut stale = pin!(None);
        input.next().await?;
        {
            let mut outer = pin!(input.nested(|input| {
                first_stash.replace(Some(input));
                async {
                    foreign().await;
                    Ok::<(), Failure>(())
                }
            }));
            assert!(poll_once(&mut outer).await.is_none());
            stale.set(Some(first_stash.take().unwrap().nested(|input| {
                second_stash.replace(Some(input));
                async {
                    foreign().await;
                    Ok::<Box<u64>, Failure>(Box::new(2))
                }
            })));
            assert!(poll_once(&mut stale.as_mut().as_pin_mut().unwrap()).await.is_none());
            // Dropping the outer call drops both frames.
        }
        let mut call = pin!(second_stash.take().unwrap().nested(async |input: &mut Input<'_>| {
            input.next().await?;
            Ok::<u64, Failure>(0x4131)
        }));
        poll_fn(|cx| {
            let stale = stale.as_mut().as_pin_mut().unwrap().poll(cx);
            assert!(stale.is_pending(), "it has taken what another call returned");
            call.as_mut().poll(cx)
        })
        .await
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    assert_eq!(parser.feed(b"b").status, Status::Success);
    assert_eq!(parser.take_output(), Some(0x4131));
}

thread_local!(static POLLS: Cell<u32> = const { Cell::new(0) });

/// Without I12: the frame below, which has ended as well, is polled again.
#[test]
fn a_call_beside_another_that_has_ended_stalls() {
    async fn body(input: &mut Input<'_>, depth: u32) -> Result<u64, Failure> {
        if depth > 0 {
            return input.nested(|input| body(input, depth - 1)).await;
        }
        input.next().await?;
        let stash = RefCell::new(None);
        let mut outer = pin!(input.nested(|input| {
            stash.replace(Some(input));
            // Not in the future, whose memory the output takes.
            POLLS.set(0);
            poll_fn(|_| {
                POLLS.set(POLLS.get() + 1);
                match POLLS.get() {
                    1 => Poll::Pending,
                    2 => Poll::Ready(Ok::<u64, Failure>(1)),
                    _ => panic!("polled after its end"),
                }
            })
        }));
        assert!(poll_once(&mut outer).await.is_none());
        let mut beside = pin!(stash.take().unwrap().nested(async |input: &mut Input<'_>| {
            input.next().await?;
            Ok::<u64, Failure>(10)
        }));
        poll_fn(|cx| {
            let Poll::Ready(beside) = beside.as_mut().poll(cx) else { return Poll::Pending };
            outer.as_mut().poll(cx).map(|outer| Ok(beside? + outer?))
        })
        .await
    }
    for depth in [0, 1, 20] {
        let mut parser = Parser::new(async |input: &mut Input<'_>| body(input, depth).await);
        assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
        assert_eq!(parser.feed(b"b").status, Status::BadInput);
        assert_eq!(parser.error().unwrap().kind, ErrorKind::Stalled, "{depth}");
    }
}

pin_project! {
    /// A future that is ready while it still owns a call of its own.
    struct Early<F> { #[pin] call: F }
}

impl<F: Future> Future for Early<F> {
    type Output = Result<u64, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        assert!(self.project().call.poll(cx).is_pending());
        Poll::Ready(Ok(7))
    }
}

/// Without I10: the frame is unlinked before its future is dropped, and what the inner call holds is not
/// dropped at all.
#[test]
fn a_body_that_is_ready_with_a_call_inside_drops_the_call() {
    async fn body(input: &mut Input<'_>, depth: u32, held: &Rc<()>) -> Result<u64, Failure> {
        if depth > 0 {
            return input.nested(|input| body(input, depth - 1, held)).await;
        }
        input.next().await?;
        let seven = input.nested(|input| Early {
            call: input.nested(async |input: &mut Input<'_>| {
                let _held = held.clone();
                input.next().await?;
                Ok::<u64, Failure>(5)
            }),
        });
        Ok(seven.await? + u64::from(input.next().await?))
    }
    let held = Rc::new(());
    for depth in [0, 1, 14, 15, 16, 20] {
        let mut parser = Parser::new(async |input: &mut Input<'_>| body(input, depth, &held).await);
        assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
        assert_eq!(parser.feed(b"b").status, Status::Success, "{depth}");
        assert_eq!(parser.take_output(), Some(7 + u64::from(b'b')));
        assert_eq!(Rc::strong_count(&held), 1, "{depth}");
    }
}

#[test]
fn a_call_under_a_foreign_waker_fails_and_does_not_hang() {
    async fn level(input: &mut Input<'_>, depth: u32) -> Result<(), Failure> {
        if depth > 0 {
            return input.nested(|input| level(input, depth - 1)).await;
        }
        let mut call = Box::pin(input.nested(async |input: &mut Input<'_>| {
            input.next().await?;
            input.next().await?;
            Ok(())
        }));
        let mut cx = Context::from_waker(Waker::noop());
        match call.as_mut().poll(&mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits for a waker that no chunk wakes"),
        }
    }
    for depth in [0, 1, 20, 100] {
        let mut parser = Parser::new(async |input: &mut Input<'_>| level(input, depth).await);
        let _ = parser.feed(b"a");
        assert_eq!(parser.error().unwrap().kind, ErrorKind::Stalled, "{depth}");
    }
}

#[test]
fn boxed_calls_are_too_deep_long_before_the_stack_ends() {
    async fn level(input: &mut Input<'_>) -> Result<(), Failure> {
        input.expect(b'(').await?;
        Box::pin(input.nested(level)).await
    }
    let mut parser = Options::new().max_depth(u32::MAX).parser(level);
    let _ = parser.feed(&[b'('; 100_000]);
    assert_eq!(parser.error().unwrap().kind, ErrorKind::TooDeep);
}

#[test]
fn large_and_over_aligned_futures_have_their_place() {
    #[repr(align(256))]
    struct Aligned([u8; 256]);

    async fn level(input: &mut Input<'_>, depth: usize) -> Result<usize, Failure> {
        let aligned = Aligned([depth as u8; 256]);
        let large = [depth; 1000];
        input.expect(b'(').await?;
        let mut sum = 0;
        if input.peek().await? == b'(' {
            sum = input.nested(|input| level(input, depth + 1)).await?;
        }
        input.expect(b')').await?;
        assert_eq!((&raw const aligned).addr() % 256, 0);
        assert!(large.iter().all(|value| *value == depth));
        Ok(sum + usize::from(aligned.0[255]))
    }
    let mut parser = Parser::new(async |input: &mut Input<'_>| level(input, 0).await);
    for size in [1, 7, 1000] {
        assert_eq!(feed(&mut parser, &crate::deep(60), size), Status::Success);
        assert_eq!(parser.take_output(), Some((0..60).sum()));
        parser.reset();
    }
}
