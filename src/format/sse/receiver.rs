//! The receivers of what lines have, and the blocks that lines make.

use core::mem;

use super::{Event, Field, Sse, Text};
use crate::engine::window::{Out, Window};
use crate::parser::Events;

/// The fields of a block so far, as far as its blank line depends on them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    has_event: bool,
    has_data: bool,
}

/// The end of a block that means something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Blank {
    /// The block has data.
    Dispatch,
    /// It has a type, and no data.
    Discard,
}

impl Block {
    /// No field.
    pub(super) const NONE: Self = Self { has_event: false, has_data: false };

    /// A field has ended.
    #[inline(always)]
    pub(super) fn add(&mut self, field: Field) {
        self.has_event |= field == Field::Event;
        self.has_data |= field == Field::Data;
    }

    /// Returns what its blank line means.
    #[inline(always)]
    pub(super) fn end(&mut self) -> Option<Blank> {
        match mem::replace(self, Self::NONE) {
            Self { has_data: true, .. } => Some(Blank::Dispatch),
            Self { has_event: true, .. } => Some(Blank::Discard),
            Self { .. } => None,
        }
    }
}

/// The receiver of what the lines of a window have, each when the position is behind it.
pub(super) trait Receiver<'w> {
    /// The events that reach a sink.
    type Events: Events;

    /// Takes the value of a field, which lies in the chunk.
    fn whole<O: Out<Events = Self::Events>>(
        &mut self,
        window: &mut Window<'w, O>,
        name: Field,
        text: &'w str,
    );

    /// Takes a piece of the value of a field.
    fn piece<O: Out<Events = Self::Events>>(
        &mut self,
        window: &mut Window<'w, O>,
        name: Field,
        piece: Text<'_>,
    );

    /// Takes the end of a block.
    fn blank<O: Out<Events = Self::Events>>(&mut self, window: &mut Window<'w, O>, blank: Blank);
}

/// Reports events to the sink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report;

impl<'w> Receiver<'w> for Report {
    type Events = Sse;

    #[inline(always)]
    fn whole<O: Out<Events = Sse>>(
        &mut self,
        window: &mut Window<'w, O>,
        name: Field,
        text: &'w str,
    ) {
        self.piece(window, name, Text { text, more: false });
    }

    #[inline(always)]
    fn piece<O: Out<Events = Sse>>(
        &mut self,
        window: &mut Window<'w, O>,
        name: Field,
        value: Text<'_>,
    ) {
        window.emit(|| Event::Field { name, value });
    }

    #[inline(always)]
    fn blank<O: Out<Events = Sse>>(&mut self, window: &mut Window<'w, O>, blank: Blank) {
        window.emit(|| match blank {
            Blank::Dispatch => Event::Dispatch,
            Blank::Discard => Event::Discard,
        });
    }
}
