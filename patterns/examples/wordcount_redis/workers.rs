//! The coordinator's view of the workers: a stream of the live ones, and the call of one.
//!
//! | key | |
//! |---|---|
//! | `wordcount:workers` | set: the workers that were heard of |
//! | `wordcount:worker:ID` | exists as long as the worker is alive: a lease, which it renews |
//! | `wordcount:worker:ID:tasks` | list: tasks for the worker |
//! | `wordcount:worker:ID:doing` | list: the task that it has taken |
//! | `wordcount:worker:ID:done` | list: an element for each task done, to wake who waits for it |

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown_patterns::mux::redis::Value;
use pushdown_patterns::schedule::{CallFailure, Lease, Servers};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::Console;
use super::job::{Task, results_key};
use super::redis::{Address, Client, Error, command, elements, text};

/// The time after which what has changed in Redis is noticed, at the latest.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The number of workers that may die while they have a file, before it is given up.
const DEATHS: usize = 4;

pub(crate) const WORKERS: &str = "wordcount:workers";

pub(crate) fn lease_key(worker: &str) -> String {
    format!("wordcount:worker:{worker}")
}

pub(crate) fn list_key(worker: &str, list: &str) -> String {
    format!("wordcount:worker:{worker}:{list}")
}

/// A worker, as a server of the scheduler.
pub(crate) struct Server {
    worker: String,
    /// Waits for what the worker has done.
    waits: Client,
}

/// Returns the live workers, as they join, and the future that finds them.
///
/// One whose lease is over leaves, and joins again when it is renewed: it was stopped, not dead.
pub(crate) fn live(
    redis: Client,
    address: Address,
    console: Console,
) -> (Servers<Server>, impl Future<Output = Result<(), Error>>) {
    let (joining, servers) = mpsc::channel(1);
    let present = Arc::new(Mutex::new(HashSet::new()));
    let left = present.clone();
    let servers = Servers::from(servers).hand_back(move |_, server: Server| {
        left.lock().unwrap().remove(&server.worker);
    });
    let find = async move {
        loop {
            let workers = redis.ask(command!("SMEMBERS {WORKERS}")).await?;
            for worker in elements(workers).into_iter().filter_map(text) {
                let lease = redis.ask(command!("EXISTS {}", lease_key(&worker))).await?;
                if lease != Value::Integer(1) {
                    // If it lives after all, a task that is waited for is given to it again.
                    let [tasks, doing, done] =
                        ["tasks", "doing", "done"].map(|list| list_key(&worker, list));
                    let forget = command!("SREM {WORKERS} {worker}");
                    redis.ask_all([forget, command!("DEL {tasks} {doing} {done}")]).await?;
                } else if present.lock().unwrap().insert(worker.clone()) {
                    console.note(format_args!("worker {worker} joins"));
                    let server = Server { worker, waits: Client::new(address.clone()) };
                    if joining.send(server).await.is_err() {
                        return Ok(());
                    }
                }
            }
            sleep(PAUSE).await;
        }
    };
    (servers, find)
}

/// Has a worker do a task: one call of the scheduler.
///
/// The loop decides by what is in Redis, and repairs it: a task without a result that is in no list of
/// the worker is given to it, whether that is the first time or the list was lost. A worker that was found
/// dead before it was given the task is no death of it: it may have died while it had nothing to do.
pub(crate) async fn call(
    server: Lease<Server>,
    task: Task,
    redis: Client,
    console: Console,
) -> Result<Task, CallFailure<String>> {
    let failed = |error: Error| CallFailure::fatal(error.to_string());
    let (worker, message) = (server.worker.clone(), task.encode());
    let mut is_given = false;
    loop {
        let [queued, doing, result, lease] = redis
            .ask_all([
                command!("LPOS {}", list_key(&worker, "tasks")).arg(&message),
                command!("LPOS {}", list_key(&worker, "doing")).arg(&message),
                command!("HEXISTS {} {}", results_key(&task.job), task.id),
                command!("EXISTS {}", lease_key(&worker)),
            ])
            .await
            .map_err(failed)?;
        if result == Value::Integer(1) {
            return Ok(task);
        }
        if lease != Value::Integer(1) {
            console.note(format_args!("worker {worker} is gone"));
            if is_given && task.died_with(&worker, &redis).await.map_err(failed)? >= DEATHS {
                let given_up = format!("given up, because {DEATHS} workers died meanwhile");
                task.store(&redis, &Err(given_up)).await.map_err(failed)?;
                return Ok(task);
            }
            let failure =
                if is_given { CallFailure::server_dead } else { CallFailure::server_gone };
            return Err(failure(format!("worker {worker} is gone")));
        }
        if let (Value::Null(_), Value::Null(_)) = (queued, doing) {
            let give = command!("RPUSH {}", list_key(&worker, "tasks")).arg(&message);
            redis.ask(give).await.map_err(failed)?;
        }
        is_given = true;
        // It only wakes: with or without an element, the loop looks again.
        let done = command!("BLPOP {} {}", list_key(&worker, "done"), PAUSE.as_secs_f64());
        server.waits.ask(done).await.map_err(failed)?;
    }
}
