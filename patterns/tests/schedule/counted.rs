//! Values that are counted while they live.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::yield_now;

use crate::alive;

/// Counts the values that were made and not yet dropped.
#[derive(Debug, Default)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn one(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        Self::one(&self.0)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Yields until at most `left` other tasks are alive.
pub(crate) async fn quiet(left: usize) {
    for _ in 0..1000 {
        if alive() <= left {
            return;
        }
        yield_now().await;
    }
    panic!("{} tasks are left", alive());
}
