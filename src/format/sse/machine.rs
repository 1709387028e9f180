//! State as data.
//!
//! # How this is built
//! `lines` of `line.rs` goes from line to line through what the chunk has, and returns the [`Place`] where
//! the chunk ends. Such a place is a state, and has an arm in [`Reader::read`], which reads up to the end of the line.
//! The fields of the lines go to a [`Receiver`]: the sink here, and the maker of messages in `messages.rs`.
//!
//! If you add a place, add it to the picture in the module's documentation, and a case that a cut leaves
//! there to `tests/sse/cases.rs`. `coroutine.rs` has the same arms, as lines of code.

use core::ops::ControlFlow::{self, Break, Continue};

use super::Sse;
use super::line::{self, BYTE_ORDER_MARK, Place};
use super::receiver::{Block, Receiver, Report};
use crate::engine::machine::{self, Input};
use crate::engine::window::{Out, Window};
use crate::error::{End, ErrorKind, Failure};
use crate::format::parser;
use crate::parser::Events;
use crate::text::Cut;

parser! {
    /// The event stream as an explicit state machine. It allocates nothing.
    pub struct Machine(machine, Grammar<Report>) for Sse;
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the beginning of the input, after so many bytes of a byte order mark.
    Start(u8),
    In(Place),
}

/// The place in the grammar, and what is known of the block and the value around it.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    state: State,
    block: Block,
    /// The character that a chunk has cut. Empty but in [`Place::Value`].
    cut: Cut,
}

impl Reader {
    /// A reader at the beginning of the input.
    pub(super) const START: Self =
        Self { state: State::Start(0), block: Block::NONE, cut: Cut::NONE };

    /// Reads up to the end of the window.
    #[inline(always)]
    pub(super) fn read<'w, O: Out<Events = R::Events>, R: Receiver<'w>>(
        &mut self,
        window: &mut Window<'w, O>,
        to: &mut R,
    ) {
        while let Some(byte) = window.byte() {
            let place = match self.state {
                State::In(place) => place,
                State::Start(matched) => {
                    self.state = start(window, matched, byte);
                    continue;
                }
            };
            self.state = State::In(match place {
                Place::Line => line::lines(window, to, &mut self.block),
                Place::LineFeed => {
                    window.at += usize::from(byte == b'\n');
                    Place::Line
                }
                Place::Ignored => after(line::ignored(window), place),
                Place::Name(field, matched) => match field.name().get(usize::from(matched)) {
                    Some(expected) if byte == *expected => {
                        window.at += 1;
                        Place::Name(field, matched + 1)
                    }
                    None if byte == b':' => {
                        window.at += 1;
                        Place::Colon(field)
                    }
                    None if matches!(byte, b'\r' | b'\n') => Place::Value(field),
                    _ => Place::Ignored,
                },
                Place::Colon(field) => {
                    window.at += usize::from(byte == b' ');
                    Place::Value(field)
                }
                Place::Value(field) => {
                    let end = line::value(window, to, field, &mut self.cut);
                    if end.is_some() {
                        self.block.add(field);
                    }
                    after(end, place)
                }
            });
        }
    }
}

/// Takes a byte of a byte order mark. If a part of one has come instead, no known name begins with that.
fn start<O: Out>(window: &mut Window<'_, O>, matched: u8, byte: u8) -> State {
    if matched == 0 && (byte != BYTE_ORDER_MARK[0] || window.offset() != 0) {
        State::In(Place::Line)
    } else if byte != BYTE_ORDER_MARK[usize::from(matched)] {
        State::In(Place::Ignored)
    } else {
        window.at += 1;
        match matched + 1 {
            3 => State::In(Place::Line),
            matched => State::Start(matched),
        }
    }
}

/// The place behind the byte that ends a line, or still in the line.
fn after(end: Option<u8>, within: Place) -> Place {
    match end {
        Some(b'\r') => Place::LineFeed,
        Some(_) => Place::Line,
        None => within,
    }
}

/// Provides the receivers of the lines, one for each window.
pub(super) trait Consumer {
    /// The events that reach a sink.
    type Events: Events;

    /// Returns the receiver of the lines of a window.
    fn receiver(&mut self) -> impl Receiver<'_, Events = Self::Events>;

    /// The number of bytes that the next window may have, at least one.
    #[inline(always)]
    fn room(&self) -> usize {
        usize::MAX
    }

    /// Says if the window was one too many: then it was a byte.
    ///
    /// # Errors
    /// The error at that byte.
    #[inline(always)]
    fn check(&self) -> Result<(), ErrorKind> {
        Ok(())
    }

    /// Forgets everything.
    fn reset(&mut self) {}
}

impl Consumer for Report {
    type Events = Sse;

    #[inline(always)]
    fn receiver(&mut self) -> impl Receiver<'_, Events = Sse> {
        *self
    }
}

/// The machine.
#[derive(Clone, Debug)]
pub(super) struct Grammar<C> {
    reader: Reader,
    pub(super) consumer: C,
}

impl<C> Grammar<C> {
    pub(super) const fn new(consumer: C) -> Self {
        Self { reader: Reader::START, consumer }
    }
}

impl Default for Grammar<Report> {
    fn default() -> Self {
        Self::new(Report)
    }
}

impl<C: Consumer> machine::Machine for Grammar<C> {
    type Events = C::Events;
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut Input<'_, C::Events>) -> Result<ControlFlow<()>, Failure> {
        match input.peek() {
            Ok(_) => {}
            Err(End::Finished) => return Ok(Break(())),
            Err(end) => return Err(end.into()),
        }
        let mut window = input.window();
        let start = window.at;
        if let Some(end) = start.checked_add(self.consumer.room())
            && end < window.chunk.len()
        {
            window.chunk = &window.chunk[..end];
        }
        self.reader.read(&mut window, &mut self.consumer.receiver());
        let (at, len) = (window.at, window.chunk.len() - start);
        match self.consumer.check() {
            Ok(()) => {
                input.seek(at);
                Ok(Continue(()))
            }
            Err(kind) => {
                debug_assert_eq!(len, 1, "more bytes than there is surely room for");
                input.seek(start);
                Err(input.fail_here(kind))
            }
        }
    }

    fn reset(&mut self) {
        self.reader = Reader::START;
        self.consumer.reset();
    }
}
