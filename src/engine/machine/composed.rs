//! The reads that are composed of others. A chunk may end in the middle of one, so its progress is
//! data of the machine, which calls it again with the next chunk.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::mem;

use super::input::Input;
use crate::engine::composed::common_prefix;
#[cfg(feature = "alloc")]
use crate::engine::composed::{Collected, collect};
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
#[cfg(feature = "alloc")]
use crate::scan::Stop;

/// The bytes of an [`array`](Input::array) that have been read so far.
///
/// ```
/// use core::ops::ControlFlow::{self, Break};
/// use pushdown::engine::machine::{Input, Machine, Parser, Partial};
/// use pushdown::{Failure, PushParser, Status};
///
/// /// `LEN ` and a length of four bytes.
/// #[derive(Default)]
/// enum Header {
///     #[default]
///     Start,
///     Name(usize),
///     Length(Partial<4>),
/// }
///
/// impl Machine for Header {
///     type Events = ();
///     type Output = u32;
///
///     fn step(&mut self, input: &mut Input<'_>) -> Result<ControlFlow<u32>, Failure> {
///         loop {
///             *self = match self {
///                 Self::Start => Self::Name(0),
///                 Self::Name(matched) => {
///                     input.expect_all(b"LEN ", matched)?;
///                     Self::Length(Partial::new())
///                 }
///                 Self::Length(length) => {
///                     return Ok(Break(u32::from_be_bytes(input.array(length)?)));
///                 }
///             };
///         }
///     }
///
///     fn reset(&mut self) {
///         *self = Self::Start;
///     }
/// }
///
/// let mut parser = Parser::new(Header::Start);
/// assert_eq!(parser.feed(b"LE").status, Status::NeedMoreInput);
/// assert_eq!(parser.feed(b"N \x00\x00").status, Status::NeedMoreInput);
/// assert_eq!(parser.feed(b"\x01\x02, and more").consumed, 2);
/// assert_eq!(parser.take_output(), Some(258));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial<const N: usize> {
    bytes: [u8; N],
    count: usize,
}

impl<const N: usize> Partial<N> {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self { bytes: [0; N], count: 0 }
    }
}

impl<const N: usize> Default for Partial<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Forgets the progress of a read that has ended: only the end of a chunk lets it go on.
fn ended<T: Default>(progress: &mut T, end: End) -> End {
    if end != End::InputEmpty {
        *progress = T::default();
    }
    end
}

impl<E: Events> Input<'_, E> {
    /// Takes `N` bytes. Those that an earlier chunk had are in `partial`, which is empty again once
    /// they are complete, or a bound or the end of the input has cut them short.
    #[inline]
    pub fn array<const N: usize>(&mut self, partial: &mut Partial<N>) -> Result<[u8; N], End> {
        while partial.count < N {
            let taken = self.take(N - partial.count).map_err(|end| ended(partial, end))?;
            partial.bytes[partial.count..][..taken.len()].copy_from_slice(taken);
            partial.count += taken.len();
        }
        Ok(mem::take(partial).bytes)
    }

    /// Takes exactly these bytes, of which `matched` were in earlier chunks; it is zero again once they
    /// are complete or cut short. The first byte that differs fails with
    /// [`ErrorKind::UnexpectedByte`].
    #[inline]
    pub fn expect_all(&mut self, bytes: &[u8], matched: &mut usize) -> Result<(), Failure> {
        // Most literals lie in one chunk.
        if *matched == 0 && !bytes.is_empty() && self.chunk[self.cursor..].starts_with(bytes) {
            self.cursor += bytes.len();
            self.seen = Some(self.cursor);
            return Ok(());
        }
        self.expect_rest(bytes, matched)
    }

    #[inline(never)]
    fn expect_rest(&mut self, bytes: &[u8], matched: &mut usize) -> Result<(), Failure> {
        while *matched < bytes.len() {
            let chunk = self.chunk().map_err(|end| ended(matched, end))?;
            let rest = &bytes[*matched..];
            let count = common_prefix(chunk, rest);
            let differs = count < chunk.len().min(rest.len());
            self.advance(count);
            *matched += count;
            if differs {
                let start = self.offset().saturating_sub(mem::take(matched) as u64);
                return Err(self.fail_from(start, ErrorKind::UnexpectedByte));
            }
        }
        *matched = 0;
        Ok(())
    }

    /// Appends everything before a stop byte to `to`, takes the stop byte and returns it. Fails with
    /// [`ErrorKind::TooLong`] where `to` would get longer than `max`.
    #[cfg(feature = "alloc")]
    pub fn read_until(
        &mut self,
        stop: impl Stop,
        to: &mut Vec<u8>,
        max: usize,
    ) -> Result<u8, Failure> {
        loop {
            match collect(self.chunk()?, &stop, to, max) {
                Collected::Stop { at, searched } => {
                    self.memory.overshoot = self.memory.overshoot.found(searched, at);
                    self.advance(at);
                    return Ok(self.next()?);
                }
                Collected::All(count) => self.advance(count),
                Collected::TooLong(count) => {
                    self.advance(count);
                    return Err(self.fail(ErrorKind::TooLong));
                }
            }
        }
    }
}
