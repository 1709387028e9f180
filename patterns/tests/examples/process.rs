//! Examples as processes, and files for those that count words.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::has_stopped;
use crate::text::text;

/// The deadline of every wait, which only ends a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for a condition.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends a signal by its name.
pub(crate) fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args(["-s", name, pid]).status().unwrap().success());
}

/// A worker that reads from a named pipe. It waits until the test writes to it, or drops this.
pub(crate) struct Waiting {
    pub(crate) worker: String,
    pipe: File,
}

impl Waiting {
    /// Waits until a worker, whichever, opens this pipe.
    pub(crate) fn at(pipe: &Path) -> Self {
        let (opened, pipes) = mpsc::channel();
        let path = pipe.to_owned();
        // Opening blocks until the worker opens the other end.
        thread::spawn(move || opened.send(File::options().write(true).open(path).unwrap()));
        let pipe = pipes.recv_timeout(PATIENCE).expect("a worker opens the pipe");
        Self { worker: String::new(), pipe }
    }

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

/// A running example. Dropping this kills it.
pub(crate) struct Running {
    example: &'static str,
    child: Child,
    stdout: Option<thread::JoinHandle<String>>,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
    /// Lines that no `waits` has claimed.
    unclaimed: Vec<String>,
}

/// The output and the exit code, which is `None` after a signal.
pub(crate) struct Ended {
    example: &'static str,
    pub(crate) stdout: String,
    pub(crate) stderr: Vec<String>,
    pub(crate) code: Option<i32>,
}

impl Running {
    pub(crate) fn start(example: &'static str, args: &[&str], files: &[PathBuf]) -> Self {
        let test = env::current_exe().unwrap();
        let target = test.ancestors().nth(2).unwrap();
        let path = target.join("examples").join(format!("{example}{EXE_SUFFIX}"));
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
        let (seen, unclaimed) = (Vec::new(), Vec::new());
        Self { example, child, stdout: Some(stdout), lines, seen, unclaimed }
    }

    /// Sends a signal by name. After `STOP` it waits until the process has stopped.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        signal(name, &pid);
        until("it has stopped", || name != "STOP" || has_stopped(&pid));
    }

    /// Waits for a line on standard error, without the name of the example.
    pub(crate) fn says(&mut self, line: &str) {
        let line = format!("{}: {line}", self.example);
        self.finds(&line, |said| said == line);
    }

    /// Waits until it has noticed that its connection to Redis was lost.
    pub(crate) fn reconnects(&mut self) {
        let end = "; trying again";
        self.finds(end, |line| line.ends_with(end));
    }

    /// Kills it, and returns what it has said.
    pub(crate) fn kill(self) -> Ended {
        self.signal("KILL");
        self.end()
    }

    /// Waits until a worker reads from this pipe.
    pub(crate) fn waits(&mut self, pipe: &Path) -> Waiting {
        let end = format!(" counts {}", pipe.display());
        let line = self.finds(&end, |line| line.ends_with(&end));
        let worker = line.trim_end_matches(&end).rsplit(' ').next().unwrap().to_owned();
        Waiting { worker, ..Waiting::at(pipe) }
    }

    /// Waits for a line on standard error, and takes it.
    pub(crate) fn finds(&mut self, what: &str, is_it: impl Fn(&str) -> bool) -> String {
        let line = self.finds_or_ends(is_it);
        line.unwrap_or_else(|| panic!("not said: {what}; {:#?}", self.seen))
    }

    /// Waits for a line on standard error, and takes it. `None` if the end comes first.
    pub(crate) fn finds_or_ends(&mut self, is_it: impl Fn(&str) -> bool) -> Option<String> {
        loop {
            if let Some(at) = self.unclaimed.iter().position(|line| is_it(line)) {
                return Some(self.unclaimed.remove(at));
            }
            if !self.line() {
                return None;
            }
        }
    }

    /// Waits until no process holds standard error any more.
    pub(crate) fn end(mut self) -> Ended {
        while self.line() {}
        let code = self.child.wait().unwrap().code();
        let stdout = self.stdout.take().unwrap().join().unwrap();
        Ended { example: self.example, stdout, stderr: std::mem::take(&mut self.seen), code }
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
        let line = format!("{}: {line}", self.example);
        self.stderr.contains(&line)
    }

    /// The number of times that a file was counted.
    pub(crate) fn counts(&self) -> usize {
        self.stderr.iter().filter(|line| line.contains(" counts ")).count()
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
