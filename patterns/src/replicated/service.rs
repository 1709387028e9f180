//! The parts of a client that all its handles share.

use std::boxed::Box;
use std::sync::Arc;
use std::time::Duration;
use std::vec::Vec;

use super::attempt::Request;
use super::options::{EffectOf, Losers};
use super::shared::SharedState;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wakers::AfterUnlock;

pub(super) type Call<S, A, R, E> = Box<dyn Fn(Arc<S>, A) -> Request<R, E> + Send + Sync>;

pub(super) struct Service<S, A, R, E> {
    pub(super) servers: Vec<Arc<S>>,
    pub(super) call: Call<S, A, R, E>,
    pub(super) effect: EffectOf<E>,
    pub(super) timeout: Option<Duration>,
    pub(super) losers: Losers,
    /// Losers share it too, and may outlive the rest.
    pub(super) shared: Arc<Mutex<SharedState>>,
}

/// Runs when the last handle is dropped. No call is running then, but losers may be.
impl<S, A, R, E> Drop for Service<S, A, R, E> {
    fn drop(&mut self) {
        if !seeded::is(Bug::LosersOutliveTheClient) {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            state.abort(after);
        }
    }
}
