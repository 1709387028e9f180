//! Events for subscribers of [tracing](https://docs.rs/tracing), by the feature `tracing`, and a list of
//! all counters.
//!
//! # Events
//! An event says what an operator wants to find in a log: that something has changed for good at `INFO`
//! and `WARN`, which is rare, and what became of single calls at `DEBUG`, as far as it was not what the
//! caller wanted. What goes as it should is counted, and has no event.
//!
//! Each event has the message in this table, a target that begins with `pushdown_patterns::`, and the
//! field `name`: the name of the client, server, run or connection, or its number. Servers and subscribers are
//! numbers, as in the rest of the interface. No event holds anything of the payload: neither events,
//! tasks, requests or replies, nor the texts of errors and panics, which may quote them.
//!
//! | target | level | message | fields | when |
//! |---|---|---|---|---|
//! | `mux` | INFO | `shutdown begun` | `how` | a handle has begun to drain or abort the connection |
//! | `mux` | INFO | `connection closed` | `reason`, `unfinished` | the connection was drained or aborted, or its future was dropped |
//! | `mux` | WARN | `connection lost` | `reason`, `error`, `unfinished` | the connection has ended for any other reason; `error` is the kind of an I/O error, or of bad input |
//! | `mux` | DEBUG | `call abandoned` | `sent` | a caller has left, or its time was over; if the call was `sent` its tag is in quarantine |
//! | `mux` | DEBUG | `late reply` | | a dropped call was answered |
//! | `mux` | DEBUG | `unexpected reply` | | a reply answers no call |
//! | `mux` | DEBUG | `message discarded` | | an unsolicited message found no room, or no receiver is left |
//! | `replicated` | INFO | `shutdown begun` | `how` | a handle has closed the client |
//! | `replicated` | INFO | `client closed` | `finished`, `cancelled`, `aborted` | nothing is running any more; calls and losers by their ends |
//! | `replicated` | INFO | `preferred server changed` | `server`, `before` | calls begin with another server |
//! | `replicated` | INFO | `server joined` | `server` | a server is in the list, which has changed |
//! | `replicated` | INFO | `server left` | `server` | a server is out of the list; its requests may still be running |
//! | `replicated` | DEBUG | `hedge started` | `server` | another server is asked because the last one is slow |
//! | `replicated` | DEBUG | `hedge won` | `server` | that server was the first to reply |
//! | `replicated` | WARN | `budget is empty` | | a call has to wait for a token, which holds until the budget has recovered |
//! | `replicated` | INFO | `budget has recovered` | | half of the tokens have been saved up again |
//! | `replicated` | DEBUG | `attempt failed` | `server`, `effect` | a request has returned an error |
//! | `replicated` | WARN | `request panicked` | `server` | the panic has been contained, and counts as a failure |
//! | `replicated` | DEBUG | `call failed` | `reason`, `attempts` | a call has ended without a reply |
//! | `schedule` | INFO | `shutdown begun` | `how` | a handle has begun to drain or abort the run |
//! | `schedule` | INFO | `run ended` | `reason`, `tasks`, `done`, `given_up`, `attempts` | all tasks are settled, or the run was shut down |
//! | `schedule` | WARN | `run failed` | `reason`, `tasks`, `done`, `given_up`, `attempts` | the run cannot go on |
//! | `schedule` | DEBUG | `server joined` | `server` | a server takes tasks |
//! | `schedule` | INFO | `server retired` | `server` | a server takes no more tasks, as it was told |
//! | `schedule` | WARN | `server lost` | `server`, `reason` | a server is dead, has failed too often, or its worker was dropped |
//! | `schedule` | DEBUG | `attempt failed` | `server`, `task`, `attempts`, `reason`, `retried` | a call has failed; `retried` if the task goes on |
//! | `schedule` | WARN | `call panicked` | `server`, `task` | the panic has been contained, and counts as a failure |
//! | `schedule` | WARN | `task given up` | `task`, `attempts` | a task has used up its attempts |
//! | `schedule` | DEBUG | `backup started` | `server`, `task` | a copy of a call that takes long |
//! | `pubsub` | INFO | `shutdown begun` | `how` | a handle has begun to drain or abort the server |
//! | `pubsub` | INFO | `server closed` | `drained`, `dropped`, `aborted` | that shutdown is over; its subscriptions by the ways in which their readers left |
//! | `pubsub` | DEBUG | `subscribed` | `subscriber` | a subscription begins |
//! | `pubsub` | DEBUG | `subscription ended` | `subscriber`, `reason`, `undelivered` | its reader has left, or the server was aborted |
//! | `pubsub` | WARN | `subscriber disconnected` | `subscriber`, `missed` | it was too slow for its policy |
//! | `pubsub` | DEBUG | `gap` | `subscriber`, `missed` | a reader has come to a gap in its stream |
//! | `pubsub` | WARN | `events lost upstream` | `missed` | [`PubSub::missed`](crate::pubsub::PubSub::missed) was called |
//! | `pubsub` | DEBUG | `publish timed out` | `subscriber` | that subscriber had no room for as long as its policy lets a publisher wait |
//! | `panics` | WARN | `panic contained` | `code` | a destructor or a waker has panicked where no call can report it; this event has no `name` |
//!
//! # No event is emitted under a lock
//! A subscriber is user code: it may write to a socket, or call the system that the event is about. Events
//! are kept while a lock is held and emitted after the unlock, by the thread that has caused them, so a
//! subscriber can call everything that does not wait. While it runs, that thread makes no progress. A panic
//! of a subscriber is contained.
//!
//! # Counters
//! All can be read at any time and any number of times, for an exporter of metrics, with the feature
//! `tracing` or without it. Reading takes the lock of the system for as long as it takes to copy them; in
//! `task::Server` it is a request to the owner. Those of type `u64` only grow.
//!
//! | system | method | counts |
//! |---|---|---|
//! | `mux` | [`Mux::counts`](crate::mux::Mux::counts) | calls accepted, sent, answered, abandoned; those that wait or are in flight; tags in quarantine; replies late or unexpected; messages discarded |
//! | `replicated` | [`Client::stats`](crate::replicated::Client::stats), [`running`](crate::replicated::Client::running) | calls by their ends, hedges started, won and denied, changes of the preference; attempts of each server by their ends, with latencies |
//! | `schedule` | [`Watch::now`](crate::schedule::Watch::now), [`servers`](crate::schedule::Watch::servers) | tasks queued, done and given up; attempts, failures, timeouts, backups; servers joined, lost and present; calls of each server by outcome |
//! | `pubsub` | `Server::counts` ([`PubSub::counts`](crate::pubsub::PubSub::counts)) | events published, lost upstream and missed by readers; publishers that wait or have timed out; subscribers, and those disconnected |

use std::string::String;
use std::sync::Arc;

use crate::Shutdown;
use crate::waits::{Name, Peer};
use crate::wakers::AfterUnlock;

/// Defines the events, each once: its fields, level, target and message.
macro_rules! events {
    ($($event:ident { $($field:ident: $kind:ty),* } = $level:ident $target:literal $message:literal;)*) => {
        #[derive(Clone, Debug)]
        #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "never made without it"))]
        pub(crate) enum Event {
            $($event { $($field: $kind),* }),*
        }

        #[cfg(feature = "tracing")]
        impl Event {
            fn is_enabled(&self) -> bool {
                match self {
                    $(Self::$event { .. } => tracing::level_enabled!(tracing::Level::$level),)*
                }
            }

            fn emit(self, name: Option<&Peer>) {
                let name = name.map(tracing::field::display);
                match self {
                    $(Self::$event { $($field),* } => tracing::event!(
                        target: concat!("pushdown_patterns::", $target),
                        tracing::Level::$level,
                        name,
                        $($field,)*
                        $message
                    ),)*
                }
            }
        }
    };
}

events! {
    MuxShutdown { how: &'static str } = INFO "mux" "shutdown begun";
    ConnectionClosed { reason: &'static str, unfinished: usize } = INFO "mux" "connection closed";
    ConnectionLost { reason: &'static str, error: Option<String>, unfinished: usize } = WARN "mux" "connection lost";
    CallAbandoned { sent: bool } = DEBUG "mux" "call abandoned";
    LateReply {} = DEBUG "mux" "late reply";
    UnexpectedReply {} = DEBUG "mux" "unexpected reply";
    MessageDiscarded {} = DEBUG "mux" "message discarded";

    ClientShutdown { how: &'static str } = INFO "replicated" "shutdown begun";
    ClientClosed { finished: usize, cancelled: usize, aborted: usize } = INFO "replicated" "client closed";
    PreferenceChanged { server: usize, before: usize } = INFO "replicated" "preferred server changed";
    MemberJoined { server: usize } = INFO "replicated" "server joined";
    MemberLeft { server: usize } = INFO "replicated" "server left";
    HedgeStarted { server: usize } = DEBUG "replicated" "hedge started";
    HedgeWon { server: usize } = DEBUG "replicated" "hedge won";
    BudgetEmpty {} = WARN "replicated" "budget is empty";
    BudgetRecovered {} = INFO "replicated" "budget has recovered";
    RequestFailed { server: usize, effect: &'static str } = DEBUG "replicated" "attempt failed";
    RequestPanicked { server: usize } = WARN "replicated" "request panicked";
    CallFailed { reason: &'static str, attempts: usize } = DEBUG "replicated" "call failed";

    RunShutdown { how: &'static str } = INFO "schedule" "shutdown begun";
    RunEnded { reason: &'static str, tasks: usize, done: usize, given_up: usize, attempts: u64 }
        = INFO "schedule" "run ended";
    RunFailed { reason: &'static str, tasks: usize, done: usize, given_up: usize, attempts: u64 }
        = WARN "schedule" "run failed";
    ServerJoined { server: usize } = DEBUG "schedule" "server joined";
    ServerRetired { server: usize } = INFO "schedule" "server retired";
    ServerLost { server: usize, reason: &'static str } = WARN "schedule" "server lost";
    AttemptFailed { server: usize, task: usize, attempts: u32, reason: &'static str, retried: bool }
        = DEBUG "schedule" "attempt failed";
    CallPanicked { server: usize, task: usize } = WARN "schedule" "call panicked";
    TaskGivenUp { task: usize, attempts: u32 } = WARN "schedule" "task given up";
    BackupStarted { server: usize, task: usize } = DEBUG "schedule" "backup started";

    ServerShutdown { how: &'static str } = INFO "pubsub" "shutdown begun";
    ServerClosed { drained: usize, dropped: usize, aborted: usize } = INFO "pubsub" "server closed";
    Subscribed { subscriber: u64 } = DEBUG "pubsub" "subscribed";
    SubscriptionEnded { subscriber: u64, reason: &'static str, undelivered: u64 }
        = DEBUG "pubsub" "subscription ended";
    Disconnected { subscriber: u64, missed: u64 } = WARN "pubsub" "subscriber disconnected";
    Gap { subscriber: u64, missed: u64 } = DEBUG "pubsub" "gap";
    LostUpstream { missed: u64 } = WARN "pubsub" "events lost upstream";
    PublishTimedOut { subscriber: u64 } = DEBUG "pubsub" "publish timed out";

    PanicContained { code: &'static str } = WARN "panics" "panic contained";
}

/// The system that events are about. Takes no space without the feature.
#[derive(Clone, Debug)]
pub(crate) struct Source(#[cfg(feature = "tracing")] Arc<Name>);

/// An event that is emitted after the unlock. Without the feature there is none.
#[derive(Debug)]
pub(crate) struct Told(
    #[cfg(feature = "tracing")] std::boxed::Box<(Arc<Name>, Event)>,
    #[cfg(not(feature = "tracing"))] std::convert::Infallible,
);

/// Events of a state machine, until its driver tells them. Takes no space without the feature.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes(#[cfg(feature = "tracing")] std::vec::Vec<Event>);

cfg_select! {
    feature = "tracing" => {
        use crate::panics::ignore;

        impl Source {
            /// A system that may be named later.
            pub(crate) fn new(name: &Arc<Name>) -> Self {
                Self(name.clone())
            }

            pub(crate) fn of(name: &Peer) -> Self {
                Self(Arc::new(Name::of(name.clone())))
            }

            /// Emits an event after the unlock.
            #[inline]
            pub(crate) fn tell(&self, after: &mut AfterUnlock, event: impl FnOnce() -> Event) {
                if let Some(event) = made(event) {
                    after.tell(Told(std::boxed::Box::new((self.0.clone(), event))));
                }
            }

            /// Emits an event at once: no lock is held.
            #[inline]
            pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
                if let Some(event) = made(event) {
                    let _ = ignore(|| event.emit(Some(self.0.get())));
                }
            }
        }

        impl Told {
            pub(crate) fn emit(self) {
                let (name, event) = *self.0;
                let _ = ignore(|| event.emit(Some(name.get())));
            }
        }

        impl Notes {
            #[inline]
            pub(crate) fn add(&mut self, event: impl FnOnce() -> Event) {
                self.0.extend(made(event));
            }

            #[inline]
            pub(crate) fn tell(&mut self, source: &Source, after: &mut AfterUnlock) {
                self.0.drain(..).for_each(|event| source.tell(after, || event));
            }
        }

        /// Emits an event without a system, at once: no lock is held.
        pub(crate) fn emit(event: impl FnOnce() -> Event) {
            if let Some(event) = made(event) {
                let _ = ignore(|| event.emit(None));
            }
        }

        /// Makes an event that some subscriber may want. Asks none of them, since a lock may be held.
        #[inline]
        fn made(event: impl FnOnce() -> Event) -> Option<Event> {
            use tracing::level_filters::LevelFilter;

            let is_on = LevelFilter::current() != LevelFilter::OFF;
            is_on.then(event).filter(Event::is_enabled)
        }
    }
    _ => {
        impl Source {
            pub(crate) fn new(_: &Arc<Name>) -> Self {
                Self()
            }

            pub(crate) fn of(_: &Peer) -> Self {
                Self()
            }

            pub(crate) fn tell(&self, _: &mut AfterUnlock, _: impl FnOnce() -> Event) {}

            pub(crate) fn emit(&self, _: impl FnOnce() -> Event) {}
        }

        impl Told {
            pub(crate) fn emit(self) {
                match self.0 {}
            }
        }

        impl Notes {
            pub(crate) fn add(&mut self, _: impl FnOnce() -> Event) {}

            pub(crate) fn tell(&mut self, _: &Source, _: &mut AfterUnlock) {}
        }

        pub(crate) fn emit(_: impl FnOnce() -> Event) {}
    }
}

/// Returns the word for a way to shut down.
pub(crate) fn how(how: Shutdown) -> &'static str {
    match how {
        Shutdown::Drain { .. } => "drain",
        Shutdown::Abort => "abort",
    }
}
