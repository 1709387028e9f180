//! A chunk as a slice and a position in local variables.
//!
//! A read of an `Input` stores the cursor, and the next one loads it again; for tokens of a few bytes
//! that is most of the time. A body whose tokens are short borrows a window of the input instead,
//! goes from token to token in it, and ends with `Input::seek`. Everything that waits is a read of the
//! input: the window borrows it, so no slice of the chunk is left by then.
//!
//! ```text
//! let mut window = input.window();
//! ...                                        // tokens that the chunk has whole
//! outside!(input, window, input.next()?)     // waits for one that the chunk cuts, and opens the window again
//! ...
//! let at = window.at;
//! input.seek(at);
//! ```

use crate::parser::Events;

/// The chunk as far as it may be read, and a position in it. `O` is the engine's way to the sink.
pub(crate) struct Window<'w, O> {
    /// From its first byte, also where some of it has been read: a scan may look back.
    pub(crate) chunk: &'w [u8],
    /// At most `chunk.len()`.
    pub(crate) at: usize,
    /// The offset of the chunk's first byte.
    base: u64,
    out: O,
}

/// An engine's way from a window to the sink.
pub(crate) trait Out {
    /// The events of the parser.
    type Events: Events;

    /// Returns true if there is a sink.
    fn has_sink(&self) -> bool;

    /// Reports an event at this position of the window; returns true if that has paused the parser. If the
    /// sink unwinds, the chunk has been read up to there.
    fn emit(&mut self, at: usize, event: <Self::Events as Events>::Event<'_>) -> bool;

    /// Counts bytes that are inspected once more than they are taken.
    fn count(&mut self, bytes: usize);
}

impl<O: Out> Out for &mut O {
    type Events = O::Events;

    #[inline(always)]
    fn has_sink(&self) -> bool {
        (**self).has_sink()
    }

    #[inline(always)]
    fn emit(&mut self, at: usize, event: <O::Events as Events>::Event<'_>) -> bool {
        (**self).emit(at, event)
    }

    #[inline(always)]
    fn count(&mut self, bytes: usize) {
        (**self).count(bytes);
    }
}

impl<'w, O: Out> Window<'w, O> {
    #[inline(always)]
    pub(crate) fn new(chunk: &'w [u8], at: usize, base: u64, out: O) -> Self {
        debug_assert!(at <= chunk.len());
        Self { chunk, at, base, out }
    }

    /// A window of the same chunk and sink. What it has read is taken by setting the position, and its end: a pause
    /// has moved that.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> Window<'w, &mut O> {
        Window { chunk: self.chunk, at: self.at, base: self.base, out: &mut self.out }
    }

    /// The byte at the position, or `None` at the end of what may be read.
    #[inline(always)]
    pub(crate) fn byte(&self) -> Option<u8> {
        self.chunk.get(self.at).copied()
    }

    /// The offset of the position.
    #[inline(always)]
    pub(crate) fn offset(&self) -> u64 {
        self.base.saturating_add(self.at as u64)
    }

    /// Reports an event, if there is a sink. What it is about lies before the position, where a pause ends
    /// the window.
    #[inline(always)]
    pub(crate) fn emit<'e>(&mut self, event: impl FnOnce() -> <O::Events as Events>::Event<'e>) {
        debug_assert!(self.at <= self.chunk.len());
        if self.out.has_sink() && self.out.emit(self.at, event()) {
            self.chunk = &self.chunk[..self.at];
        }
    }

    /// Counts bytes that are inspected once more than they are taken, for the harness.
    #[inline(always)]
    pub(crate) fn count(&mut self, bytes: usize) {
        if cfg!(feature = "testing") {
            self.out.count(bytes);
        }
    }
}

/// Closes a window for a read of the input, which may wait, and opens it again.
macro_rules! outside {
    ($input:ident, $window:ident, $read:expr) => {{
        let at = $window.at;
        $input.seek(at);
        let read = $read;
        $window = $input.window();
        read
    }};
}
pub(crate) use outside;

#[cfg(all(test, feature = "coroutine", feature = "generator"))]
mod tests {
    use core::ops::ControlFlow::{self, Break, Continue};
    use std::boxed::Box;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::vec;
    use std::vec::Vec;

    use super::*;
    use crate::engine::{coroutine, generator, machine, stackless};
    use crate::error::{Error, ErrorKind, Failure};
    use crate::events::Of;
    use crate::parser::{DynParser, PushParser, Status};

    /// A letter, and the offset behind it.
    type Letters = Of<(u8, u64)>;

    /// Takes the letters of a window. Returns the byte that is none.
    fn letters<O: Out<Events = Letters>>(window: &mut Window<'_, O>) -> Option<u8> {
        while let Some(byte) = window.byte() {
            if !byte.is_ascii_lowercase() {
                return Some(byte);
            }
            window.at += 1;
            let offset = window.offset();
            window.emit(|| (byte, offset));
        }
        None
    }

    /// Reads letters up to a point, in windows. `!`, `#` and `?` are errors: two at the byte, and one behind
    /// it. `>` seeks a position behind the chunk.
    macro_rules! step {
        ($input:ident) => {{
            let mut window = $input.window();
            let stop = letters(&mut window);
            let (at, end) = (window.at, window.chunk.len());
            match stop {
                None => $input.seek(at),
                Some(b'.') => {
                    $input.seek(at + 1);
                    return Ok(OVER);
                }
                Some(b'?') => {
                    $input.seek(at + 1);
                    return Err($input.fail_here(ErrorKind::Custom(2)));
                }
                Some(b'#') => {
                    $input.seek(at);
                    return Err($input.fail(ErrorKind::Custom(3)));
                }
                Some(b'>') => $input.seek(end + 1),
                Some(_) => {
                    $input.seek(at);
                    return Err($input.fail_here(ErrorKind::Custom(1)));
                }
            }
        }};
    }

    struct Lines;

    impl machine::Machine for Lines {
        type Events = Letters;
        type Output = ();

        fn step(
            &mut self,
            input: &mut machine::Input<'_, Letters>,
        ) -> Result<ControlFlow<()>, Failure> {
            const OVER: ControlFlow<()> = Break(());
            input.peek()?;
            step!(input);
            Ok(Continue(()))
        }

        fn reset(&mut self) {}
    }

    const OVER: () = ();

    fn lines(input: &mut coroutine::Input<'_, Letters>) -> Result<(), Failure> {
        loop {
            input.peek()?;
            step!(input);
        }
    }

    async fn lines_async(input: &mut stackless::Input<'_, Letters>) -> Result<(), Failure> {
        loop {
            input.peek().await?;
            step!(input);
        }
    }

    type Parser = Box<DynParser<'static, Letters>>;

    fn parsers() -> [(&'static str, Parser); 5] {
        [
            ("machine", Box::new(machine::Parser::new(Lines))),
            ("coroutine", Box::new(coroutine::Parser::new(lines))),
            ("stackless", Box::new(stackless::Parser::new(lines_async))),
            ("pinned", Box::new(Box::pin(stackless::Task::new(lines_async)))),
            ("generator", Box::new(generator::Parser::new(lines_async))),
        ]
    }

    fn cuttings(input: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
        let halves = (0..=input.len()).map(|cut| vec![&input[..cut], &input[cut..]]);
        halves.chain([input.chunks(1).collect()])
    }

    /// Feeds the chunks, and what a pause has left of them. Returns what has been reported, with the
    /// offset at each pause.
    fn run(
        parser: &mut DynParser<'_, Letters>,
        chunks: &[&[u8]],
        pauses: fn(u64) -> bool,
    ) -> Vec<(u8, u64)> {
        parser.reset();
        let mut seen = vec![];
        for mut chunk in chunks.iter().copied() {
            while !chunk.is_empty() && parser.status() == Status::NeedMoreInput {
                let mut paused = None;
                let progress = parser.feed_dyn(chunk, &mut |event| {
                    assert_eq!(paused, None, "an event after a pause");
                    seen.push(event);
                    paused = Some(event.1).filter(|offset| pauses(*offset));
                    if paused.is_some() { Break(()) } else { Continue(()) }
                });
                if let Some(offset) = paused {
                    assert_eq!(parser.offset(), offset, "a pause ends the window");
                }
                chunk = &chunk[progress.consumed..];
            }
        }
        seen
    }

    #[test]
    fn a_window_ends_where_a_pause_or_an_error_says() {
        let never: fn(u64) -> bool = |_| false;
        let mut runs = 0;
        for (input, letters, consumed, kind) in [
            (&b"ab.c"[..], 2, 3, None),
            (b"abc", 3, 3, Some(ErrorKind::UnexpectedEnd)),
            (b"ab!c", 2, 2, Some(ErrorKind::Custom(1))),
            (b"ab?c", 2, 3, Some(ErrorKind::Custom(2))),
            (b"ab#c", 2, 2, Some(ErrorKind::Custom(3))),
            (b"?", 0, 1, Some(ErrorKind::Custom(2))),
            (b"abc?", 3, 4, Some(ErrorKind::Custom(2))),
            (b"!", 0, 0, Some(ErrorKind::Custom(1))),
        ] {
            let expected: Vec<_> = (0..letters).map(|at| (input[at], at as u64 + 1)).collect();
            for (name, mut parser) in parsers() {
                for chunks in cuttings(input) {
                    for pauses in [never, |_| true, |offset| offset % 2 == 0] {
                        let seen = run(&mut *parser, &chunks, pauses);
                        let found = (seen, parser.offset(), parser.finish().err());
                        let error = kind.map(|kind| Error::new(kind, consumed));
                        assert_eq!(found, (expected.clone(), consumed, error), "{name} {chunks:?}");
                        runs += 1;
                    }
                }
            }
        }
        assert!(runs > 400, "{runs} runs");
    }

    #[test]
    fn nothing_is_lost_if_a_sink_fails_within_a_window() {
        for (name, mut parser) in parsers() {
            let (mut rest, mut seen) = (&b"abcd."[..], vec![]);
            while !rest.is_empty() {
                let (progress, result) = parser.try_feed_with(rest, |(letter, _)| {
                    seen.push(letter);
                    Err(letter)
                });
                assert_eq!(result.err().as_ref(), rest.first().filter(|byte| **byte != b'.'));
                assert_eq!(progress.consumed, 1, "{name}");
                rest = &rest[1..];
            }
            assert_eq!((&seen[..], parser.status()), (&b"abcd"[..], Status::Success), "{name}");
        }
    }

    #[test]
    fn a_panic_of_the_sink_within_a_window_comes_behind_what_it_was_told() {
        for (name, mut parser) in parsers() {
            for chunks in cuttings(b"abcd.") {
                parser.reset();
                let fed = catch_unwind(AssertUnwindSafe(|| {
                    for chunk in &chunks {
                        let _ = parser.feed_with(chunk, |(letter, _)| {
                            if letter == b'c' {
                                resume_unwind(Box::new("in the sink"));
                            }
                        });
                    }
                }));
                assert!(fed.is_err(), "{name}");
                let error = Error::new(ErrorKind::Panicked, 3);
                assert_eq!(parser.error(), Some(&error), "{name}, {chunks:?}");
                assert_eq!((parser.feed(b"d.").consumed, parser.offset()), (0, 3), "{name}");
            }
        }
    }

    #[test]
    fn a_position_behind_the_window_is_a_panic() {
        for (name, mut parser) in parsers() {
            for chunks in cuttings(b"ab>") {
                parser.reset();
                let fed = catch_unwind(AssertUnwindSafe(|| {
                    for chunk in &chunks {
                        let _ = parser.feed(chunk);
                    }
                }));
                let message = *fed.unwrap_err().downcast::<&str>().unwrap();
                assert!(
                    message == "a position of the window" || message.contains("count"),
                    "{message}"
                );
                let kind = parser.error().map(|error| error.kind);
                assert_eq!(kind, Some(ErrorKind::Panicked), "{name}, {chunks:?}");
            }
        }
    }

    #[test]
    fn an_error_here_blames_the_next_byte_also_at_the_end_of_a_chunk() {
        // Another error does not move the blame.
        struct Second;
        impl machine::Machine for Second {
            type Events = Letters;
            type Output = ();
            fn step(
                &mut self,
                input: &mut machine::Input<'_, Letters>,
            ) -> Result<ControlFlow<()>, Failure> {
                input.next()?;
                let _ = input.fail_here(ErrorKind::Custom(5));
                Err(input.fail(ErrorKind::Custom(4)))
            }
            fn reset(&mut self) {}
        }
        let straight = |input: &mut coroutine::Input<'_, Letters>| {
            input.next()?;
            let _ = input.fail_here(ErrorKind::Custom(5));
            Err(input.fail(ErrorKind::Custom(4)))
        };
        async fn awaited(input: &mut stackless::Input<'_, Letters>) -> Result<(), Failure> {
            input.next().await?;
            let _ = input.fail_here(ErrorKind::Custom(5));
            Err(input.fail(ErrorKind::Custom(4)))
        }
        let parsers: [(&str, Parser); 4] = [
            ("machine", Box::new(machine::Parser::new(Second))),
            ("coroutine", Box::new(coroutine::Parser::new(straight))),
            ("stackless", Box::new(stackless::Parser::new(awaited))),
            ("generator", Box::new(generator::Parser::new(awaited))),
        ];
        for (name, mut parser) in parsers {
            for chunks in cuttings(b"ab").chain([vec![&b"a"[..]]]) {
                assert_eq!(run(&mut *parser, &chunks, |_| false), []);
                let error = Error::new(ErrorKind::Custom(4), 1);
                assert_eq!(parser.error(), Some(&error), "{name}, {chunks:?}");
            }
        }
    }

    #[test]
    fn a_window_ends_at_a_limit() {
        fn bounded(input: &mut coroutine::Input<'_, Letters>) -> Result<(), Failure> {
            let mut inner = input.at_most(3);
            lines(&mut inner)
        }
        async fn bounded_async(input: &mut stackless::Input<'_, Letters>) -> Result<(), Failure> {
            let mut inner = input.at_most(3);
            lines_async(&mut inner).await
        }
        struct Bounded(bool);
        impl machine::Machine for Bounded {
            type Events = Letters;
            type Output = ();
            fn step(
                &mut self,
                input: &mut machine::Input<'_, Letters>,
            ) -> Result<ControlFlow<()>, Failure> {
                if !self.0 {
                    self.0 = true;
                    let _ = input.at_most(3);
                }
                machine::Machine::step(&mut Lines, input)
            }
            fn reset(&mut self) {
                self.0 = false;
            }
        }
        let parsers: [(&str, Parser); 4] = [
            ("machine", Box::new(machine::Parser::new(Bounded(false)))),
            ("coroutine", Box::new(coroutine::Parser::new(bounded))),
            ("stackless", Box::new(stackless::Parser::new(bounded_async))),
            ("generator", Box::new(generator::Parser::new(bounded_async))),
        ];
        let expected = vec![(b'a', 1), (b'b', 2), (b'c', 3)];
        for (name, mut parser) in parsers {
            for chunks in cuttings(b"abcd.") {
                for pauses in [(|_| false) as fn(u64) -> bool, |_| true, |offset| offset == 3] {
                    assert_eq!(run(&mut *parser, &chunks, pauses), expected, "{name}, {chunks:?}");
                    let error = Error::new(ErrorKind::TooLong, 3);
                    assert_eq!(parser.error(), Some(&error), "{name}, {chunks:?}");
                }
            }
        }
    }
}
