//! State as data.
//!
//! # How this is built
//! Between two values the machine is in [`State::Value`]; [`Grammar::values`] goes from value to value through those
//! that the chunk has whole, which functions of `token.rs` read. A value that the chunk cuts, or that is rare or
//! wrong, is read from the other variants of [`State`]: one for each place within a value where a chunk may end.
//! The open line, text or content is a field of its own, beside the state, so that no step copies it.
//!
//! The aggregates around a value are data, too: [`Nesting`], with the number of elements that each of them still has.
//! The format has no closing bracket to read, so this number is all that says where an aggregate ends.
//!
//! ```text
//! Value ─┬─ '+' '-' ',' '(' ──► Text ── line feed ──► after
//!        ├─ ':' '#' '_' ──────► Line ── line feed ──► after
//!        ├─ '$' '!' ──────────► Line ─┬─ a length ──► Content ── all of it ──► Cr ──► Lf ──► after
//!        │                            ├─ -1 ──► after
//!        │                            └─ '?' ──► Part
//!        ├─ '=' ──────────────► Line ── a length ──► Format ──► Colon ──► Content
//!        ├─ '*' '%' '~' '>' ──► Line ─┬─ a length ──► Value, or after if it is zero
//!        │                            ├─ '?' ──► Value
//!        │                            └─ -1 ──► after
//!        ├─ '|' ──────────────► Line ── a length ──► Value
//!        └─ '.' ──────────────► Line ── line feed ──► after
//!
//! of a streamed string: Part ── ';' ──► Line ─┬─ a length ──► Content ──► Cr ──► Lf ──► Part
//!                                             └─ zero ──► after
//!
//! after, by what is around the value that has ended:
//!   an aggregate that has more elements ──► Value
//!   one that has not: it ends ──► after, or Value if it is an attribute
//!   nothing ──► Success, or in a stream Value
//! ```
//!
//! If you add a state, add it to the picture, and a case that a cut leaves there to `tests/resp/cases.rs`.
//!
//! `coroutine.rs` is the same grammar in the same order. There a place is a line of code, and the number of elements
//! that an aggregate still has is a local variable of the call that reads them.

use core::fmt;
use core::ops::ControlFlow::{self, Break, Continue};

use super::consumer::{Consumer, Report};
use super::line::{Complete, Line};
use super::nesting::{Level, Nesting};
use super::options::Limits;
use super::text::{OpenBulk, OpenText};
use super::token::{self, Rest, Token};
use super::{Event, Extent, Length, Options, Resp};
use crate::engine::machine::{self, Input, Partial};
use crate::error::{End, Failure};

/// RESP as an explicit state machine.
///
/// It allocates only where aggregates nest deeper than 8 levels.
#[derive(Clone, Debug)]
pub struct Machine(machine::Parser<Grammar<Report>>);

impl Machine {
    /// Creates a parser of one value, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        Self(machine::Parser::new(Grammar::new(options, Report)))
    }
}

crate::format::parser! { @local Machine, Resp }
crate::format::parser! { @common Machine, Resp }

/// The place in the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a value, or the end of a streamed aggregate.
    Value,
    /// In a line that is not a text.
    Line,
    /// In a line that is a text.
    Text,
    /// In the format of a verbatim string.
    Format,
    /// After it.
    Colon,
    /// In a content.
    Content,
    /// After it.
    Cr,
    /// After the carriage return behind it.
    Lf,
    /// Before a part of a streamed string.
    Part,
}

/// The machine.
#[derive(Clone)]
pub(super) struct Grammar<C> {
    state: State,
    /// In [`State::Line`].
    line: Line,
    /// In [`State::Text`].
    text: OpenText,
    /// In [`State::Format`].
    format: Partial<3>,
    /// The string from its length to its end.
    bulk: OpenBulk,
    nesting: Nesting,
    pub(super) options: Options,
    consumer: C,
}

impl<C: Consumer> machine::Machine for Grammar<C> {
    type Events = C::Events;
    type Output = C::Output;

    #[inline]
    fn step(
        &mut self,
        input: &mut Input<'_, C::Events>,
    ) -> Result<ControlFlow<C::Output>, Failure> {
        loop {
            let flow = match self.state {
                State::Value => self.values(input)?,
                State::Line => {
                    input.peek()?;
                    let mut window = input.window();
                    let read = self.line.read(&mut window);
                    let at = window.at;
                    input.seek(at);
                    match read {
                        Ok(true) => self.after_line(input),
                        Ok(false) => Continue(()),
                        Err(kind) => return Err(input.fail_here(kind)),
                    }
                }
                State::Text => {
                    input.peek()?;
                    let mut window = input.window();
                    let read = self.text.read(&mut window, &mut self.consumer);
                    let at = window.at;
                    input.seek(at);
                    match read {
                        Ok(true) => self.after(input),
                        Ok(false) => Continue(()),
                        Err(kind) => return Err(input.fail_here(kind)),
                    }
                }
                State::Format => {
                    self.bulk.format = input.array(&mut self.format)?;
                    self.go(State::Colon)
                }
                State::Colon => {
                    input.expect(b':')?;
                    self.content(input)
                }
                State::Content => {
                    input.peek()?;
                    self.content(input)
                }
                State::Cr => {
                    input.expect(b'\r')?;
                    self.go(State::Lf)
                }
                State::Lf => {
                    input.expect(b'\n')?;
                    if self.bulk.is_streamed { self.go(State::Part) } else { self.after(input) }
                }
                State::Part => {
                    input.expect(b';')?;
                    self.line = Line::of_length(self.bulk.left_streamed, &self.options);
                    self.go(State::Line)
                }
            };
            if flow.is_break() {
                return Ok(Break(self.consumer.output()));
            }
        }
    }

    fn reset(&mut self) {
        self.state = State::Value;
        self.format = Partial::new();
        self.nesting.clear();
        self.consumer.reset();
    }
}

impl<C: Consumer> Grammar<C> {
    pub(super) fn new(options: Options, consumer: C) -> Self {
        Self {
            state: State::Value,
            line: Line::new(b':', &options, options.limits),
            text: OpenText::none(),
            format: Partial::new(),
            bulk: OpenBulk::new(b'$', 0),
            nesting: Nesting::new(),
            options,
            consumer,
        }
    }

    fn go(&mut self, state: State) -> ControlFlow<()> {
        self.state = state;
        Continue(())
    }

    /// Reads values, as many as the chunk has whole.
    #[inline(never)]
    fn values(&mut self, input: &mut Input<'_, C::Events>) -> Result<ControlFlow<()>, Failure> {
        let Self { consumer, nesting, options, .. } = self;
        let mut window = input.window();
        let stop = loop {
            let Some(byte) = window.byte() else { break Stop::Wait };
            let mut place = nesting.place();
            let limits = match consumer.limits(options.limits) {
                Some(limits) => limits,
                None => {
                    place.has_no_memory = true;
                    options.limits
                }
            };
            let token = token::value(&mut window, byte, place, options, limits, consumer);
            let is_outermost = match token {
                Ok(Token::Scalar) => nesting.value_ended(|| consumer.take(&mut window, Event::End)),
                Ok(Token::Aggregate(aggregate, length)) => {
                    nesting.push(Level::new(aggregate, length, aggregate.max_count(limits)));
                    length == Length::Counted(0)
                        && nesting.aggregate_ended(|| consumer.take(&mut window, Event::End))
                }
                Ok(Token::End) => {
                    nesting.aggregate_ended(|| consumer.take(&mut window, Event::End))
                }
                Err(rest) => break Stop::Rest(rest),
            };
            if is_outermost && options.extent == Extent::Value {
                break Stop::Outermost;
            }
        };
        let at = window.at;
        input.seek(at);
        match stop {
            Stop::Wait => {
                return match input.peek() {
                    Ok(_) => Ok(Continue(())),
                    Err(End::Finished) if self.may_finish() => Ok(Break(())),
                    Err(end) => Err(end.into()),
                };
            }
            Stop::Outermost => return Ok(Break(())),
            Stop::Rest(Rest::Wrong(kind)) => return Err(input.fail_here(kind)),
            Stop::Rest(Rest::Line(line)) => {
                self.line = line;
                self.state = State::Line;
            }
            Stop::Rest(Rest::Text(text)) => {
                self.text = text;
                self.state = State::Text;
            }
            Stop::Rest(Rest::Bulk(bulk)) => {
                self.bulk = bulk;
                return Ok(self.content(input));
            }
        }
        Ok(Continue(()))
    }

    /// Returns true if the input may end before a value.
    fn may_finish(&self) -> bool {
        self.options.extent == Extent::Stream && self.nesting.is_between()
    }

    /// A line has been read that is not a text.
    fn after_line(&mut self, input: &mut Input<'_, C::Events>) -> ControlFlow<()> {
        match self.line.complete() {
            Complete::Scalar(event) => {
                self.report(input, event);
                self.after(input)
            }
            Complete::Bulk(bulk) => {
                self.bulk = bulk;
                self.content(input)
            }
            Complete::Streamed => {
                self.bulk = OpenBulk::streamed(self.limits());
                self.go(State::Part)
            }
            Complete::Verbatim(length) => {
                self.bulk = OpenBulk::new(b'=', length);
                self.go(State::Format)
            }
            Complete::Part(0) => {
                let end = self.bulk.event(&[], false);
                self.report(input, end);
                self.after(input)
            }
            Complete::Part(length) => {
                self.bulk.begin_part(length);
                self.content(input)
            }
            Complete::Aggregate(aggregate, length) => {
                let level = Level::new(aggregate, length, aggregate.max_count(self.limits()));
                self.report(input, aggregate.event(length));
                self.nesting.push(level);
                self.state = State::Value;
                if length == Length::Counted(0) {
                    self.after_aggregate(input)
                } else {
                    Continue(())
                }
            }
            Complete::End => self.after_aggregate(input),
        }
    }

    /// The limits within a value that has begun, for which there was memory.
    fn limits(&self) -> Limits {
        self.consumer.limits(self.options.limits).unwrap_or(self.options.limits)
    }

    /// Reads on in a content, and reports it.
    fn content(&mut self, input: &mut Input<'_, C::Events>) -> ControlFlow<()> {
        let mut window = input.window();
        let is_whole = self.bulk.read(&mut window, &mut self.consumer);
        let at = window.at;
        input.seek(at);
        self.go(if is_whole { State::Cr } else { State::Content })
    }

    /// A value has ended that the chunk did not have whole.
    fn after(&mut self, input: &mut Input<'_, C::Events>) -> ControlFlow<()> {
        let mut window = input.window();
        let is_outermost = self.nesting.value_ended(|| self.consumer.take(&mut window, Event::End));
        let at = window.at;
        input.seek(at);
        self.after_outermost(is_outermost)
    }

    /// The innermost aggregate has ended.
    fn after_aggregate(&mut self, input: &mut Input<'_, C::Events>) -> ControlFlow<()> {
        let mut window = input.window();
        let is_outermost =
            self.nesting.aggregate_ended(|| self.consumer.take(&mut window, Event::End));
        let at = window.at;
        input.seek(at);
        self.after_outermost(is_outermost)
    }

    /// The place after a value, by what was around it.
    fn after_outermost(&mut self, is_outermost: bool) -> ControlFlow<()> {
        self.state = State::Value;
        if is_outermost && self.options.extent == Extent::Value { Break(()) } else { Continue(()) }
    }

    /// Reports an event at the cursor.
    fn report(&mut self, input: &mut Input<'_, C::Events>, event: Event<'_>) {
        let mut window = input.window();
        self.consumer.take(&mut window, event);
        let at = window.at;
        input.seek(at);
    }
}

/// The reason why no more values are read from a window.
enum Stop {
    /// The chunk has no more of them.
    Wait,
    /// The chunk cuts the next, or it is rare or wrong.
    Rest(Rest),
    /// The outermost value has ended.
    Outermost,
}

impl<C> fmt::Debug for Grammar<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grammar")
            .field("state", &self.state)
            .field("nesting", &self.nesting)
            .finish_non_exhaustive()
    }
}
