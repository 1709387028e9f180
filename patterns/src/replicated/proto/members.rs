//! The servers of a client: those in its list, and those that have left it while attempts are running.

use std::boxed::Box;
use std::vec::Vec;

use super::stats::{AttemptEnd, ServerStats};
use std::time::Duration;

/// The list, in which a server has a place that may change and a number that does not. A number is
/// never given to another server.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    /// Small entries, so that a search for a number touches little memory.
    list: Vec<Member>,
    leaving: Vec<Leaver>,
    /// Servers that were waited for, and whose last attempt has ended since.
    gone: Vec<usize>,
    /// The number of the next server that joins.
    next: usize,
    /// Servers that have left.
    left: u64,
}

#[derive(Clone, Debug)]
struct Member {
    number: usize,
    stats: Box<ServerStats>,
}

/// A server that has left the list.
#[derive(Clone, Debug)]
struct Leaver {
    stats: Box<ServerStats>,
    /// Set once its attempts are to be dropped.
    is_aborted: bool,
    /// Set while somebody waits for its last attempt, and for its counts.
    is_watched: bool,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the number of the server at a place.
    pub(super) fn number(&self, place: usize) -> Option<usize> {
        self.list.get(place).map(|member| member.number)
    }

    /// Returns the place of a server, which usually is the one that is named.
    #[inline]
    pub(super) fn place(&self, number: usize, usually: usize) -> Option<usize> {
        if self.number(usually) == Some(number) {
            return Some(usually);
        }
        self.list.iter().position(|member| member.number == number)
    }

    /// Adds a server at the end of the list, and returns its number.
    pub(super) fn join(&mut self) -> usize {
        let number = self.next;
        self.next += 1;
        let stats = Box::new(ServerStats { number, ..ServerStats::default() });
        self.list.push(Member { number, stats });
        number
    }

    /// Removes a server from the list, and returns the place it had. It is watched until
    /// [`departed`](Self::departed) or [`unwatch`](Self::unwatch).
    pub(super) fn leave(&mut self, number: usize) -> Option<usize> {
        let place = self.place(number, 0)?;
        let Member { stats, .. } = self.list.remove(place);
        self.leaving.push(Leaver { stats, is_aborted: false, is_watched: true });
        self.left += 1;
        Some(place)
    }

    /// Puts the servers of the list into another order.
    ///
    /// # Panics
    /// If the numbers are not those of the list.
    pub(super) fn arrange(&mut self, numbers: &[usize]) {
        assert_eq!(numbers.len(), self.list.len(), "an order of other servers");
        for (place, &number) in numbers.iter().enumerate() {
            let found = self.list[place..].iter().position(|member| member.number == number);
            self.list.swap(place, place + found.expect("each server once"));
        }
    }

    /// Notes that the attempts at a server that leaves are to be dropped.
    pub(super) fn abort(&mut self, number: usize) {
        if let Some(leaver) = self.leaver(number) {
            leaver.is_aborted = true;
        }
    }

    /// Returns whether the attempts at a server are to be dropped.
    pub(super) fn is_aborted(&self, number: usize) -> bool {
        self.leaving.iter().any(|leaver| leaver.stats.number == number && leaver.is_aborted)
    }

    /// Returns whether no server is leaving.
    pub(super) fn is_settled(&self) -> bool {
        self.leaving.is_empty()
    }

    pub(super) fn attempt_started(&mut self, place: usize) {
        self.list[place].stats.attempts += 1;
    }

    /// Counts the end of an attempt, at a server in the list or at one that leaves.
    ///
    /// # Panics
    /// If there is no such server.
    pub(super) fn attempt_ended(
        &mut self,
        number: usize,
        usually: usize,
        end: AttemptEnd,
        took: Duration,
    ) {
        if let Some(place) = self.place(number, usually) {
            return self.list[place].stats.count(end, took);
        }
        let index = self.leaving.iter().position(|leaver| leaver.stats.number == number);
        let index = index.expect("a server stays until its last attempt has ended");
        let leaver = &mut self.leaving[index];
        leaver.stats.count(end, took);
        if leaver.stats.running() == 0 {
            if leaver.is_watched {
                self.gone.push(number);
            } else {
                self.leaving.swap_remove(index);
            }
        }
    }

    #[inline]
    pub(super) fn has_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Returns a server whose last attempt has ended, and for which somebody waits.
    pub(super) fn poll_gone(&mut self) -> Option<usize> {
        self.gone.pop()
    }

    /// Returns the counts of a server that has left, once no attempt is running. Then it is forgotten.
    pub(super) fn departed(&mut self, number: usize) -> Option<ServerStats> {
        let over = |leaver: &Leaver| leaver.stats.number == number && leaver.stats.running() == 0;
        let index = self.leaving.iter().position(over)?;
        Some(*self.leaving.swap_remove(index).stats)
    }

    /// Forgets a server once its last attempt has ended: no task waits for it any more.
    pub(super) fn unwatch(&mut self, number: usize) {
        if self.departed(number).is_none()
            && let Some(leaver) = self.leaver(number)
        {
            leaver.is_watched = false;
        }
    }

    pub(super) fn stats(&self, place: usize) -> &ServerStats {
        &self.list[place].stats
    }

    /// Returns the counts of the servers in the list and of those that leave, and the number of servers
    /// that have left.
    pub(super) fn all_stats(&self) -> (Vec<ServerStats>, Vec<ServerStats>, u64) {
        let list = self.list.iter().map(|member| ServerStats::clone(&member.stats));
        let leaving = self.leaving.iter().map(|leaver| ServerStats::clone(&leaver.stats));
        (list.collect(), leaving.collect(), self.left)
    }

    fn leaver(&mut self, number: usize) -> Option<&mut Leaver> {
        self.leaving.iter_mut().find(|leaver| leaver.stats.number == number)
    }
}
