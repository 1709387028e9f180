//! Tokens that the chunk cuts, or that are wrong.
//!
//! Code that waits is inlined into the functions of the grammar: the processor mispredicts the return from a
//! function in which the stack was switched. Not in debug builds, where every copy makes a frame larger.

use core::ops::Range;

use super::super::escape::{Unit, digit, meaning, simple};
use super::super::token::{self, Kind, Literal, OpenText};
use super::super::{Event, Limits};
use crate::engine::coroutine::Input;
use crate::engine::window::outside;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::json as scan;
use crate::text::Cut;

/// Reads a number or a literal that the chunk cuts, or one that is wrong or too long.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn cut_scalar<E: Events>(
    input: &mut Input<'_, E>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    match input.peek()? {
        b'-' | b'0'..=b'9' => number(input, limits, event),
        byte => match Literal::beginning_with(byte) {
            Some(found) => literal(input, found, event),
            None => Err(input.fail_here(ErrorKind::UnexpectedByte)),
        },
    }
}

/// Reads on in a string or a name.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(super) fn rest_of_text<E: Events>(
    input: &mut Input<'_, E>,
    mut open: OpenText,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    loop {
        let mut window = input.window();
        let closed = token::text(&mut window, &mut open, event);
        let (at, byte) = (window.at, window.byte());
        input.seek(at);
        if closed {
            return Ok(());
        }
        match byte {
            None => {
                input.peek()?;
            }
            Some(b'\\') => {
                input.next()?;
                let character = escaped(input)?;
                if !open.count(character.len_utf8()) {
                    return Err(input.fail(ErrorKind::TooLong));
                }
                report(input, &mut open, character.encode_utf8(&mut [0; 4]), true, event);
            }
            Some(..0x20) => return Err(input.fail_here(ErrorKind::UnexpectedByte)),
            Some(_) => character(input, &mut open, event)?,
        }
    }
}

/// Reads a character of several bytes that the chunk cuts, or one that is wrong or too long.
#[cfg_attr(not(debug_assertions), inline(always))]
fn character<E: Events>(
    input: &mut Input<'_, E>,
    open: &mut OpenText,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let mut cut = Cut::NONE;
    loop {
        input.peek()?;
        let mut window = input.window();
        let read = token::character(&mut window, open, &mut cut, event);
        let at = window.at;
        input.seek(at);
        match read {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(kind) => return Err(input.fail_here(kind)),
        }
    }
}

/// Reads an escape from behind its backslash on.
#[cfg_attr(not(debug_assertions), inline(always))]
fn escaped<E: Events>(input: &mut Input<'_, E>) -> Result<char, Failure> {
    match input.next()? {
        b'u' => {}
        byte => return simple(byte).ok_or_else(|| input.fail(ErrorKind::UnexpectedByte)),
    }
    let unit = unit(input)?;
    match meaning(None, unit) {
        Ok(Unit::Character(character)) => return Ok(character),
        Ok(Unit::High) => {}
        Err(kind) => return Err(input.fail(kind)),
    }
    if input.next()? != b'\\' || input.next()? != b'u' {
        return Err(input.fail(ErrorKind::LoneSurrogate));
    }
    match meaning(Some(unit), self::unit(input)?) {
        Ok(Unit::Character(character)) => Ok(character),
        _ => Err(input.fail(ErrorKind::LoneSurrogate)),
    }
}

/// Reads the four digits of a unit.
#[cfg_attr(not(debug_assertions), inline(always))]
fn unit<E: Events>(input: &mut Input<'_, E>) -> Result<u16, Failure> {
    let mut unit = 0;
    for _ in 0..4 {
        let Some(digit) = digit(input.next()?) else {
            return Err(input.fail(ErrorKind::UnexpectedByte));
        };
        unit = unit << 4 | digit;
    }
    Ok(unit)
}

/// Reads a number that begins with the next byte.
#[cfg_attr(not(debug_assertions), inline(always))]
fn number<E: Events>(
    input: &mut Input<'_, E>,
    limits: Limits,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    let mut open = OpenText::new(Kind::Number, input.offset(), limits);
    let mut window = input.window();
    // The piece that is not reported yet begins here.
    let mut from = window.at;
    /// The next byte, or `None` at the end of the input. Before it waits, it reports what there is.
    macro_rules! next {
        () => {
            match window.byte() {
                Some(byte) => Some(byte),
                None => {
                    token::piece(&mut window, &mut open, from, true, event);
                    let next = outside!(input, window, peek_or_end(input)?);
                    from = window.at;
                    next
                }
            }
        };
    }
    macro_rules! fail {
        ($kind:ident) => {{
            token::piece(&mut window, &mut open, from, true, event);
            let at = window.at;
            input.seek(at);
            return Err(input.fail_here(ErrorKind::$kind));
        }};
    }
    /// Takes the next byte.
    macro_rules! take {
        () => {{
            if !open.allows(window.at + 1 - from) {
                fail!(TooLong);
            }
            window.at += 1;
        }};
    }
    /// Takes one digit or more, and returns the byte after them.
    macro_rules! digits {
        () => {{
            match next!() {
                Some(b'0'..=b'9') => take!(),
                Some(_) => fail!(UnexpectedByte),
                None => return Err(End::Finished.into()),
            }
            loop {
                let allowed = open.allowed(window.chunk, from);
                window.at += scan::digits(allowed, window.at).len();
                match next!() {
                    Some(b'0'..=b'9') => take!(),
                    next => break next,
                }
            }
        }};
    }

    if next!() == Some(b'-') {
        take!();
    }
    let mut next = if next!() == Some(b'0') {
        take!();
        next!()
    } else {
        digits!()
    };
    if next == Some(b'.') {
        take!();
        next = digits!();
    }
    if let Some(b'e' | b'E') = next {
        take!();
        if let Some(b'+' | b'-') = next!() {
            take!();
        }
        digits!();
    }
    token::piece(&mut window, &mut open, from, false, event);
    let at = window.at;
    input.seek(at);
    Ok(())
}

/// Returns the next byte without taking it, or `None` at the end of the input.
#[cfg_attr(not(debug_assertions), inline(always))]
fn peek_or_end<E: Events>(input: &mut Input<'_, E>) -> Result<Option<u8>, Failure> {
    match input.peek() {
        Ok(byte) => Ok(Some(byte)),
        Err(End::Finished) => Ok(None),
        Err(end) => Err(end.into()),
    }
}

/// Reads a literal that begins with the next byte.
#[cfg_attr(not(debug_assertions), inline(always))]
fn literal<E: Events>(
    input: &mut Input<'_, E>,
    literal: Literal,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) -> Result<(), Failure> {
    input.expect_all(literal.bytes())?;
    input.emit(literal.reported(input.offset(), event));
    Ok(())
}

/// Reports a piece that ends at the cursor.
fn report<E: Events>(
    input: &mut Input<'_, E>,
    open: &mut OpenText,
    text: &str,
    more: bool,
    event: impl for<'t> Fn(Event<'t>, Range<u64>) -> E::Event<'t> + Copy,
) {
    let mut window = input.window();
    open.report(&mut window, text, more, event);
    let at = window.at;
    input.seek(at);
}
