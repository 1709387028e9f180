//! State as data.
//!
//! # How this is built
//! A token is a string, a name, a number, a literal, a bracket, a comma or a colon. Between two tokens the
//! machine is in a [`Place`]; [`Grammar::tokens`] goes from place to place through the tokens that the chunk
//! has whole, which functions of `token.rs` read. A token that the chunk cuts, or that is wrong, is read byte
//! by byte, from the other variants of [`State`]: one for each place within a token where a chunk may end. The
//! arrays and objects around a value are data, too: [`Nesting`].
//!
//! ```text
//! the beginning, by the extent: Start, Value or End
//!
//! Start ──► Value ─┬─ string, number, literal ──► after
//!                  ├─ '[' ──► First ─────┬─ ']' ──► after
//!                  │                     └─ a value, as from Value
//!                  └─ '{' ──► FirstName ─┬─ '}' ──► after
//!                                        └─ name ──► Colon ── ':' ──► Value
//!
//! after, by what is around the value that has ended:
//!   an array ───► Item ────┬─ ',' ──► Value
//!                          └─ ']' ──► after
//!   an object ──► Member ──┬─ ',' ──► Name ── name ──► Colon
//!                          └─ '}' ──► after
//!   nothing, and it is all that the parser takes: Success
//!   nothing, behind an array or an object ──► End ── in a stream ──► a value, as from Value
//!   nothing, behind any other value ──► AfterScalar ─┬─ white space ──► End
//!                                                    └─ in a stream, '[' or '{' ──► End
//!
//! in a token that the chunk cuts:
//!   Text ─┬─ closing quote ──► after, or Colon behind a name
//!         ├─ any other byte ──► Character ── its last byte ──► Text
//!         └─ '\' ──► Escape ─┬─ one character ──► Text
//!                            └─ 'u' ──► Unit ─┬─ four digits ──► Text
//!                                             └─ of a high half ──► Low ── '\' ──► LowUnit ── 'u' ──► Unit
//!   Number ── a byte that ends it, or the end of the input ──► after
//!   Literal ── its last byte ──► after
//! ```
//!
//! A read that finds nothing returns from `step`, and the next chunk calls it again: so the state is stored
//! before a read, and what is in a local variable is lost. If you add a state, add it to the picture, and a
//! case that a cut leaves there to `tests/json/cases.rs`.
//!
//! `json/coroutine` is the same grammar in the same order. There a place is a line of code, and the arrays and
//! objects around a value are the calls that have not returned.

mod cut;

use core::fmt;
use core::marker::PhantomData;
use core::ops::ControlFlow::{self, Break, Continue};

use cut::Part;

use super::escape::{Unit, digit, meaning, simple};
use super::nesting::Nesting;
use super::token::{self, Kind, Literal, OpenText, Rest};
use super::{Event, Extent, Json, Located, Marker, Options, is_space};
use crate::engine::machine::{self, Input};
use crate::error::{End, ErrorKind, Failure};
use crate::text::Cut;

/// JSON as an explicit state machine.
///
/// It allocates only where arrays and objects nest deeper than 128 levels.
#[derive(Clone, Debug)]
pub struct Machine<E: Marker = Json>(machine::Parser<Grammar<E>>);

super::parser! { Machine, local }

impl Machine {
    /// Creates a parser of one document, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        Self(machine::Parser::new(Grammar::new(options)))
    }
}

impl Machine<Located> {
    /// Creates a parser whose events have their places in the input.
    pub fn located(options: Options) -> Self {
        Self(machine::Parser::new(Grammar::new(options)))
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// The place in the grammar.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Before a value that the parser is to take alone. White space here lies between values.
    Start,
    /// Between two tokens.
    Between(Place),
    /// Right behind an outermost value that is neither an array nor an object.
    AfterScalar,

    /// In a string or a name.
    Text,
    /// In a character of several bytes that the chunk cuts, or before one that is wrong or too long.
    Character,
    /// After a backslash.
    Escape,
    /// In `\uXXXX`, after so many digits, and after the first half of a pair if there is one.
    Unit { high: Option<u16>, unit: u16, digits: u8 },
    /// After the first half of a pair.
    Low(u16),
    /// After the backslash that follows it.
    LowUnit(u16),

    /// In a number.
    Number(Part),
    /// In a literal, after so many bytes.
    Literal(Literal, usize),
}

/// The place between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before a value.
    Value,
    /// After `[`.
    First,
    /// After a value in an array.
    Item,
    /// After `{`.
    FirstName,
    /// After `,` in an object.
    Name,
    /// After a name.
    Colon,
    /// After a value in an object.
    Member,
    /// Outside of all values.
    End,
}

/// The machine.
#[derive(Clone)]
struct Grammar<E> {
    state: State,
    /// The text that a chunk has cut, while the state is one within a text.
    open: OpenText,
    /// The character that a chunk has cut, in [`State::Character`].
    cut: Cut,
    nesting: Nesting,
    options: Options,
    events: PhantomData<fn() -> E>,
}

impl<E: Marker> machine::Machine for Grammar<E> {
    type Events = E;
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut Input<'_, E>) -> Result<ControlFlow<()>, Failure> {
        loop {
            let flow = match self.state {
                State::Start => {
                    input.skip_between(is_space)?;
                    self.go(Place::Value)
                }
                State::Between(place) => self.tokens(input, place)?,
                State::AfterScalar => match (input.peek(), self.options.extent) {
                    (Ok(byte), _) if is_space(byte) => self.go(Place::End),
                    (Ok(b'{' | b'['), Extent::Stream) => self.go(Place::End),
                    (Ok(_), _) => return Err(input.fail_here(ErrorKind::UnexpectedByte)),
                    (Err(End::Finished), _) => Break(()),
                    (Err(end), _) => return Err(end.into()),
                },
                State::Text => {
                    input.peek()?;
                    self.rest_of_text(input)?
                }
                State::Character => self.character(input)?,
                State::Escape => match input.next()? {
                    b'u' => {
                        self.state = State::Unit { high: None, unit: 0, digits: 0 };
                        Continue(())
                    }
                    byte => match simple(byte) {
                        Some(character) => self.decoded(input, character)?,
                        None => return Err(input.fail(ErrorKind::UnexpectedByte)),
                    },
                },
                State::Unit { high, unit, digits } => {
                    let Some(digit) = digit(input.next()?) else {
                        return Err(input.fail(ErrorKind::UnexpectedByte));
                    };
                    let (unit, digits) = (unit << 4 | digit, digits + 1);
                    if digits < 4 {
                        self.state = State::Unit { high, unit, digits };
                        continue;
                    }
                    match meaning(high, unit) {
                        Ok(Unit::Character(character)) => self.decoded(input, character)?,
                        Ok(Unit::High) => {
                            self.state = State::Low(unit);
                            Continue(())
                        }
                        Err(kind) => return Err(input.fail(kind)),
                    }
                }
                State::Low(high) => match input.next()? {
                    b'\\' => {
                        self.state = State::LowUnit(high);
                        Continue(())
                    }
                    _ => return Err(input.fail(ErrorKind::LoneSurrogate)),
                },
                State::LowUnit(high) => match input.next()? {
                    b'u' => {
                        self.state = State::Unit { high: Some(high), unit: 0, digits: 0 };
                        Continue(())
                    }
                    _ => return Err(input.fail(ErrorKind::LoneSurrogate)),
                },

                State::Number(part) => self.rest_of_number(input, part)?,
                State::Literal(literal, ref mut matched) => {
                    input.expect_all(literal.bytes(), matched)?;
                    let event = literal.reported(input.offset(), E::event);
                    input.emit(event);
                    self.after(Kind::String)
                }
            };
            if flow.is_break() {
                return Ok(Break(()));
            }
        }
    }

    fn reset(&mut self) {
        self.state = start(self.options.extent);
        self.nesting.clear();
    }
}

/// The state at the start.
fn start(extent: Extent) -> State {
    match extent {
        Extent::Value => State::Start,
        Extent::Document => State::Between(Place::Value),
        Extent::Stream => State::Between(Place::End),
    }
}

impl<E: Marker> Grammar<E> {
    fn new(options: Options) -> Self {
        Self {
            state: start(options.extent),
            open: OpenText::new(Kind::String, 0, options.limits),
            cut: Cut::NONE,
            nesting: Nesting::default(),
            options,
            events: PhantomData,
        }
    }

    /// Goes to a place between two tokens.
    fn go(&mut self, place: Place) -> ControlFlow<()> {
        self.state = State::Between(place);
        Continue(())
    }

    /// Reads tokens, as many as the chunk has whole.
    #[inline(never)]
    fn tokens(
        &mut self,
        input: &mut Input<'_, E>,
        mut place: Place,
    ) -> Result<ControlFlow<()>, Failure> {
        let limits = self.options.limits;
        let mut window = input.window();
        let token = loop {
            let Some(byte) = token::space(&mut window) else { break Token::Wait };
            place = match place {
                Place::Item if byte == b',' => {
                    window.at += 1;
                    Place::Value
                }
                Place::Member if byte == b',' => {
                    window.at += 1;
                    Place::Name
                }
                Place::Colon if byte == b':' => {
                    window.at += 1;
                    Place::Value
                }
                Place::First | Place::Item if byte == b']' => {
                    token::bracket(&mut window, Event::EndArray, E::event);
                    self.nesting.pop();
                    match self.after_value() {
                        Some(place) => place,
                        None => break Token::Outermost { is_scalar: false },
                    }
                }
                Place::FirstName | Place::Member if byte == b'}' => {
                    token::bracket(&mut window, Event::EndObject, E::event);
                    self.nesting.pop();
                    match self.after_value() {
                        Some(place) => place,
                        None => break Token::Outermost { is_scalar: false },
                    }
                }
                Place::FirstName | Place::Name if byte == b'"' => {
                    match token::string(&mut window, Kind::Key, limits, E::event) {
                        Ok(()) => Place::Colon,
                        Err(open) => {
                            self.open = open;
                            break Token::Cut(State::Text);
                        }
                    }
                }
                Place::End if self.options.extent != Extent::Stream => {
                    break Token::Wrong(ErrorKind::UnexpectedByte);
                }
                Place::Value | Place::First | Place::End => {
                    match token::value(&mut window, byte, limits, E::event) {
                        Ok(()) => match self.after_value() {
                            Some(place) => place,
                            None => break Token::Outermost { is_scalar: true },
                        },
                        Err(Rest::Text(open)) => {
                            self.open = open;
                            break Token::Cut(State::Text);
                        }
                        Err(Rest::Object | Rest::Array) if self.nesting.depth() == limits.depth => {
                            break Token::Wrong(ErrorKind::TooDeep);
                        }
                        Err(Rest::Object) => {
                            self.nesting.push(true);
                            token::bracket(&mut window, Event::BeginObject, E::event);
                            Place::FirstName
                        }
                        Err(Rest::Array) => {
                            self.nesting.push(false);
                            token::bracket(&mut window, Event::BeginArray, E::event);
                            Place::First
                        }
                        Err(Rest::Value) => match byte {
                            b'-' | b'0'..=b'9' => {
                                let from = window.offset();
                                self.open = OpenText::new(Kind::Number, from, limits);
                                break Token::Cut(State::Number(Part::Start));
                            }
                            _ => match Literal::beginning_with(byte) {
                                Some(literal) => break Token::Cut(State::Literal(literal, 0)),
                                None => break Token::Wrong(ErrorKind::UnexpectedByte),
                            },
                        },
                    }
                }
                _ => break Token::Wrong(ErrorKind::UnexpectedByte),
            };
        };
        let at = window.at;
        input.seek(at);
        match token {
            Token::Cut(state) => self.state = state,
            Token::Outermost { is_scalar } => return Ok(self.after_outermost(is_scalar)),
            Token::Wrong(kind) => return Err(input.fail_here(kind)),
            Token::Wait => {
                self.state = State::Between(place);
                match (input.peek(), place) {
                    (Ok(_), _) => {}
                    (Err(End::Finished), Place::End) => return Ok(Break(())),
                    (Err(end), _) => return Err(end.into()),
                }
            }
        }
        Ok(Continue(()))
    }

    /// The place after a value, unless it was the outermost.
    #[inline(always)]
    fn after_value(&self) -> Option<Place> {
        self.nesting
            .in_object()
            .map(|in_object| if in_object { Place::Member } else { Place::Item })
    }

    /// The outermost value has ended.
    fn after_outermost(&mut self, is_scalar: bool) -> ControlFlow<()> {
        if self.options.extent == Extent::Value {
            return Break(());
        }
        self.state = if is_scalar { State::AfterScalar } else { State::Between(Place::End) };
        Continue(())
    }

    /// A token has ended that the chunk did not have whole.
    fn after(&mut self, kind: Kind) -> ControlFlow<()> {
        let place = match kind {
            Kind::Key => Some(Place::Colon),
            Kind::String | Kind::Number => self.after_value(),
        };
        match place {
            Some(place) => self.go(place),
            None => self.after_outermost(true),
        }
    }
}

/// The reason why no more tokens are read from a window.
enum Token {
    /// The chunk has no more of them.
    Wait,
    /// The chunk cuts the next, or it is wrong: it is read from this state.
    Cut(State),
    /// The outermost value has ended.
    Outermost {
        is_scalar: bool,
    },
    Wrong(ErrorKind),
}

impl<E> fmt::Debug for Grammar<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grammar")
            .field("state", &self.state)
            .field("nesting", &self.nesting)
            .finish_non_exhaustive()
    }
}
