//! Payloads in the keeping of the server.

use core::fmt;
use std::sync::Arc;

use crate::panics::discard;

/// A payload that the server drops. A panic of its destructor ends here, whichever call drops it: the
/// panic hook has reported it, and the call goes on.
pub(crate) struct Payload<E: ?Sized>(Option<Arc<E>>);

impl<E: ?Sized> Payload<E> {
    pub(crate) fn new(event: Arc<E>) -> Self {
        Self(Some(event))
    }

    pub(crate) fn get(&self) -> &Arc<E> {
        self.0.as_ref().expect("only the drop leaves none")
    }

    /// Returns the payload to user code, which will drop it.
    pub(crate) fn into_inner(mut self) -> Arc<E> {
        self.0.take().expect("only the drop leaves none")
    }
}

impl<E: ?Sized> Clone for Payload<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: ?Sized> Drop for Payload<E> {
    fn drop(&mut self) {
        if let Some(event) = self.0.take() {
            discard(event);
        }
    }
}

impl<E: ?Sized> fmt::Debug for Payload<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload")
    }
}
