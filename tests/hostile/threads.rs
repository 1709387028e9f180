//! Parsers and inputs on other threads.

use std::cell::RefCell;
use std::ops::ControlFlow::Continue;
use std::pin::Pin;
use std::thread;

use pushdown::engine::{coroutine, stackless};
use pushdown::quoted::{self, Event, Quoted};
use pushdown::{End, PushParser, Status};

use crate::waits::block_on;
use crate::{Log, both, feed, text};

#[test]
fn a_scoped_thread_may_read_and_emit_while_the_body_waits_for_it() {
    let body = || {
        async |input: &mut stackless::Input<'_, Quoted>| {
            let read = thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    let byte = block_on(input.next())?;
                    input.emit(Event::Text(&[byte]));
                    let slice = block_on(input.take(2))?;
                    let slice = slice.to_vec();
                    input.emit(Event::Text(&slice));
                    assert_eq!(
                        block_on(input.next()),
                        Err(End::Stalled),
                        "no chunk wakes this executor"
                    );
                    Ok::<_, End>(slice)
                });
                reader.join().unwrap()
            })?;
            input.expect(read[1]).await
        }
    };
    both(body, |parser| {
        let log = Log::default();
        let progress = parser.feed_dyn(b"abc", &mut |Event::Text(piece)| {
            log.note(text(piece));
            Continue(())
        });
        assert_eq!(progress.status, Status::NeedMoreInput);
        assert_eq!(log.take(), ["a", "bc"]);
        assert_eq!(feed(parser, b"c").status, Status::Success);
    });
}

#[test]
fn a_stackless_parser_may_be_fed_each_byte_on_another_thread() {
    fn travel(mut parser: impl PushParser<Events = Quoted> + Send + 'static) {
        let input = br#""a \"b\" c""#;
        let mut text = Vec::new();
        for byte in *input {
            let step = move || {
                let progress = parser.feed_with(&[byte], |Event::Text(piece)| text.extend(piece));
                assert_eq!(progress.consumed, 1);
                (parser, text)
            };
            (parser, text) = thread::spawn(step).join().unwrap();
        }
        assert_eq!((parser.status(), &text[..]), (Status::Success, &b"a \"b\" c"[..]));
    }
    travel(quoted::Stackless::new());
    let task = stackless::Task::new(async |input: &mut stackless::Input<'_, Quoted>| {
        quoted::string_async(input, |event| event).await
    });
    travel(Box::pin(task) as Pin<Box<dyn stackless::DynTask<Events = Quoted, Output = ()> + Send>>);
}

/// A parser that waits for its second byte, and notes what its reads return.
fn waiting(log: &Log) -> coroutine::Parser {
    struct Guard(Log);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.note("dropped");
        }
    }
    let guard = Guard(log.clone());
    let mut parser = coroutine::Parser::new(move |input: &mut coroutine::Input<'_>| {
        let inner = Guard(guard.0.clone());
        inner.0.note(format!("{:?}", input.next().map(char::from)));
        inner.0.note(format!("{:?}", input.next().map(char::from)));
        Ok(())
    });
    assert_eq!(feed(&mut parser, b"a").status, Status::NeedMoreInput);
    parser
}

thread_local! {
    static PARSERS: RefCell<Vec<coroutine::Parser>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn a_coroutine_that_ends_with_its_thread_is_abandoned_whether_stacks_remain_or_not() {
    for stacks_first in [true, false] {
        let log = Log::default();
        let noted = log.clone();
        let ends = move || {
            // Thread-locals are destroyed in the reverse of the order in which they were first used.
            if stacks_first {
                PARSERS.with_borrow(Vec::len);
            } else {
                drop(quoted::Coroutine::new());
            }
            PARSERS.with_borrow_mut(|parsers| parsers.extend([waiting(&noted), waiting(&noted)]));
        };
        thread::spawn(ends).join().unwrap();
        let once = ["Ok('a')", "Err(Abandoned)", "dropped", "dropped"];
        assert_eq!(log.take(), [&once[..1], &once[..1], &once[1..], &once[1..]].concat());
    }
}

#[test]
fn every_thread_has_its_own_stacks() {
    let threads: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(|| {
                for _ in 0..200 {
                    let mut parsers: Vec<_> = (0..10).map(|_| quoted::Coroutine::new()).collect();
                    for parser in &mut parsers {
                        let _ = parser.feed(b"\"half");
                    }
                    for parser in parsers.iter_mut().step_by(2) {
                        assert_eq!(parser.feed(b"\"").status, Status::Success);
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
