//! The example `resp_tail`: replies of a real server, if there is one, and of one that the test plays.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use pushdown::PushParser;
use pushdown::resp::{Blob, Requests, Value, Values, encode_request};

use crate::{PATIENCE, Ran, lines, run, sample, spawn};

/// A directory that is removed when this is dropped. Paths of sockets must be short.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("pushdown-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("socket")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A `redis-server` on a socket of its own, killed when this is dropped.
struct Server {
    child: Child,
    directory: Directory,
    _log: Receiver<String>,
}

impl Server {
    /// Starts a server, and waits until it is ready. `None` if it is not installed.
    fn start(name: &str) -> Option<Self> {
        let directory = Directory::new(name);
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--logfile", ""]);
        command.arg("--unixsocket").arg(directory.socket()).arg("--dir").arg(&directory.0);
        let mut child = match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                println!("skipped: redis-server is not installed");
                return None;
            }
            Err(error) => panic!("redis-server: {error}"),
        };
        let log = lines(&mut child);
        let server = Self { child, directory, _log: log };
        // "Ready to accept connections", in the words of its version.
        let is_ready = |line: &str| line.contains("eady to accept connections");
        while !is_ready(&server._log.recv_timeout(PATIENCE).expect("the server starts")) {}
        Some(server)
    }

    fn address(&self) -> String {
        self.directory.socket().to_str().unwrap().to_owned()
    }

    fn client(&self) -> Client {
        Client::connect(&self.directory.socket())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A second connection to the server.
struct Client {
    socket: BufReader<UnixStream>,
    replies: Values,
}

impl Client {
    fn connect(path: &Path) -> Self {
        let socket = BufReader::new(UnixStream::connect(path).unwrap());
        Self { socket, replies: Values::new() }
    }

    fn call(&mut self, args: &[&str]) -> Value {
        let mut request = Vec::new();
        encode_request(args, &mut request);
        self.socket.get_mut().write_all(&request).unwrap();
        pushdown::io::values(&mut self.socket, &mut self.replies).next().unwrap().unwrap()
    }
}

/// The example, and the lines that it prints.
struct Tail {
    child: Child,
    lines: Receiver<String>,
}

impl Tail {
    fn start(args: &[&str]) -> Self {
        let mut child = spawn("resp_tail", args);
        let lines = lines(&mut child);
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line is missing")
    }

    /// Waits for the end. Returns what else was printed, the messages and the exit code.
    fn end(mut self) -> Ran {
        let mut stdout = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => stdout += &line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("it does not end; printed: {stdout:?}");
                }
            }
        }
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ran { stdout, stderr, code: self.child.wait().unwrap().code() }
    }
}

fn nothing() -> Ran {
    Ran { stdout: String::new(), stderr: String::new(), code: Some(0) }
}

/// The line of output that follows the command in the header.
fn shown(command: &str) -> &'static str {
    let header = sample(include_str!("../../resp_tail.rs"));
    let command = header.iter().position(|line| line.contains(command)).expect("a command");
    header[command + 1]
}

#[test]
fn it_prints_what_is_published() {
    let Some(server) = Server::start("publish") else { return };
    let address = server.address();
    let mut client = server.client();
    for option in [None, Some("-3")] {
        let args = option.into_iter().chain([address.as_str(), "SUBSCRIBE", "news", "é"]);
        let tail = Tail::start(&args.collect::<Vec<_>>());
        assert_eq!(tail.line(), shown("SUBSCRIBE news"));
        assert_eq!(tail.line(), "subscribe \"é\" 2");
        let long = "x".repeat(100_000);
        for (channel, message, line) in [
            ("news", "hello, world", shown("PUBLISH")),
            ("é", "", "message \"é\" \"\""),
            ("news", "a\r\n\"b", r#"message news "a\r\n\"b""#),
            ("news", &long, &format!("message news {long}")),
        ] {
            assert_eq!(client.call(&["PUBLISH", channel, message]), Value::Integer(1));
            assert_eq!(tail.line(), line);
        }
        assert_eq!(client.call(&["CLIENT", "KILL", "TYPE", "pubsub"]), Value::Integer(1));
        assert_eq!(tail.end(), nothing());
    }
}

#[test]
fn it_prints_the_commands_of_others() {
    let Some(server) = Server::start("monitor") else { return };
    let mut client = server.client();
    let tail = Tail::start(&[&server.address(), "MONITOR"]);
    assert_eq!(tail.line(), shown("MONITOR"));
    // The time and the address differ.
    let command = |line: &str| line.split_once("] ").expect("an address").1.to_owned();
    assert_eq!(client.call(&["SET", "greeting", "hello, world"]), Value::Simple("OK".into()));
    assert_eq!(command(&tail.line()), command(shown("redis-cli -p 7777 SET")));
    let _ = client.call(&["EVAL", "return redis.call('INCR', KEYS[1])", "1", "n\n"]);
    assert_eq!(command(&tail.line()), r#""EVAL" "return redis.call('INCR', KEYS[1])" "1" "n\n""#);
    assert_eq!(command(&tail.line()), r#""INCR" "n\n""#);
    // All but the one that asks.
    assert_eq!(client.call(&["CLIENT", "KILL", "TYPE", "normal"]), Value::Integer(1));
    assert_eq!(tail.end(), nothing());
}

#[test]
fn it_prints_the_error_of_the_server() {
    let Some(server) = Server::start("refused") else { return };
    let ran = Tail::start(&["-3", &server.address(), "SUBSCRIBE"]).end();
    let stderr = "resp_tail: ERR wrong number of arguments for 'subscribe' command\n".to_owned();
    assert_eq!(ran, Ran { stdout: String::new(), stderr, code: Some(1) });
}

/// Reads a request as a server does.
fn request(socket: &mut impl BufRead) -> Vec<Blob> {
    let mut requests = Requests::new();
    pushdown::io::parse(socket, &mut requests).unwrap();
    requests.take_output().unwrap().into_args()
}

#[test]
fn each_reply_is_a_line_that_comes_with_its_last_byte() {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tail = Tail::start(&["-3", &address, "TAIL", "a b"]);
    let (socket, _) = listener.accept().unwrap();
    let mut socket = BufReader::new(socket);
    assert_eq!(request(&mut socket), ["HELLO", "3"].map(Blob::from));
    assert_eq!(request(&mut socket), ["TAIL", "a b"].map(Blob::from));
    socket.get_mut().write_all(b"%1\r\n+proto\r\n:3\r\n").unwrap();
    let cases = [
        ("+OK\r\n", "OK"),
        (":-1\r\n", "-1"),
        ("$4\r\na[1]\r\n", "\"a[1]\""),
        ("$-1\r\n", "null"),
        ("$?\r\n;2\r\nne\r\n;2\r\nws\r\n;0\r\n", "news"),
        (">2\r\n#t\r\n,1.5\r\n", "true 1.5"),
        ("*4\r\n*1\r\n_\r\n~0\r\n(12\r\n*-1\r\n", "[null] [] 12 null"),
        ("%2\r\n+a\r\n*?\r\n:1\r\n:2\r\n.\r\n+b\r\n%0\r\n", "{a: [1 2], b: {}}"),
        ("|1\r\n+ttl\r\n:3\r\n=5\r\ntxt:x\r\n", "x"),
        ("*0\r\n", ""),
    ];
    println!("{} replies", cases.len());
    for (reply, line) in cases {
        socket.get_mut().write_all(reply.as_bytes()).unwrap();
        assert_eq!(tail.line(), line, "{reply:?}");
    }
    drop(socket);
    assert_eq!(tail.end(), nothing());
}

#[test]
fn a_reply_that_is_bad_or_cut_off_is_an_error_with_its_offset() {
    let directory = Directory::new("bad");
    let listener = UnixListener::bind(directory.socket()).unwrap();
    for (replies, error) in [
        ("+OK\r\n*2\r\n:1\r\n", "unexpected end of input at offset 13"),
        ("+OK\r\n$x", "unexpected byte at offset 6"),
        ("+OK\r\n!3\r\nERR\r\n", "ERR"),
    ] {
        let tail = Tail::start(&[directory.socket().to_str().unwrap(), "TAIL"]);
        let (socket, _) = listener.accept().unwrap();
        let mut socket = BufReader::new(socket);
        assert_eq!(request(&mut socket), ["TAIL"].map(Blob::from));
        socket.get_mut().write_all(replies.as_bytes()).unwrap();
        drop(socket);
        assert_eq!(tail.line(), "OK");
        let stderr = format!("resp_tail: {error}\n");
        assert_eq!(tail.end(), Ran { stdout: String::new(), stderr, code: Some(1) });
    }
}

#[test]
fn it_ends_with_its_reader() {
    let directory = Directory::new("reader");
    let listener = UnixListener::bind(directory.socket()).unwrap();
    let mut child = spawn("resp_tail", &[directory.socket().to_str().unwrap(), "TAIL"]);
    let (mut socket, _) = listener.accept().unwrap();
    socket.write_all(b"+first\r\n").unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line, "first\n");
    drop(output);
    while socket.write_all(b"+next\r\n").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stderr.as_slice(), output.status.code()), (&b""[..], Some(0)));
}

#[test]
fn it_prints_its_usage() {
    let help = run("resp_tail", &["--help"], b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", Some(0)));
    assert!(help.stdout.starts_with("Usage: resp_tail [-3] ADDRESS COMMAND"), "{help:?}");
    for (args, wrong) in
        [(&["-4"][..], "unknown option -4"), (&[], "no address"), (&["-3", "a"], "no command")]
    {
        let stderr = format!("resp_tail: {wrong}\n\n{}", help.stdout);
        let expected = Ran { stdout: String::new(), stderr, code: Some(2) };
        assert_eq!(run("resp_tail", args, b""), expected);
    }
    let missing = run("resp_tail", &["/missing", "MONITOR"], b"");
    let stderr = "resp_tail: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(missing, Ran { stdout: String::new(), stderr, code: Some(1) });
}
