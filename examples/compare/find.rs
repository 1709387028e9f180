//! Finds the strings of an input and records where they are.

use std::hint::black_box;
use std::mem;
use std::ops::Range;

use pushdown::quoted::Event;
use pushdown::scan::Stop;
use pushdown::{Error, Progress, PushParser, Status};

use crate::engines::{Engine, Parser};

/// Searches an input for opening quotes, and parses the string at each.
pub(crate) struct Finder {
    parser: Box<Parser>,
    /// The start of the string being parsed.
    begin: Option<u64>,
}

impl Finder {
    pub(crate) fn new(parser: Box<Parser>) -> Self {
        Self { parser, begin: None }
    }

    /// Prepares for another input.
    pub(crate) fn restart(&mut self) {
        self.begin = None;
        self.parser.reset();
    }

    /// Reads chunks, the first of which is at `offset`. Returns the number of strings that end in them.
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

    /// Reads characters of strings alone. Returns the number of strings that end among them.
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

    /// Ends the input. Returns the start of an unclosed string and the parser's error.
    fn finish(&mut self) -> Option<(u64, Error)> {
        let error = self.parser.finish().err();
        self.begin.zip(error)
    }

    /// Reads until a string ends, and returns its range; or reads all the rest of the chunk, which ends
    /// at the offset `end`.
    ///
    /// `feed` feeds the parser.
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

/// The strings found in an input.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) strings: u64,
    /// Bytes between the strings' quotes, without escaping backslashes.
    pub(crate) content: u64,
    /// The start of a string that is never closed, and the parser's error.
    pub(crate) unterminated: Option<(u64, Error)>,
    /// A digest of the range and content of every string.
    digest: Fnv,
}

/// Records the strings an engine finds, and checks that it finds the same with a sink and without.
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

    /// Ends the input.
    pub(crate) fn finish(mut self) -> Found {
        self.found.unterminated = self.finder.finish();
        self.found
    }
}

/// FNV-1a with 64 bits: equal for equal bytes, whatever the cuts.
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
