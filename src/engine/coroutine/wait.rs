//! Reads that find nothing to read, apart from the ordinary wait for the next chunk.
//!
//! These functions take the port and a number, never the input: an input whose address is taken does
//! not stay in registers, which costs a fifth of the speed of reads byte by byte.

use std::boxed::Box;
use std::panic::resume_unwind;
use std::thread::panicking;

use corosensei::Yielder;

use super::port::{ABANDONED, ENDED, LOST, PAUSED, Port, SKIPPED, Special, UNWINDING};
use crate::engine::READS_AFTER_END;
use crate::error::End;
use crate::parser::Events;

/// The payload that unwinds a body that keeps reading after the end. It holds the address of the
/// body's port, because the sink of one parser may run another.
#[derive(PartialEq)]
pub(super) struct GivenUp(pub(super) usize);

/// The answer of a read that is not going to wait, or else the message of the switch.
///
/// The order matters. A body that unwinds must not wait (I7). The limit is asked before a pause, which
/// must not hide it.
#[cold]
#[inline(never)]
pub(super) fn before_waiting<E: Events>(
    port: &Port<E>,
    yielder: &Yielder<(), Special>,
    consumed: usize,
) -> Result<Special, End> {
    if panicking() && !port.is(UNWINDING) {
        return Err(End::Abandoned);
    }
    if port.at_limit(consumed) || port.is(ENDED) {
        return Err(refuse(port, yielder, consumed));
    }
    port.consumed.set(consumed);
    Ok(port.is(PAUSED | SKIPPED | UNWINDING))
}

/// The end of what may be read of the chunk that the body was resumed with, or the answer of the read
/// if there is nothing.
#[cold]
#[inline(never)]
pub(super) fn after_waiting<E: Events>(
    port: &Port<E>,
    yielder: &Yielder<(), Special>,
) -> Result<*const u8, End> {
    if port.is(ENDED) {
        return Err(refuse(port, yielder, 0));
    }
    Ok(port.visible_end(0))
}

/// The answer of a read at the limit, or else at the end of the input.
fn refuse<E: Events>(port: &Port<E>, yielder: &Yielder<(), Special>, consumed: usize) -> End {
    let limit = port.limit();
    let end = if port.at_limit(consumed) {
        limit.end()
    } else if port.is(ABANDONED) {
        End::Abandoned
    } else {
        limit.finished()
    };
    match port.refusals.get() {
        0 => give_up(port, yielder, consumed, end),
        left => {
            port.refusals.set(left - 1);
            end
        }
    }
}

/// Leaves a body that keeps reading. The trampoline catches the unwinding; no panic hook runs.
///
/// A body that catches it and reads on is unwound again, as many times as the end was refused. Then it
/// is suspended for good, and its stack is lost: something on it may be pinned. The same happens at
/// once in a build that does not unwind.
///
/// If the thread was unwinding already, a body that unwinds cannot be told from one that has caught it.
/// It gets its answer as many times again: a panic in a destructor would abort the process.
fn give_up<E: Events>(
    port: &Port<E>,
    yielder: &Yielder<(), Special>,
    consumed: usize,
    end: End,
) -> End {
    let times = port.given_up.get();
    if cfg!(panic = "unwind") && times < READS_AFTER_END {
        if times == 0 || !port.is(UNWINDING) {
            port.last_end.set(end);
            port.given_up.set(times + 1);
            resume_unwind(Box::new(GivenUp(port.address())));
        }
        port.given_up.set(READS_AFTER_END);
        port.refusals.set(READS_AFTER_END - 1);
        return end;
    }
    port.last_end.set(end);
    port.consumed.set(consumed);
    port.set(LOST);
    loop {
        yielder.suspend(true);
    }
}
