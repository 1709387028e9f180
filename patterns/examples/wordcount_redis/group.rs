//! Tasks from a consumer group, for a job that several coordinators share.
//!
//! Redis keeps who has which task until it is acknowledged: the list of pending entries.
//!
//! ```text
//!          ┌── deliver what is new, XREADGROUP > ────────┐
//! stream ──┤                                             ├──► pending ── read, XREADGROUP 0 ──► tasks
//!          └── take over from the silent, XAUTOCLAIM ────┘       ▲                               │
//!                                                                └──── XACK, once it has a result ┘
//! ```

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use pushdown_patterns::mux::redis::Value;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::job::{Task, tasks_key};
use super::redis::{
    Address, Client, Error, command, elements, field, number, stream_entries, text,
};
use super::workers::PAUSE;

/// The group of the coordinators.
const GROUP: &str = "coordinators";

/// Tasks that wait in this process.
const AHEAD: usize = 16;

pub(crate) struct Group {
    job: String,
    /// The name of this coordinator in the group.
    name: String,
    claim_after: Duration,
    /// The ids of the tasks that were read and not acknowledged.
    read: Mutex<HashSet<String>>,
}

/// Tasks as a stream.
pub(crate) struct Tasks(mpsc::Receiver<Task>);

impl Tasks {
    /// Makes a stream of tasks that are all known.
    pub(crate) fn all(tasks: Vec<Task>) -> Self {
        let (sender, receiver) = mpsc::channel(tasks.len().max(1));
        for task in tasks {
            sender.try_send(task).expect("the channel has room for all");
        }
        Self(receiver)
    }
}

impl Stream for Tasks {
    type Item = Task;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Task>> {
        self.0.poll_recv(cx)
    }
}

impl Group {
    pub(crate) fn new(job: &str, name: &str, claim_after: Duration) -> Self {
        let (job, name) = (job.to_owned(), name.to_owned());
        Self { job, name, claim_after, read: Mutex::default() }
    }

    /// Acknowledges a task that has a result.
    pub(crate) async fn acknowledge(&self, task: &Task, redis: &Client) -> Result<(), Error> {
        redis.ask(command!("XACK {} {GROUP} {}", tasks_key(&self.job), task.id)).await?;
        self.read.lock().unwrap().remove(&task.id);
        Ok(())
    }

    /// Returns the tasks, and the future that reads them. They end when all tasks of the job have been
    /// acknowledged.
    pub(crate) fn tasks(
        self: Arc<Self>,
        address: Address,
    ) -> (Tasks, impl Future<Output = Result<(), Error>>) {
        let (tasks, receiver) = mpsc::channel(AHEAD);
        (Tasks(receiver), async move { self.read(Client::new(address), tasks).await })
    }

    async fn read(&self, redis: Client, tasks: mpsc::Sender<Task>) -> Result<(), Error> {
        let (key, name) = (tasks_key(&self.job), &self.name);
        let idle = self.claim_after.as_millis();
        match redis.ask(command!("XGROUP CREATE {key} {GROUP} 0 MKSTREAM")).await {
            Err(Error::Refused(message)) if message.starts_with("BUSYGROUP") => {}
            created => _ = created?,
        }
        let mut cursor = "0-0".to_owned();
        loop {
            let has_room = timeout(PAUSE, tasks.reserve()).await.is_ok();
            if has_room {
                let (count, block) = (tasks.capacity(), PAUSE.as_millis());
                let claimed = redis
                    .ask(command!(
                        "XAUTOCLAIM {key} {GROUP} {name} {idle} {cursor} COUNT {count} JUSTID"
                    ))
                    .await?;
                cursor = elements(claimed).into_iter().next().and_then(text).unwrap_or(cursor);
                let consumer = format!("GROUP {GROUP} {name} COUNT {count} BLOCK {block}");
                redis.ask(command!("XREADGROUP {consumer} STREAMS {key} >")).await?;
            }
            // The replies so far may be lost with their connection, and this one can be repeated. It also
            // says that this coordinator is alive: what it has read does not become idle.
            let pending = command!("XREADGROUP GROUP {GROUP} {name} STREAMS {key} 0");
            let pending = stream_entries(redis.ask(pending).await?);
            let is_idle = pending.is_empty();
            for entry in pending {
                if self.read.lock().unwrap().contains(&entry.id) {
                    continue;
                }
                let task = Task::new(&self.job, entry);
                if task.has_result(&redis).await? {
                    // Another coordinator was killed before it acknowledged the task.
                    self.acknowledge(&task, &redis).await?;
                } else if let Ok(place) = tasks.try_reserve() {
                    self.read.lock().unwrap().insert(task.id.clone());
                    place.send(task);
                }
            }
            if is_idle && self.all_done(&redis).await? {
                // With nothing pending, nothing is forgotten.
                let leave = command!("XGROUP DELCONSUMER {key} {GROUP} {name}");
                return redis.ask(leave).await.map(drop);
            }
        }
    }

    /// Returns `true` if the group has read all tasks, and none is pending.
    async fn all_done(&self, redis: &Client) -> Result<bool, Error> {
        let groups = redis.ask(command!("XINFO GROUPS {}", tasks_key(&self.job))).await?;
        let groups = elements(groups);
        let is_ours = |group: &&Value| {
            field(group, "name").and_then(Value::as_bytes) == Some(GROUP.as_bytes())
        };
        let Some(group) = groups.iter().find(is_ours) else { return Ok(false) };
        Ok((number(group, "pending"), number(group, "lag")) == (Some(0), Some(0)))
    }
}
