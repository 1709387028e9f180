//! State as code, in a future: the grammar as one loop.
//!
//! The aggregates around the value are data, as in the machine: [`Nesting`]. A future that calls itself is a call on
//! the heap for each level; this one has a fixed size.

use super::consumer::{Consumer, Report};
use super::line::{Complete, Line};
use super::nesting::{Level, Nesting};
use super::text::{OpenBulk, OpenText};
use super::token::{self, Rest, Token};
use super::{Event, Extent, Length, Options, Resp};
use crate::engine::stackless::{Boxed, Input, Parser};
use crate::engine::window::outside;
use crate::error::{End, Failure};

/// RESP as straight-line `async` code.
#[derive(Debug)]
pub struct Stackless(Boxed<Resp>);

impl Stackless {
    /// Creates a parser of one value, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        let body = async move |input: &mut Input<'_, Resp>| whole(input, &options).await;
        Self(Parser::new(body).erase())
    }
}

crate::format::parser! { @common Stackless, Resp }

/// The part of the input that the options say.
pub(super) async fn whole(input: &mut Input<'_, Resp>, options: &Options) -> Result<(), Failure> {
    let mut nesting = Nesting::new();
    let mut window = input.window();
    loop {
        let byte = match window.byte() {
            Some(byte) => byte,
            None => match outside!(input, window, input.peek().await) {
                Ok(byte) => byte,
                Err(End::Finished) if options.extent == Extent::Stream && nesting.is_between() => {
                    return Ok(());
                }
                Err(end) => return Err(end.into()),
            },
        };
        let place = nesting.place();
        let token =
            match token::value(&mut window, byte, place, options, options.limits, &mut Report) {
                Ok(token) => token,
                Err(rest) => outside!(input, window, rest_of_value(input, rest, options).await?),
            };
        let is_outermost = match token {
            Token::Scalar => nesting.value_ended(|| Report.take(&mut window, Event::End)),
            Token::Aggregate(aggregate, length) => {
                nesting.push(Level::new(aggregate, length, aggregate.max_count(options.limits)));
                length == Length::Counted(0)
                    && nesting.aggregate_ended(|| Report.take(&mut window, Event::End))
            }
            Token::End => nesting.aggregate_ended(|| Report.take(&mut window, Event::End)),
        };
        if is_outermost && options.extent == Extent::Value {
            let at = window.at;
            input.seek(at);
            return Ok(());
        }
    }
}

/// Reads a value that the chunk does not have whole, or one that is rare or wrong; of an aggregate the line with its
/// length.
async fn rest_of_value(
    input: &mut Input<'_, Resp>,
    rest: Rest,
    options: &Options,
) -> Result<Token, Failure> {
    let line = match rest {
        Rest::Line(line) => rest_of_line(input, line).await?,
        Rest::Text(text) => {
            rest_of_text(input, text).await?;
            return Ok(Token::Scalar);
        }
        Rest::Bulk(bulk) => Complete::Bulk(bulk),
        Rest::Wrong(kind) => return Err(input.fail_here(kind)),
    };
    match line {
        Complete::Scalar(event) => report(input, event),
        Complete::Bulk(mut bulk) => content(input, &mut bulk).await?,
        Complete::Verbatim(length) => {
            let mut bulk = OpenBulk::new(b'=', length);
            bulk.format = input.array().await?;
            input.expect(b':').await?;
            content(input, &mut bulk).await?;
        }
        Complete::Streamed => {
            let mut bulk = OpenBulk::streamed(options.limits);
            loop {
                input.expect(b';').await?;
                let line = Line::of_length(bulk.left_streamed, options);
                match rest_of_line(input, line).await? {
                    Complete::Part(length @ 1..) => {
                        bulk.begin_part(length);
                        content(input, &mut bulk).await?;
                    }
                    _ => break,
                }
            }
            report(input, bulk.event(&[], false));
        }
        Complete::Aggregate(aggregate, length) => {
            report(input, aggregate.event(length));
            return Ok(Token::Aggregate(aggregate, length));
        }
        Complete::End | Complete::Part(_) => return Ok(Token::End),
    }
    Ok(Token::Scalar)
}

/// Reads on in a line that is not a text.
async fn rest_of_line(input: &mut Input<'_, Resp>, mut line: Line) -> Result<Complete, Failure> {
    loop {
        input.peek().await?;
        let mut window = input.window();
        let read = line.read(&mut window);
        let at = window.at;
        input.seek(at);
        match read {
            Ok(true) => return Ok(line.complete()),
            Ok(false) => {}
            Err(kind) => return Err(input.fail_here(kind)),
        }
    }
}

/// Reads on in a line that is a text.
async fn rest_of_text(input: &mut Input<'_, Resp>, mut text: OpenText) -> Result<(), Failure> {
    loop {
        input.peek().await?;
        let mut window = input.window();
        let read = text.read(&mut window, &mut Report);
        let at = window.at;
        input.seek(at);
        match read {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(kind) => return Err(input.fail_here(kind)),
        }
    }
}

/// Reads on in a content, and reports it, up to the line end behind it.
async fn content(input: &mut Input<'_, Resp>, bulk: &mut OpenBulk) -> Result<(), Failure> {
    loop {
        let mut window = input.window();
        let is_whole = bulk.read(&mut window, &mut Report);
        let at = window.at;
        input.seek(at);
        if is_whole {
            break;
        }
        input.peek().await?;
    }
    input.expect(b'\r').await?;
    input.expect(b'\n').await
}

/// Reports an event at the cursor.
fn report(input: &mut Input<'_, Resp>, event: Event<'_>) {
    let mut window = input.window();
    Report.take(&mut window, event);
    let at = window.at;
    input.seek(at);
}
