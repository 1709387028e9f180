//! The decisions of a replicated client, without runtime or clock: which server to ask, when to ask
//! another, which attempt has won, and which server is asked first the next time.
//!
//! [`Replicas`] is what all calls share, [`Call`] the state of one call. The methods named `handle_*`
//! take what has happened, [`Call::poll_action`] returns the next thing to do, and
//! [`Call::poll_timeout`] when to poll again. The caller tells the time with each call, so there is no
//! `handle_timeout`. Servers are named by their numbers, which stay the same while others join and leave.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::time::{Duration, Instant};
//! use pushdown_patterns::replicated::proto::{Action, Call, Outcome, Replicas};
//! use pushdown_patterns::replicated::{Budget, CallOptions, Hedge, Prefer};
//!
//! let (start, delay) = (Instant::now(), Duration::from_millis(10));
//! let three = NonZeroUsize::new(3).unwrap();
//! let hedge = Hedge::After(delay);
//! let mut replicas = Replicas::new(three, Prefer::Sticky, hedge, Budget::default());
//!
//! let mut call = Call::new(&mut replicas, CallOptions::new(), start);
//! assert_eq!(call.poll_action(&mut replicas, start), Some(Action::Start(0)));
//! assert_eq!(call.poll_action(&mut replicas, start), None);
//! assert_eq!(call.poll_timeout(), Some(start + delay));
//! assert_eq!(call.poll_action(&mut replicas, start + delay), Some(Action::Start(1)));
//!
//! call.handle_reply(&mut replicas, 1, start + delay);
//! let finish = Action::Finish(Outcome::Won(1));
//! assert_eq!(call.poll_action(&mut replicas, start + delay), Some(finish));
//! assert_eq!(replicas.preferred(), Some(1));
//! ```

mod bucket;
mod call;
mod latency;
mod line;
mod members;
mod replicas;
mod stats;

pub use call::{Action, Call, Outcome};
pub use latency::Latency;
pub use replicas::Replicas;
pub use stats::{AttemptEnd, CallEnds, ServerStats, Stats};
