//! Real servers from the packages of the system, each on a socket in its own directory.
//!
//! If a server is not installed, a test that needs it is skipped and says so.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "no test uses all of it, and the benchmarks use it too"
)]

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Time after which a wait has failed. It only turns a hang into a failure.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition. The time is that of the system, so it passes even if tokio's is paused.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        let pause = || std::thread::sleep(Duration::from_millis(1));
        tokio::task::spawn_blocking(pause).await.unwrap();
    }
}

/// A server process, killed when this is dropped.
pub struct Server {
    command: Command,
    child: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts a `redis-server` and waits until it answers. `None` if it is not installed.
    pub async fn redis() -> Option<Self> {
        Self::redis_with(&["--appendonly", "no"]).await
    }

    /// Like [`redis`](Self::redis), but it writes each change to a file before it answers. One that is
    /// killed and started again has forgotten nothing that it said.
    pub async fn durable_redis() -> Option<Self> {
        // The file of a killed process needs no fsync.
        Self::redis_with(&["--appendonly", "yes", "--appendfsync", "no"]).await
    }

    async fn redis_with(options: &[&str]) -> Option<Self> {
        let server = Self::start("redis-server", |socket| {
            let mut command = Command::new("redis-server");
            command.args(["--port", "0", "--save", ""]).args(options).arg("--unixsocket");
            command.arg(socket).arg("--dir").arg(socket.parent().unwrap());
            command
        })?;
        until("redis-server answers", async || match server.redis_client().await {
            Ok(mut client) => client.command(&["PING"]).await.is_ok_and(|reply| reply == "PONG"),
            Err(_) => false,
        })
        .await;
        Some(server)
    }

    /// Starts a `memcached` and waits until it accepts connections. `None` if it is not installed.
    pub async fn memcached() -> Option<Self> {
        let server = Self::start("memcached", |socket| {
            let mut command = Command::new("memcached");
            command.args(["-u", "root", "-s"]).arg(socket);
            command
        })?;
        until("memcached answers", async || server.connect().await.is_ok()).await;
        Some(server)
    }

    fn start(program: &str, command: impl Fn(&Path) -> Command) -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("pushdown-{}-{number}", id()));
        fs::create_dir_all(&directory).unwrap();
        let log = fs::File::create(directory.join("log")).unwrap();
        let mut command = command(&directory.join("socket"));
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        match command.spawn() {
            Ok(child) => Some(Self { command, child, directory }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_dir_all(&directory).unwrap();
                println!("skipped: {program} is not installed");
                None
            }
            Err(error) => panic!("{program}: {error}"),
        }
    }

    /// Kills the server with `SIGKILL`, and waits until it is gone. Its directory stays.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts a server that was killed with the same command, and does not wait until it answers.
    pub fn start_again(&mut self) {
        let _ = fs::remove_file(self.socket());
        self.child = self.command.spawn().unwrap();
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.join("socket")
    }

    pub async fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(self.socket()).await
    }

    pub async fn redis_client(&self) -> io::Result<RedisClient> {
        RedisClient::connect(&self.socket()).await
    }

    /// Sends a signal by name: `STOP`, `CONT`, `KILL`. After `STOP` it waits until the server has stopped.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        let start = Instant::now();
        while name == "STOP" && !has_stopped(&pid) {
            assert!(start.elapsed() < PATIENCE, "{pid} does not stop");
            std::thread::yield_now();
        }
    }
}

/// Returns whether all threads of a process have stopped. Assumed where there is no `/proc`.
pub fn has_stopped(pid: &str) -> bool {
    let Ok(mut threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return true };
    threads.all(|thread| {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap_or_default();
        // The state follows the name, which is in parentheses.
        stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('T'))
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The part of RESP2 that the tests need.
pub struct RedisClient {
    stream: BufReader<UnixStream>,
}

impl RedisClient {
    pub async fn connect(socket: &Path) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(UnixStream::connect(socket).await?) })
    }

    /// Sends one command and returns its reply: a text, a number as text, or the message of an error
    /// as an error.
    pub async fn command(&mut self, words: &[&str]) -> io::Result<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.stream.write_all(request.as_bytes()).await?;
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "+" | ":" => Ok(rest.to_owned()),
            "-" => Err(io::Error::other(rest.to_owned())),
            "$" if rest == "-1" => Ok(String::new()),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().map_err(io::Error::other)? + 2];
                self.stream.read_exact(&mut text).await?;
                text.truncate(text.len() - 2);
                String::from_utf8(text).map_err(io::Error::other)
            }
            _ => Err(io::Error::other(format!("a reply of kind {kind}"))),
        }
    }
}
