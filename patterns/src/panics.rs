//! Contains panics of user code, which the panic hook has already reported.

use core::any::Any;
use core::mem;
use std::boxed::Box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::String;

use crate::trace::{self, Event};

/// Runs user code. Returns the message of a panic.
pub(crate) fn contain<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(message)
}

/// Drops a value of user code, and ignores a panic. No lock is held.
pub(crate) fn discard<T>(value: T) {
    if !ignore(|| drop(value)) {
        trace::emit(|| Event::PanicContained { code: "a destructor" });
    }
}

/// Runs user code, and ignores a panic. Returns whether there was none.
pub(crate) fn ignore(code: impl FnOnce()) -> bool {
    let Err(payload) = catch_unwind(AssertUnwindSafe(code)) else { return true };
    // Its drop may panic too, with a payload whose drop panics, and so on.
    mem::forget(payload);
    false
}

/// Returns the message of a panic. Empty if the payload is not text.
#[cold]
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| String::from(*text));
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    discard(payload);
    text.unwrap_or_default()
}
