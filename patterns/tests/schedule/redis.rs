//! The scheduler with real `redis-server`s, one `EVAL` per task, while they die, stall and join.
//!
//! One more server, to which nothing happens, keeps the books: the tasks in progress, and those done.
//! The tests enforce the order of events with a gate, before which every call for a late task waits, and
//! by stopping servers, so that calls are in progress on them for as long as a test wants.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc as blocking};
use std::time::Duration;

use pushdown_patterns::schedule::{
    CallFailure, Lease, LeaveReason, Options, Watch, schedule, thread,
};
use tokio::sync::{SetOnce, mpsc};
use tokio::task::spawn_blocking;
use tokio::time::{advance, pause, timeout};

use crate::common::{RedisClient, Server};

const TASKS: usize = 300;

/// Calls for tasks from this one on wait for the gate.
const GATE: usize = 150;

/// The deadline of every wait, which only ends a hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Counts the runs of a task on this server, and takes a while.
const SCRIPT: &str = "for i = 1, 20000 do end return redis.call('INCR', KEYS[1])";

/// A blocking client.
struct Blocking(BufReader<UnixStream>);

impl Blocking {
    fn connect(socket: &Path) -> io::Result<Self> {
        Ok(Self(BufReader::new(UnixStream::connect(socket)?)))
    }

    /// Sends a command whose reply is a number.
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

/// An entry in the books: a task is in progress while this lives. It blocks, so that it is made and
/// removed without a suspension, even when the call is dropped.
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

/// Checks that every task was done once, that none ran twice at once, and that none is in progress.
async fn audit(books: &Server) {
    let mut books = books.redis_client().await.unwrap();
    assert_eq!(books.command(&["GET", "twice at once"]).await.unwrap(), "");
    for task in 0..TASKS {
        assert_eq!(books.command(&["GET", &format!("done:{task}")]).await.unwrap(), "1");
        assert_eq!(books.command(&["GET", &format!("running:{task}")]).await.unwrap(), "0");
    }
}

/// A server of the run. Its connection is gone after a dropped call, whose reply may still be due on it.
struct Instance {
    socket: PathBuf,
    client: Option<RedisClient>,
}

impl Instance {
    fn of(server: &Server) -> Self {
        Self { socket: server.socket(), client: None }
    }
}

async fn call(
    mut instance: Lease<Instance>,
    task: usize,
    books: PathBuf,
) -> Result<String, CallFailure<io::Error>> {
    let mut entry = Entry::new(&books, task);
    // Taken out during the call, so that a dropped call leaves none behind.
    let mut client = match instance.client.take() {
        Some(client) => client,
        None => RedisClient::connect(&instance.socket).await.map_err(CallFailure::server_dead)?,
    };
    let key = format!("task:{task}");
    let reply = client.command(&["EVAL", SCRIPT, "1", &key]).await;
    let reply = reply.map_err(CallFailure::server_dead)?;
    instance.client = Some(client);
    entry.done();
    Ok(reply)
}

/// Waits for a state of the run.
async fn reached(watch: &mut Watch, state: &str, condition: impl Fn(&Watch) -> bool) {
    let changes = async {
        while !condition(watch) {
            assert!(watch.changed().await.is_some(), "{state}: the run is over");
        }
    };
    timeout(PATIENCE, changes).await.expect(state);
}

/// Returns `true` if the first `servers` servers wait for the gate, each with a task.
fn at_gate(watch: &Watch, servers: usize) -> bool {
    let running = watch.servers().into_iter().filter_map(|server| server.running);
    running.filter(|task| *task >= GATE).count() == servers
}

#[tokio::test]
async fn servers_die_stall_and_join_and_every_task_is_done_once() {
    let Some(books) = Server::redis().await else { return };
    let mut started = Vec::new();
    for _ in 0..4 {
        started.push(Server::redis().await.unwrap());
    }
    let [dies, stalls, stays, joins] = &started[..] else { unreachable!() };
    let (joining, servers) = mpsc::channel(4);
    for server in [dies, stalls, stays] {
        joining.send(Instance::of(server)).await.unwrap();
    }
    // Time moves only when this test says so: tokio does not advance a paused clock while a blocking
    // task runs. The servers may then be as slow as they like, and only the stalled one times out.
    pause();
    let (clock_is_held, held) = blocking::channel::<()>();
    spawn_blocking(move || held.recv_timeout(PATIENCE));

    let limit = Duration::from_millis(500);
    let options = Options::default().timeout(limit);
    let gate = Arc::new(SetOnce::new());
    let (socket, waits) = (books.socket(), gate.clone());
    let call = move |instance: Lease<Instance>, task| {
        let (socket, gate) = (socket.clone(), waits.clone());
        async move {
            if task >= GATE {
                gate.wait().await;
            }
            call(instance, task, socket).await
        }
    };
    let run = schedule(servers, 0..TASKS, call, options);
    let mut watch = run.watch();
    let run = tokio::spawn(run);
    reached(&mut watch, "three servers wait for the gate", |watch| at_gate(watch, 3)).await;
    joining.send(Instance::of(joins)).await.ok().unwrap();
    reached(&mut watch, "the fourth has joined them", |watch| at_gate(watch, 4)).await;
    dies.signal("STOP");
    stalls.signal("STOP");
    gate.set(()).unwrap();
    let left = |left| move |watch: &Watch| watch.now().done == TASKS - left;
    reached(&mut watch, "two calls are left, on stopped servers", left(2)).await;
    dies.signal("KILL");
    reached(&mut watch, "the task of the dead server is done", left(1)).await;
    // Timers have a resolution of a millisecond.
    advance(2 * limit).await;
    let report = timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    drop(clock_is_held);
    audit(&books).await;

    let ends = report.servers.iter().map(|server| server.leave_reason);
    // The reply to the call that timed out may still come on its connection.
    let dead = Some(LeaveReason::Dead);
    assert_eq!(Vec::from_iter(ends), [dead, dead, None, None]);
    let failed = report.servers.iter().map(|server| server.counts.failed);
    assert_eq!(Vec::from_iter(failed), [1, 1, 0, 0]);
    assert!(report.servers.iter().all(|server| server.server.is_some()));
    assert!(report.servers.iter().all(|server| server.counts.completed > 0));
    let completed = report.servers.iter().map(|server| server.counts.completed).sum::<u64>();
    assert_eq!((completed, report.attempts), (TASKS as u64, TASKS as u64 + 2));
    println!("{TASKS} tasks on redis-servers, {} attempts", report.attempts);
    // Each task was run once where it was completed, and at most once on the stalled server, which
    // carries out its last command when it continues.
    assert!(report.into_results().unwrap().iter().all(|count| count == "1"));
    stalls.signal("CONT");
    let mut client = stalls.redis_client().await.unwrap();
    for task in 0..TASKS {
        let count = client.command(&["GET", &format!("task:{task}")]).await.unwrap();
        assert!(["", "1"].contains(&count.as_str()), "{count} runs of task {task} where it failed");
    }
}

#[tokio::test]
async fn a_server_dies_under_threads_and_every_task_is_done_once() {
    let Some(books) = Server::redis().await else { return };
    let (dies, stays) = (Server::redis().await.unwrap(), Server::redis().await.unwrap());
    let clients = [&dies, &stays].map(|server| Blocking::connect(&server.socket()).unwrap());
    let (socket, gate) = (Arc::new(books.socket()), Arc::new(OnceLock::new()));
    let waits = gate.clone();
    let run = thread::Run::new(clients, 0..TASKS, Options::default());
    let mut watch = run.watch();
    let run = spawn_blocking(move || {
        run.call(|server, task, _| {
            if task >= GATE {
                waits.wait();
            }
            let mut entry = Entry::new(&socket, task);
            let reply = server.command(&["EVAL", SCRIPT, "1", &format!("task:{task}")]);
            let reply = reply.map_err(CallFailure::server_dead)?;
            entry.done();
            Ok::<_, CallFailure<io::Error>>(reply)
        })
    });
    reached(&mut watch, "both servers wait for the gate", |watch| at_gate(watch, 2)).await;
    dies.signal("STOP");
    gate.set(()).unwrap();
    let one_left = |watch: &Watch| watch.now().done == TASKS - 1;
    reached(&mut watch, "one call is left, on the stopped server", one_left).await;
    dies.signal("KILL");
    let report = timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
    audit(&books).await;
    assert_eq!(report.servers[0].leave_reason, Some(LeaveReason::Dead));
    assert_eq!(report.into_results().unwrap(), [1; TASKS]);
}
