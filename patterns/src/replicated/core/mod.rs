//! What a replicated client decides, without runtime and clock: whom to ask, when to ask another, who
//! has won, and who is asked first the next time.
//!
//! [`Replicas`] is what all calls share, [`Call`] what each has of its own. A call is told what
//! became of its attempts, and asked with [`tick`](Call::tick) what is to be done now.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::{Duration, Instant};
//! use pushdown_patterns::replicated::core::{Action, Outcome, Replicas};
//! use pushdown_patterns::replicated::{Budget, CallOptions, Hedge};
//!
//! let (start, delay) = (Instant::now(), Duration::from_millis(10));
//! let three = NonZeroUsize::new(3).unwrap();
//! let mut replicas = Replicas::new(three, Hedge::After(delay), Budget::default());
//!
//! let mut call = replicas.begin(CallOptions::default(), start);
//! assert_eq!(call.tick(&mut replicas, start), Action::Start(0));
//! assert_eq!(call.tick(&mut replicas, start), Action::Wait { until: Some(start + delay) });
//! assert_eq!(call.tick(&mut replicas, start + delay), Action::Start(1));
//!
//! call.succeeded(&mut replicas, 1, start + delay);
//! assert_eq!(call.tick(&mut replicas, start + delay), Action::Finish(Outcome::Won(1)));
//! assert_eq!(replicas.preferred(), 1);
//! ```

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::{Budget, CallOptions, Hedge};
use crate::seeded::{self, Bug};
use bucket::Bucket;

mod bucket;
mod call;
mod latency;

pub use call::{Action, Call, Outcome};
pub use latency::Latency;

/// A percentile of fewer samples than this is not relied on.
const ENOUGH_SAMPLES: usize = 20;

/// What all calls of a client share: the preferred server, the budget, and what each server has done.
#[derive(Clone, Debug)]
pub struct Replicas {
    hedge: Hedge,
    preference: Preference,
    bucket: Bucket,
    calls: u64,
    hedges: u64,
    hedges_denied: u64,
    servers: Vec<ServerStats>,
}

/// Who is asked first. The version tells a preference from an older one for the same server, so that
/// only a call that has begun under this one can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Preference {
    server: usize,
    version: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// With a reply.
    Succeeded,
    /// With an error.
    Failed,
    /// With a panic.
    Panicked,
    /// It did not; it was given up.
    Cancelled,
}

/// What a server has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// How many attempts were started.
    pub attempts: u64,
    /// How many brought a reply, late ones included.
    pub succeeded: u64,
    /// How many brought an error.
    pub failed: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were given up.
    pub cancelled: u64,
    /// How long the replies took, and how long those that were given up had been waited for.
    pub latency: Latency,
}

impl ServerStats {
    /// How many attempts have not ended.
    pub fn running(&self) -> u64 {
        self.attempts - self.succeeded - self.failed - self.panicked - self.cancelled
    }
}

/// What a client and its servers have done.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Which server is asked first now.
    pub preferred: usize,
    /// How often that has changed.
    pub moves: u64,
    /// How many calls were begun.
    pub calls: u64,
    /// How many attempts were started because one before was slow.
    pub hedges: u64,
    /// How often there was no [`Budget`] left for that.
    pub hedges_denied: u64,
    /// What each server has done.
    pub servers: Vec<ServerStats>,
}

impl Stats {
    /// How many requests were made, for all calls together.
    pub fn requests(&self) -> u64 {
        self.servers.iter().map(|server| server.attempts).sum()
    }

    /// How many of them have not ended.
    pub fn running(&self) -> u64 {
        self.servers.iter().map(ServerStats::running).sum()
    }
}

impl Replicas {
    /// Servers of which nothing is known. The first one is preferred.
    pub fn new(servers: NonZeroUsize, hedge: Hedge, budget: Budget) -> Self {
        Self {
            hedge,
            preference: Preference { server: 0, version: 0 },
            bucket: Bucket::new(budget),
            calls: 0,
            hedges: 0,
            hedges_denied: 0,
            servers: std::vec![ServerStats::default(); servers.get()],
        }
    }

    /// Begins a call, whose deadline counts from now.
    pub fn begin(&mut self, options: CallOptions, now: Instant) -> Call {
        self.calls += 1;
        self.bucket.earn(now);
        Call::new(self, options, now)
    }

    /// Which server is asked first.
    pub fn preferred(&self) -> usize {
        self.preference.server
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        Stats {
            preferred: self.preference.server,
            moves: self.preference.version,
            calls: self.calls,
            hedges: self.hedges,
            hedges_denied: self.hedges_denied,
            servers: self.servers.clone(),
        }
    }

    /// An attempt has ended that no call waited for any more.
    ///
    /// # Panics
    /// If there is no such server.
    pub fn ended(&mut self, server: usize, end: End, after: Duration) {
        let stats = &mut self.servers[server];
        match end {
            End::Succeeded => {
                stats.succeeded += 1;
                stats.latency.answered(after);
            }
            // A server that refuses at once is not a fast one.
            End::Failed => stats.failed += 1,
            End::Panicked => stats.panicked += 1,
            End::Cancelled => {
                stats.cancelled += 1;
                stats.latency.cancelled(after);
            }
        }
    }

    /// Prefers a server from now on, unless the preference has changed since a call began with it.
    fn prefer(&mut self, server: usize, since: Preference) {
        let unchanged = self.preference == since
            || seeded::is(Bug::LateWinnerUndoes)
            || seeded::is(Bug::PreferenceHasNoVersion) && self.preference.server == since.server;
        if unchanged && server != since.server {
            self.preference = Preference { server, version: self.preference.version + 1 };
        }
    }

    /// How long to wait for a server before another one is asked too.
    fn delay(&self, server: usize) -> Option<Duration> {
        match self.hedge {
            Hedge::Never => None,
            Hedge::After(delay) => Some(delay),
            Hedge::Percentile { percentile, at_least, at_most } => {
                let latency = &self.servers[server].latency;
                let known = latency.samples() >= ENOUGH_SAMPLES;
                let usual = if known { latency.percentile(percentile) } else { None };
                Some(usual.unwrap_or(at_most).max(at_least).min(at_most))
            }
        }
    }
}
