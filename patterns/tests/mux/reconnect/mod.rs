//! `Reconnect` in paused time, with servers under the test's control, and over real ones.
//!
//! | file | tests |
//! |---|---|
//! | `calls` | which calls are sent again, in which order, and what their callers are told |
//! | `attempts` | when the next connection is made |
//! | `drops`, `shutdown` | futures dropped at every point; ends of clients |
//! | `messages` | messages that answer no call, over several connections |
//! | `effects` | errors against what the server received: connections cut at every byte, and at random |
//! | `restarts` | real servers that are killed and started again |

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use pushdown_patterns::mux::reconnect::{CallError, Item, Options, Outage, Unsolicited};
use pushdown_patterns::mux::{self, CallErrorKind, CloseReason, Mux, Reconnect};
use tokio::time::Instant;

use crate::wire::{Frame, Peer, Toy};

mod attempts;
mod calls;
mod drops;
mod effects;
mod messages;
mod restarts;
mod shutdown;

/// The server's answer to an attempt to connect.
#[derive(Clone, Copy, Debug)]
enum Attempt {
    Accept,
    /// The connection takes no messages.
    Block,
    Refuse,
    Hang,
    Panic,
    /// The function panics, before it returns a future.
    PanicAtOnce,
    /// A connection that is over at once.
    HangUp,
}

use Attempt::{Accept, Block, Hang, HangUp, Panic, PanicAtOnce, Refuse};

/// The server of a client. Once the plan is over it accepts all connections.
#[derive(Clone)]
struct Server(Arc<Mutex<State>>);

struct State {
    plan: VecDeque<Attempt>,
    start: Instant,
    /// The times of all attempts, since the start.
    attempts: Vec<Duration>,
    peers: Vec<Peer>,
}

type Pair = (Mux<Toy>, mux::Unsolicited<Toy>);
type Connecting = Pin<Box<dyn Future<Output = io::Result<Pair>> + Send>>;

impl Server {
    fn new(plan: &[Attempt]) -> Self {
        let plan = plan.iter().copied().collect();
        let state = State { plan, start: Instant::now(), attempts: Vec::new(), peers: Vec::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The function that connects to this server.
    fn connect(&self) -> impl FnMut() -> Connecting + Send + 'static {
        let server = self.clone();
        move || {
            let attempt = {
                let mut state = server.0.lock().unwrap();
                let now = state.start.elapsed();
                state.attempts.push(now);
                state.plan.pop_front().unwrap_or(Accept)
            };
            assert!(!matches!(attempt, PanicAtOnce), "connect panics at once");
            let server = server.clone();
            Box::pin(async move { server.accept(attempt).await })
        }
    }

    async fn accept(self, attempt: Attempt) -> io::Result<Pair> {
        let peer = Peer::default();
        match attempt {
            Accept => {}
            Block => peer.block(),
            HangUp => peer.hang_up(),
            Refuse => return Err(io::ErrorKind::ConnectionRefused.into()),
            Hang => std::future::pending().await,
            Panic | PanicAtOnce => panic!("connect panics"),
        }
        let (sink, stream) = peer.sides();
        self.0.lock().unwrap().peers.push(peer);
        Ok(Mux::spawn(Toy, sink, stream, mux::Options::new()))
    }

    fn client(&self, options: Options) -> (Reconnect<Toy>, Unsolicited<Toy>) {
        Reconnect::spawn(self.connect(), options)
    }

    /// The times of all attempts to connect.
    fn attempts(&self) -> Vec<Duration> {
        self.0.lock().unwrap().attempts.clone()
    }

    /// The other end of connection `index`.
    fn peer(&self, index: usize) -> Peer {
        self.0.lock().unwrap().peers[index].clone()
    }

    fn peers(&self) -> usize {
        self.0.lock().unwrap().peers.len()
    }
}

const SECOND: Duration = crate::SECOND;

/// Delays of half a second to a second.
fn options() -> Options {
    Options::new().backoff(SECOND, SECOND)
}

/// Lets a delay of the [options] pass, and everything that follows.
async fn after_the_delay() {
    tokio::time::sleep(2 * SECOND).await;
}

/// Texts of the frames that were sent to a peer, which answers each with its text.
async fn answer(peer: &Peer) -> Vec<String> {
    let frames = peer.sent().await;
    frames.iter().for_each(|Frame { tag, text }| peer.reply(*tag, text.clone()));
    crate::settle().await;
    frames.into_iter().map(|frame| frame.text).collect()
}

fn end_of<Q>(error: &CallError<Q>) -> &CloseReason {
    match error.kind() {
        CallErrorKind::Ended(end) => end,
        other => panic!("{other:?}"),
    }
}
