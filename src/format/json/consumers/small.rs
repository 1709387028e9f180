//! A parser of [`Located`] events for the tests of this folder: JSON without escapes, in ASCII, one or more
//! values.

use super::is_white_space;
use crate::engine::stackless::{Boxed, Input, Parser};
use crate::error::{End, ErrorKind, Failure};
use crate::format::json::{Event, Located};
use crate::scan::Set;
use crate::text::Text;

const NUMBER: Set = Set::of(b"-+.0123456789eE");

/// Parses any number of values.
pub(super) fn stream() -> Boxed<Located> {
    Parser::new(async |input: &mut Input<'_, Located>| {
        loop {
            match input.skip_between(is_white_space).await {
                Ok(_) => value(input).await?,
                Err(End::Finished) => return Ok(()),
                Err(end) => return Err(end.into()),
            }
        }
    })
    .erase()
}

/// Parses one value.
pub(super) fn one() -> Boxed<Located> {
    Parser::new(async |input: &mut Input<'_, Located>| {
        input.skip_between(is_white_space).await?;
        value(input).await
    })
    .erase()
}

async fn value(input: &mut Input<'_, Located>) -> Result<(), Failure> {
    let start = input.offset();
    match input.peek().await? {
        b'{' => {
            take(input, Event::BeginObject).await?;
            let mut first = true;
            while separated(input, &mut first, b'}').await? {
                text(input, |text| Event::Key(text)).await?;
                blank(input).await?;
                input.expect(b':').await?;
                blank(input).await?;
                input.nested(value).await?;
            }
            take(input, Event::EndObject).await
        }
        b'[' => {
            take(input, Event::BeginArray).await?;
            let mut first = true;
            while separated(input, &mut first, b']').await? {
                input.nested(value).await?;
            }
            take(input, Event::EndArray).await
        }
        b'"' => text(input, |text| Event::String(text)).await,
        b't' => {
            input.expect_all(b"true").await?;
            input.emit((Event::Bool(true), start..start + 4));
            Ok(())
        }
        b'n' => {
            input.expect_all(b"null").await?;
            input.emit((Event::Null, start..start + 4));
            Ok(())
        }
        b'-' | b'0'..=b'9' => {
            let mut at = start;
            let end = input
                .text_while(NUMBER, |piece: &[u8]| {
                    at += piece.len() as u64;
                    (Event::Number(ascii(piece, true)), at - piece.len() as u64..at)
                })
                .await;
            match end {
                Ok(_) | Err(End::Finished) => {
                    let end = input.offset();
                    input.emit((Event::Number(ascii(b"", false)), end..end));
                    Ok(())
                }
                Err(end) => Err(end.into()),
            }
        }
        _ => Err(input.fail(ErrorKind::UnexpectedByte)),
    }
}

/// Takes a bracket.
async fn take(input: &mut Input<'_, Located>, event: Event<'static>) -> Result<(), Failure> {
    let start = input.offset();
    input.next().await?;
    input.emit((event, start..start + 1));
    Ok(())
}

/// Skips to the next value of an array or of an object; false at its end.
async fn separated(
    input: &mut Input<'_, Located>,
    first: &mut bool,
    close: u8,
) -> Result<bool, Failure> {
    let byte = blank(input).await?;
    if *first {
        *first = false;
        return Ok(byte != close);
    }
    if byte == close {
        return Ok(false);
    }
    input.expect(b',').await?;
    blank(input).await?;
    Ok(true)
}

async fn blank(input: &mut Input<'_, Located>) -> Result<u8, Failure> {
    loop {
        let byte = input.peek().await?;
        if !is_white_space(byte) {
            return Ok(byte);
        }
        input.next().await?;
    }
}

async fn text(
    input: &mut Input<'_, Located>,
    event: impl for<'t> Fn(Text<'t>) -> Event<'t>,
) -> Result<(), Failure> {
    let mut at = input.offset();
    input.expect(b'"').await?;
    let start = at;
    input
        .text_until(b'"', |piece| {
            let from = at;
            at += u64::from(from == start) + piece.len() as u64;
            (event(ascii(piece, true)), from..at)
        })
        .await?;
    let end = input.offset();
    input.emit((event(ascii(b"", false)), at..end));
    Ok(())
}

fn ascii(text: &[u8], more: bool) -> Text<'_> {
    Text { text: core::str::from_utf8(text).unwrap(), more }
}
