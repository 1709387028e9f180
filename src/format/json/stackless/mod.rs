//! State as code, in a future: the grammar as one loop.
//!
//! The arrays and objects around the value are data, as in the machine: [`Nesting`]. A future that calls
//! itself is a call on the heap for each level; this one has a fixed size.

mod cut;

use core::ops::Range;

use cut::{literal, number, rest_of_text};

use super::nesting::Nesting;
use super::token::{self, Kind, Literal, Rest};
use super::{Event, Limits};
#[cfg(feature = "alloc")]
use super::{Extent, Json, Located, Marker, Options, is_space};
use crate::engine::stackless::Input;
#[cfg(feature = "alloc")]
use crate::engine::stackless::{Boxed, Parser};
use crate::engine::window::outside;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::json as scan;

/// JSON as straight-line `async` code.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct Stackless<E: Marker = Json>(Boxed<E>);

#[cfg(feature = "alloc")]
super::parser! { Stackless }

#[cfg(feature = "alloc")]
impl Stackless {
    /// Creates a parser of one document, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        Self(make(options))
    }
}

#[cfg(feature = "alloc")]
impl Stackless<Located> {
    /// Creates a parser whose events have their places in the input.
    pub fn located(options: Options) -> Self {
        Self(make(options))
    }
}

#[cfg(feature = "alloc")]
impl Default for Stackless {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
fn make<E: Marker>(options: Options) -> Boxed<E> {
    Parser::new(async move |input: &mut Input<'_, E>| whole(input, options).await).erase()
}

/// The part of the input that the options say.
#[cfg(feature = "alloc")]
pub(super) async fn whole<E: Marker>(
    input: &mut Input<'_, E>,
    options: Options,
) -> Result<(), Failure> {
    let Options { limits, extent } = options;
    // Set after a value: true if it was neither an array nor an object.
    let mut after_scalar = None;
    loop {
        let end = input.offset();
        let read = match extent {
            Extent::Value => input.skip_between(is_space).await,
            Extent::Document | Extent::Stream => space(input).await,
        };
        let byte = match read {
            Ok(byte) => byte,
            Err(End::Finished) if after_scalar.is_some() || extent == Extent::Stream => {
                return Ok(());
            }
            Err(end) => return Err(end.into()),
        };
        let is_scalar = !matches!(byte, b'{' | b'[');
        if !extent.allows(is_scalar, after_scalar, input.offset() > end) {
            return Err(input.fail_here(ErrorKind::UnexpectedByte));
        }
        value_here(input, limits, E::event).await?;
        if extent == Extent::Value {
            return Ok(());
        }
        after_scalar = Some(is_scalar);
    }
}

/// Reads a value, and the white space before it, inside a body of the `stackless` or the `generator` engine.
///
/// `event` makes one of the caller's events from each event of the value and the span of its bytes.
///
/// ```
/// use core::ops::Range;
/// use pushdown::engine::stackless::{Input, Parser};
/// use pushdown::events::Of;
/// use pushdown::json::{Limits, value_async};
/// use pushdown::{Failure, PushParser};
///
/// /// Reports the spans of the tokens of a value in parentheses.
/// async fn spans(input: &mut Input<'_, Of<Range<u64>>>) -> Result<(), Failure> {
///     input.expect(b'(').await?;
///     value_async(input, Limits::new(), |_event, span| span).await?;
///     input.expect(b')').await
/// }
///
/// let mut found = Vec::new();
/// let _ = Parser::new(spans).feed_with(br#"(["a", 12])"#, |span| found.push(span));
/// assert_eq!(found, [1..2, 2..5, 7..9, 9..10]);
/// ```
///
/// # Errors
/// As the [module](super) says.
#[inline]
pub async fn value_async<E: Events>(
    input: &mut Input<'_, E>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    space(input).await?;
    value_here(input, limits, event).await
}

/// Skips white space, and returns the byte after it: in a window, and outside of it if that is used up.
macro_rules! space {
    ($input:ident, $window:ident) => {
        match token::space(&mut $window) {
            Some(byte) => byte,
            None => outside!($input, $window, space($input).await?),
        }
    };
}

/// Fails: the grammar does not allow the byte at the position of the window.
macro_rules! unexpected {
    ($input:ident, $window:ident) => {{
        let at = $window.at;
        $input.seek(at);
        return Err($input.fail_here(ErrorKind::UnexpectedByte));
    }};
}

/// Reads a value that begins with the next byte.
async fn value_here<E: Events>(
    input: &mut Input<'_, E>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let mut nesting = Nesting::default();
    let mut byte = input.peek().await?;
    let mut window = input.window();
    loop {
        // A value begins at the position, with this byte.
        let mut opened = None;
        if let Err(rest) = token::value(&mut window, byte, limits, event) {
            if let Rest::Object | Rest::Array = rest {
                if nesting.depth() == limits.depth {
                    let at = window.at;
                    input.seek(at);
                    return Err(input.fail_here(ErrorKind::TooDeep));
                }
                let is_object = matches!(rest, Rest::Object);
                let begin = if is_object { Event::BeginObject } else { Event::BeginArray };
                nesting.push(is_object);
                token::bracket(&mut window, begin, event);
                opened = Some(is_object);
            } else {
                outside!(input, window, rest_of_value(input, rest, limits, event).await?);
            }
        }
        // It has ended, and with it those around it that end here; or an array or an object begins.
        loop {
            let Some(in_object) = nesting.in_object() else {
                let at = window.at;
                input.seek(at);
                return Ok(());
            };
            byte = space!(input, window);
            if byte == if in_object { b'}' } else { b']' } {
                let end = if in_object { Event::EndObject } else { Event::EndArray };
                nesting.pop();
                token::bracket(&mut window, end, event);
                opened = None;
                continue;
            }
            if opened.is_none() {
                if byte != b',' {
                    unexpected!(input, window);
                }
                window.at += 1;
                byte = space!(input, window);
            }
            if in_object {
                if byte != b'"' {
                    unexpected!(input, window);
                }
                if let Err(open) = token::string(&mut window, Kind::Key, limits, event) {
                    outside!(input, window, rest_of_text(input, open, event).await?);
                }
                if space!(input, window) != b':' {
                    unexpected!(input, window);
                }
                window.at += 1;
                byte = space!(input, window);
            }
            break;
        }
    }
}

/// Reads a value that the chunk cuts, or one that is wrong.
async fn rest_of_value<E: Events>(
    input: &mut Input<'_, E>,
    rest: Rest,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    if let Rest::Text(open) = rest {
        return rest_of_text(input, open, event).await;
    }
    match input.peek().await? {
        b'-' | b'0'..=b'9' => number(input, limits, event).await,
        byte => match Literal::beginning_with(byte) {
            Some(found) => literal(input, found, event).await,
            None => Err(input.fail_here(ErrorKind::UnexpectedByte)),
        },
    }
}

/// Skips white space, and returns the next byte without taking it.
#[inline]
async fn space<E: Events>(input: &mut Input<'_, E>) -> Result<u8, End> {
    loop {
        input.peek().await?;
        let mut window = input.window();
        window.at = scan::past_space(window.chunk, window.at);
        let (at, byte) = (window.at, window.byte());
        input.seek(at);
        if let Some(byte) = byte {
            return Ok(byte);
        }
    }
}
