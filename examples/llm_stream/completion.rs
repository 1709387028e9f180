//! Three parsers inside one another: the event stream, the JSON in its data, and the JSON that the strings of
//! that JSON carry in pieces.
//!
//! ```text
//! data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\": \"Pa"}}]}}]}
//!
//! data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"ris\"}"}}]}}]}
//! ```
//!
//! Each parser feeds the next with pieces of text, as they come, so what has arrived is written at once, wherever
//! the chunks and the messages are cut. Texts are not joined first: the memory grows with the number of calls
//! alone.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::mem;

use pushdown::PushParser;
use pushdown::json::{self, Path, Pattern, Text};
use pushdown::sse::{self, Field};

/// The data of the last message, which is not JSON.
const DONE: &str = "[DONE]";

#[derive(Debug)]
pub(crate) enum Failure {
    Io(io::Error),
    Bad(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The outer parser: the messages of an event stream.
pub(crate) struct Completion<W> {
    parser: sse::Machine,
    message: Message<W>,
}

impl<W: Write + Send> Completion<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self { parser: sse::Machine::new(), message: Message::new(writer) }
    }

    /// Parses a chunk, and writes the text in it. Returns true if the completion has ended.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<bool, Failure> {
        let Self { parser, message } = self;
        let (_, seen) = parser.try_feed_with(chunk, |event| message.see(event));
        message.delta.lines.writer.flush()?;
        seen.and(Ok(message.is_last))
    }

    /// Ends the line that is being written. Fails if the completion has not ended.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        self.message.delta.lines.end()?;
        match self.message.is_last {
            true => Ok(()),
            false => Err(Failure::Bad(format!("the stream ends before {DONE}"))),
        }
    }

    #[allow(dead_code, reason = "the tests look at what has been written")]
    pub(crate) fn writer(&self) -> &W {
        &self.message.delta.lines.writer
    }
}

/// The parser in the middle: the JSON in the data of a message.
struct Message<W> {
    parser: json::Machine,
    delta: Delta<W>,
    /// Counts from 1.
    number: u64,
    /// Bytes of `DONE` that have come, as long as the data may be that.
    matched: usize,
    /// The message has data before this line.
    has_data: bool,
    /// The line goes on in the next event.
    is_open: bool,
    is_last: bool,
}

impl<W: Write + Send> Message<W> {
    fn new(writer: W) -> Self {
        // The digits of an index are the one text that is joined.
        let options = json::Options::new().max_number(64);
        let (parser, delta) = (json::Machine::with_options(options), Delta::new(writer));
        let (has_data, is_open, is_last) = (false, false, false);
        Self { parser, delta, number: 1, matched: 0, has_data, is_open, is_last }
    }

    fn see(&mut self, event: sse::Event<'_>) -> Result<(), Failure> {
        match event {
            _ if self.is_last => Ok(()),
            sse::Event::Field { name: Field::Data, value } => {
                if !mem::replace(&mut self.is_open, value.more) && self.has_data {
                    self.data("\n")?;
                }
                self.has_data = true;
                self.data(value.text)
            }
            sse::Event::Dispatch => self.end(),
            sse::Event::Field { .. } | sse::Event::Discard => Ok(()),
        }
    }

    /// Takes a piece of the data. What may be the mark of the end is held back; it is a part of a constant.
    fn data(&mut self, mut text: &str) -> Result<(), Failure> {
        if self.parser.offset() == 0 {
            let missing = DONE[self.matched..].bytes();
            let equal = text.bytes().zip(missing).take_while(|(a, b)| a == b).count();
            self.matched += equal;
            text = &text[equal..];
            if text.is_empty() {
                return Ok(());
            }
            let held = mem::take(&mut self.matched);
            self.parse(&DONE[..held])?;
        }
        self.parse(text)
    }

    fn parse(&mut self, text: &str) -> Result<(), Failure> {
        let Self { parser, delta, .. } = self;
        let (_, seen) = parser.try_feed_with(text.as_bytes(), |event| delta.see(event));
        let seen = seen.and_then(|()| parser.error().map_or(Ok(()), |error| Err(bad(error))));
        seen.map_err(|failure| within(&format!("message {}", self.number), failure))
    }

    fn end(&mut self) -> Result<(), Failure> {
        if self.matched == DONE.len() {
            self.is_last = true;
            return self.delta.end();
        }
        let held = mem::take(&mut self.matched);
        self.parse(&DONE[..held])?;
        let ended = self.parser.finish();
        ended.map_err(|error| within(&format!("message {}", self.number), bad(&error)))?;
        self.parser.reset();
        self.number += 1;
        self.has_data = false;
        Ok(())
    }
}

/// The meaning of the events of a message.
struct Delta<W> {
    path: Path,
    content: Pattern,
    index: Pattern,
    name: Pattern,
    arguments: Pattern,
    /// The digits of an index that a chunk has cut.
    digits: String,
    /// The call that the last index named. An index that comes after its function is not seen in time.
    current: u64,
    calls: BTreeMap<u64, Call>,
    lines: Lines<W>,
}

impl<W: Write + Send> Delta<W> {
    fn new(writer: W) -> Self {
        let pattern = |text: &str| {
            let pattern = Pattern::new(&format!("/choices/0/delta/{text}"));
            pattern.expect("a pattern of this file is right")
        };
        Self {
            path: Path::new(),
            content: pattern("content"),
            index: pattern("tool_calls/*/index"),
            name: pattern("tool_calls/*/function/name"),
            arguments: pattern("tool_calls/*/function/arguments"),
            digits: String::new(),
            current: 0,
            calls: BTreeMap::new(),
            lines: Lines { writer, line: Line::None },
        }
    }

    fn see(&mut self, event: json::Event<'_>) -> Result<(), Failure> {
        let Self { path, lines, current, .. } = self;
        path.see(&event);
        match event {
            json::Event::String(Text { text, .. }) if path.matches(&self.content) => {
                Ok(lines.write(Line::Text, text)?)
            }
            json::Event::String(Text { text, .. }) if path.matches(&self.name) => {
                Ok(lines.write(Line::Name(*current), text)?)
            }
            json::Event::String(Text { text, .. }) if path.matches(&self.arguments) => {
                let fed = self.calls.entry(*current).or_default().feed(text, *current, lines);
                fed.map_err(|failure| within(&format!("arguments of call {current}"), failure))
            }
            json::Event::Number(Text { text, more }) if path.matches(&self.index) => {
                self.digits.push_str(text);
                if !more {
                    let index = mem::take(&mut self.digits);
                    *current = index.parse().map_err(|_| Failure::Bad(format!("call {index}")))?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Ends the arguments of all calls.
    fn end(&mut self) -> Result<(), Failure> {
        for (index, call) in &mut self.calls {
            let ended = call.finish(*index, &mut self.lines);
            ended.map_err(|failure| within(&format!("arguments of call {index}"), failure))?;
        }
        Ok(())
    }
}

/// The inner parser: the arguments of a call, which many messages carry.
#[derive(Default)]
struct Call {
    parser: json::Machine,
    arguments: Arguments,
}

/// The place in the arguments.
#[derive(Default)]
struct Arguments {
    path: Path,
    /// The text goes on in the next event.
    is_open: bool,
}

impl Call {
    fn feed(
        &mut self,
        text: &str,
        index: u64,
        to: &mut Lines<impl Write + Send>,
    ) -> Result<(), Failure> {
        let Self { parser, arguments } = self;
        let (_, written) =
            parser.try_feed_with(text.as_bytes(), |event| arguments.write(event, index, to));
        written?;
        parser.error().map_or(Ok(()), |error| Err(bad(error)))
    }

    /// Ends the arguments. A call may come without any.
    fn finish(&mut self, index: u64, to: &mut Lines<impl Write + Send>) -> Result<(), Failure> {
        let Self { parser, arguments } = self;
        if parser.offset() == 0 {
            return Ok(());
        }
        let mut written = Ok(());
        let ended = parser.finish_with(|event| written = arguments.write(event, index, to));
        ended.map_err(|error| bad(&error))?;
        Ok(written?)
    }
}

impl Arguments {
    /// Writes a line for each value that is neither an array nor an object.
    fn write(
        &mut self,
        event: json::Event<'_>,
        index: u64,
        to: &mut Lines<impl Write>,
    ) -> io::Result<()> {
        self.path.see(&event);
        let Text { text, more } = match event {
            json::Event::String(piece) | json::Event::Number(piece) => piece,
            json::Event::Bool(true) => Text { text: "true", more: false },
            json::Event::Bool(false) => Text { text: "false", more: false },
            json::Event::Null => Text { text: "null", more: false },
            _ => return Ok(()),
        };
        if !mem::replace(&mut self.is_open, more) || to.line != Line::Argument(index) {
            to.begin(Line::Argument(index))?;
            write!(to.writer, "{} = ", self.path)?;
        }
        to.writer.write_all(text.as_bytes())
    }
}

/// The line that is being written.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    None,
    Text,
    /// The name of the function that a call is for.
    Name(u64),
    /// An argument of a call.
    Argument(u64),
}

struct Lines<W> {
    writer: W,
    line: Line,
}

impl<W: Write> Lines<W> {
    /// Adds to a line, or begins it.
    fn write(&mut self, line: Line, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.line != line {
            self.begin(line)?;
        }
        self.writer.write_all(text.as_bytes())
    }

    fn begin(&mut self, line: Line) -> io::Result<()> {
        self.end()?;
        self.line = line;
        match line {
            Line::Name(call) | Line::Argument(call) => write!(self.writer, "{call}: "),
            Line::None | Line::Text => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        if mem::replace(&mut self.line, Line::None) != Line::None {
            self.writer.write_all(b"\n")?;
        }
        self.writer.flush()
    }
}

fn bad(error: &pushdown::Error) -> Failure {
    Failure::Bad(error.to_string())
}

/// Says where bad input was found.
fn within(part: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Bad(wrong) => Failure::Bad(format!("{part}: {wrong}")),
        Failure::Io(_) => failure,
    }
}
