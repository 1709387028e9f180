//! State as a copy of the input: a nom parser, run again with every chunk.

use nom::branch::alt;
use nom::bytes::streaming::{take, take_till1};
use nom::character::streaming::char;
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser as _};

use super::{Event, Quoted};
use crate::engine::combinator::{Emit, Parser};
use crate::error::Error;
use crate::parser::{Progress, PushParser, delegate};

/// The quoted string as a nom parser.
#[derive(Clone, Debug)]
pub struct Combinator(Parser<Body, Quoted, ()>);

type Body = for<'i, 'e, 's> fn(&'i [u8], &'e Emit<'s, Quoted>) -> IResult<&'i [u8], ()>;

fn string<'i>(input: &'i [u8], emit: &Emit<'_, Quoted>) -> IResult<&'i [u8], ()> {
    let text = take_till1(|byte| matches!(byte, b'"' | b'\\'));
    let escaped = preceded(char('\\'), take(1_usize));
    let piece = alt((text, escaped)).map(|text| emit.emit(Event::Text(text)));
    delimited(char('"'), fold_many0(piece, || (), |(), ()| ()), char('"')).parse(input)
}

impl Combinator {
    /// A parser before the opening quote.
    pub fn new() -> Self {
        Self(Parser::new(string))
    }

    /// A parser before the opening quote, for strings of at most `max_len` bytes, quotes included.
    pub fn with_max_len(max_len: usize) -> Self {
        Self(Parser::with_max_len(max_len, string))
    }

    /// [`PushParser::feed_with`] for sinks that stay on this thread.
    pub fn feed_local(&mut self, chunk: &[u8], sink: impl FnMut(Event<'_>)) -> Progress {
        self.0.feed_local(chunk, sink)
    }

    /// [`PushParser::finish_with`] for sinks that stay on this thread.
    ///
    /// # Errors
    /// As [`PushParser::finish`].
    pub fn finish_local(&mut self, sink: impl FnMut(Event<'_>)) -> Result<(), Error> {
        self.0.finish_local(sink)
    }
}

impl Default for Combinator {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Combinator {
    type Events = Quoted;
    delegate!(self => self.0);
}

#[cfg(feature = "testing")]
crate::testing::delegate_work!(Combinator);
