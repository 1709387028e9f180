//! The coordinator: a run of the scheduler whose servers are the live workers.
//!
//! ```text
//! leases ──► live ──► servers ─┐
//!                              ├─► schedule_stream ──► call: a task to a worker ──► its result is stored
//! tasks, or group ──► tasks ───┘                                                    │
//!              ▲                                                                    │
//!              └─────────────────────────── acknowledge ◄───────────────────────────┘
//! ```
//!
//! The run is the only state in this process. All else is in Redis, so that the next coordinator can
//! continue.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use pushdown_patterns::schedule::{self, Results, schedule_stream};
use tokio::signal::ctrl_c;

use super::Console;
use super::group::{Group, Tasks};
use super::job::{self, Task};
use super::options::Options;
use super::protocol::Reply;
use super::redis::{Client, Error};
use super::workers::{self, Server};

/// Tasks that the scheduler holds. More workers than that would not all have one.
const AHEAD: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

type Run = Results<Server, Task, Task, String>;

/// Reads tasks as long as there are any.
type Reading = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

/// Returns the result for each file of the job, or `None` if interrupted.
pub(crate) async fn count(
    options: &Options,
    files: &[PathBuf],
    console: Console,
) -> Result<Option<Vec<(PathBuf, Reply)>>, Error> {
    let redis = Client::connect(&options.redis).await?;
    if !files.is_empty() {
        job::submit(&redis, &options.job, files).await?;
    }
    let (servers, find) = workers::live(redis.clone(), options.redis.clone(), console);
    let client = redis.clone();
    let call = move |server, task| workers::call(server, task, client.clone(), console);

    let group = options
        .group
        .then(|| Arc::new(Group::new(&options.job, &options.name, options.claim_after)));
    let (tasks, read): (Tasks, Reading) = match &group {
        Some(group) => {
            let (tasks, read) = group.clone().tasks(options.redis.clone());
            (tasks, Box::pin(read))
        }
        None => {
            let mut tasks = job::tasks(&redis, &options.job).await?;
            let results = job::results(&redis, &options.job).await?;
            tasks.retain(|task| !results.contains_key(&task.id));
            (Tasks::all(tasks), Box::pin(async { Ok(()) }))
        }
    };
    let run = schedule_stream(servers, tasks, AHEAD, call, schedule::Options::default());
    tokio::select! {
        finished = finish(run, group.as_deref(), &redis) => finished?,
        Err(error) = read => return Err(error),
        Err(error) = find => return Err(error),
        _ = ctrl_c() => return Ok(None),
    }

    let mut results = job::results(&redis, &options.job).await?;
    let result = |task: Task| {
        let result = results.remove(&task.id).unwrap_or_else(|| Err("not counted".to_owned()));
        (task.file, result)
    };
    Ok(Some(job::tasks(&redis, &options.job).await?.into_iter().map(result).collect()))
}

/// Waits for the end of the run, and acknowledges its tasks: each that has a result, and no other.
async fn finish(mut run: Run, group: Option<&Group>, redis: &Client) -> Result<(), Error> {
    let mut refused = None;
    while let Some((_, outcome)) = run.next().await {
        let task = match outcome {
            Ok(task) => task,
            Err(not_done) => {
                refused = refused.or(not_done.cause().map(ToString::to_string));
                continue;
            }
        };
        if let Some(group) = group {
            group.acknowledge(&task, redis).await?;
        }
    }
    let end = run.finish().await.end;
    end.map_err(|reason| Error::Refused(refused.unwrap_or_else(|| reason.to_string())))
}
