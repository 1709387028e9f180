//! The coordinator: a run of the scheduler whose servers are processes.
//!
//! ```text
//!             ┌── joining ◄── start ◄── a worker has left, restarts remain ◄──┐
//!             ▼                                                               │
//! files ──► schedule ──► ask: one file to one worker ──► reply, or failure ── left
//! ```

use std::num::NonZeroU32;
use std::path::PathBuf;

use pushdown_patterns::schedule::{self, CallFailure, Lease, NotDone, Reason, Servers, Unfinished};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::Console;
use super::options::Options;
use super::protocol::Reply;
use super::worker::Worker;

/// A worker, as a server of the scheduler.
struct Server {
    pid: u32,
    /// `None` during a call.
    worker: Option<Worker>,
}

/// The reason why there are no counts.
pub(crate) enum CountError {
    Interrupted,
    Failed(String),
}

/// Returns the reply for each file, in file order. All workers are gone by then.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn count(options: &Options, console: &Console) -> Result<Vec<Reply>, CountError> {
    let interrupts = signal(SignalKind::interrupt());
    let mut interrupts =
        interrupts.map_err(|error| CountError::Failed(format!("no signals: {error}")))?;
    let (joining, servers) = mpsc::unbounded_channel();
    let (leaving, mut left) = mpsc::unbounded_channel();
    let servers = Servers::from(servers).hand_back(move |_, server| drop(leaving.send(server)));
    let notes = console.clone();
    let call = move |server, file| ask(server, file, notes.clone());
    // A file that cannot be read is a reply too, so every failure is the worker's. One that kills its
    // workers is given up after a few of them.
    let limits = schedule::Options::default()
        .deaths(NonZeroU32::new(4).expect("four is not zero"))
        .timeout(options.timeout)
        .backup_after(options.backup_after)
        .server_failures(NonZeroU32::MIN);
    let mut run = schedule::schedule(servers, options.files.clone(), call, limits);
    let mut watch = run.watch();
    let mut launcher = Launcher { joining: Some(joining), restarts: options.restarts, console };
    for _ in 0..options.workers {
        launcher.start()?;
    }
    loop {
        tokio::select! {
            finished = &mut run => {
                let report = finished
                    .map_err(|unfinished| CountError::Failed(explain(&unfinished, options)))?;
                return Ok(report.into_results().expect("a task that is given up fails the run"));
            }
            // At the end of the run all workers leave.
            Some(server) = left.recv() => if watch.now().end.is_none() {
                launcher.replace(&server)?;
            },
            Some(now) = watch.changed() => {
                console.bar.set_message(format!("{} workers", now.servers));
                console.bar.set_position(now.done as u64);
            }
            _ = interrupts.recv() => return Err(CountError::Interrupted),
        }
    }
}

/// Has a worker count a file: one call of the scheduler.
///
/// The worker is taken out of its server during the call, so that it is killed when the call is dropped:
/// at the timeout, or because a copy was faster.
async fn ask(
    mut server: Lease<Server>,
    file: PathBuf,
    console: Console,
) -> Result<Reply, CallFailure<String>> {
    let name = format!("worker {}", server.pid);
    let Some(mut worker) = server.worker.take() else {
        return Err(CallFailure::server_dead(format!("{name} was given up")));
    };
    if let Some(status) = worker.ended() {
        // While it had nothing to do: no fault of the file.
        return Err(CallFailure::server_gone(format!("{name} is gone: {status}")));
    }
    console.note(format_args!("{name} counts {}", file.display()));
    let reply = worker.count(&file).await.map_err(|error| {
        let message = format!("{name} is gone: {error}");
        console.note(&message);
        CallFailure::server_dead(message)
    })?;
    server.worker = Some(worker);
    Ok(reply)
}

/// Starts and replaces workers.
struct Launcher<'a> {
    /// `None` once no worker can join any more.
    joining: Option<mpsc::UnboundedSender<Server>>,
    restarts: usize,
    console: &'a Console,
}

impl Launcher<'_> {
    fn start(&self) -> Result<(), CountError> {
        let Some(joining) = &self.joining else { return Ok(()) };
        let worker = Worker::start();
        let worker = worker
            .map_err(|error| CountError::Failed(format!("cannot start a worker: {error}")))?;
        let pid = worker.pid();
        self.console.note(format_args!("worker {pid} starts"));
        // Fails if the run has ended meanwhile, which then needs no worker.
        let _ = joining.send(Server { pid, worker: Some(worker) });
        Ok(())
    }

    /// Starts a worker in place of one that has left, as long as restarts remain.
    fn replace(&mut self, gone: &Server) -> Result<(), CountError> {
        self.console.note(format_args!("worker {} has left", gone.pid));
        match self.restarts.checked_sub(1) {
            Some(restarts) => self.restarts = restarts,
            None => self.joining = None,
        }
        self.start()
    }
}

fn explain(unfinished: &Unfinished<Server, PathBuf, Reply, String>, options: &Options) -> String {
    if let Reason::Exhausted { task } = unfinished.reason {
        return format!("{}: {unfinished}", options.files[task].display());
    }
    let not_done = unfinished.report.results.iter().filter_map(|result| result.as_ref().err());
    let cause = not_done.filter_map(NotDone::cause).map(|cause| format!("; {cause}")).next();
    let restarts = options.restarts;
    format!("{unfinished}, and restarts: {restarts}{}", cause.unwrap_or_default())
}
