//! The example as a process, and files for it.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::text::text;

/// The deadline of every wait, which only ends a hang.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longer than any test. A worker that waits for a test must not be taken for a slow one.
const NEVER: &str = "3600";

/// Sends a signal by its name.
fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args(["-s", name, pid]).status().unwrap().success());
}

/// A worker that reads from a named pipe. It waits until the test writes to it, or drops this.
pub(crate) struct Waiting {
    pub(crate) worker: String,
    pipe: File,
}

impl Waiting {
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &self.worker);
    }

    /// Writes a text, after which the worker proceeds. Returns the text.
    pub(crate) fn release(mut self) -> Vec<u8> {
        let text = text(77);
        self.pipe.write_all(&text).unwrap();
        text
    }
}

/// A folder for one test.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wordcount").join(test);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.join(name.as_ref())
    }

    /// Creates `count` files with text.
    pub(crate) fn texts(&self, count: u64) -> Vec<PathBuf> {
        let file = |seed: u64| {
            let path = self.path(seed.to_string());
            fs::write(&path, text(seed)).unwrap();
            path
        };
        (0..count).map(file).collect()
    }

    /// Creates a named pipe.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let _ = fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    /// Replaces a pipe by a file with text. A worker that has opened the pipe does not notice.
    pub(crate) fn replace(&self, pipe: &Path) {
        let beside = self.path("beside");
        fs::write(&beside, text(88)).unwrap();
        fs::rename(beside, pipe).unwrap();
    }
}

/// The running example. Dropping this kills it.
pub(crate) struct Running {
    child: Child,
    stdout: Option<thread::JoinHandle<String>>,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
    /// Lines that no `waits` has claimed.
    unclaimed: Vec<String>,
}

/// The output and the exit code, which is `None` after a signal.
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: Vec<String>,
    pub(crate) code: Option<i32>,
}

impl Running {
    pub(crate) fn start(args: &[&str], files: &[PathBuf]) -> Self {
        let test = env::current_exe().unwrap();
        let target = test.ancestors().nth(2).unwrap();
        let path = target.join("examples").join(format!("wordcount{EXE_SUFFIX}"));
        assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
        let mut command = Command::new(path);
        command.args(args).args(files).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let (said, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let _ = said.send(line.unwrap());
            }
        });
        Self { child, stdout: Some(stdout), lines, seen: Vec::new(), unclaimed: Vec::new() }
    }

    /// Starts it with a report of the workers on standard error. Without options in `args`, no worker is
    /// ever too slow.
    pub(crate) fn verbose(args: &[&str], files: &[PathBuf]) -> Self {
        let patient: &[&str] = &["--timeout", NEVER, "--backup-after", NEVER, "--verbose"];
        Self::start(&[patient, args].concat(), files)
    }

    /// Sends the coordinator a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    /// Waits until a worker reads from this pipe.
    pub(crate) fn waits(&mut self, pipe: &Path) -> Waiting {
        let end = format!(" counts {}", pipe.display());
        let line = loop {
            match self.unclaimed.iter().position(|line| line.ends_with(&end)) {
                Some(at) => break self.unclaimed.remove(at),
                None => assert!(self.line(), "no worker{end}"),
            }
        };
        let worker = line.trim_end_matches(&end).rsplit(' ').next().unwrap().to_owned();
        let (opened, pipes) = mpsc::channel();
        let path = pipe.to_owned();
        // Opening blocks until the worker opens the other end.
        thread::spawn(move || opened.send(File::options().write(true).open(path).unwrap()));
        let pipe = pipes.recv_timeout(PATIENCE).expect("the worker opens the pipe");
        Waiting { worker, pipe }
    }

    /// Waits until no process holds standard error any more.
    pub(crate) fn end(mut self) -> Ended {
        while self.line() {}
        let code = self.child.wait().unwrap().code();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Ended { stdout, stderr: std::mem::take(&mut self.seen), code }
    }

    /// Reads a line. Returns `false` at the end.
    fn line(&mut self) -> bool {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.seen.push(line.clone());
                self.unclaimed.push(line);
                true
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => false,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                panic!("nothing more after {PATIENCE:?}: {:#?}", self.seen)
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    pub(crate) fn said(&self, line: &str) -> bool {
        self.stderr.iter().any(|said| said.strip_prefix("wordcount: ") == Some(line))
    }

    /// The number of workers started.
    pub(crate) fn starts(&self) -> usize {
        self.stderr.iter().filter(|line| line.ends_with(" starts")).count()
    }

    /// The number of times a worker started to count a file.
    pub(crate) fn counted(&self, file: &Path) -> usize {
        let end = format!(" counts {}", file.display());
        self.stderr.iter().filter(|line| line.ends_with(&end)).count()
    }
}
