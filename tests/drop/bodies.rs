//! Nested groups of letters, `(ab(c\d))`, in every engine. A letter is an event. Each group holds a
//! guard while it is open, and the body holds one of its own. An exclamation mark panics anywhere.

use std::fmt;
use std::mem;
use std::ops::ControlFlow::{self, Break, Continue};

use nom::IResult;
use nom::bytes::streaming::take;
use pushdown::engine::{combinator, coroutine, generator, machine, stackless};
use pushdown::{DynParser, ErrorKind, Events, Failure};

use crate::guards::{Guard, Guards};

pub(crate) enum Letters {}

impl Events for Letters {
    type Event<'a> = u8;
}

/// An engine, and the ways in which it differs.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) make: fn(&Guards) -> Box<DynParser<'static, Letters>>,
    /// The guards of open groups live from one chunk to the next.
    pub(crate) waits_inside: bool,
    /// They live on after the end, until the parser is reset or dropped.
    pub(crate) keeps: bool,
    /// A panic of a destructor does not reach the caller who resets or drops the parser.
    pub(crate) swallows: bool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const CODE: Engine = Engine {
    name: "",
    make: |_| unreachable!(),
    waits_inside: true,
    keeps: false,
    swallows: false,
};

pub(crate) const ENGINES: [Engine; 5] = [
    Engine { name: "machine", make: make_machine, keeps: true, ..CODE },
    Engine { name: "coroutine", make: make_coroutine, swallows: true, ..CODE },
    Engine { name: "generator", make: make_generator, ..CODE },
    Engine { name: "stackless", make: make_stackless, ..CODE },
    Engine { name: "combinator", make: make_combinator, waits_inside: false, ..CODE },
];

fn checked(byte: u8) -> u8 {
    assert!(byte != b'!', "in the body");
    byte
}

struct Groups {
    open: Option<Box<Open>>,
    escaped: bool,
    guards: Guards,
    _own: Guard,
}

/// A group and the groups around it, dropped in this order.
struct Open {
    _guard: Guard,
    outer: Option<Box<Open>>,
}

impl machine::Machine for Groups {
    type Events = Letters;
    type Output = ();

    fn step(
        &mut self,
        input: &mut machine::Input<'_, Letters>,
    ) -> Result<ControlFlow<()>, Failure> {
        let byte = checked(input.next()?);
        let escaped = mem::take(&mut self.escaped);
        match (byte, self.open.take()) {
            (b'(', outer) if !escaped => {
                self.open = Some(Box::new(Open { _guard: self.guards.guard(), outer }));
            }
            (b')', Some(group)) if !escaped => {
                self.open = group.outer;
                if self.open.is_none() {
                    return Ok(Break(()));
                }
            }
            (byte, open) => {
                let inside = open.is_some();
                self.open = open;
                match byte {
                    b'\\' if inside && !escaped => self.escaped = true,
                    letter if inside && letter.is_ascii_lowercase() => input.emit(letter),
                    _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
                }
            }
        }
        Ok(Continue(()))
    }

    fn reset(&mut self) {
        self.escaped = false;
        self.open = None;
    }
}

fn make_machine(guards: &Guards) -> Box<DynParser<'static, Letters>> {
    let (guards, own) = (guards.clone(), guards.guard());
    Box::new(machine::Parser::new(Groups { open: None, escaped: false, guards, _own: own }))
}

fn make_coroutine(guards: &Guards) -> Box<DynParser<'static, Letters>> {
    type Input<'p> = coroutine::Input<'p, Letters>;

    fn group(input: &mut Input<'_>, guards: &Guards) -> Result<(), Failure> {
        if checked(input.next()?) != b'(' {
            return Err(input.fail(ErrorKind::UnexpectedByte));
        }
        let _guard = guards.guard();
        loop {
            match checked(input.peek()?) {
                b'(' => input.nested(|input| group(input, guards))?,
                b')' => return input.expect(b')'),
                b'\\' => {
                    input.next()?;
                    letter(input)?;
                }
                _ => letter(input)?,
            }
        }
    }

    fn letter(input: &mut Input<'_>) -> Result<(), Failure> {
        let letter = checked(input.next()?);
        if !letter.is_ascii_lowercase() {
            return Err(input.fail(ErrorKind::UnexpectedByte));
        }
        input.emit(letter);
        Ok(())
    }

    let (guards, own) = (guards.clone(), guards.guard());
    Box::new(coroutine::Parser::new(move |input: &mut Input<'_>| {
        let _ = &own;
        group(input, &guards)
    }))
}

type AsyncInput<'p> = stackless::Input<'p, Letters>;

async fn group(input: &mut AsyncInput<'_>, guards: &Guards) -> Result<(), Failure> {
    if checked(input.next().await?) != b'(' {
        return Err(input.fail(ErrorKind::UnexpectedByte));
    }
    let _guard = guards.guard();
    loop {
        match checked(input.peek().await?) {
            b'(' => Box::pin(group(input, guards)).await?,
            b')' => return input.expect(b')').await,
            b'\\' => {
                input.next().await?;
                letter(input).await?;
            }
            _ => letter(input).await?,
        }
    }
}

async fn letter(input: &mut AsyncInput<'_>) -> Result<(), Failure> {
    let letter = checked(input.next().await?);
    if !letter.is_ascii_lowercase() {
        return Err(input.fail(ErrorKind::UnexpectedByte));
    }
    input.emit(letter);
    Ok(())
}

fn make_generator(guards: &Guards) -> Box<DynParser<'static, Letters>> {
    let (guards, own) = (guards.clone(), guards.guard());
    Box::new(generator::Parser::new(async move |input: &mut AsyncInput<'_>| {
        let _ = &own;
        group(input, &guards).await
    }))
}

fn make_stackless(guards: &Guards) -> Box<DynParser<'static, Letters>> {
    let (guards, own) = (guards.clone(), guards.guard());
    Box::new(stackless::Parser::new(async move |input: &mut AsyncInput<'_>| {
        let _ = &own;
        group(input, &guards).await
    }))
}

fn make_combinator(guards: &Guards) -> Box<DynParser<'static, Letters>> {
    type Emit<'s> = combinator::Emit<'s, Letters>;

    fn byte(input: &[u8]) -> IResult<&[u8], u8> {
        let (rest, byte) = take(1_usize)(input)?;
        Ok((rest, checked(byte[0])))
    }

    fn bad<T>(input: &[u8]) -> IResult<&[u8], T> {
        Err(nom::Err::Error(nom::error::make_error(input, nom::error::ErrorKind::Char)))
    }

    fn group<'i>(input: &'i [u8], emit: &Emit<'_>, guards: &Guards) -> IResult<&'i [u8], ()> {
        let (mut input, opening) = byte(input)?;
        if opening != b'(' {
            return bad(input);
        }
        let _guard = guards.guard();
        loop {
            let (rest, first) = byte(input)?;
            input = match first {
                b'(' => group(input, emit, guards)?.0,
                b')' => return Ok((rest, ())),
                b'\\' => letter(rest, emit)?.0,
                _ => letter(input, emit)?.0,
            };
        }
    }

    fn letter<'i>(input: &'i [u8], emit: &Emit<'_>) -> IResult<&'i [u8], ()> {
        let (rest, letter) = byte(input)?;
        if !letter.is_ascii_lowercase() {
            return bad(input);
        }
        emit.emit(letter);
        Ok((rest, ()))
    }

    fn body(
        guards: Guards,
        own: Guard,
    ) -> impl for<'i> FnMut(&'i [u8], &Emit<'_>) -> IResult<&'i [u8], ()> {
        move |input, emit| {
            let _ = &own;
            group(input, emit, &guards)
        }
    }

    Box::new(combinator::Parser::new(body(guards.clone(), guards.guard())))
}
