//! `nested` calls of `async` bodies.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;

use pushdown::engine::stackless::{Input, Options, Parser};
use pushdown::{ErrorKind, Failure, PushParser, Status};

struct Counting;

thread_local!(static ALLOCATED: Cell<usize> = const { Cell::new(0) });

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATED.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Balanced parentheses; counts them.
async fn group(input: &mut Input<'_>) -> Result<u64, Failure> {
    input.expect(b'(').await?;
    let mut count = 1;
    while input.peek().await? == b'(' {
        count += input.nested(group).await?;
    }
    input.expect(b')').await?;
    Ok(count)
}

fn deep(levels: usize) -> Vec<u8> {
    [vec![b'('; levels], vec![b')'; levels]].concat()
}

fn check<P: PushParser>(parser: &mut P, input: &[u8], size: usize) -> (Status, u64) {
    let mut status = Status::NeedMoreInput;
    for chunk in input.chunks(size) {
        status = parser.feed(chunk).status;
        if status != Status::NeedMoreInput {
            break;
        }
    }
    (status, parser.offset())
}

#[test]
fn any_depth_is_parsed_at_any_cut() {
    for depth in [1, 2, 15, 16, 17, 18, 33, 100, 1000, 20_000] {
        let input = deep(depth);
        let mut parser = Options::new().max_depth(u32::MAX).parser(group);
        for size in [1, 2, 3, 7, 64, 1000, 1 << 20] {
            assert_eq!(
                check(&mut parser, &input, size),
                (Status::Success, 2 * depth as u64),
                "{depth} {size}"
            );
            assert_eq!(parser.take_output(), Some(depth as u64));
            parser.reset();
        }
    }
}

#[test]
fn shapes() {
    let input = b"(()(()())((((()))))())";
    for a in 0..input.len() {
        for b in a..input.len() {
            let mut parser = Parser::new(group);
            for chunk in [&input[..a], &input[a..b], &input[b..]] {
                let _ = parser.feed(chunk);
            }
            assert_eq!(parser.status(), Status::Success);
            assert_eq!(parser.take_output(), Some(11));
        }
    }
}

#[test]
fn too_deep() {
    for limit in [0, 1, 5, 128, 1000] {
        let mut parser = Options::new().max_depth(limit).parser(group);
        for size in [1, 3, 64, 1 << 20] {
            let (status, offset) = check(&mut parser, &deep(limit as usize + 1), size);
            assert_eq!((status, offset), (Status::Success, 2 * u64::from(limit) + 2));
            parser.reset();
            let (status, offset) = check(&mut parser, &deep(limit as usize + 2), size);
            assert_eq!((status, offset), (Status::BadInput, u64::from(limit) + 1));
            assert_eq!(parser.error().unwrap().kind, ErrorKind::TooDeep);
            parser.reset();
        }
    }
}

#[test]
fn a_second_run_allocates_nothing() {
    let mut parser = Options::new().max_depth(u32::MAX).parser(group);
    let input = deep(10_000);
    for run in 0..3 {
        let before = ALLOCATED.get();
        for size in [1 << 20, 1, 100] {
            assert_eq!(check(&mut parser, &input, size).0, Status::Success);
            parser.reset();
        }
        if run > 0 {
            assert_eq!(ALLOCATED.get(), before);
        } else {
            assert!(ALLOCATED.get() - before < 30, "{}", ALLOCATED.get() - before);
        }
    }
}

#[test]
fn a_hundred_thousand_levels_are_dropped_without_recursion() {
    let run = || {
        for how in 0..3 {
            let mut parser = Options::new().max_depth(u32::MAX).parser(group);
            let _ = parser.feed(&vec![b'('; 1_000_000]);
            match how {
                0 => drop(parser),
                1 => parser.reset(),
                _ => _ = parser.finish(),
            }
        }
    };
    std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap().join().unwrap();
}

struct Live<'a>(&'a Cell<i32>);
impl<'a> Live<'a> {
    fn new(count: &'a Cell<i32>) -> Self {
        count.set(count.get() + 1);
        Live(count)
    }
}
impl Drop for Live<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

async fn counted<'c>(input: &mut Input<'_>, live: &'c Cell<i32>) -> Result<(), Failure> {
    let _live = Live::new(live);
    input.expect(b'(').await?;
    while input.peek().await? == b'(' {
        input.nested(|input| counted(input, live)).await?;
    }
    input.expect(b')').await
}

#[test]
fn everything_is_dropped_at_every_cut_and_every_end() {
    let live = Cell::new(0);
    let input = deep(40);
    let mut parser = Parser::new(async |input: &mut Input<'_>| counted(input, &live).await);
    for cut in 0..=input.len() {
        let _ = parser.feed(&input[..cut]);
        if (1..80).contains(&cut) {
            assert!(live.get() > 0);
        }
        parser.reset();
        assert_eq!(live.get(), 0);
        let _ = parser.feed(&input[..cut]);
        let _ = parser.feed(b"x");
        assert_eq!(live.get(), 0);
        parser.reset();
        let _ = parser.feed(&input[..cut]);
        let _ = parser.finish();
        assert_eq!(live.get(), 0);
        parser.reset();
    }
}

#[test]
fn a_boxed_call_that_is_forgotten_borrows_nothing_that_is_gone() {
    let mut parser = Parser::new(async |input: &mut Input<'_>| {
        input.next().await?;
        {
            let text = String::from("borrowed");
            let text = &text;
            let mut call = Box::pin(input.nested(async |input: &mut Input<'_>| {
                let byte = input.next().await?;
                Ok::<usize, Failure>(text.len() + usize::from(byte))
            }));
            std::future::poll_fn(|cx| {
                assert!(call.as_mut().poll(cx).is_pending());
                std::task::Poll::Ready(())
            })
            .await;
            std::mem::forget(call);
        }
        input.next().await?;
        Ok::<(), Failure>(())
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    assert_eq!(parser.feed(b"b").status, Status::Success);
}

#[test]
fn a_caught_panic_of_a_call() {
    struct CatchUnwind<F>(F);
    impl<F: Future> Future for CatchUnwind<F> {
        type Output = Result<F::Output, ()>;
        fn poll(
            self: Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Self::Output> {
            let inner = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
            match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
                Ok(poll) => poll.map(Ok),
                Err(_) => std::task::Poll::Ready(Err(())),
            }
        }
    }
    let mut parser = Options::new().max_depth(3).parser(async |input: &mut Input<'_>| {
        let mut caught = 0;
        for _ in 0..1000 {
            let call = pin!(CatchUnwind(input.nested(async |input: &mut Input<'_>| {
                let _ = input.next().await?;
                if true {
                    std::panic::resume_unwind(Box::new(()));
                }
                Ok::<(), Failure>(())
            })));
            if call.await.is_err() {
                caught += 1;
            }
        }
        Ok::<i32, Failure>(caught)
    });
    assert_eq!(parser.feed(&[b'x'; 1000]).status, Status::Success);
    assert_eq!(parser.take_output(), Some(1000));
}

#[test]
fn parsers_are_send_and_move_between_threads_half_way() {
    fn send<T: Send>(value: T) -> T {
        value
    }
    let mut parser = send(Options::new().max_depth(u32::MAX).parser(group));
    let input = deep(10_000);
    for chunk in input.chunks(999) {
        parser = {
            let chunk = chunk.to_vec();
            std::thread::spawn(move || {
                let _ = parser.feed(&chunk);
                parser
            })
        }
        .join()
        .unwrap();
    }
    assert_eq!(parser.take_output(), Some(10_000));
}

#[test]
fn limits_hold_at_every_cut() {
    async fn body(input: &mut Input<'_>) -> Result<(u64, Vec<u8>), Failure> {
        let n = u64::from(input.next().await? - b'0');
        let mut text = Vec::new();
        {
            let mut part = input.at_most(n);
            part.scan_until(b'.', |piece| text.extend(piece)).await?;
        }
        let n = u64::from(input.next().await? - b'0');
        let mut frame = input.frame(n);
        let first = frame.next().await;
        frame.skip_rest().await?;
        drop(frame);
        Ok((first.map_or(999, u64::from), text))
    }
    for (input, expected) in [
        (&b"4abc.2xyz"[..], Ok((8, (u64::from(b'x'), b"abc".to_vec())))),
        (b"3abc.2xyz", Err((ErrorKind::TooLong, 4))),
        (b"4abc.0xyz", Ok((6, (999, b"abc".to_vec())))),
        (b"1.9abcdefgh", Err((ErrorKind::UnexpectedEnd, 11))),
    ] {
        for a in 0..=input.len() {
            for b in a..=input.len() {
                let mut parser = Parser::new(body);
                let mut status = Status::NeedMoreInput;
                for chunk in [&input[..a], &input[a..b], &input[b..]] {
                    if status == Status::NeedMoreInput {
                        status = parser.feed(chunk).status;
                    }
                }
                let _ = parser.finish();
                let found = match parser.error() {
                    None => Ok((parser.offset(), parser.take_output().unwrap())),
                    Some(error) => Err((error.kind, error.offset)),
                };
                assert_eq!(found, expected, "{a} {b} {}", input.escape_ascii());
            }
        }
    }
}

#[test]
fn siblings_and_selects() {
    // A call raced with a read is refused by the borrow checker; two boxed futures of different inputs are not.
    let _ = Rc::new(());
}
