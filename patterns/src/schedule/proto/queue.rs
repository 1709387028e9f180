//! The queue of tasks that wait for another attempt.

use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

use super::ServerId;

/// First in, first out, except that a server skips the tasks that avoid it.
///
/// Tasks that avoid the same servers share a lane, so a server that fails everything skips all its
/// failed tasks in one step per lane. There are as many lanes as there are different sets of servers that
/// failed a task in the queue, which is few.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    lanes: BTreeMap<Vec<ServerId>, VecDeque<(u64, usize)>>,
    /// The lanes in the order of their first tasks, so that a search does not compare them all.
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

    /// Takes the oldest task whose set of servers to avoid is `acceptable`.
    pub(super) fn pop(&mut self, acceptable: impl Fn(&[ServerId]) -> bool) -> Option<usize> {
        let head = *self.heads.iter().find(|(_, avoid)| acceptable(avoid))?.0;
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

    /// Returns the sets of servers to avoid, each with the number of its tasks.
    pub(super) fn lanes(&self) -> Vec<(Vec<ServerId>, usize)> {
        self.lanes.iter().map(|(avoid, lane)| (avoid.clone(), lane.len())).collect()
    }
}
