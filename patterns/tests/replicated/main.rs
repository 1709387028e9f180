//! `replicated`: which servers it asks and when, which attempt wins, and what is left behind.
//!
//! Time is paused: it advances only when no task can run, straight to the next timer. So every point in
//! time below is exact.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::replicated::{CallError, Cause, Client, Options};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

#[path = "../common/servers.rs"]
mod common;

mod budget;
mod calls;
mod churn;
mod drops;
mod leaks;
mod members;
mod members_model;
mod model;
mod others;
mod panics;
mod prefer;
mod races;
mod servers;
mod shutdown;
mod statistics;
mod truth;

/// The behaviour of a server when it is asked.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// Replies with its number after so many milliseconds.
    Reply(u64),
    /// Fails after so many milliseconds.
    Fail(u64),
    /// Fails after so many milliseconds, without any effect.
    Refuse(u64),
    /// Panics after so many milliseconds.
    Panic(u64),
    /// Never answers.
    Stop,
}

use Does::{Fail, Panic, Refuse, Reply, Stop};

/// Servers whose behaviour can be changed at any time, and a record of the requests.
#[derive(Clone)]
struct Servers {
    does: Arc<Mutex<Vec<Does>>>,
    asked: Arc<Mutex<Vec<(u64, usize)>>>,
    /// Requests that are neither ready nor dropped.
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

    /// Creates a client of the servers, which ignore the arguments of its calls.
    fn client<A: Send + 'static>(&self, options: Options<&'static str>) -> Fake<A> {
        let servers = self.clone();
        let count = self.does.lock().unwrap().len();
        Client::new(0..count, move |server, _| servers.ask(*server), options).unwrap()
    }

    /// A request. It reaches the server when it is first polled.
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

    /// Changes the behaviour of a server.
    fn becomes(&self, server: usize, does: Does) {
        self.does.lock().unwrap()[server] = does;
    }

    /// Returns the servers asked since the last time, with the milliseconds since the start.
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

/// Returns the cause of each failure, with its server.
fn causes<A>(error: &CallError<A, &'static str>) -> Vec<(usize, Cause<&'static str>)> {
    error.failures.iter().map(|failure| (failure.server, failure.cause.clone())).collect()
}

fn alive_tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

/// Lets every task run that can, without time passing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
