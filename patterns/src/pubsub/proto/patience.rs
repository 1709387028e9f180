//! The time for which a publisher waits for room.

use core::time::Duration;
use std::time::Instant;

use super::super::item::SubscriberId;
use super::outlet::Outlet;
use super::registry::{Full, Registry};

/// The time for which one publisher has waited, for any subscribers.
///
/// A publisher waits on as long as it has waited for less than the [limit](Full::limit) of the
/// subscriber without room. What it has waited for others before counts too, so that a publisher
/// waits no longer than the longest limit among the subscribers, however many of them run full in
/// turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    since: Option<Instant>,
}

/// The publisher has waited for as long as the policy of a subscriber without room allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The subscriber without room.
    pub subscriber: SubscriberId,
}

impl Patience {
    /// Starts to count, unless it has started before.
    pub fn start(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Returns the deadline at which the publisher looks again even if no room is made, if there is
    /// one. It is the shortest limit that is not yet used up, whether or not its subscriber has room
    /// now: by then it may have none.
    ///
    /// # Errors
    /// If the publisher gives up.
    pub fn poll_timeout<O: Outlet>(
        &mut self,
        registry: &Registry<O>,
        full: Full,
        now: Instant,
    ) -> Result<Option<Instant>, TimedOut> {
        let since = *self.since.get_or_insert(now);
        let waited: Duration = now.saturating_duration_since(since);
        if waited >= full.limit {
            return Err(TimedOut { subscriber: full.id });
        }
        let limit = registry.next_limit(waited);
        Ok(limit.and_then(|limit| since.checked_add(limit)))
    }
}
