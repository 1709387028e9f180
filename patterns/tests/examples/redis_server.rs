//! A `redis-server` that keeps its data when it is killed and started again, and a client that blocks.

use std::env;
use std::fs;
use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicUsize, Ordering};

use pushdown::io::values;
use pushdown::resp::{Value, Values, encode_request};

use crate::process::until;

/// A server on a socket in a directory of its own. Dropping this kills it.
pub(crate) struct Redis {
    child: Child,
    directory: PathBuf,
}

impl Redis {
    /// Starts a server. `None` if it is not installed.
    pub(crate) fn start() -> Option<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory = env::temp_dir().join(format!("pushdown-redis-{}-{number}", id()));
        fs::create_dir_all(&directory).unwrap();
        match spawn(&directory) {
            Ok(child) => {
                let redis = Self { child, directory };
                redis.ready();
                Some(redis)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::remove_dir_all(&directory).unwrap();
                println!("skipped: redis-server is not installed");
                None
            }
            Err(error) => panic!("redis-server: {error}"),
        }
    }

    /// Kills the server and starts it again, with its data.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.directory).unwrap();
        self.ready();
    }

    fn ready(&self) {
        until("redis-server answers", || {
            self.replies(&["PING"]).is_ok_and(|replies| replies == [Value::Simple("PONG".into())])
        });
    }

    pub(crate) fn address(&self) -> String {
        self.directory.join("socket").to_str().unwrap().to_owned()
    }

    /// Sends a command and returns the reply. Spaces separate words, and a tab is a space in a word.
    #[track_caller]
    pub(crate) fn ask(&self, command: &str) -> Value {
        self.replies(&[command]).unwrap().remove(0)
    }

    /// Carries out commands at one moment, and returns the replies to them.
    #[track_caller]
    pub(crate) fn at_once(&self, commands: &[&str]) -> Vec<Value> {
        let all = [&["MULTI"], commands, &["EXEC"]].concat();
        match self.replies(&all).unwrap().pop() {
            Some(Value::Array(replies)) => replies,
            reply => panic!("{reply:?}"),
        }
    }

    /// Cuts all connections, and carries out commands before anyone can connect again.
    #[track_caller]
    pub(crate) fn cut_and(&self, commands: &[&str]) {
        let all = [&["CLIENT KILL TYPE normal SKIPME yes"], commands].concat();
        let replies = self.at_once(&all);
        assert!(matches!(replies[0], Value::Integer(1..)), "{replies:?}");
        assert!(replies.iter().all(|reply| !reply.is_error()), "{replies:?}");
    }

    /// Waits until the reply is a number, or the text of one, for which the condition holds.
    #[track_caller]
    pub(crate) fn until(&self, command: &str, mut condition: impl FnMut(i64) -> bool) {
        until(command, || matches!(self.ask(command), Value::Integer(it) if condition(it)));
    }

    fn replies(&self, commands: &[&str]) -> io::Result<Vec<Value>> {
        let mut socket = UnixStream::connect(self.directory.join("socket"))?;
        let mut bytes = Vec::new();
        for command in commands {
            let words = command.split(' ').map(|word| word.replace('\t', " "));
            encode_request(Vec::from_iter(words), &mut bytes);
        }
        socket.write_all(&bytes)?;
        let replies = values(BufReader::new(socket), Values::new()).take(commands.len());
        let replies = replies.map(|reply| reply.map_err(io::Error::other));
        let replies: Vec<Value> = replies.collect::<io::Result<_>>()?;
        if replies.len() < commands.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(replies)
    }
}

fn spawn(directory: &std::path::Path) -> io::Result<Child> {
    let log = fs::File::options().create(true).append(true).open(directory.join("log"))?;
    let mut command = Command::new("redis-server");
    command.args(["--port", "0", "--save", "", "--appendonly", "yes", "--appendfsync", "no"]);
    // Bytes written to the file survive the process, if not the machine.
    command.arg("--unixsocket").arg(directory.join("socket")).arg("--dir").arg(directory);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
