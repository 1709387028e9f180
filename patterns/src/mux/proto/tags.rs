//! The tags in use, and the quarantine of those whose caller is gone.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use super::calls::Id;
use crate::seeded::{self, Bug};

/// Every tag in use, with its owner.
#[derive(Debug)]
pub(super) struct Tags<T> {
    /// Invariant: `InFlight` names a call in flight, `Quarantined` an entry of the quarantine.
    owners: BTreeMap<T, Owner<T>>,
    /// Tags whose late reply may still come, oldest first.
    quarantine: BTreeMap<u64, (Instant, T)>,
    next_entry: u64,
    /// Entries of the quarantine for which no cancel has been sent.
    cancels: VecDeque<u64>,
    /// The number of the tag to try next. It goes round, so that all other tags are used before one
    /// is used again, which leaves a duplicate reply the longest time to arrive unharmed.
    next_number: u64,
    /// Set when no tag was free, and cleared when one becomes free, so that a full tag space is
    /// searched once and not at each poll.
    exhausted: bool,
}

/// The owner of a tag.
#[derive(Debug)]
pub(super) enum Owner<T> {
    /// A waiting call that chose it.
    Waiting,
    /// A call in flight.
    InFlight(Id),
    /// A call that was dropped in flight.
    Quarantined(Entry<T>),
}

/// A tag's entry in the quarantine.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    number: u64,
    /// Set while a cancel with a tag of its own is in flight: then only the reply to that cancel frees
    /// this tag.
    held: bool,
    /// If this is the tag of such a cancel: the entry and the tag that its reply frees.
    frees: Option<(u64, T)>,
}

impl<T: Ord + Clone> Tags<T> {
    pub(super) fn new() -> Self {
        Self {
            owners: BTreeMap::new(),
            quarantine: BTreeMap::new(),
            next_entry: 0,
            cancels: VecDeque::new(),
            next_number: 0,
            exhausted: false,
        }
    }

    pub(super) fn owner(&self, tag: &T) -> Option<&Owner<T>> {
        self.owners.get(tag)
    }

    pub(super) fn set_owner(&mut self, tag: T, owner: Owner<T>) {
        self.owners.insert(tag, owner);
    }

    /// Frees a tag that is not in quarantine.
    pub(super) fn release(&mut self, tag: &T) {
        self.owners.remove(tag);
        self.exhausted = false;
    }

    /// Finds a tag that is not in use.
    ///
    /// There is one more number to try than tags in use, so one of the numbers is free, unless the
    /// protocol has fewer tags than that, and then all are in use.
    pub(super) fn find_free(&mut self, tag: impl Fn(u64) -> Option<T>) -> Option<T> {
        if self.exhausted {
            return None;
        }
        let start = self.next_number;
        for _ in 0..=self.owners.len() {
            let candidate = tag(self.next_number).or_else(|| {
                self.next_number = 0;
                tag(0)
            })?;
            self.next_number = self.next_number.wrapping_add(1);
            if !self.owners.contains_key(&candidate) {
                return Some(candidate);
            }
        }
        self.next_number = start;
        self.exhausted = true;
        None
    }

    /// Puts the tag of a call in flight into quarantine.
    pub(super) fn quarantine(&mut self, tag: T, now: Instant) {
        if seeded::is(Bug::MuxTagFreedOnDrop) {
            self.release(&tag);
            return;
        }
        let entry = self.insert(tag, now, None);
        self.cancels.push_back(entry);
    }

    fn insert(&mut self, tag: T, since: Instant, frees: Option<(u64, T)>) -> u64 {
        let number = self.next_entry;
        self.next_entry += 1;
        self.quarantine.insert(number, (since, tag.clone()));
        self.owners.insert(tag, Owner::Quarantined(Entry { number, held: false, frees }));
        number
    }

    /// Frees the tag of a late reply, and the tag that this reply frees, if any.
    pub(super) fn handle_late(&mut self, entry: &Entry<T>) {
        if !entry.held {
            self.remove(entry.number);
            if let Some((cancelled, _)) = entry.frees {
                self.remove(cancelled);
            }
        }
    }

    fn remove(&mut self, entry: u64) {
        if let Some((_, tag)) = self.quarantine.remove(&entry) {
            self.release(&tag);
        }
    }

    /// Returns the next tag to send a cancel for and, in protocols where a cancel is a call, the tag
    /// of the cancel. `None` if there is no such tag, or no tag is free for the cancel.
    pub(super) fn next_cancel(
        &mut self,
        cancel_is_call: bool,
        tag: impl Fn(u64) -> Option<T>,
    ) -> Option<(T, Option<T>)> {
        while let Some(&entry) = self.cancels.front() {
            // The late reply may have come in the meantime.
            if let Some((since, of)) = self.quarantine.get(&entry).cloned() {
                let tag = if cancel_is_call {
                    let tag = self.find_free(tag)?;
                    self.set_held(&of, !seeded::is(Bug::MuxFlushIgnored));
                    // As old as the tag that it cancels, so that both come of age together.
                    self.insert(tag.clone(), since, Some((entry, of.clone())));
                    Some(tag)
                } else {
                    None
                };
                self.cancels.pop_front();
                return Some((of, tag));
            }
            self.cancels.pop_front();
        }
        None
    }

    /// Frees the tag of a cancel that is not sent after all.
    pub(super) fn retract(&mut self, tag: &T) {
        if let Some(Owner::Quarantined(Entry { number, frees: Some((_, of)), .. })) =
            self.owners.remove(tag)
        {
            self.quarantine.remove(&number);
            self.set_held(&of, false);
            self.exhausted = false;
        }
    }

    fn set_held(&mut self, tag: &T, held: bool) {
        if let Some(Owner::Quarantined(entry)) = self.owners.get_mut(tag) {
            entry.held = held;
        }
    }

    /// The time since which the oldest tag has been in quarantine.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.quarantine.first_key_value().map(|(_, (since, _))| *since)
    }

    /// Frees the oldest tag in quarantine.
    pub(super) fn remove_oldest(&mut self) {
        if let Some(oldest) = self.quarantine.first_key_value().map(|(entry, _)| *entry) {
            self.remove(oldest);
        }
    }

    pub(super) fn quarantined(&self) -> usize {
        self.quarantine.len()
    }

    pub(super) fn len(&self) -> usize {
        self.owners.len()
    }

    pub(super) fn clear(&mut self) {
        self.owners.clear();
        self.quarantine.clear();
        self.cancels.clear();
    }
}
