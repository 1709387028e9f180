//! The reads that are composed of others.

use std::vec::Vec;

use super::input::Input;
use crate::engine::composed::{Collected, collect, common_prefix};
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::Stop;

#[allow(clippy::inline_always, reason = "a switch in a callee is mispredicted when it returns")]
impl<E: Events> Input<'_, E> {
    /// Takes `N` bytes.
    #[inline(always)]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], End> {
        let mut array = [0; N];
        let mut count = 0;
        while count < N {
            let taken = self.take(N - count)?;
            array[count..][..taken.len()].copy_from_slice(taken);
            count += taken.len();
        }
        Ok(array)
    }

    /// Takes exactly these bytes. The first byte that differs fails with
    /// [`ErrorKind::UnexpectedByte`].
    #[inline(always)]
    pub fn expect_all(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // Most literals lie in one chunk.
        if !bytes.is_empty() && self.starts_with(bytes) {
            self.pass(bytes.len());
            self.seen = self.cursor;
            return Ok(());
        }
        let start = self.offset();
        let mut rest = bytes;
        while !rest.is_empty() {
            let chunk = self.chunk()?;
            let count = common_prefix(chunk, rest);
            let differs = count < chunk.len().min(rest.len());
            self.advance(count);
            if differs {
                return Err(self.fail_from(start, ErrorKind::UnexpectedByte));
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Appends everything before a stop byte to `to`, takes the stop byte and returns it. Fails with
    /// [`ErrorKind::TooLong`] where `to` would get longer than `max`.
    #[inline(always)]
    pub fn read_until(
        &mut self,
        stop: impl Stop,
        to: &mut Vec<u8>,
        max: usize,
    ) -> Result<u8, Failure> {
        loop {
            match collect(self.chunk()?, &stop, to, max) {
                Collected::Stop { at, searched } => {
                    let overshoot = &self.port.overshoot;
                    overshoot.set(overshoot.get().found(searched, at));
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
