//! The registry with the feature `debug`: a table in shards, so that threads rarely contend.
//!
//! Its locks are those of `std` even under a model checker, which has nothing to find here: nothing
//! waits under them, and no user code runs.

use std::cell::Cell;
use std::panic::Location;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::vec::Vec;

use super::{Peer, Site};

const SHARDS: usize = 32;

static TABLE: [Shard; SHARDS] = [const { Shard(Mutex::new(Rows::new())) }; SHARDS];

/// Aligned so that no two shards share a cache line.
#[repr(align(128))]
struct Shard(Mutex<Rows>);

impl Shard {
    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Rows {
    rows: Vec<Option<Row>>,
    free: Vec<usize>,
}

impl Rows {
    const fn new() -> Self {
        Self { rows: Vec::new(), free: Vec::new() }
    }
}

/// A site, and what is known of a wait there before it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'p> {
    site: &'static Site,
    /// The line of user code.
    location: Option<&'static Location<'static>>,
    /// The client, server, run or connection that it belongs to.
    system: Option<&'p Peer>,
    /// The peer that is waited for.
    peer: Option<&'p Peer>,
}

impl<'p> At<'p> {
    pub(crate) fn by(self, caller: &'static Location<'static>) -> Self {
        Self { location: Some(caller), ..self }
    }

    pub(crate) fn at(self, peer: &'p Peer) -> Self {
        Self { peer: Some(peer), ..self }
    }

    pub(crate) fn of(self, system: &'p Peer) -> Self {
        Self { system: Some(system), ..self }
    }
}

impl From<&'static Site> for At<'_> {
    fn from(site: &'static Site) -> Self {
        Self { site, location: None, system: None, peer: None }
    }
}

/// The reason of a wait, as far as only the poll knows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Why {
    system: Option<Peer>,
    pub(crate) what: Option<&'static str>,
    pub(crate) peer: Option<Peer>,
    place: Option<Place>,
}

impl Why {
    /// Replaces the system of the [`At`].
    pub(crate) fn set_system(&mut self, system: &Peer) {
        self.system = Some(system.clone());
    }

    /// Replaces what the [`Site`] says.
    pub(crate) fn set_what(&mut self, what: Option<&'static str>) {
        self.what = what;
    }

    /// Replaces the peer of the [`At`].
    pub(crate) fn set_peer(&mut self, peer: Option<Peer>) {
        self.peer = peer;
    }

    /// Replaces what is waited for, and at which peer, as long as the place knows.
    pub(crate) fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
    }
}

/// A wait, or a task or thread that runs.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) site: &'static Site,
    pub(crate) location: Option<&'static Location<'static>>,
    pub(crate) system: Option<Peer>,
    pub(crate) why: Why,
    pub(crate) since: Instant,
}

/// A registration, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    shard: usize,
    row: usize,
}

impl Entry {
    pub(crate) fn new(at: At<'_>) -> Self {
        let new = Row {
            site: at.site,
            location: at.location,
            system: at.system.cloned(),
            why: Why { what: at.site.waits_for, peer: at.peer.cloned(), ..Why::default() },
            since: Instant::now(),
        };
        let shard = shard();
        let Rows { rows, free } = &mut *TABLE[shard].lock();
        let row = match free.pop() {
            Some(row) => {
                rows[row] = Some(new);
                row
            }
            None => {
                rows.push(Some(new));
                rows.len() - 1
            }
        };
        Self { shard, row }
    }

    /// Replaces the reason, as far as there is a new one.
    pub(crate) fn set(&self, why: Why) {
        if matches!(why, Why { system: None, what: None, peer: None, place: None }) {
            return;
        }
        if let Some(row) = &mut TABLE[self.shard].lock().rows[self.row] {
            row.system = why.system.or(row.system.take());
            row.why.what = why.what.or(row.site.waits_for);
            row.why.peer = why.peer.or(row.why.peer.take());
            row.why.place = why.place.or(row.why.place.take());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut shard = TABLE[self.shard].lock();
        shard.rows[self.row] = None;
        shard.free.push(self.row);
        // Returns the memory of a crowd that is gone.
        if shard.free.len() == shard.rows.len() && shard.rows.capacity() > 1024 {
            *shard = Rows::new();
        }
    }
}

/// Returns the shard of this thread.
fn shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let assign = || NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
    SHARD.try_with(|shard| {
        let own = shard.get().unwrap_or_else(assign);
        shard.set(Some(own));
        own
    })
    .unwrap_or(0)
}

/// Visits everything that is registered, one shard after another.
pub(crate) fn visit(mut see: impl FnMut(Row)) {
    let rows = |shard: &Shard| -> Vec<Row> { shard.lock().rows.iter().flatten().cloned().collect() };
    TABLE.iter().flat_map(rows).for_each(|mut row| {
        if let Some((what, peer)) = row.why.place.as_ref().and_then(Place::why) {
            row.why.what = Some(what);
            row.why.peer = peer.or(row.why.peer);
        }
        see(row);
    });
}

/// The progress of calls that are not polled as they advance, set by the task that serves them.
///
/// Calls are numbered in the order in which they are served. The last ones are queued, those before
/// them have been taken from the queue, and the first ones have begun: these wait for what their site
/// says.
#[derive(Clone, Debug)]
pub(crate) struct Progress(Arc<Mutex<Stages>>);

#[derive(Debug)]
struct Stages {
    /// The first call that may not have begun, and what it waits for once it is taken.
    taken: (u64, &'static str),
    /// The first call that is queued, what the queue waits for, and at which peer.
    queued: (u64, &'static str, Option<Peer>),
}

impl Progress {
    /// No call has left the queue.
    pub(crate) fn new(queued: &'static str, taken: &'static str) -> Self {
        Self(Arc::new(Mutex::new(Stages { taken: (0, taken), queued: (0, queued, None) })))
    }

    /// Sets the first call that is queued, what the queue waits for, and at which peer. With `begun` all
    /// calls before it have begun.
    pub(crate) fn set(
        &self,
        queued: impl FnOnce() -> (u64, &'static str, Option<Peer>),
        begun: bool,
    ) {
        let queued = queued();
        let mut stages = self.lock();
        if begun {
            stages.taken.0 = queued.0;
        }
        stages.queued = queued;
    }

    /// The place of a call.
    pub(crate) fn place(&self, number: u64) -> Place {
        Place { progress: self.clone(), number }
    }

    fn lock(&self) -> MutexGuard<'_, Stages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a call in its [`Progress`].
#[derive(Clone, Debug)]
pub(crate) struct Place {
    progress: Progress,
    number: u64,
}

impl Place {
    fn why(&self) -> Option<(&'static str, Option<Peer>)> {
        let Stages { taken, queued: (first, what, peer) } = &*self.progress.lock();
        if self.number >= *first {
            return Some((what, peer.clone()));
        }
        (self.number >= taken.0).then_some((taken.1, None))
    }
}
