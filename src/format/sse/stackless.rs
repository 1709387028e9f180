//! State as code, in a future.

use core::convert::Infallible;

use super::line::{self, BYTE_ORDER_MARK, Place};
use super::receiver::{Block, Report};
use super::{Field, Sse};
use crate::engine::stackless::Input;
use crate::error::{End, Failure};
use crate::format::parser;
use crate::text::Cut;

parser! {
    /// The event stream as straight-line `async` code.
    pub struct Stackless(stackless, body) for Sse;
}

/// A stream, up to the end of the input.
pub(super) async fn body(input: &mut Input<'_, Sse>) -> Result<(), Failure> {
    match stream(input).await {
        Err(End::Finished) => Ok(()),
        Err(end) => Err(end.into()),
    }
}

async fn stream(input: &mut Input<'_, Sse>) -> Result<Infallible, End> {
    let (mut block, mut cut) = (Block::NONE, Cut::NONE);
    let mut place = if input.offset() == 0 { byte_order_mark(input).await? } else { Place::Line };
    loop {
        rest_of_line(input, place, &mut block, &mut cut).await?;
        let mut window = input.window();
        place = line::lines(&mut window, &mut Report, &mut block);
        let at = window.at;
        input.seek(at);
    }
}

/// Skips a byte order mark. If a part of one has come instead, no known name begins with that.
async fn byte_order_mark(input: &mut Input<'_, Sse>) -> Result<Place, End> {
    for (matched, expected) in BYTE_ORDER_MARK.into_iter().enumerate() {
        if input.next_if(|byte| byte == expected).await?.is_none() {
            return Ok(if matched == 0 { Place::Line } else { Place::Ignored });
        }
    }
    Ok(Place::Line)
}

/// Reads on from the place where the chunk ends, up to the end of the line.
async fn rest_of_line(
    input: &mut Input<'_, Sse>,
    place: Place,
    block: &mut Block,
    cut: &mut Cut,
) -> Result<(), End> {
    let field = match place {
        Place::Line => return input.peek().await.map(drop),
        Place::LineFeed => return input.next_if(|byte| byte == b'\n').await.map(drop),
        Place::Ignored => None,
        Place::Name(field, matched) => rest_of_name(input, field, matched).await?.then_some(field),
        Place::Colon(field) => {
            input.next_if(|byte| byte == b' ').await?;
            Some(field)
        }
        Place::Value(field) => Some(field),
    };
    let end = loop {
        input.peek().await?;
        let mut window = input.window();
        let end = match field {
            Some(field) => line::value(&mut window, &mut Report, field, cut),
            None => line::ignored(&mut window),
        };
        let at = window.at;
        input.seek(at);
        if let Some(end) = end {
            break end;
        }
    };
    if let Some(field) = field {
        block.add(field);
    }
    if end == b'\r' {
        input.next_if(|byte| byte == b'\n').await?;
    }
    Ok(())
}

/// Reads on in a name, up to the value. Returns false if it is not that of the field.
async fn rest_of_name(input: &mut Input<'_, Sse>, field: Field, matched: u8) -> Result<bool, End> {
    for expected in &field.name()[usize::from(matched)..] {
        if input.next_if(|byte| byte == *expected).await?.is_none() {
            return Ok(false);
        }
    }
    match input.peek().await? {
        b':' => {
            input.next().await?;
            input.next_if(|byte| byte == b' ').await?;
            Ok(true)
        }
        byte => Ok(matches!(byte, b'\r' | b'\n')),
    }
}
