//! A worker, from both sides: the process, and the coordinator's handle of it.

use std::env;
use std::ffi::OsString;
use std::io::{self, BufRead, BufWriter};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use pushdown::engine::stackless::Parser;
use pushdown::{PushParser, Status};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::protocol::{Reply, read_reply, read_task, task, write_reply};
use super::words;

/// The argument that makes this program a worker.
pub(crate) const ARGUMENT: &str = "--worker";

/// The errors of pipes to a process that has died.
const GONE: [io::ErrorKind; 2] = [io::ErrorKind::UnexpectedEof, io::ErrorKind::BrokenPipe];

/// Runs the worker process: counts one file after another, until its input ends.
pub(crate) fn work() -> ExitCode {
    // An error means that the coordinator has closed the pipes, so there is no one to report it to.
    if answer().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn answer() -> Result<(), pushdown::io::ReadError> {
    let (mut tasks, mut replies) = (io::stdin().lock(), BufWriter::new(io::stdout().lock()));
    let mut parser = Parser::new(read_task);
    while !tasks.fill_buf()?.is_empty() {
        parser.reset();
        pushdown::io::parse(&mut tasks, &mut parser)?;
        let path = parser.take_output().expect("it was read without an error");
        let counts = words::count(&PathBuf::from(OsString::from_vec(path)));
        write_reply(&mut replies, &counts.map_err(|error| error.to_string()))?;
    }
    Ok(())
}

/// The coordinator's handle of a worker process. Dropping it kills the process.
pub(crate) struct Worker {
    process: Child,
    tasks: ChildStdin,
    replies: BufReader<ChildStdout>,
}

impl Worker {
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // A process group of its own, so that Ctrl-C reaches the coordinator alone. Otherwise workers
        // would die first, and be replaced.
        command.process_group(0);
        let mut process = command.spawn()?;
        let tasks = process.stdin.take().expect("it is piped");
        let replies = BufReader::new(process.stdout.take().expect("it is piped"));
        Ok(Self { process, tasks, replies })
    }

    /// Returns the process id.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("the process has not been waited for")
    }

    /// Returns the status with which the process has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.process.try_wait().ok()?.map(|status| status.to_string())
    }

    /// Has the worker count a file. A worker is useless after an error, and after this future is dropped
    /// early: it is dead, or its next reply belongs to this file.
    pub(crate) async fn count(&mut self, file: &Path) -> Result<Reply, String> {
        match self.ask(file).await {
            Ok(reply) => Ok(reply),
            Err(error) if GONE.contains(&error.kind()) => {
                let status = self.process.wait().await;
                Err(status.map_or_else(|error| error.to_string(), |status| status.to_string()))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn ask(&mut self, file: &Path) -> io::Result<Reply> {
        self.tasks.write_all(&task(file.as_os_str().as_bytes())).await?;
        let mut parser = Parser::new(read_reply);
        loop {
            let chunk = self.replies.fill_buf().await?;
            if chunk.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let progress = parser.feed(chunk);
            self.replies.consume(progress.consumed);
            match progress.status {
                Status::NeedMoreInput => {}
                Status::Success => return Ok(parser.take_output().expect("it was read")),
                Status::BadInput => return Err(io::Error::other(*parser.error().expect("bad"))),
            }
        }
    }
}
