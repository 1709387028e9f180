//! The counters of a run.

/// The counters of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that were added.
    pub tasks: usize,
    /// Tasks that succeeded.
    pub done: usize,
    /// Tasks that used up their attempts.
    pub given_up: usize,
    /// Calls in progress.
    pub running: usize,
    /// Calls made, those in progress included.
    pub attempts: u64,
    /// Calls that failed.
    pub failures: u64,
    /// Calls that failed because their time was over.
    pub timeouts: u64,
    /// Calls that were backup copies.
    pub backups: u64,
    /// Servers that have joined.
    pub joined: usize,
    /// Servers that have left for another reason than that they were retired.
    pub lost: usize,
}
