//! The part of a job that is in Redis: its tasks, a stream; their results, a hash by the ids of the tasks;
//! and a set of deaths, each of a worker that had a task.

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use pushdown::engine::stackless::Parser;
use pushdown::{PushParser, Status};
use pushdown_patterns::mux::redis::{Request, Value};

use super::protocol::{Reply, read_reply, write_reply};
use super::redis::{Client, Entry, Error, bytes, command, elements, entries};

/// A file to count. Its id is the same in every attempt, by any coordinator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) job: String,
    pub(crate) id: String,
    pub(crate) file: PathBuf,
}

impl Task {
    pub(crate) fn new(job: &str, entry: Entry) -> Self {
        let file = entry.fields.into_iter().nth(1).unwrap_or_default();
        Self { job: job.to_owned(), id: entry.id, file: OsString::from_vec(file).into() }
    }

    /// Writes the message to a worker.
    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.job.as_bytes(), self.id.as_bytes(), self.file.as_os_str().as_bytes()].join(&b' ')
    }

    /// Reads a message to a worker.
    pub(crate) fn decode(message: &[u8]) -> Option<Self> {
        let mut parts = message.splitn(3, |byte| *byte == b' ').map(<[u8]>::to_vec);
        let job = String::from_utf8(parts.next()?).ok()?;
        let id = String::from_utf8(parts.next()?).ok()?;
        Some(Self { job, id, file: OsString::from_vec(parts.next()?).into() })
    }

    pub(crate) async fn has_result(&self, redis: &Client) -> Result<bool, Error> {
        let command = command!("HEXISTS {} {}", results_key(&self.job), self.id);
        Ok(redis.ask(command).await? == Value::Integer(1))
    }

    /// Stores the result, unless there is one. This is the effect of the task, and the only one: the first
    /// result stays, however often the file is counted. Returns `true` if it is this one, as far as is known:
    /// a command that is repeated finds its own result.
    pub(crate) async fn store(&self, redis: &Client, result: &Reply) -> Result<bool, Error> {
        let mut value = Vec::new();
        write_reply(&mut value, result).expect("a `Vec` takes all");
        let command = command!("HSETNX {} {}", results_key(&self.job), self.id).arg(value);
        Ok(redis.ask(command).await? == Value::Integer(1))
    }

    /// Notes that a worker has died that had this task. Returns the number of such workers.
    pub(crate) async fn died_with(&self, worker: &str, redis: &Client) -> Result<usize, Error> {
        let (key, task) = (deaths_key(&self.job), format!("{} ", self.id));
        let note = command!("SADD {key}").arg(format!("{task}{worker}"));
        let [_, deaths] = redis.ask_all([note, command!("SMEMBERS {key}")]).await?;
        let deaths = elements(deaths).into_iter().filter_map(bytes);
        Ok(deaths.filter(|death| death.starts_with(task.as_bytes())).count())
    }
}

fn deaths_key(job: &str) -> String {
    format!("wordcount:job:{job}:deaths")
}

pub(crate) fn tasks_key(job: &str) -> String {
    format!("wordcount:job:{job}:tasks")
}

pub(crate) fn results_key(job: &str) -> String {
    format!("wordcount:job:{job}:results")
}

/// Adds tasks to a job: all or none. Not repeated when the connection is lost, because they may have been
/// added.
pub(crate) async fn submit(redis: &Client, job: &str, files: &[PathBuf]) -> Result<(), Error> {
    let add = |file: &PathBuf| {
        command!("XADD {} * file", tasks_key(job)).arg(file.as_os_str().as_bytes())
    };
    let all = Request::transaction(files.iter().map(add)).expect("plain commands");
    redis.ask_once(all).await.map(drop)
}

/// Returns the tasks of a job, in the order in which they were added.
pub(crate) async fn tasks(redis: &Client, job: &str) -> Result<Vec<Task>, Error> {
    let all = redis.ask(command!("XRANGE {} - +", tasks_key(job))).await?;
    Ok(entries(all).into_iter().map(|entry| Task::new(job, entry)).collect())
}

/// Returns the result of each task that has one, by the id of the task.
pub(crate) async fn results(redis: &Client, job: &str) -> Result<HashMap<String, Reply>, Error> {
    let all = redis.ask(command!("HGETALL {}", results_key(job))).await?;
    let mut all = elements(all).into_iter().filter_map(bytes);
    let mut results = HashMap::new();
    while let (Some(id), Some(value)) = (all.next(), all.next()) {
        let mut parser = Parser::new(read_reply);
        let result = match parser.feed(&value).status {
            Status::Success => parser.take_output().expect("it was read"),
            _ => Err("its result in Redis is damaged".to_owned()),
        };
        results.insert(String::from_utf8_lossy(&id).into_owned(), result);
    }
    Ok(results)
}
