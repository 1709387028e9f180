//! Texts in pieces: lines that are texts, and contents. They are reported as far as the chunk has them.

use super::consumer::Consumer;
use super::line::Number;
use super::options::Limits;
use super::{Event, Piece};
use crate::engine::window::{Out, Window};
use crate::error::ErrorKind;
use crate::scan::MAX_LOOKAHEAD;

/// The types of lines that are texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Simple,
    Error,
    Double,
    BigNumber,
}

/// A line that is a text, of which a part has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenText {
    kind: Kind,
    /// The place in a number.
    number: Number,
    /// The carriage return has been read.
    is_ended: bool,
    /// Bytes that the text may still have.
    left: u64,
}

impl OpenText {
    /// Nothing of a text.
    #[inline(always)]
    pub(super) fn new(kind: Kind, limits: Limits) -> Self {
        Self { kind, number: Number::Start, is_ended: false, left: limits.text }
    }

    /// The text of a machine that has read none.
    pub(super) fn none() -> Self {
        Self { kind: Kind::Simple, number: Number::Start, is_ended: false, left: 0 }
    }

    #[inline(always)]
    fn event<'b>(&self, bytes: &'b [u8], more: bool) -> Event<'b> {
        let piece = Piece { bytes, more };
        match self.kind {
            Kind::Simple => Event::Simple(piece),
            Kind::Error => Event::Error(piece),
            Kind::Double => Event::Double(piece),
            Kind::BigNumber => Event::BigNumber(piece),
        }
    }

    /// Returns the length of what follows of the text in these bytes.
    #[inline(always)]
    fn run(&mut self, bytes: &[u8]) -> usize {
        match self.kind {
            Kind::Simple | Kind::Error => line_end(bytes),
            Kind::Double | Kind::BigNumber => {
                let after = |number: Number, byte| number.after(byte, self.kind == Kind::Double);
                let mut count = 0;
                while let Some(number) = bytes.get(count).and_then(|byte| after(self.number, *byte))
                {
                    self.number = number;
                    count += 1;
                }
                count
            }
        }
    }

    /// Returns true if the text may go on with this byte.
    fn allows(&self, byte: u8) -> bool {
        match self.kind {
            Kind::Simple | Kind::Error => !matches!(byte, b'\r' | b'\n'),
            kind => self.number.after(byte, kind == Kind::Double).is_some(),
        }
    }

    /// Returns true if the text may end here.
    #[inline(always)]
    fn may_end(&self) -> bool {
        matches!(self.kind, Kind::Simple | Kind::Error) || self.number.may_end()
    }

    /// Reads on. Returns true at the end of the line. If it fails, the byte at the position of the window is to
    /// blame.
    #[inline]
    pub(super) fn read<O: Out>(
        &mut self,
        window: &mut Window<'_, O>,
        consumer: &mut impl Consumer<Events = O::Events>,
    ) -> Result<bool, ErrorKind> {
        if !self.is_ended {
            let (chunk, at) = (window.chunk, window.at);
            let rest = &chunk[at..];
            let allowed = match usize::try_from(self.left) {
                Ok(left) if left < rest.len() => &rest[..left],
                _ => rest,
            };
            let run = &rest[..self.run(allowed)];
            let behind = &rest[run.len()..];
            let looked_at = if run.len() < SHORT { 2 } else { MAX_LOOKAHEAD };
            window.count(looked_at.min(behind.len()));
            if self.may_end() && matches!(behind, [b'\r', b'\n', ..]) {
                window.at = at + run.len() + 2;
                consumer.take(window, self.event(run, false));
                return Ok(true);
            }
            self.left -= run.len() as u64;
            window.at = at + run.len();
            if !run.is_empty() {
                consumer.take(window, self.event(run, true));
            }
            match window.byte() {
                None => return Ok(false),
                Some(b'\r') if self.may_end() => {
                    window.at += 1;
                    self.is_ended = true;
                }
                Some(byte) if self.allows(byte) => return Err(ErrorKind::TooLong),
                Some(_) => return Err(ErrorKind::UnexpectedByte),
            }
        }
        match window.byte() {
            None => Ok(false),
            Some(b'\n') => {
                window.at += 1;
                consumer.take(window, self.event(&[], false));
                Ok(true)
            }
            Some(_) => Err(ErrorKind::UnexpectedByte),
        }
    }
}

/// Bytes that are looked at one by one before a vector search: most simple strings end within them.
const SHORT: usize = 16;

/// Returns the place of the first byte of a line end, or the length.
#[inline(always)]
fn line_end(bytes: &[u8]) -> usize {
    let short = &bytes[..bytes.len().min(SHORT)];
    match short.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        Some(at) => at,
        None => {
            let further = memchr::memchr2(b'\r', b'\n', &bytes[short.len()..]);
            further.map_or(bytes.len(), |at| short.len() + at)
        }
    }
}

/// A bulk string, a bulk error or a verbatim string, of which a part has been read.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenBulk {
    kind: u8,
    /// Of a verbatim string.
    pub(super) format: [u8; 3],
    /// All of the content has been reported.
    pub(super) is_reported: bool,
    /// It comes in parts.
    pub(super) is_streamed: bool,
    /// Bytes that are left of the content, or of this part.
    pub(super) left: u64,
    /// Bytes that the parts after this one may have.
    pub(super) left_streamed: u64,
}

impl OpenBulk {
    /// A content of this length, after a line with this type byte.
    #[inline(always)]
    pub(super) fn new(kind: u8, length: u64) -> Self {
        Self {
            kind,
            format: [0; 3],
            is_reported: false,
            is_streamed: false,
            left: length,
            left_streamed: 0,
        }
    }

    /// A string of which no part has begun.
    pub(super) fn streamed(limits: Limits) -> Self {
        Self { is_streamed: true, left_streamed: limits.bulk, ..Self::new(b'$', 0) }
    }

    /// Begins the next part of a streamed string.
    pub(super) fn begin_part(&mut self, length: u64) {
        self.left = length;
        self.left_streamed -= length;
        self.is_reported = false;
    }

    #[inline(always)]
    pub(super) fn event<'b>(&self, bytes: &'b [u8], more: bool) -> Event<'b> {
        let piece = Piece { bytes, more };
        match self.kind {
            b'!' => Event::BlobError(piece),
            b'=' => Event::Verbatim { format: self.format, text: piece },
            _ => Event::Bulk(piece),
        }
    }

    /// Reports what the chunk has of the content. Returns true if that is all.
    #[inline]
    pub(super) fn read<O: Out>(
        &mut self,
        window: &mut Window<'_, O>,
        consumer: &mut impl Consumer<Events = O::Events>,
    ) -> bool {
        if self.is_reported {
            return true;
        }
        let rest = &window.chunk[window.at..];
        let piece = match usize::try_from(self.left) {
            Ok(left) if left <= rest.len() => &rest[..left],
            _ => rest,
        };
        window.at += piece.len();
        self.left -= piece.len() as u64;
        self.is_reported = self.left == 0;
        let more = !self.is_reported || self.is_streamed;
        if !(more && piece.is_empty()) {
            consumer.take(window, self.event(piece, more));
        }
        self.is_reported
    }
}
