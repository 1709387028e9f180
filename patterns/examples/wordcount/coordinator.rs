//! The coordinator: a run of the scheduler whose servers are processes.
//!
//! ```text
//!             ┌── joining ◄── start ◄── a worker is gone, and restarts are left ◄┐
//!             ▼                                                                  │
//! files ──► schedule ──► ask: one file to one worker ──► reply, or it is dead ── left
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

/// A worker as the scheduler has it.
struct Server {
    pid: u32,
    /// Not there while a call runs.
    worker: Option<Worker>,
}

/// Why there are no counts.
pub(crate) enum Ended {
    Interrupted,
    Failed(String),
}

/// What each file has been answered with, in their order. All workers are gone when this returns.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn count(options: &Options, console: &Console) -> Result<Vec<Reply>, Ended> {
    let interrupts = signal(SignalKind::interrupt());
    let mut interrupts = interrupts.map_err(|why| Ended::Failed(format!("no signals: {why}")))?;
    let (joining, servers) = mpsc::unbounded_channel();
    let (leaving, mut left) = mpsc::unbounded_channel();
    let servers = Servers::from(servers).hand_back(move |_, server| drop(leaving.send(server)));
    let told = console.clone();
    let call = move |server, file| ask(server, file, told.clone());
    // A file that cannot be read is an answer too, so whatever fails is the worker's fault.
    let limits = schedule::Options::default()
        .timeout(options.timeout)
        .backup_after(options.backup_after)
        .server_failures(NonZeroU32::MIN);
    let mut run = schedule::schedule(servers, options.files.clone(), call, limits);
    let mut progress = run.watch();
    let mut crew = Crew { joining: Some(joining), restarts: options.restarts, console };
    for _ in 0..options.workers {
        crew.start()?;
    }
    loop {
        tokio::select! {
            finished = &mut run => {
                let report = finished.map_err(|why| Ended::Failed(explain(&why, options)))?;
                return Ok(report.into_results().expect("no task is given up, or the run fails"));
            }
            // At the end all of them leave.
            Some(server) = left.recv() => if progress.now().end.is_none() {
                crew.replace(&server)?;
            },
            Some(now) = progress.changed() => {
                console.bar.set_message(format!("{} workers", now.servers));
                console.bar.set_position(now.done as u64);
            }
            _ = interrupts.recv() => return Err(Ended::Interrupted),
        }
    }
}

/// One call: has a worker count a file.
///
/// The worker is out of its server meanwhile, so that it dies with a call that is dropped: at the
/// timeout, or since a copy of it was faster.
async fn ask(
    mut server: Lease<Server>,
    file: PathBuf,
    console: Console,
) -> Result<Reply, CallFailure<String>> {
    let name = format!("worker {}", server.pid);
    let Some(mut worker) = server.worker.take() else {
        return Err(CallFailure::server_dead(format!("{name} was given up")));
    };
    console.note(format_args!("{name} counts {}", file.display()));
    let reply = worker.count(&file).await.map_err(|why| {
        let why = format!("{name} is gone: {why}");
        console.note(&why);
        CallFailure::server_dead(why)
    })?;
    server.worker = Some(worker);
    Ok(reply)
}

/// Who starts workers.
struct Crew<'a> {
    /// `None` says that no more will come.
    joining: Option<mpsc::UnboundedSender<Server>>,
    restarts: usize,
    console: &'a Console,
}

impl Crew<'_> {
    fn start(&self) -> Result<(), Ended> {
        let Some(joining) = &self.joining else { return Ok(()) };
        let worker = Worker::start();
        let worker =
            worker.map_err(|why| Ended::Failed(format!("cannot start a worker: {why}")))?;
        let pid = worker.pid();
        self.console.note(format_args!("worker {pid} starts"));
        // A run that has ended meanwhile does not need it.
        let _ = joining.send(Server { pid, worker: Some(worker) });
        Ok(())
    }

    /// Starts another in the place of one that has left, as long as restarts are left.
    fn replace(&mut self, gone: &Server) -> Result<(), Ended> {
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
