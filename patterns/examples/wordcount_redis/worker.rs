//! A worker process.

use std::process::ExitCode;
use std::time::Duration;

use pushdown_patterns::mux::redis::Value;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::job::Task;
use super::options::Options;
use super::redis::{Client, Error, bytes, command};
use super::workers::{WORKERS, lease_key, list_key};
use super::{Console, words};

/// Counts one file after another. Ends only with an error.
pub(crate) async fn work(options: &Options, console: Console) -> Result<ExitCode, Error> {
    let redis = Client::connect(&options.redis).await?;
    tokio::select! {
        error = live(&options.name, options.lease, &redis) => error,
        error = count(options, &redis, console) => error,
    }
}

/// Renews the lease, while files are counted on another thread.
async fn live(worker: &str, lease: Duration, redis: &Client) -> Result<ExitCode, Error> {
    let (key, milliseconds) = (lease_key(worker), lease.as_millis().max(1));
    loop {
        let renew = command!("SET {key} alive PX {milliseconds}");
        redis.ask_all([renew, command!("SADD {WORKERS} {worker}")]).await?;
        sleep(lease / 3).await;
    }
}

async fn count(options: &Options, redis: &Client, console: Console) -> Result<ExitCode, Error> {
    let [tasks, doing, done] = ["tasks", "doing", "done"].map(|list| list_key(&options.name, list));
    let queue = Client::new(options.redis.clone());
    loop {
        // A task that was taken stays in a list until it is done, so none is lost with the connection.
        let mut taken = queue.ask(command!("LINDEX {doing} 0")).await?;
        if let Value::Null(_) = taken {
            let take = command!("BLMOVE {tasks} {doing} LEFT RIGHT 1");
            taken = queue.ask(take).await?;
        }
        let Some(message) = bytes(taken) else { continue };
        if let Some(task) = Task::decode(&message) {
            run(task, redis, console).await?;
        }
        let finished = command!("LREM {doing} 1").arg(message);
        redis.ask_all([finished, command!("RPUSH {done} 1")]).await?;
    }
}

/// Counts the file of a task that has no result yet, and stores the result.
async fn run(task: Task, redis: &Client, console: Console) -> Result<(), Error> {
    if task.has_result(redis).await? {
        return Ok(());
    }
    let file = task.file.display();
    console.note(format_args!("counts {file}"));
    let path = task.file.clone();
    let counted = spawn_blocking(move || words::count(&path)).await.expect("it does not panic");
    if task.store(redis, &counted.map_err(|error| error.to_string())).await? {
        console.note(format_args!("has counted {file}"));
    } else {
        console.note(format_args!("has counted {file}, after another"));
    }
    Ok(())
}
