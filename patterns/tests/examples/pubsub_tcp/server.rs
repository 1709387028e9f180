//! The server under test, and its clients.

use std::env::{self, consts::EXE_SUFFIX};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::HANG;

/// The size of a large event.
const LARGE: usize = 8000;

/// More large events than the kernel buffers for a client that does not read.
pub(super) const MANY: u64 = 100;

pub(super) fn path() -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("pubsub_tcp{EXE_SUFFIX}"));
    assert!(path.exists(), "{} does not exist: `cargo build --examples`", path.display());
    path
}

/// `pubsub_tcp` on a port of its own, killed when this is dropped.
pub(super) struct Example {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    pub(super) address: SocketAddr,
}

impl Example {
    pub(super) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server that waits longer for its clients than any test takes.
    pub(super) fn start_patient() -> Self {
        Self::start_with(&["600"])
    }

    fn start_with(arguments: &[&str]) -> Self {
        let mut command = Command::new(path());
        command.arg("127.0.0.1:0").args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child, stdout: Some(stdout), address }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn client(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// A client with small kernel buffers, and the number of its subscription.
    pub(super) fn slow_client(&self, policy: &str) -> (Client, u64) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let stream = runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            socket.connect(self.address).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        let mut client = Client::new(stream);
        let number = client.subscribe(policy);
        (client, number)
    }

    pub(super) fn interrupt(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    }

    /// Waits for an interrupted server to end. Returns what it printed.
    pub(super) fn report(mut self) -> (String, ExitStatus) {
        let mut stdout = self.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut report = String::new();
            stdout.read_to_string(&mut report).unwrap();
            let _ = sender.send(report);
        });
        let report = receiver.recv_timeout(HANG).expect("an interrupted server ends");
        (report, self.child.wait().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) struct Client {
    pub(super) stream: BufReader<TcpStream>,
}

/// One line of a subscriber's stream.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    Event(u64, String),
    Gap(u64),
    End(String),
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    pub(super) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next line, or `None` at the end.
    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        let len = self.stream.read_line(&mut line).unwrap();
        (len > 0).then(|| line.strip_suffix('\n').expect("lines are whole").to_owned())
    }

    pub(super) fn line(&mut self) -> String {
        self.next().expect("the connection is open")
    }

    pub(super) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Sends a command and returns the next line.
    pub(super) fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\n"));
        self.line()
    }

    pub(super) fn subscribe(&mut self, policy: &str) -> u64 {
        number(&self.ask(&format!("SUB {policy}")))
    }

    pub(super) fn told(&mut self) -> Told {
        let line = self.line();
        match line.split_once(' ') {
            Some(("EVENT", event)) => {
                let (seq, text) = event.split_once(' ').unwrap();
                Told::Event(seq.parse().unwrap(), text.to_owned())
            }
            Some(("GAP", missed)) => Told::Gap(missed.parse().unwrap()),
            Some(("END", reason)) => Told::End(reason.to_owned()),
            _ => panic!("{line}"),
        }
    }

    /// Reads the events with these numbers, none of which may be missing.
    pub(super) fn hears(&mut self, numbers: RangeInclusive<u64>) {
        for number in numbers {
            let told = self.told();
            assert!(matches!(told, Told::Event(seq, _) if seq == number), "{number}: {told:?}");
        }
    }

    /// Publishes until this subscriber has no room. Returns the number of the last event.
    pub(super) fn publish_until_stuck(&mut self, stuck: u64) -> u64 {
        let mut last = 0;
        loop {
            let reply = self.ask(&large());
            if reply.starts_with("ERR") {
                assert_eq!(reply, no_room(stuck));
                return last;
            }
            last = number(&reply);
            assert!(last < MANY, "no subscriber is stuck");
        }
    }

    /// Publishes until there is room. Returns the number of the event.
    pub(super) fn publish_at_last(&mut self) -> u64 {
        let start = Instant::now();
        loop {
            let reply = self.ask(&large());
            if reply.starts_with("OK") {
                return number(&reply);
            }
            assert!(start.elapsed() < HANG, "{reply}");
        }
    }
}

/// A command that publishes a large event.
pub(super) fn large() -> String {
    format!("PUB {}", "x".repeat(LARGE))
}

pub(super) fn no_room(subscriber: u64) -> String {
    format!("ERR subscriber {subscriber} had no room in time")
}

pub(super) fn number(reply: &str) -> u64 {
    reply.strip_prefix("OK ").unwrap_or_else(|| panic!("{reply}")).parse().unwrap()
}
