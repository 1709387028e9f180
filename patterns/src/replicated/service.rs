//! The parts of a client that all its handles share.

use std::boxed::Box;
use std::sync::Arc;
use std::time::Duration;

use super::attempt::Request;
use super::options::{EffectOf, Losers};
use super::shared::{SharedState, abort};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::Source;
use crate::wait::Clock;
use crate::waits::Peer;

pub(super) type Call<S, A, R, E> = Box<dyn Fn(Arc<S>, A) -> Request<R, E> + Send + Sync>;

pub(super) struct Service<S, A, R, E> {
    pub(super) call: Call<S, A, R, E>,
    pub(super) effect: EffectOf<E>,
    pub(super) timeout: Option<Duration>,
    pub(super) losers: Losers,
    /// Names the client in the list of what waits.
    pub(super) name: Peer,
    pub(super) source: Source,
    /// Losers share it too, and may outlive the rest.
    pub(super) shared: Arc<Mutex<SharedState<S, R, E>>>,
}

/// Runs when the last handle is dropped. No call is running then, but losers may be.
impl<S, A, R, E> Drop for Service<S, A, R, E> {
    fn drop(&mut self) {
        if !seeded::is(Bug::LosersOutliveTheClient) {
            abort(&self.shared, Clock::TOKIO.now());
        }
    }
}
