//! Bounds whose misuse could reach memory, or outlive its run.

use pushdown::engine::coroutine::{Input, Parser};
use pushdown::events::Bytes;
use pushdown::{End, ErrorKind, PushParser, Status};

use crate::{Log, error, feed};

#[test]
fn a_bound_in_an_earlier_chunk_shows_nothing_of_a_later_one() {
    let log = Log::default();
    let noted = log.clone();
    let mut parser = Parser::<Bytes, ()>::new(move |input| {
        let mut part = input.at_most(4);
        // Most of the first chunk is beyond the bound.
        noted.note(part.take(9)?.len());
        drop(part);
        loop {
            noted.note(input.take(9)?.len());
        }
    });
    assert_eq!(feed(&mut parser, b"abcdefg").consumed, 7);
    assert_eq!(feed(&mut parser, b"h").consumed, 1);
    assert_eq!(log.take(), ["4", "3", "1"]);

    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.at_most(6).scan_until(b'.', |_| ())?;
        Ok(())
    });
    assert_eq!(feed(&mut parser, b"abc").consumed, 3);
    assert_eq!(feed(&mut parser, b"de").consumed, 2);
    assert_eq!(feed(&mut parser, b"fghijklmn.").consumed, 1);
    assert_eq!(parser.error().copied(), error(ErrorKind::TooLong, 6));
}

#[test]
fn no_more_than_the_bound_reaches_the_sink() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        input.at_most(1000).text_until(b'.', |text| text)?;
        Ok(())
    });
    for size in [1, 7, 999, 1000, 1001, 5000] {
        parser.reset();
        let mut count = 0;
        for chunk in [b'a'; 5000].chunks(size) {
            let _ = parser.feed_local(chunk, |text| count += text.len());
        }
        assert_eq!(count, 1000, "in chunks of {size}");
        assert_eq!(parser.error().copied(), error(ErrorKind::TooLong, 1000));
    }
}

#[test]
fn a_bound_that_was_forgotten_ends_with_its_run() {
    let mut bound = 1;
    let mut parser = Parser::<Bytes, ()>::new(move |input| {
        bound += 1;
        let mut part = input.at_most(bound);
        part.next()?;
        std::mem::forget(part);
        input.skip_until(b'.')?;
        Ok(())
    });
    for bound in 2..5 {
        let progress = feed(&mut parser, b"abcdefgh.");
        assert_eq!((progress.consumed, progress.status), (bound, Status::BadInput));
        parser.reset();
    }
}

#[test]
fn a_bound_is_lifted_by_a_panic_that_an_outer_body_catches() {
    let mut parser = Parser::<Bytes, ()>::new(|input| {
        let inner = std::panic::AssertUnwindSafe(|| -> Result<(), End> {
            let mut part = input.at_most(2);
            part.next()?;
            panic!("in the part")
        });
        assert!(std::panic::catch_unwind(inner).is_err());
        input.skip_until(b'.')?;
        Ok(())
    });
    assert_eq!(feed(&mut parser, b"abcd.").status, Status::Success);
}

#[test]
fn taking_more_than_the_bound_shows_is_refused() {
    for count in [2, 3] {
        let mut parser = Parser::<Bytes, ()>::new(move |input: &mut Input<'_, Bytes>| {
            let mut part = input.at_most(2);
            assert_eq!(part.chunk()?.len(), 2);
            part.advance(count);
            assert_eq!(part.next(), Err(End::TooLong));
            Ok(())
        });
        if count == 2 {
            assert_eq!(feed(&mut parser, b"abcd").consumed, 2);
        } else {
            assert_eq!(
                crate::message_of(|| feed(&mut parser, b"abcd")),
                "no more than is left of the chunk"
            );
        }
    }
}
