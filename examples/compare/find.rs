//! Finding the strings of an input, and knowing them again.

use std::hint::black_box;
use std::mem;
use std::ops::ControlFlow::Continue;
use std::ops::Range;

use pushdown::quoted::Event;
use pushdown::scan::Stop;
use pushdown::{Error, Progress, PushParser, Status};

use crate::engines::{Engine, Parser};

/// Searches an input for opening quotes, and has a parser recognise the string behind each.
pub(crate) struct Finder {
    parser: Box<Parser>,
    /// Where the string under way begins.
    begin: Option<u64>,
}

impl Finder {
    pub(crate) fn new(parser: Box<Parser>) -> Self {
        Self { parser, begin: None }
    }

    /// Before another input.
    pub(crate) fn restart(&mut self) {
        self.begin = None;
        self.parser.reset();
    }

    /// Reads chunk by chunk, from `offset` on, and counts the strings that end there.
    pub(crate) fn read<'c>(
        &mut self,
        mut offset: u64,
        chunks: impl Iterator<Item = &'c [u8]>,
        mut feed: impl FnMut(&mut Parser, &[u8]) -> Progress,
    ) -> Result<u64, Error> {
        let mut strings = 0;
        for mut rest in chunks {
            offset += rest.len() as u64;
            while let Some(string) = self.next_string(&mut rest, offset, &mut feed)? {
                black_box(string);
                strings += 1;
            }
        }
        Ok(strings)
    }

    /// Reads characters, all of them in strings, and counts the strings that end there.
    pub(crate) fn process(&mut self, chars: &[char]) -> u64 {
        let mut strings = 0;
        for &c in chars {
            if self.parser.process_char(c) == Status::Success {
                strings += 1;
                self.parser.reset();
            }
        }
        strings
    }

    /// The input is over: where a string began that is not closed, and what the parser says to it.
    fn finish(&mut self) -> Option<(u64, Error)> {
        let error = self.parser.finish().err();
        self.begin.zip(error)
    }

    /// Reads on until a string ends, and says where it lies, or until the rest of the chunk, which
    /// ends at the offset `end`, is used up.
    ///
    /// `feed` is how the parser is fed.
    #[inline]
    pub(crate) fn next_string(
        &mut self,
        rest: &mut &[u8],
        end: u64,
        feed: impl FnOnce(&mut Parser, &[u8]) -> Progress,
    ) -> Result<Option<Range<u64>>, Error> {
        let begin = match self.begin {
            Some(begin) => begin,
            None => {
                let Some(at) = b'"'.find(rest) else {
                    return Ok(None);
                };
                *rest = &rest[at..];
                let begin = end - rest.len() as u64;
                self.parser.reset_at(begin);
                *self.begin.insert(begin)
            }
        };
        let progress = feed(&mut *self.parser, rest);
        *rest = &rest[progress.consumed..];
        match progress.status {
            Status::NeedMoreInput => Ok(None),
            Status::Success => {
                self.begin = None;
                Ok(Some(begin..end - rest.len() as u64))
            }
            Status::BadInput => self.parser.finish().map(|()| None),
        }
    }
}

/// What was found in an input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) strings: u64,
    /// How many bytes the strings have between their quotes, escaping backslashes aside.
    pub(crate) content: u64,
    /// Where a string begins that never ends, and how the parser put it.
    pub(crate) unterminated: Option<(u64, Error)>,
    /// Of the place and the content of every string.
    digest: Fnv,
}

/// Writes down what an engine finds, and sees to it that it is the same whether somebody takes the
/// events or nobody does.
pub(crate) struct Recorder {
    finder: Finder,
    silent: Finder,
    found: Found,
    content: u64,
    digest: Fnv,
}

impl Recorder {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self {
            finder: Finder::new((engine.new)()),
            silent: Finder::new((engine.new)()),
            found: Found::default(),
            content: 0,
            digest: Fnv::default(),
        }
    }

    pub(crate) fn read(
        &mut self,
        offset: u64,
        chunk: &[u8],
        mut found: impl FnMut(Range<u64>),
    ) -> Result<(), String> {
        let end = offset + chunk.len() as u64;
        let (mut rest, mut silent_rest) = (chunk, chunk);
        loop {
            let string = self.finder.next_string(&mut rest, end, |parser, chunk| {
                parser.feed_dyn(chunk, &mut |Event::Text(text)| {
                    self.content += text.len() as u64;
                    self.digest.write(text);
                    Continue(())
                })
            });
            let silent = self.silent.next_string(&mut silent_rest, end, PushParser::feed);
            if string != silent {
                return Err(format!("{string:?} with events, {silent:?} without"));
            }
            let Some(string) = string.map_err(|error| error.to_string())? else {
                return Ok(());
            };
            self.found.strings += 1;
            self.found.content += mem::take(&mut self.content);
            let content = mem::take(&mut self.digest).0;
            for number in [string.start, string.end, content] {
                self.found.digest.write(&number.to_le_bytes());
            }
            found(string);
        }
    }

    /// The input is over.
    pub(crate) fn finish(mut self) -> Found {
        self.found.unterminated = self.finder.finish();
        self.found
    }
}

/// FNV-1a with 64 bits: the same for the same bytes, however they are cut.
#[derive(Clone, Debug, PartialEq)]
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
