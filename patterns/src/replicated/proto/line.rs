//! The calls that wait for the budget.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time for which the first in line may leave a token untouched. A call that is kept but not polled
/// would otherwise stop the line.
const GRACE: Duration = Duration::from_millis(10);

/// The same for the others, which look only this often: ten thousand of them are a thousand polls a
/// second.
const WATCH: Duration = Duration::from_secs(10);

/// A line of calls, each of which wants one token.
///
/// The first in line waits for the next token, and the second one for the first to leave it untouched
/// for too long. The others are woken when they have moved up. In case that both of the first two are
/// kept but not polled, they look again now and then.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// The numbers of the calls, by place.
    places: BTreeMap<Place, u64>,
    next: u64,
    /// The time from which the first in line can take a token, as far as is known.
    offered: Option<Instant>,
    /// The number of the first two that have to be polled.
    to_wake: usize,
}

/// A place in the line. A call that has left its token untouched loses it without being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The time to poll a call in line again, if it is not woken before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotYet(pub(super) Option<Instant>);

impl Line {
    /// Returns whether it is the turn of a call, given when there is a token: at once, later, or not
    /// as far as is known. If it is, the call leaves the line. Otherwise it joins or stays.
    pub(super) fn poll_turn(
        &mut self,
        call: u64,
        place: &mut Option<Place>,
        token: Option<Instant>,
        now: Instant,
    ) -> Result<(), NotYet> {
        *place = place.filter(|place| self.places.contains_key(place));
        let there = token.is_some_and(|at| at <= now);
        let patience = if *place == self.nth(1) { GRACE } else { WATCH };
        if let Some(place) = place
            && there
            && self.offered.is_some_and(|at| now >= at + patience)
        {
            self.places = self.places.split_off(place);
        }
        if there && *place == self.nth(0) {
            self.leave(place);
            return Ok(());
        }
        let place = *place.get_or_insert_with(|| {
            let place = Place(self.next);
            self.next += 1;
            self.places.insert(place, call);
            place
        });
        self.offered = self.offered.or(token);
        Err(NotYet(if self.nth(0) == Some(place) {
            token
        } else if self.nth(1) == Some(place) {
            self.offered.map(|at| at + GRACE)
        } else {
            now.checked_add(WATCH)
        }))
    }

    /// Removes a call, if it is in line.
    pub(super) fn leave(&mut self, place: &mut Option<Place>) {
        let Some(place) = place.take() else { return };
        if self.nth(0) == Some(place) {
            self.offered = None;
        }
        let others_move_up = self.places.range(..=place).take(3).count() < 3;
        if self.places.remove(&place).is_some() && others_move_up {
            self.wake();
        }
    }

    /// Notes that the first in line has to be polled, and the second one, which watches it.
    pub(super) fn wake(&mut self) {
        self.to_wake = self.places.len().min(2);
    }

    /// Returns the number of a call that has to be polled.
    pub(super) fn poll_wake(&mut self) -> Option<u64> {
        self.to_wake = self.to_wake.min(self.places.len()).checked_sub(1)?;
        self.places.values().nth(self.to_wake).copied()
    }

    #[inline]
    pub(super) fn has_wakes(&self) -> bool {
        self.to_wake > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn nth(&self, rank: usize) -> Option<Place> {
        self.places.keys().nth(rank).copied()
    }
}
