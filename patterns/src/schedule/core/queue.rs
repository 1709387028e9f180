//! Tasks that wait for another attempt.

use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

use super::ServerId;

/// First in, first out, except that a task is passed over by the servers it is to avoid.
///
/// Tasks that avoid the same servers stand in one lane. So a server that fails everything does not
/// look at all that it has failed: it passes over a lane in one step. There are as many lanes as
/// there are sets of servers that have failed the same task, which is few.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: BTreeMap<Vec<ServerId>, VecDeque<(u64, usize)>>,
    /// The lanes by what is first in them, so that nobody has to compare them all.
    heads: BTreeMap<u64, Vec<ServerId>>,
    next: u64,
    len: usize,
}

impl Queue {
    pub(super) fn push(&mut self, task: usize, avoid: &[ServerId]) {
        let entry = (self.next, task);
        self.next += 1;
        self.len += 1;
        match self.lanes.get_mut(avoid) {
            Some(lane) => lane.push_back(entry),
            None => {
                self.lanes.insert(avoid.to_vec(), VecDeque::from([entry]));
                self.heads.insert(entry.0, avoid.to_vec());
            }
        }
    }

    /// The task that has waited longest among those whose servers to avoid are `fine`.
    pub(super) fn pop(&mut self, fine: impl Fn(&[ServerId]) -> bool) -> Option<usize> {
        let head = *self.heads.iter().find(|(_, avoid)| fine(avoid))?.0;
        let avoid = self.heads.remove(&head)?;
        let lane = self.lanes.get_mut(&avoid)?;
        let (_, task) = lane.pop_front()?;
        match lane.front() {
            Some((next, _)) => drop(self.heads.insert(*next, avoid)),
            None => drop(self.lanes.remove(&avoid)),
        }
        self.len -= 1;
        Some(task)
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }
}
