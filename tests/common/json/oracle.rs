//! The expected answer to a text in JSON: a recursive reader of the whole, byte by byte.
//!
//! It looks at a byte, and steps over it once the byte is known to be allowed. So an error blames the
//! byte that is looked at.

use core::ops::Range;

use pushdown::json::{Extent, Options};
use pushdown::{Error, ErrorKind, Status};

use super::log::{Kind, Log};

/// Options of a parser, as the oracle reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// `Options::extent`
    pub extent: Extent,
    /// `Options::max_depth`
    pub depth: u32,
    /// `Options::max_string`
    pub string: u64,
    /// `Options::max_number`
    pub number: u64,
}

impl Rules {
    /// The rules of `Options::new()`.
    pub const DEFAULT: Self =
        Self { extent: Extent::Document, depth: 128, string: u64::MAX, number: u64::MAX };

    /// The same rules as options.
    pub fn options(self) -> Options {
        let Self { extent, depth, string, number } = self;
        Options::new().extent(extent).max_depth(depth).max_string(string).max_number(number)
    }
}

/// Everything that the law of cuts compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The events before the end of the input is known.
    pub events: Log,
    /// The status after the last byte.
    pub status: Status,
    /// Number of bytes consumed.
    pub consumed: usize,
    /// The answer of `finish` after the last byte.
    pub finished: Result<(), Error>,
    /// All events, those of `finish` included.
    pub all_events: Log,
}

/// Computes the expected answer to an input.
pub fn oracle(input: &[u8], rules: Rules) -> Answer {
    Reader::new(input, rules).answer().0
}

/// Computes where each event begins and ends that is complete, at the end of the input.
pub fn spans(input: &[u8], rules: Rules) -> Vec<Range<u64>> {
    Reader::new(input, rules).answer().1
}

struct Reader<'i> {
    input: &'i [u8],
    /// The byte that is looked at.
    at: usize,
    rules: Rules,
    depth: u32,
    log: Log,
    /// The log at the time when the end of the input was met.
    at_end: Option<Log>,
    /// One for each complete event of the log.
    spans: Vec<Range<u64>>,
}

/// The reason to read no further.
enum Stop {
    /// The byte that is looked at is to blame.
    Error(ErrorKind),
    /// There is no byte.
    End,
}

type Read<T = ()> = Result<T, Stop>;

const UNEXPECTED: Stop = Stop::Error(ErrorKind::UnexpectedByte);
const NOT_UTF8: Stop = Stop::Error(ErrorKind::InvalidUtf8);
const LONE: Stop = Stop::Error(ErrorKind::LoneSurrogate);
const TOO_LONG: Stop = Stop::Error(ErrorKind::TooLong);

impl<'i> Reader<'i> {
    fn new(input: &'i [u8], rules: Rules) -> Self {
        let (log, at_end, spans) = (Log::default(), None, Vec::new());
        Self { input, at: 0, rules, depth: 0, log, at_end, spans }
    }

    fn answer(mut self) -> (Answer, Vec<Range<u64>>) {
        let result = match self.rules.extent {
            Extent::Value => self.blanks().and_then(|_| self.value()),
            Extent::Document => self.document(),
            Extent::Stream => self.stream(),
        };
        let offset = self.at as u64;
        let finished = match result {
            Ok(()) => Ok(()),
            Err(Stop::Error(kind)) => Err(Error::new(kind, offset)),
            Err(Stop::End) => Err(Error::new(ErrorKind::UnexpectedEnd, offset)),
        };
        let status = match (&self.at_end, finished) {
            (Some(_), _) => Status::NeedMoreInput,
            (None, Ok(())) => Status::Success,
            (None, Err(_)) => Status::BadInput,
        };
        let events = self.at_end.unwrap_or_else(|| self.log.clone());
        let answer = Answer { events, status, consumed: self.at, finished, all_events: self.log };
        (answer, self.spans)
    }

    /// Looks at the next byte.
    fn peek(&mut self) -> Option<u8> {
        let byte = self.input.get(self.at).copied();
        if byte.is_none() && self.at_end.is_none() {
            self.at_end = Some(self.log.clone());
        }
        byte
    }

    fn byte(&mut self) -> Read<u8> {
        self.peek().ok_or(Stop::End)
    }

    fn document(&mut self) -> Read {
        self.blanks()?;
        self.value()?;
        self.blanks()?;
        self.peek().map_or(Ok(()), |_| Err(UNEXPECTED))
    }

    fn stream(&mut self) -> Read {
        let mut scalar_before = false;
        loop {
            let blank = self.blanks()?;
            let Some(first) = self.peek() else { return Ok(()) };
            let scalar = !matches!(first, b'[' | b'{');
            if scalar_before && scalar && !blank {
                return Err(UNEXPECTED);
            }
            self.value()?;
            scalar_before = scalar;
        }
    }

    /// Steps over white space. Returns true if there was some.
    fn blanks(&mut self) -> Read<bool> {
        let from = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        Ok(self.at > from)
    }

    fn value(&mut self) -> Read {
        match self.byte()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string(Kind::String),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal(b"true", "t"),
            b'f' => self.literal(b"false", "f"),
            b'n' => self.literal(b"null", "z"),
            _ => Err(UNEXPECTED),
        }
    }

    fn object(&mut self) -> Read {
        self.enter("{")?;
        self.blanks()?;
        if self.byte()? != b'}' {
            loop {
                if self.byte()? != b'"' {
                    return Err(UNEXPECTED);
                }
                self.string(Kind::Key)?;
                self.blanks()?;
                if self.byte()? != b':' {
                    return Err(UNEXPECTED);
                }
                self.at += 1;
                self.blanks()?;
                self.value()?;
                self.blanks()?;
                match self.byte()? {
                    b',' => self.at += 1,
                    b'}' => break,
                    _ => return Err(UNEXPECTED),
                }
                self.blanks()?;
            }
        }
        self.leave("}");
        Ok(())
    }

    fn array(&mut self) -> Read {
        self.enter("[")?;
        self.blanks()?;
        if self.byte()? != b']' {
            loop {
                self.value()?;
                self.blanks()?;
                match self.byte()? {
                    b',' => self.at += 1,
                    b']' => break,
                    _ => return Err(UNEXPECTED),
                }
                self.blanks()?;
            }
        }
        self.leave("]");
        Ok(())
    }

    fn enter(&mut self, bracket: &'static str) -> Read {
        if self.depth == self.rules.depth {
            return Err(Stop::Error(ErrorKind::TooDeep));
        }
        self.depth += 1;
        self.bracket(bracket);
        Ok(())
    }

    fn leave(&mut self, bracket: &'static str) {
        self.depth -= 1;
        self.bracket(bracket);
    }

    fn bracket(&mut self, bracket: &'static str) {
        self.at += 1;
        self.log.mark(bracket);
        self.spans.push(self.at as u64 - 1..self.at as u64);
    }

    fn literal(&mut self, literal: &[u8], mark: &'static str) -> Read {
        let start = self.at as u64;
        for &wanted in literal {
            if self.byte()? != wanted {
                return Err(UNEXPECTED);
            }
            self.at += 1;
        }
        self.log.mark(mark);
        self.spans.push(start..self.at as u64);
        Ok(())
    }

    fn number(&mut self) -> Read {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.step(start)?;
        }
        match self.byte()? {
            b'0' => self.step(start)?,
            b'1'..=b'9' => self.digits(start)?,
            _ => return Err(UNEXPECTED),
        }
        if self.peek() == Some(b'.') {
            self.step(start)?;
            self.digits(start)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.step(start)?;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.step(start)?;
            }
            self.digits(start)?;
        }
        self.log.close(Kind::Number);
        self.spans.push(start as u64..self.at as u64);
        Ok(())
    }

    /// Steps over one digit or more.
    fn digits(&mut self, start: usize) -> Read {
        if !self.byte()?.is_ascii_digit() {
            return Err(UNEXPECTED);
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.step(start)?;
        }
        Ok(())
    }

    /// Steps over a byte of the number that began at `start`.
    fn step(&mut self, start: usize) -> Read {
        if (self.at - start) as u64 == self.rules.number {
            return Err(TOO_LONG);
        }
        self.log.push(Kind::Number, char::from(self.input[self.at]).encode_utf8(&mut [0; 4]));
        self.at += 1;
        Ok(())
    }

    fn string(&mut self, kind: Kind) -> Read {
        let start = self.at as u64;
        self.at += 1;
        let mut left = self.rules.string;
        loop {
            // All but the last byte of a character or an escape are stepped over when it is decoded.
            let decoded = match self.byte()? {
                b'"' => break,
                b'\\' => {
                    let decoded = self.escape()?;
                    let len = decoded.len_utf8() as u64;
                    left = left.checked_sub(len).ok_or(TOO_LONG)?;
                    decoded
                }
                ..b' ' => return Err(UNEXPECTED),
                _ => self.character(&mut left)?,
            };
            self.at += 1;
            self.log.push(kind, decoded.encode_utf8(&mut [0; 4]));
        }
        self.at += 1;
        self.log.close(kind);
        self.spans.push(start..self.at as u64);
        Ok(())
    }

    /// Reads a character as RFC 3629 defines it, at most `left` bytes of it.
    fn character(&mut self, left: &mut u64) -> Read<char> {
        let start = self.at;
        let (second, others) = match self.byte()? {
            ..0x80 => (None, 0),
            0xc2..=0xdf => (Some(0x80..=0xbf), 0),
            0xe0 => (Some(0xa0..=0xbf), 1),
            0xed => (Some(0x80..=0x9f), 1),
            0xe1..=0xef => (Some(0x80..=0xbf), 1),
            0xf0 => (Some(0x90..=0xbf), 2),
            0xf1..=0xf3 => (Some(0x80..=0xbf), 2),
            0xf4 => (Some(0x80..=0x8f), 2),
            _ => return Err(NOT_UTF8),
        };
        *left = left.checked_sub(1).ok_or(TOO_LONG)?;
        for allowed in second.into_iter().chain((0..others).map(|_| 0x80..=0xbf)) {
            self.at += 1;
            if !allowed.contains(&self.byte()?) {
                return Err(NOT_UTF8);
            }
            *left = left.checked_sub(1).ok_or(TOO_LONG)?;
        }
        let character = str::from_utf8(&self.input[start..=self.at]).expect("it was checked");
        Ok(character.chars().next().expect("it is not empty"))
    }

    fn escape(&mut self) -> Read<char> {
        self.at += 1;
        Ok(match self.byte()? {
            byte @ (b'"' | b'\\' | b'/') => byte.into(),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(UNEXPECTED),
        })
    }

    fn unicode(&mut self) -> Read<char> {
        let high = self.unit()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or(LONE);
        }
        for wanted in *b"\\u" {
            self.at += 1;
            if self.byte()? != wanted {
                return Err(LONE);
            }
        }
        let low = self.unit()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(LONE);
        }
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        Ok(char::from_u32(code).expect("every pair is a character"))
    }

    /// Reads the four digits after the `u`.
    fn unit(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = char::from(self.byte()?).to_digit(16).ok_or(UNEXPECTED)?;
            unit = unit << 4 | digit;
        }
        Ok(unit)
    }
}
