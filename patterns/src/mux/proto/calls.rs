//! The table of calls.

use std::vec::Vec;

/// Identifies a call.
///
/// Later calls have greater ids, and no two calls have the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    ticket: u64,
    slot: usize,
}

impl Id {
    /// The number of the call: later calls have greater ones.
    pub(in crate::mux) fn number(&self) -> u64 {
        self.ticket
    }
}

/// Calls by their [`Id`]. Slots are reused, and an id finds nothing once its call is over.
#[derive(Debug)]
pub(super) struct Calls<V> {
    slots: Vec<Option<(u64, V)>>,
    free: Vec<usize>,
    next: u64,
}

impl<V> Default for Calls<V> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), next: 0 }
    }
}

impl<V> Calls<V> {
    pub(super) fn insert(&mut self, value: V) -> Id {
        let ticket = self.next;
        self.next += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some((ticket, value));
        Id { ticket, slot }
    }

    pub(super) fn get(&self, id: &Id) -> Option<&V> {
        let (ticket, value) = self.slots.get(id.slot)?.as_ref()?;
        (*ticket == id.ticket).then_some(value)
    }

    pub(super) fn get_mut(&mut self, id: &Id) -> Option<&mut V> {
        let (ticket, value) = self.slots.get_mut(id.slot)?.as_mut()?;
        (*ticket == id.ticket).then_some(value)
    }

    pub(super) fn remove(&mut self, id: &Id) -> Option<V> {
        self.get(id)?;
        let (_, value) = self.slots[id.slot].take()?;
        self.free.push(id.slot);
        Some(value)
    }

    /// Returns the number of the next call.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut().flatten().map(|(_, value)| value)
    }
}
