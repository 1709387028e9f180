//! The reads that are composed of others.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use core::task::{Context, Poll};

use super::input::Input;
use super::read::read;
#[cfg(feature = "alloc")]
use crate::engine::composed::{Collected, collect};
use crate::engine::site::Site;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
#[cfg(feature = "alloc")]
use crate::scan::Stop;

/// The reads of several bytes. One that is dropped before it has ended loses the bytes it has taken.
impl<E: Events> Input<'_, E> {
    /// Takes `N` bytes.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn array<const N: usize>(&mut self) -> impl Future<Output = Result<[u8; N], End>> {
        let site = Site::caller();
        async move {
            let mut array = [0; N];
            let mut count = 0;
            while count < N {
                let taken = self.take_at(site, N - count).await?;
                array[count..][..taken.len()].copy_from_slice(taken);
                count += taken.len();
            }
            Ok(array)
        }
    }

    /// Takes exactly these bytes. The first byte that differs fails with
    /// [`ErrorKind::UnexpectedByte`].
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn expect_all(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Failure>> {
        let mut matched = 0;
        read(move |cx| {
            // Most literals lie in one chunk.
            if matched == 0 && !bytes.is_empty() && self.port.starts_with(bytes) {
                self.port.advance(bytes.len());
                self.port.mark_seen();
                return Poll::Ready(Ok(()));
            }
            self.expect_rest(cx, bytes, &mut matched)
        })
    }

    /// One poll of [`expect_all`](Self::expect_all).
    #[inline(never)]
    fn expect_rest(
        &mut self,
        cx: &Context<'_>,
        bytes: &[u8],
        matched: &mut usize,
    ) -> Poll<Result<(), Failure>> {
        let rest = &bytes[*matched..];
        if rest.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let (count, differs) = self.port.common_prefix(rest);
        self.advance(count);
        *matched += count;
        if differs {
            let start = self.offset().saturating_sub(*matched as u64);
            return Poll::Ready(Err(self.fail_from(start, ErrorKind::UnexpectedByte)));
        }
        if count == rest.len() {
            return Poll::Ready(Ok(()));
        }
        self.port.starve(cx).map_err(Failure::from)
    }

    /// Appends everything before a stop byte to `to`, takes the stop byte and returns it. Fails with
    /// [`ErrorKind::TooLong`] where `to` would get longer than `max`.
    #[cfg(feature = "alloc")]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn read_until(
        &mut self,
        stop: impl Stop,
        to: &mut Vec<u8>,
        max: usize,
    ) -> impl Future<Output = Result<u8, Failure>> {
        let site = Site::caller();
        async move {
            loop {
                match collect(self.chunk_at(site).await?, &stop, to, max) {
                    Collected::Stop { at, searched } => {
                        self.port.found(searched, at);
                        self.advance(at);
                        return Ok(self.next().await?);
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
}
