use nom::branch::alt;
use nom::bytes::streaming::{tag, take, take_till1};
use nom::multi::fold_many0;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::unread::Unread;
use crate::{Recogniser, Status};

/// nom 8 with its streaming parsers: after `Incomplete` the input is kept, and parsed again from its
/// start with the next chunk. Copies incomplete input, and takes quadratic time in the number of
/// chunks.
#[derive(Debug, Default)]
pub struct Nom(Unread);

fn string(input: &[u8]) -> IResult<&[u8], ()> {
    let text = take_till1(|byte| matches!(byte, b'"' | b'\\'));
    let escape = preceded(tag("\\"), take(1_usize));
    let content = fold_many0(alt((text, escape)), || (), |(), _| ());
    delimited(tag("\""), content, tag("\"")).parse(input)
}

impl Recogniser for Nom {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        self.0.parse(chunk, |bytes| match string(bytes) {
            Ok(_) => (0, Status::Success),
            Err(nom::Err::Incomplete(_)) => (0, Status::NeedMoreInput),
            Err(_) => (0, Status::BadInput),
        })
    }

    fn reset(&mut self) {
        self.0.clear();
    }
}
