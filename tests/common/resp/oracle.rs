//! The expected answer to an input in RESP: a recursive reader of the whole, byte by byte.
//!
//! It looks at a byte, and steps over it once the byte is known to be allowed. So an error blames the byte that
//! is looked at.

use pushdown::resp::{Event, Extent, Length, Null, Options, Version};
use pushdown::{Error, ErrorKind, Status};

use super::log::{Kind, Log};

/// Options of a parser, as the oracle reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rules {
    /// `Options::version`
    pub version: Version,
    /// `Options::extent`
    pub extent: Extent,
    /// `Options::max_depth`
    pub depth: u32,
    /// `Options::max_line`
    pub line: u64,
    /// `Options::max_bulk`
    pub bulk: u64,
    /// `Options::max_elements`
    pub elements: u64,
}

impl Rules {
    /// The rules of `Options::new()`.
    pub const DEFAULT: Self = Self {
        version: Version::Resp3,
        extent: Extent::Value,
        depth: 128,
        line: 65_536,
        bulk: 536_870_912,
        elements: 2_147_483_648,
    };

    /// The same rules as options.
    pub fn options(self) -> Options {
        let Self { version, extent, depth, line, bulk, elements } = self;
        let options = Options::new().version(version).extent(extent).max_depth(depth);
        options.max_line(line).max_bulk(bulk).max_elements(elements)
    }
}

/// Everything that the law of cuts compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The events.
    pub events: Log,
    /// The status after the last byte.
    pub status: Status,
    /// Number of bytes consumed.
    pub consumed: usize,
    /// The answer of `finish` after the last byte, which reports nothing.
    pub finished: Result<(), Error>,
}

/// Computes the expected answer to an input.
pub fn oracle(input: &[u8], rules: Rules) -> Answer {
    let mut reader = Reader { input, at: 0, rules, log: Log::default() };
    // True before a value of a stream, where the input may end.
    let mut may_finish = false;
    let read = match rules.extent {
        Extent::Value => reader.value(&Around::NOTHING).map(|_| ()),
        Extent::Stream => loop {
            if reader.at == input.len() {
                may_finish = true;
                break Err(Stop::End);
            }
            if let Err(stop) = reader.value(&Around::NOTHING) {
                break Err(stop);
            }
        },
    };
    let (consumed, offset) = (reader.at, reader.at as u64);
    let (status, finished) = match read {
        Ok(()) => (Status::Success, Ok(())),
        Err(Stop::Error(kind)) => (Status::BadInput, Err(Error::new(kind, offset))),
        Err(Stop::End) if may_finish => (Status::NeedMoreInput, Ok(())),
        Err(Stop::End) => {
            (Status::NeedMoreInput, Err(Error::new(ErrorKind::UnexpectedEnd, offset)))
        }
    };
    Answer { events: reader.log, status, consumed, finished }
}

struct Reader<'i> {
    input: &'i [u8],
    /// The byte that is looked at.
    at: usize,
    rules: Rules,
    log: Log,
}

/// The aggregate around a value.
struct Around {
    depth: u32,
    /// It is streamed, and has all elements that it may have.
    is_full: bool,
    /// The mark of its end may come in place of the value.
    may_end: bool,
}

impl Around {
    const NOTHING: Self = Self { depth: 0, is_full: false, may_end: false };
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
const TOO_LONG: Stop = Stop::Error(ErrorKind::TooLong);

/// The outcome of a read.
#[derive(PartialEq, Eq)]
enum Found {
    Value,
    /// The mark of a streamed aggregate's end, in place of a value.
    EndMark,
}

impl Reader<'_> {
    fn byte(&self) -> Read<u8> {
        self.input.get(self.at).copied().ok_or(Stop::End)
    }

    fn expect(&mut self, byte: u8) -> Read {
        if self.byte()? != byte {
            return Err(UNEXPECTED);
        }
        self.at += 1;
        Ok(())
    }

    fn line_end(&mut self) -> Read {
        self.expect(b'\r')?;
        self.expect(b'\n')
    }

    /// Reads a value, and the attributes before it.
    fn value(&mut self, around: &Around) -> Read<Found> {
        let mut is_described = false;
        loop {
            let kind = self.byte()?;
            if around.is_full && kind != b'.' {
                return Err(TOO_LONG);
            }
            if self.rules.version == Version::Resp2 && !b"+-:$*".contains(&kind) {
                return Err(UNEXPECTED);
            }
            match kind {
                b'.' if around.may_end && !is_described => {
                    self.at += 1;
                    self.line_end()?;
                    return Ok(Found::EndMark);
                }
                b'|' => {
                    self.aggregate(kind, around.depth)?;
                    is_described = true;
                    continue;
                }
                b'*' | b'%' | b'~' => self.aggregate(kind, around.depth)?,
                b'>' if around.depth == 0 => self.aggregate(kind, 0)?,
                b'+' => self.text(Kind::Simple)?,
                b'-' => self.text(Kind::Error)?,
                b',' => self.number(Kind::Double)?,
                b'(' => self.number(Kind::BigNumber)?,
                b':' => self.integer()?,
                b'$' | b'!' | b'=' => self.bulk(kind)?,
                b'_' => {
                    self.at += 1;
                    self.line_end()?;
                    self.log.mark(Event::Null(Null::Resp3));
                }
                b'#' => {
                    self.at += 1;
                    let byte = self.byte()?;
                    if !matches!(byte, b't' | b'f') {
                        return Err(UNEXPECTED);
                    }
                    if self.rules.line == 0 {
                        return Err(TOO_LONG);
                    }
                    self.at += 1;
                    self.line_end()?;
                    self.log.mark(Event::Bool(byte == b't'));
                }
                _ => return Err(UNEXPECTED),
            }
            return Ok(Found::Value);
        }
    }

    fn aggregate(&mut self, kind: u8, depth: u32) -> Read {
        if depth == self.rules.depth {
            return Err(Stop::Error(ErrorKind::TooDeep));
        }
        let (may_stream, may_be_null) = (b"*%~".contains(&kind), kind == b'*');
        let is_pair = matches!(kind, b'%' | b'|');
        let max = self.rules.elements.min(if is_pair { u64::MAX / 2 } else { u64::MAX });
        let Some(length) = self.length(max, may_stream, may_be_null, 0)? else {
            self.log.mark(Event::Null(Null::Array));
            return Ok(());
        };
        self.log.mark(match kind {
            b'*' => Event::Array(length),
            b'%' => Event::Map(length),
            b'~' => Event::Set(length),
            b'>' => Event::Push(length),
            _ => Event::Attribute(length),
        });
        let mut read = 0_u64;
        loop {
            // In pairs, if it has pairs.
            let (count, is_half) = if is_pair { (read / 2, read % 2 == 1) } else { (read, false) };
            let (is_full, may_end) = match length {
                Length::Counted(all) if count == all => break,
                Length::Counted(_) => (false, false),
                Length::Streamed => (count == self.rules.elements && !is_half, !is_half),
            };
            if self.value(&Around { depth: depth + 1, is_full, may_end })? == Found::EndMark {
                break;
            }
            read += 1;
        }
        self.log.mark(Event::End);
        Ok(())
    }

    /// Reads a type byte, a length, and the line end. `None` is a null.
    fn length(
        &mut self,
        max: u64,
        may_stream: bool,
        may_be_null: bool,
        min: u64,
    ) -> Read<Option<Length>> {
        self.at += 1;
        let mut line = 0;
        match self.byte()? {
            b'?' if may_stream && self.rules.version == Version::Resp3 => {
                self.count(&mut line)?;
                self.line_end()?;
                return Ok(Some(Length::Streamed));
            }
            b'-' if may_be_null => {
                self.count(&mut line)?;
                if self.byte()? != b'1' {
                    return Err(UNEXPECTED);
                }
                self.count(&mut line)?;
                self.line_end()?;
                return Ok(None);
            }
            _ => {}
        }
        let number = self.digits(&mut line, max.into(), TOO_LONG)?;
        if number < min.into() {
            return Err(UNEXPECTED);
        }
        self.line_end()?;
        Ok(Some(Length::Counted(u64::try_from(number).expect("at most the limit"))))
    }

    /// Steps over a byte of a line, of which there may be so many.
    fn count(&mut self, line: &mut u64) -> Read {
        if *line == self.rules.line {
            return Err(TOO_LONG);
        }
        *line += 1;
        self.at += 1;
        Ok(())
    }

    /// Reads digits up to the carriage return.
    fn digits(&mut self, line: &mut u64, max: u128, too_large: Stop) -> Read<u128> {
        let mut number = 0;
        let mut is_empty = true;
        loop {
            match self.byte()? {
                b'\r' if !is_empty => return Ok(number),
                digit @ b'0'..=b'9' => {
                    let larger = number * 10 + u128::from(digit - b'0');
                    if *line == self.rules.line {
                        return Err(TOO_LONG);
                    }
                    if larger > max {
                        return Err(too_large);
                    }
                    self.count(line)?;
                    number = larger;
                    is_empty = false;
                }
                _ => return Err(UNEXPECTED),
            }
        }
    }

    fn integer(&mut self) -> Read {
        self.at += 1;
        let mut line = 0;
        let sign = self.byte()?;
        if matches!(sign, b'+' | b'-') {
            self.count(&mut line)?;
        }
        let max = if sign == b'-' { 1 << 63 } else { (1 << 63) - 1 };
        let number = i128::try_from(self.digits(&mut line, max, UNEXPECTED)?).expect("small");
        self.line_end()?;
        let integer = if sign == b'-' { -number } else { number };
        self.log.mark(Event::Integer(i64::try_from(integer).expect("at most the limit")));
        Ok(())
    }

    fn text(&mut self, kind: Kind) -> Read {
        self.at += 1;
        let mut line = 0;
        loop {
            match self.byte()? {
                b'\r' => break,
                b'\n' => return Err(UNEXPECTED),
                byte => {
                    self.count(&mut line)?;
                    self.log.push(kind, &[byte]);
                }
            }
        }
        self.line_end()?;
        self.log.close(kind);
        Ok(())
    }

    fn number(&mut self, kind: Kind) -> Read {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'\r' if is_number(&text, kind) => break,
                byte => {
                    text.push(byte);
                    if !begins_number(&text, kind) {
                        return Err(UNEXPECTED);
                    }
                    if text.len() as u64 > self.rules.line {
                        return Err(TOO_LONG);
                    }
                    self.log.push(kind, &[byte]);
                    self.at += 1;
                }
            }
        }
        self.line_end()?;
        self.log.close(kind);
        Ok(())
    }

    fn bulk(&mut self, kind: u8) -> Read {
        let (is_string, min) = (kind == b'$', if kind == b'=' { 4 } else { 0 });
        let length = match self.length(self.rules.bulk, is_string, is_string, min)? {
            Some(Length::Counted(length)) => length,
            Some(Length::Streamed) => return self.parts(),
            None => {
                self.log.mark(Event::Null(Null::Bulk));
                return Ok(());
            }
        };
        match kind {
            b'=' => {
                let mut format = [0; 3];
                for place in &mut format {
                    *place = self.byte()?;
                    self.at += 1;
                }
                self.expect(b':')?;
                self.content(Kind::Verbatim(format), length - 4)?;
                self.log.close(Kind::Verbatim(format));
            }
            b'!' => {
                self.content(Kind::BlobError, length)?;
                self.log.close(Kind::BlobError);
            }
            _ => {
                self.content(Kind::Bulk, length)?;
                self.log.close(Kind::Bulk);
            }
        }
        self.line_end()
    }

    fn content(&mut self, kind: Kind, length: u64) -> Read {
        for _ in 0..length {
            let byte = self.byte()?;
            self.at += 1;
            self.log.push(kind, &[byte]);
        }
        Ok(())
    }

    /// Reads the parts of a streamed string.
    fn parts(&mut self) -> Read {
        let mut left = self.rules.bulk;
        loop {
            if self.byte()? != b';' {
                return Err(UNEXPECTED);
            }
            match self.length(left, false, false, 0)? {
                Some(Length::Counted(0)) => break,
                Some(Length::Counted(length)) => {
                    self.content(Kind::Bulk, length)?;
                    self.line_end()?;
                    left -= length;
                }
                _ => unreachable!("neither streamed nor a null"),
            }
        }
        self.log.close(Kind::Bulk);
        Ok(())
    }
}

/// Returns true if the text is a double or a big number, as an expression says that is tried at every place.
fn is_number(text: &[u8], kind: Kind) -> bool {
    let unsigned = match text {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    let is_digits = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if kind == Kind::BigNumber {
        return is_digits(unsigned);
    }
    let lower = unsigned.to_ascii_lowercase();
    let is_payload =
        |text: &[u8]| text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match &lower[..] {
        b"nan" => return true,
        [b'n', b'a', b'n', b'(', payload @ .., b')'] => return is_payload(payload),
        b"inf" => return unsigned == b"inf",
        _ => {}
    }
    let (mantissa, exponent) = match lower.iter().position(|byte| *byte == b'e') {
        Some(at) => (&lower[..at], Some(&lower[at + 1..])),
        None => (&lower[..], None),
    };
    let exponent = exponent.map(|digits| match digits {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    });
    let is_mantissa = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => is_digits(&mantissa[..at]) && is_digits(&mantissa[at + 1..]),
        None => is_digits(mantissa),
    };
    is_mantissa && exponent.is_none_or(is_digits)
}

/// Returns true if the text is the beginning of a double or a big number: one of some endings completes it.
fn begins_number(text: &[u8], kind: Kind) -> bool {
    let endings: [&[u8]; 7] = [b"", b"0", b"nf", b"f", b"an", b"n", b")"];
    endings.iter().any(|ending| is_number(&[text, ending].concat(), kind))
}
