//! The waker that a driver polls with, and how a read recognises it.

use core::ptr;
use core::task::{RawWaker, RawWakerVTable, Waker};

static VTABLE: RawWakerVTable = RawWakerVTable::new(|_| RAW_WAKER, |_| {}, |_| {}, |_| {});
const RAW_WAKER: RawWaker = RawWaker::new(ptr::null(), &VTABLE);
// SAFETY: the functions do nothing, and a clone is the same waker again.
static WAKER: Waker = unsafe { Waker::from_raw(RAW_WAKER) };

/// The waker that a driver polls with. It wakes nothing: the next chunk is a call.
///
/// It is not [`Waker::noop`], whose vtable need not have one address.
pub(super) fn waker() -> &'static Waker {
    &WAKER
}

/// Returns true if the poll comes from our driver. A foreign executor would wait for ever.
#[inline(always)]
pub(super) fn is_own(waker: &Waker) -> bool {
    ptr::eq(waker.vtable(), &raw const VTABLE)
}
