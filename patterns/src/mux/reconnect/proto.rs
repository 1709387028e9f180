//! The client without connections, runtime or clock: it decides when the next connection is made.
//!
//! The vocabulary is that of a sans-IO state machine: `handle_*` takes an event, [`poll_next`](Core::poll_next)
//! returns what to do, and [`poll_timeout`](Core::poll_timeout) is when to ask again at the latest.
//!
//! ```
//! use std::time::{Duration, Instant};
//! use pushdown_patterns::mux::reconnect::proto::{Core, Next};
//! use pushdown_patterns::mux::reconnect::{Options, Outage};
//!
//! let second = Duration::from_secs(1);
//! let mut core = Core::new(Options::new().backoff(second, second));
//! let start = Instant::now();
//! assert!(matches!(core.poll_next(start, 0), Next::Connect));
//! core.handle_failed(start, Outage::TimedOut);
//! assert!(matches!(core.poll_next(start, 0), Next::Wait));
//! let due = core.poll_timeout().unwrap();
//! assert!((start + second / 2..start + second).contains(&due));
//! assert!(matches!(core.poll_next(due, 0), Next::Connect));
//! assert_eq!(core.handle_connected(due), Some(1));
//! ```

use std::time::{Duration, Instant};

use super::error::Outage;
use super::options::Options;
use crate::backoff::Backoff;
use crate::mux::CloseReason;

/// The state of a client.
#[derive(Debug)]
pub struct Core {
    backoff: Backoff,
    connect_timeout: Duration,
    connect_attempts: Option<u32>,
    healthy_after: Duration,
    phase: Phase,
    /// Attempts that failed and connections that were soon over, since the last one that was not.
    failures: u32,
    drain: Option<Drain>,
    outage: Option<Outage>,
    counts: Counts,
}

#[derive(Debug)]
enum Phase {
    /// The next attempt is due.
    Due,
    /// Without a time, for ever: the delay exceeds what a clock can tell.
    BackingOff {
        until: Option<Instant>,
    },
    Connecting {
        until: Option<Instant>,
    },
    Connected {
        since: Instant,
    },
    Closed(CloseReason),
}

#[derive(Clone, Copy, Debug)]
struct Drain {
    deadline: Option<Instant>,
}

/// The next thing for a driver to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Next {
    /// Begin an attempt to connect. The one before it, if there is one, is over.
    Connect,
    /// Carry on with the attempt.
    Connecting,
    /// Wait for the end of the connection. With `drain` it is to end once its calls have.
    Connected {
        /// Set during a drain.
        drain: bool,
    },
    /// Wait. An attempt, if there is one, is over.
    Wait,
    /// End everything: nothing will be done any more.
    Close(CloseReason),
}

/// Counts of a client since it was made, and of the calls in its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Connections that were made.
    pub connections: u64,
    /// Attempts to connect that failed.
    pub failed_attempts: u64,
    /// Calls whose requests came back unsent and were queued for the next connection, each time.
    pub requeued: u64,
    /// Idempotent calls that were queued again although they may have happened, each time.
    pub repeated: u64,
    /// Calls that wait for a connection now.
    pub waiting: usize,
}

impl Core {
    /// A core that makes its first attempt at once.
    pub fn new(options: Options) -> Self {
        Self {
            healthy_after: options.healthy_after.unwrap_or(options.backoff.1),
            backoff: Backoff::new(options.backoff, options.seed),
            connect_timeout: options.connect_timeout,
            connect_attempts: options.connect_attempts.map(u32::from),
            phase: Phase::Due,
            failures: 0,
            drain: None,
            outage: None,
            counts: Counts::default(),
        }
    }

    /// Returns what to do now, when so many calls are `waiting` for a connection.
    pub fn poll_next(&mut self, now: Instant, waiting: usize) -> Next {
        self.handle_timeout(now);
        if self.drain.is_some() && waiting == 0 && !matches!(self.phase, Phase::Connected { .. }) {
            self.close(CloseReason::Drained);
        }
        match &self.phase {
            Phase::Due => {
                let until = now.checked_add(self.connect_timeout);
                self.phase = Phase::Connecting { until };
                Next::Connect
            }
            Phase::BackingOff { .. } => Next::Wait,
            Phase::Connecting { .. } => Next::Connecting,
            Phase::Connected { .. } => Next::Connected { drain: self.drain.is_some() },
            Phase::Closed(end) => Next::Close(end.clone()),
        }
    }

    /// When to [poll](Self::poll_next) again at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let phase = match &self.phase {
            Phase::BackingOff { until } | Phase::Connecting { until } => *until,
            _ => None,
        };
        phase.into_iter().chain(self.drain.and_then(|drain| drain.deadline)).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        let is_over = |until: Option<Instant>| until.is_some_and(|until| until <= now);
        if is_over(self.drain.and_then(|drain| drain.deadline)) {
            self.close(CloseReason::Aborted);
        }
        match self.phase {
            Phase::BackingOff { until } if is_over(until) => self.phase = Phase::Due,
            Phase::Connecting { until } if is_over(until) => {
                self.handle_failed(now, Outage::TimedOut);
            }
            _ => {}
        }
    }

    /// The attempt has succeeded. Returns the number of the connection, from 1, or `None` if it comes too
    /// late.
    pub fn handle_connected(&mut self, now: Instant) -> Option<u64> {
        let Phase::Connecting { .. } = self.phase else { return None };
        self.phase = Phase::Connected { since: now };
        self.outage = None;
        self.counts.connections += 1;
        Some(self.counts.connections)
    }

    /// The attempt has failed.
    pub fn handle_failed(&mut self, now: Instant, outage: Outage) {
        if let Phase::Connecting { .. } = self.phase {
            self.counts.failed_attempts += 1;
            self.fail(now, outage, true);
        }
    }

    /// The connection of this number has ended. Returns false if that was known.
    pub fn handle_ended(&mut self, now: Instant, connection: u64, end: CloseReason) -> bool {
        let Phase::Connected { since } = self.phase else { return false };
        if connection != self.counts.connections {
            return false;
        }
        let was_healthy = now.saturating_duration_since(since) >= self.healthy_after;
        if was_healthy {
            self.failures = 0;
        }
        self.fail(now, Outage::Ended(end), !was_healthy);
        true
    }

    fn fail(&mut self, now: Instant, outage: Outage, is_failure: bool) {
        self.outage = Some(outage);
        self.failures = self.failures.saturating_add(u32::from(is_failure));
        if self.connect_attempts.is_some_and(|limit| self.failures >= limit) {
            return self.close(CloseReason::GaveUp);
        }
        let until = now.checked_add(self.backoff.delay(self.failures));
        self.phase = Phase::BackingOff { until };
    }

    /// Accepts no more calls, and closes when the last one is over, or at the deadline. The earliest
    /// deadline of several counts.
    pub fn drain(&mut self, deadline: Option<Instant>) {
        let earlier = self.drain.and_then(|drain| drain.deadline);
        self.drain = Some(Drain { deadline: earlier.into_iter().chain(deadline).min() });
    }

    /// Ends everything, unless it has ended.
    pub fn close(&mut self, end: CloseReason) {
        if self.end().is_none() {
            self.phase = Phase::Closed(end);
        }
    }

    /// The reason why everything has ended.
    pub fn end(&self) -> Option<&CloseReason> {
        match &self.phase {
            Phase::Closed(end) => Some(end),
            _ => None,
        }
    }

    /// Returns true once no more calls are accepted.
    pub fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// The last reason why there was no connection, unless there is one now.
    pub fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// The counts so far. The calls in line are the driver's.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Counts a call that is queued for the next connection. With `was_sent` it may have happened.
    pub fn count_again(&mut self, was_sent: bool) {
        let count = if was_sent { &mut self.counts.repeated } else { &mut self.counts.requeued };
        *count += 1;
    }
}
