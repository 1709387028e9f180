//! Stacks that unwind: reads in destructors, and bodies that are unwound because they never end.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Output;
use std::sync::Mutex;
use std::thread;

use pushdown::engine::coroutine::{Input, Parser};
use pushdown::events::Bytes;
use pushdown::{ErrorKind, Failure, PushParser, Status};

use crate::{Log, error, feed, in_children, message_of, panic_of};

/// Reads when it is dropped, and notes the answers.
struct Reads<'a, 'p>(&'a mut Input<'p, Bytes>, Log);

impl Drop for Reads<'_, '_> {
    fn drop(&mut self) {
        self.1.note(self.0.next().map(char::from));
        self.1.note(self.0.next().map(char::from));
        let skipped = self.0.text_until(b'.', |text| text);
        self.1.note(skipped.map(char::from));
    }
}

#[test]
fn a_panic_reaches_its_own_call_whatever_its_destructors_read() {
    for in_sink in [false, true] {
        let log = Log::default();
        let noted = log.clone();
        let mut parser = Parser::<Bytes, ()>::new(move |input| {
            let reads = Reads(input, noted.clone());
            let byte = reads.0.next()?;
            reads.0.emit(&[byte]);
            if byte == b'!' {
                assert!(in_sink, "of the body");
            }
            Ok(())
        });
        let sink = |text: &[u8]| assert!(!in_sink || text != b"!", "of the sink");
        for (chunk, answers) in [
            (&b"!"[..], ["Err(Abandoned)", "Err(Abandoned)", "Err(Abandoned)"]),
            (b"!a", ["Ok('a')", "Err(Abandoned)", "Err(Abandoned)"]),
            (b"!ab", ["Ok('a')", "Ok('b')", "Err(Abandoned)"]),
        ] {
            parser.reset();
            let message = message_of(|| parser.feed_local(chunk, sink));
            assert_eq!(message, if in_sink { "of the sink" } else { "of the body" });
            assert_eq!(log.take(), answers);
            assert_eq!(parser.error().map(|error| error.kind), Some(ErrorKind::Panicked));
            // A lock taken now is poisoned by its own panics only.
            let lock = Mutex::new(());
            drop(lock.lock());
            assert!(!lock.is_poisoned());
            // The next call is innocent.
            parser.reset();
            assert_eq!(parser.feed_local(b"a...", |_| ()).status, Status::Success);
            log.take();
        }
    }
}

#[test]
fn a_parser_that_is_fed_by_a_destructor_while_its_thread_unwinds_waits_as_ever() {
    struct Feeds(Log);
    impl Drop for Feeds {
        fn drop(&mut self) {
            assert!(thread::panicking());
            let mut parser = Parser::<Bytes, u8>::new(|input| {
                input.expect(b'a')?;
                input.skip_between(|byte| byte == b' ')?;
                input.next().map_err(Failure::from)
            });
            for byte in b"a  b" {
                let progress = parser.feed_local(&[*byte], |_| ());
                self.0.note(progress.status);
            }
            self.0.note(parser.take_output().map(char::from));
            // Dropped half-way, too.
            parser.reset();
            let _ = parser.feed(b"a");
            parser.reset();
            let _ = parser.feed(b"a");
        }
    }
    let expected = ["NeedMoreInput", "NeedMoreInput", "NeedMoreInput", "Success", "Some('b')"];
    let log = Log::default();
    let _ = panic_of(|| {
        let _feeds = Feeds(log.clone());
        panic!("outside")
    });
    assert_eq!(log.take(), expected);
    // On the stack of another coroutine, which unwinds.
    let noted = log.clone();
    let mut outer = Parser::<(), ()>::new(move |input| {
        let _feeds = Feeds(noted.clone());
        input.next()?;
        panic!("in the body")
    });
    let _ = panic_of(|| outer.feed(b"a"));
    assert_eq!(log.take(), expected);
}

#[test]
fn a_parser_that_is_kept_while_its_thread_unwinds_goes_on_afterwards() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.skip_until(b'.')?;
        Ok(())
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    struct Feeds<'a>(&'a mut Parser<Bytes, ()>);
    impl Drop for Feeds<'_> {
        fn drop(&mut self) {
            assert_eq!(self.0.feed(b"b").status, Status::NeedMoreInput);
        }
    }
    let _ = panic_of(|| {
        let _feeds = Feeds(&mut parser);
        panic!("outside")
    });
    assert_eq!(parser.feed(b"c.").consumed, 2);
    assert_eq!(parser.offset(), 4);
    // It is as sensitive to panics of its body as before.
    let log = Log::default();
    let noted = log.clone();
    let mut parser = Parser::<Bytes, ()>::new(move |input| {
        let reads = Reads(input, noted.clone());
        while reads.0.next()? != b'!' {}
        panic!("in the body")
    });
    assert_eq!(parser.feed(b"a").status, Status::NeedMoreInput);
    let _ = panic_of(|| {
        let _feeds = Feeds(&mut parser);
        panic!("outside")
    });
    assert_eq!(message_of(|| parser.feed(b"!")), "in the body");
    assert_eq!(log.take(), ["Err(Abandoned)"; 3]);
}

thread_local! {
    /// The number of times that a stubborn body was unwound.
    static UNWOUND: Cell<u32> = const { Cell::new(0) };
    /// The number of stubborn bodies that have not been dropped.
    static ALIVE: Cell<u32> = const { Cell::new(0) };
}

/// A stubborn body's capture. A lost body holds no memory of the heap, which LeakSanitizer would miss.
struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

/// A body that reads on however often it is refused. It counts its unwindings, and catches so many.
fn stubborn(catches: u32, log: Option<&Log>) -> Parser<Bytes, ()> {
    let (alive, log) = (Alive::new(), log.cloned());
    Parser::new(move |input| {
        let _ = &alive;
        loop {
            let reads = AssertUnwindSafe(|| {
                let _reads;
                let input = match &log {
                    Some(log) => {
                        _reads = Reads(input, log.clone());
                        &mut *_reads.0
                    }
                    None => &mut *input,
                };
                while input.next() != Ok(b'.') {}
            });
            match catch_unwind(reads) {
                Ok(()) => return Ok(()),
                Err(payload) if UNWOUND.get() == catches => resume_unwind(payload),
                Err(_) => UNWOUND.set(UNWOUND.get() + 1),
            }
        }
    })
}

#[test]
fn a_body_that_is_given_up_may_read_in_its_destructors_and_its_parser_lives_on() {
    for (catches, fed) in [(0, true), (0, false), (1, true), (5, true), (63, true)] {
        let log = Log::default();
        let mut parser = stubborn(catches, Some(&log));
        let notes = vec!["Err(Abandoned)".to_owned(); 3 * (catches as usize + 1)];
        for _ in 0..3 {
            if fed {
                let _ = feed(&mut parser, b"a");
            }
            assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, u64::from(fed)));
            assert!(!thread::panicking());
            assert_eq!((UNWOUND.take(), log.take()), (catches, notes.clone()));
            parser.reset();
            assert_eq!(parser.feed(b"....").status, Status::Success, "stack and body live on");
            log.take();
            parser.reset();
        }
        // Dropped half-way.
        let _ = feed(&mut parser, b"a");
        drop(parser);
        assert_eq!((UNWOUND.take(), log.take()), (catches, notes));
        assert_eq!(ALIVE.get(), 0, "the body is dropped");
    }
}

/// For a process of its own, because LeakSanitizer reports what is lost on purpose.
fn passed(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_body_that_catches_every_unwinding_is_lost_and_the_thread_is_not_unwinding() {
    in_children(
        "unwinding::a_body_that_catches_every_unwinding_is_lost_and_the_thread_is_not_unwinding",
        &[("alone", &lose_bodies, &passed)],
    );
}

fn lose_bodies() {
    let mut parser = stubborn(u32::MAX, None);
    let _ = feed(&mut parser, b"a");
    assert_eq!(parser.finish().err(), error(ErrorKind::UnexpectedEnd, 1));
    assert!(!thread::panicking());
    assert_eq!(UNWOUND.get(), 64);
    parser.reset();
    assert_eq!(parser.error().copied(), error(ErrorKind::Stalled, 0));
    assert_eq!(parser.feed(b".").consumed, 0);
    drop(parser);
    assert_eq!(ALIVE.get(), 1, "the body is lost with its stack");

    // By a bound, in the middle of a chunk.
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        let mut part = input.at_most(1);
        loop {
            let reads = AssertUnwindSafe(|| {
                loop {
                    let _ = part.next();
                }
            });
            let _ = catch_unwind(reads);
        }
    });
    let progress = feed(&mut parser, b"abc");
    assert_eq!((progress.consumed, progress.status), (1, Status::BadInput));
    assert_eq!(parser.error().copied(), error(ErrorKind::TooLong, 1));
}

#[test]
fn a_stubborn_body_that_is_dropped_while_its_thread_unwinds_does_not_end_the_process() {
    in_children(
        "unwinding::a_stubborn_body_that_is_dropped_while_its_thread_unwinds_does_not_end_the_process",
        &[("alone", &drop_stubborn_bodies, &passed)],
    );
}

fn drop_stubborn_bodies() {
    for (catches, lost) in [(0, 0), (1, 1), (u32::MAX, 1)] {
        let log = Log::default();
        let mut parser = stubborn(catches, (lost == 0).then_some(&log));
        let _ = feed(&mut parser, b"a");
        let message = message_of(|| {
            let _dropped = parser;
            panic!("outside")
        });
        assert_eq!((message, ALIVE.take()), ("outside", lost));
        UNWOUND.set(0);
    }
}

#[test]
fn a_level_that_is_left_by_a_panic_is_left() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        for _ in 0..1000 {
            let inner = AssertUnwindSafe(|| {
                input.nested(|input| {
                    input.nested(|_| -> Result<(), Failure> { panic!("deep down") })
                })
            });
            assert!(catch_unwind(inner).is_err());
        }
        input.nested(|input| input.expect(b'.'))
    });
    assert_eq!(feed(&mut parser, b".").status, Status::Success);
}

#[test]
fn an_abandoned_result_whose_destructor_panics_is_discarded() {
    in_children(
        "unwinding::an_abandoned_result_whose_destructor_panics_is_discarded",
        &[("alone", &abandon_results_that_panic, &passed)],
    );
}

fn abandon_results_that_panic() {
    /// The payload of its panic panics when it is dropped, too.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
            resume_unwind(Box::new(Payload));
        }
    }
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            PAYLOADS.set(PAYLOADS.get() + 1);
            panic!("in the destructor of a payload")
        }
    }
    thread_local! {
        static DROPPED: Cell<u32> = const { Cell::new(0) };
        static PAYLOADS: Cell<u32> = const { Cell::new(0) };
    }
    let mut parser = Parser::<(), Bomb>::new(|input| {
        let _ = input.next();
        let _ = input.next();
        Ok(Bomb)
    });
    let _ = parser.feed(b"a");
    parser.reset();
    assert_eq!((DROPPED.get(), parser.status()), (1, Status::NeedMoreInput));
    let _ = parser.feed(b"a");
    drop(parser);
    assert_eq!((DROPPED.get(), PAYLOADS.get()), (2, 2));
    assert!(!thread::panicking());
}
