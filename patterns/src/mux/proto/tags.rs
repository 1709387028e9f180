//! The tags in use, and the quarantine of those whose caller is gone.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::time::Instant;

use super::calls::Id;
use crate::seeded::{self, Bug};

/// Every tag in use, with its owner.
#[derive(Debug)]
pub(super) struct Tags<T> {
    /// Invariant: `InFlight` names a call in flight, `Quarantined` and `Cancel` an entry of the
    /// quarantine.
    owners: BTreeMap<T, Owner>,
    /// Dropped calls whose late reply may still come, oldest first.
    quarantine: BTreeMap<u64, Dropped<T>>,
    next_entry: u64,
    /// Entries of the quarantine that the peer has not been told of.
    cancels: VecDeque<u64>,
    /// The number of the tag to try next. It goes round, so that all other tags are used before one
    /// is used again, which leaves a duplicate reply the longest time to arrive unharmed.
    next_number: u64,
    /// Set when no tag was free, and cleared when one becomes free, so that a full tag space is
    /// searched once and not at each poll.
    exhausted: bool,
}

/// The owner of a tag.
#[derive(Clone, Debug)]
pub(super) enum Owner {
    /// A waiting call that chose it.
    Waiting,
    /// A call in flight.
    InFlight(Id),
    /// A call that was dropped in flight.
    Quarantined(u64),
    /// The call that cancels a dropped one.
    Cancel(u64),
    /// A request that undoes a late reply.
    Undo,
}

/// A dropped call in quarantine.
#[derive(Debug)]
struct Dropped<T> {
    since: Instant,
    tag: T,
    /// The tag of the cancel that is in flight, in protocols where a cancel is a call. Then only the
    /// reply to the cancel frees both tags.
    cancel: Option<T>,
    /// Set when a late reply has come that did not free the tag.
    answered: bool,
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

    pub(super) fn owner(&self, tag: &T) -> Option<&Owner> {
        self.owners.get(tag)
    }

    pub(super) fn set_owner(&mut self, tag: T, owner: Owner) {
        self.owners.insert(tag, owner);
    }

    /// Frees the tag of a call in flight, and returns the call. `None` if the tag has another owner, or none.
    pub(super) fn answer(&mut self, tag: &T) -> Option<Id> {
        // A reply almost always answers a call in flight, and this is one search instead of two.
        match self.owners.remove_entry(tag)? {
            (tag, Owner::InFlight(id)) => {
                if seeded::is(Bug::MuxEntryStays) {
                    self.owners.insert(tag, Owner::InFlight(id.clone()));
                } else {
                    self.exhausted = false;
                }
                Some(id)
            }
            (tag, owner) => {
                self.owners.insert(tag, owner);
                None
            }
        }
    }

    /// Frees a tag that is not in quarantine.
    pub(super) fn release(&mut self, tag: &T) {
        self.owners.remove(tag);
        self.exhausted = false;
    }

    /// Finds a tag that is not in use, and gives it to an owner.
    ///
    /// There is one more number to try than tags in use, so one of the numbers is free, unless the
    /// protocol has fewer tags than that, and then all are in use.
    pub(super) fn assign(&mut self, owner: Owner, tag: impl Fn(u64) -> Option<T>) -> Option<T> {
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
            if let Entry::Vacant(vacant) = self.owners.entry(candidate) {
                let tag = vacant.key().clone();
                vacant.insert(owner);
                return Some(tag);
            }
        }
        self.next_number = start;
        self.exhausted = true;
        None
    }

    /// Puts the tag of a call in flight into quarantine. With `cancel` the peer gets a message.
    pub(super) fn quarantine(&mut self, tag: T, since: Instant, cancel: bool) {
        if seeded::is(Bug::MuxTagFreedOnDrop) {
            self.release(&tag);
            return;
        }
        let number = self.next_entry;
        self.next_entry += 1;
        self.owners.insert(tag.clone(), Owner::Quarantined(number));
        self.quarantine.insert(number, Dropped { since, tag, cancel: None, answered: false });
        if cancel {
            self.cancels.push_back(number);
        }
    }

    /// Takes the late reply of a dropped call, and frees its tag unless a cancel is in flight.
    /// Returns false if it is the second one.
    pub(super) fn handle_late(&mut self, number: u64) -> bool {
        let entry = self.quarantine.get_mut(&number).expect("the tag's entry is in quarantine");
        if entry.cancel.is_none() || seeded::is(Bug::MuxFlushIgnored) {
            self.remove(number);
            return true;
        }
        !std::mem::replace(&mut entry.answered, true)
    }

    /// Removes an entry of the quarantine, and frees its tag and that of its cancel.
    pub(super) fn remove(&mut self, number: u64) {
        if let Some(entry) = self.quarantine.remove(&number) {
            self.release(&entry.tag);
            if let Some(cancel) = entry.cancel {
                self.release(&cancel);
            }
        }
    }

    /// Returns the next entry to tell the peer of, and its tag.
    pub(super) fn next_cancel(&mut self) -> Option<(u64, T)> {
        loop {
            let number = self.cancels.pop_front()?;
            // The late reply may have come in the meantime.
            if let Some(entry) = self.quarantine.get(&number) {
                return Some((number, entry.tag.clone()));
            }
        }
    }

    /// Notes the tag of the cancel of an entry.
    pub(super) fn set_cancel(&mut self, number: u64, tag: T) {
        if let Some(entry) = self.quarantine.get_mut(&number) {
            entry.cancel = Some(tag);
        }
    }

    pub(super) fn is_quarantined(&self, number: u64) -> bool {
        self.quarantine.contains_key(&number)
    }

    /// The time since which the oldest tag has been in quarantine.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.quarantine.first_key_value().map(|(_, entry)| entry.since)
    }

    /// Frees the oldest tag in quarantine.
    pub(super) fn remove_oldest(&mut self) {
        if let Some(oldest) = self.quarantine.first_key_value().map(|(number, _)| *number) {
            self.remove(oldest);
        }
    }

    /// Number of dropped calls in quarantine.
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
