//! The scheduler with real `redis-server`s, one `EVAL` per task, while they die, stall and join.
//!
//! One more of them, which nothing happens to, keeps the books: who runs what, and what is done.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::schedule::{
    CallFailure, Lease, LeaveReason, Options, Watch, schedule, thread,
};
use tokio::sync::mpsc;

use crate::common::{RedisClient, Server, until};

const TASKS: usize = 300;

/// Counts how often a task was run here, and takes its time.
const SCRIPT: &str = "for i = 1, 20000 do end return redis.call('INCR', KEYS[1])";

/// A client that blocks.
struct Blocking(BufReader<UnixStream>);

impl Blocking {
    fn connect(socket: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket)?)))
    }

    /// One command, whose reply is a number.
    fn command(&mut self, words: &[&str]) -> io::Result<i64> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut reply = String::new();
        self.0.read_line(&mut reply)?;
        let number = reply.trim_end().strip_prefix(':').and_then(|number| number.parse().ok());
        number.ok_or_else(|| io::Error::other(reply))
    }
}

/// An entry in the books: a task runs, as long as this lives. It blocks, so that it is made and
/// dropped in one piece, whenever the call is.
struct Entry {
    books: Blocking,
    task: usize,
}

impl Entry {
    fn new(books: &Path, task: usize) -> Self {
        let mut books = Blocking::connect(books).unwrap();
        let running = books.command(&["INCR", &format!("running:{task}")]).unwrap();
        if running > 1 {
            books.command(&["INCR", "twice at once"]).unwrap();
        }
        Self { books, task }
    }

    fn done(&mut self) {
        self.books.command(&["INCR", &format!("done:{}", self.task)]).unwrap();
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.books.command(&["DECR", &format!("running:{}", self.task)]).unwrap();
    }
}

/// Everything was done once, nothing ran twice at once, and nothing runs.
async fn audit(books: &Server) {
    let mut books = books.redis_client().await.unwrap();
    assert_eq!(books.command(&["GET", "twice at once"]).await.unwrap(), "");
    for task in 0..TASKS {
        assert_eq!(books.command(&["GET", &format!("done:{task}")]).await.unwrap(), "1");
        assert_eq!(books.command(&["GET", &format!("running:{task}")]).await.unwrap(), "0");
    }
}

/// A connection to a server. After a call that was dropped a reply may be due on it.
struct Worker {
    socket: PathBuf,
    client: Option<RedisClient>,
}

impl Worker {
    fn of(server: &Server) -> Self {
        Self { socket: server.socket(), client: None }
    }
}

async fn call(
    mut worker: Lease<Worker>,
    task: usize,
    books: PathBuf,
) -> Result<String, CallFailure<io::Error>> {
    let mut entry = Entry::new(&books, task);
    // Not there while a call runs, so a call that is dropped leaves none behind.
    let mut client = match worker.client.take() {
        Some(client) => client,
        None => RedisClient::connect(&worker.socket).await.map_err(CallFailure::server_dead)?,
    };
    let key = format!("task:{task}");
    let reply = client.command(&["EVAL", SCRIPT, "1", &key]).await;
    let reply = reply.map_err(CallFailure::server_dead)?;
    worker.client = Some(client);
    entry.done();
    Ok(reply)
}

async fn done(watch: &Watch, tasks: usize) {
    until("tasks are done", async || watch.now().done >= tasks).await;
}

#[tokio::test]
async fn servers_die_stall_and_join_and_everything_is_done_once() {
    let Some(books) = Server::redis().await else { return };
    let mut started = Vec::new();
    for _ in 0..4 {
        started.push(Server::redis().await.unwrap());
    }
    let [dies, stalls, stays, joins] = &started[..] else { unreachable!() };
    let (joining, servers) = mpsc::channel(4);
    for server in [dies, stalls, stays] {
        joining.send(Worker::of(server)).await.unwrap();
    }
    let timeout = Duration::from_millis(500);
    let options = Options::default().attempts(9.try_into().unwrap()).timeout(timeout);
    let socket = books.socket();
    let call = move |worker: Lease<Worker>, task| call(worker, task, socket.clone());
    let run = schedule(servers, 0..TASKS, call, options);
    let watch = run.watch();
    let run = tokio::spawn(run);
    done(&watch, 30).await;
    dies.signal("KILL");
    done(&watch, 60).await;
    stalls.signal("STOP");
    joining.send(Worker::of(joins)).await.ok().unwrap();
    let report = run.await.unwrap().unwrap();
    audit(&books).await;

    let ends = report.servers.iter().map(|server| server.leave_reason);
    assert_eq!(Vec::from_iter(ends), [Some(LeaveReason::Dead), None, None, None]);
    assert!(report.servers[..2].iter().all(|server| server.counts.failed > 0));
    assert!(report.servers.iter().all(|server| server.server.is_some()));
    assert!(report.servers.iter().all(|server| server.counts.completed > 0));
    let completed = report.servers.iter().map(|server| server.counts.completed).sum::<u64>();
    assert_eq!(completed, TASKS as u64);
    println!("{TASKS} tasks on redis-servers, {} attempts", report.attempts);
    // The first run of a task on any server, wherever it was: also on the one that stalled, when it
    // comes to its senses and does what it was asked.
    assert!(report.into_results().unwrap().iter().all(|count| count == "1"));
    stalls.signal("CONT");
    let mut client = stalls.redis_client().await.unwrap();
    for task in 0..TASKS {
        let count = client.command(&["GET", &format!("task:{task}")]).await.unwrap();
        assert!(["", "1"].contains(&count.as_str()), "{count} runs of task {task} where it failed");
    }
}

#[tokio::test]
async fn a_server_dies_under_threads_and_everything_is_done_once() {
    let Some(books) = Server::redis().await else { return };
    let (dies, stays) = (Server::redis().await.unwrap(), Server::redis().await.unwrap());
    let clients = [&dies, &stays].map(|server| Blocking::connect(&server.socket()).unwrap());
    let socket = Arc::new(books.socket());
    let run = thread::Run::new(clients, 0..TASKS, Options::default());
    let watch = run.watch();
    let run = tokio::task::spawn_blocking(move || {
        run.call(|server, task, _| {
            let mut entry = Entry::new(&socket, task);
            let reply = server.command(&["EVAL", SCRIPT, "1", &format!("task:{task}")]);
            let reply = reply.map_err(CallFailure::server_dead)?;
            entry.done();
            Ok::<_, CallFailure<io::Error>>(reply)
        })
    });
    done(&watch, 30).await;
    dies.signal("KILL");
    let report = run.await.unwrap().unwrap();
    audit(&books).await;
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Dead));
    assert_eq!(report.into_results().unwrap(), [1; TASKS]);
}
