//! The quarantine: the tags of calls that were dropped in flight, until the reply, their age or the
//! options free them.

use std::time::Instant;

use super::Core;
use crate::mux::WhenFull;

impl<T: Ord + Clone, Q, R, W: Default> Core<T, Q, R, W> {
    /// Frees the oldest tags if there are more in quarantine than the options allow, and they ask for
    /// [that](WhenFull::Forget).
    pub(super) fn forget(&mut self) {
        while self.options.when_full == WhenFull::Forget
            && self.tags.quarantined() > self.options.quarantine.get()
        {
            self.tags.remove_oldest();
        }
    }

    /// Returns true if more tags are in quarantine than the options allow, and
    /// [that is fatal](WhenFull::Fail).
    pub fn is_overfull(&self) -> bool {
        self.options.when_full == WhenFull::Fail
            && self.tags.quarantined() > self.options.quarantine.get()
    }

    /// The time at which the oldest tag in quarantine comes of [age](Options::quarantine_age).
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.tags.oldest()?.checked_add(self.options.quarantine_age?)
    }

    /// Frees the tags in quarantine that have come of age, before something depends on it.
    pub fn expire(&mut self, now: impl FnOnce() -> Instant) {
        if self.poll_timeout().is_some() {
            self.handle_timeout(now());
        }
    }

    /// Frees the tags in quarantine that have come of age.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.poll_timeout().is_some_and(|timeout| timeout <= now) {
            self.tags.remove_oldest();
        }
    }
}
