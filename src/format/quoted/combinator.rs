//! State as a copy of the input: a nom parser, run again with every chunk.

use nom::branch::alt;
use nom::bytes::streaming::{take, take_till1};
use nom::character::streaming::char;
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser as _};

use super::{Event, Quoted};
use crate::engine::combinator::Emit;
use crate::format::parser;

parser! {
    /// The quoted string as a nom parser.
    pub struct Combinator(combinator, string) for Quoted;
}

fn string<'i>(input: &'i [u8], emit: &Emit<'_, Quoted>) -> IResult<&'i [u8], ()> {
    let text = take_till1(|byte| matches!(byte, b'"' | b'\\'));
    let escaped = preceded(char('\\'), take(1_usize));
    let piece = alt((text, escaped)).map(|text| emit.emit(Event::Text(text)));
    delimited(char('"'), fold_many0(piece, || (), |(), ()| ()), char('"')).parse(input)
}
