//! `pattern::replicated`: whom it asks and when, who wins, and what is left behind.
//!
//! Time is paused: it moves on when nobody has anything to do, straight to the next timer. So every
//! point in time below is exact.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::replicated::{Builder, CallError, Cause, Client};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

#[path = "../common/servers.rs"]
mod common;

mod calls;
mod ends;
mod leaks;
mod model;
mod panics;
mod peers;
mod races;
mod servers;
mod statistics;

/// What a server does when it is asked.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Replies with its number after so many milliseconds.
    Reply(u64),
    /// Fails after so many milliseconds.
    Fail(u64),
    /// Fails after so many milliseconds, and has certainly done nothing.
    Refuse(u64),
    Panic(u64),
    /// Is dead: neither an answer nor an error.
    Stop,
}

use Does::{Fail, Panic, Refuse, Reply, Stop};

/// Servers that can be told at any time to do something else, and what they were asked.
#[derive(Clone)]
struct Servers {
    does: Arc<Mutex<Vec<Does>>>,
    asked: Arc<Mutex<Vec<(u64, usize)>>>,
    /// How many requests there are that are neither ready nor dropped.
    running: Arc<Mutex<usize>>,
    start: Instant,
}

struct RunningRequest(Arc<Mutex<usize>>);

impl Drop for RunningRequest {
    fn drop(&mut self) {
        *self.0.lock().unwrap() -= 1;
    }
}

type Fake<A = ()> = Client<usize, A, usize, &'static str>;

impl Servers {
    fn new<const N: usize>(does: [Does; N]) -> Self {
        Self {
            does: Arc::new(Mutex::new(does.to_vec())),
            asked: Arc::default(),
            running: Arc::default(),
            start: Instant::now(),
        }
    }

    /// A client of them, the arguments of which they do not look at.
    fn client<A: Send + 'static>(&self) -> Builder<usize, A, usize, &'static str> {
        let servers = self.clone();
        let count = self.does.lock().unwrap().len();
        Client::builder(move |server: Arc<usize>, _: A| servers.ask(*server)).servers(0..count)
    }

    /// A request. The server has it as soon as it is first polled.
    async fn ask_now(self, server: usize) -> Result<usize, &'static str> {
        self.asked.lock().unwrap().push((self.start.elapsed().as_millis() as u64, server));
        *self.running.lock().unwrap() += 1;
        let _running = RunningRequest(self.running.clone());
        let does = self.does.lock().unwrap()[server];
        match does {
            Reply(after) | Fail(after) | Refuse(after) | Panic(after) if after > 0 => {
                sleep(ms(after)).await;
            }
            Stop => pending().await,
            _ => {}
        }
        match does {
            Reply(_) => Ok(server),
            Refuse(_) => Err("refused"),
            Panic(_) => panic!("server {server} panics"),
            _ => Err("failed"),
        }
    }

    fn ask(&self, server: usize) -> impl Future<Output = Result<usize, &'static str>> + use<> {
        self.clone().ask_now(server)
    }

    /// From now on a server does something else.
    fn becomes(&self, server: usize, does: Does) {
        self.does.lock().unwrap()[server] = does;
    }

    /// Who was asked since the last time, and when, in milliseconds from the start.
    fn asked(&self) -> Vec<(u64, usize)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn running(&self) -> usize {
        *self.running.lock().unwrap()
    }

    fn elapsed(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What each server had to say.
fn causes<A>(error: &CallError<A, &'static str>) -> Vec<(usize, Cause<&'static str>)> {
    error.failures.iter().map(|failure| (failure.server, failure.cause.clone())).collect()
}

fn alive_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Lets everything run that can, without a moment of time going by.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
