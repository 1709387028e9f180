//! The examples of the patterns, run as their readers would run them.

use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// More of these than the kernel keeps for a client that does not read.
const LARGE: usize = 8000;
const MANY: u64 = 100;

fn pubsub_tcp() -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("pubsub_tcp{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
    path
}

/// `pubsub_tcp` on a port of its own, killed when this is dropped.
struct Example {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Example {
    fn start() -> Self {
        let mut command = Command::new(pubsub_tcp());
        let mut child = command.arg("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
        Self { child, stdout, address }
    }

    fn client(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// A client for which the kernel keeps little that it has not read, and its subscription.
    fn slow_client(&self, policy: &str) -> (Client, u64) {
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

    /// Interrupts it. What it prints then is its report.
    fn interrupt(mut self) -> (String, ExitStatus) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
        let mut report = String::new();
        self.stdout.read_to_string(&mut report).unwrap();
        (report, self.child.wait().unwrap())
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Client {
    stream: BufReader<TcpStream>,
}

/// One line of a subscriber's stream.
#[derive(Debug, PartialEq)]
enum Told {
    Event(u64, String),
    Gap(u64),
    End(String),
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
    }

    /// The next line, or `None` at the end.
    fn next(&mut self) -> Option<String> {
        let mut line = String::new();
        let len = self.stream.read_line(&mut line).unwrap();
        (len > 0).then(|| line.strip_suffix('\n').expect("lines are whole").to_owned())
    }

    fn line(&mut self) -> String {
        self.next().expect("the server has not hung up")
    }

    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// A command and the next line.
    fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\n"));
        self.line()
    }

    fn subscribe(&mut self, policy: &str) -> u64 {
        number(&self.ask(&format!("SUB {policy}")))
    }

    fn told(&mut self) -> Told {
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

    /// Events with these numbers, and none missing.
    fn hears(&mut self, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            let told = self.told();
            assert!(matches!(told, Told::Event(seq, _) if seq == number), "{number}: {told:?}");
        }
    }

    /// Publishes until somebody has no room. Returns the number of the last event.
    fn publish_until_stuck(&mut self, stuck: u64) -> u64 {
        let mut last = 0;
        loop {
            let reply = self.ask(&large());
            if reply.starts_with("ERR") {
                assert_eq!(reply, format!("ERR subscriber {stuck} had no room in time"));
                return last;
            }
            last = number(&reply);
            assert!(last < MANY, "nobody is stuck");
        }
    }

    /// Publishes until there is room for it.
    fn publish_at_last(&mut self) -> u64 {
        let start = Instant::now();
        loop {
            let reply = self.ask(&large());
            if reply.starts_with("OK") {
                return number(&reply);
            }
            assert!(start.elapsed() < PATIENCE, "{reply}");
        }
    }
}

fn large() -> String {
    format!("PUB {}", "x".repeat(LARGE))
}

fn number(reply: &str) -> u64 {
    reply.strip_prefix("OK ").unwrap_or_else(|| panic!("{reply}")).parse().unwrap()
}

#[test]
fn the_session_in_the_header_goes_as_it_says() {
    let source = include_str!("../../examples/pubsub_tcp/main.rs");
    let lines = source.lines().map(|line| line.trim_start_matches("//!").trim_start());
    let mut session = lines.skip_while(|line| !line.starts_with("$ nc"));
    let nc = session.next().unwrap().split(' ').nth(1).unwrap();

    let example = Example::start();
    let (ip, port) = (example.address.ip().to_string(), example.address.port().to_string());
    let mut command = Command::new(nc);
    // So that a connection which is not closed fails the test, instead of keeping it for ever.
    let patience = Duration::from_secs(10);
    command.args(["-w", &patience.as_secs().to_string()]).args([ip, port]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut nc = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: nc is not installed");
            return;
        }
        nc => nc.unwrap(),
    };
    let mut stdin = nc.stdin.take().unwrap();
    let mut stdout = BufReader::new(nc.stdout.take().unwrap());
    let (mut commands, mut replies) = (0, 0);
    for line in session.by_ref().take_while(|line| !line.starts_with('$')) {
        if ["SUB", "PUB", "CANCEL", "QUIT"].contains(&line.split(' ').next().unwrap()) {
            writeln!(stdin, "{line}").unwrap();
            commands += 1;
        } else {
            let mut reply = String::new();
            stdout.read_line(&mut reply).unwrap();
            assert_eq!(reply.trim_end(), line);
            replies += 1;
        }
    }
    println!("{commands} commands, {replies} replies");
    assert!(commands > 0 && replies > commands);
    // It goes once neither the server nor its user has more to say.
    let start = Instant::now();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(start.elapsed() < patience, "the server did not close the connection");
    assert!(nc.wait().unwrap().success());

    let (report, status) = example.interrupt();
    assert_eq!(report.trim_end(), session.next().unwrap());
    assert!(status.success());
}

#[test]
fn all_clients_hear_everything_in_one_order() {
    const EACH: u64 = 200;
    let example = Example::start();
    let policies = ["block 8 20s", "block 1 20s", "queue unbounded unbounded", "drop-oldest 65536"];
    let mut subscribers: Vec<Client> = policies.iter().map(|_| example.client()).collect();
    for (subscriber, policy) in subscribers.iter_mut().zip(policies) {
        subscriber.subscribe(policy);
    }
    let publishers = ["a", "b", "c"].map(|name| {
        let mut client = example.client();
        thread::spawn(move || {
            (1..=EACH).map(|i| number(&client.ask(&format!("PUB {name} {i}")))).collect::<Vec<_>>()
        })
    });
    let streams = subscribers.into_iter().map(|mut subscriber| {
        thread::spawn(move || (0..3 * EACH).map(|_| subscriber.told()).collect::<Vec<_>>())
    });
    let streams: Vec<_> = streams.collect();
    let streams: Vec<_> = streams.into_iter().map(|stream| stream.join().unwrap()).collect();
    for (place, told) in streams[0].iter().enumerate() {
        assert!(matches!(told, Told::Event(seq, _) if *seq == place as u64 + 1), "{told:?}");
    }
    for stream in &streams[1..] {
        assert_eq!(stream, &streams[0]);
    }
    for (name, publisher) in ["a", "b", "c"].into_iter().zip(publishers) {
        for (number, i) in publisher.join().unwrap().into_iter().zip(1..) {
            let told = &streams[0][number as usize - 1];
            assert_eq!(*told, Told::Event(number, format!("{name} {i}")));
        }
    }
}

#[test]
fn a_stuck_client_that_blocks_costs_a_publisher_its_limit_and_nobody_an_event() {
    let example = Example::start();
    let (mut stuck, id) = example.slow_client("block 4 200ms");
    let (mut healthy, mut publisher) = (example.client(), example.client());
    healthy.subscribe("queue unbounded unbounded");
    let last = publisher.publish_until_stuck(id);
    healthy.hears(1..=last);

    let start = Instant::now();
    assert_eq!(publisher.ask("PUB x"), format!("ERR subscriber {id} had no room in time"));
    assert!(start.elapsed() >= Duration::from_millis(200));

    assert_eq!(publisher.ask(&format!("CANCEL {id}")), "OK");
    assert_eq!(number(&publisher.ask("PUB x")), last + 1);
    healthy.hears(last + 1..=last + 1);
    stuck.hears(1..=last);
    assert_eq!(stuck.told(), Told::End("cancelled".into()));
}

/// What a client has been told that did not read while all was published.
fn stuck(policy: &str) -> Vec<Told> {
    let example = Example::start();
    let (mut stuck, _) = example.slow_client(policy);
    let (mut healthy, mut publisher) = (example.client(), example.client());
    healthy.subscribe("queue unbounded unbounded");
    for i in 1..=MANY {
        assert_eq!(number(&publisher.ask(&large())), i, "{policy}: the publisher does not wait");
    }
    healthy.hears(1..=MANY);

    let (mut told, mut count) = (Vec::new(), 0);
    while count < MANY && !matches!(told.last(), Some(Told::End(_))) {
        let next = stuck.told();
        match next {
            Told::Event(seq, _) => {
                assert_eq!(seq, count + 1, "{policy}: what is missing is told at its place");
                count = seq;
            }
            Told::Gap(missed) => count += missed,
            Told::End(_) => {}
        }
        told.push(next);
    }
    assert!(told.iter().any(|told| matches!(told, Told::Gap(1..))), "{policy}: it was stuck");
    told
}

#[test]
fn a_stuck_client_misses_events_if_it_said_so() {
    let newest = stuck("drop-newest 4");
    assert!(matches!(newest[..], [.., Told::Event(..), Told::Gap(_)]));
    let oldest = stuck("drop-oldest 4");
    let missed = oldest.iter().rposition(|told| matches!(told, Told::Gap(_))).unwrap();
    assert_eq!(oldest.len(), missed + 1 + 4);
    let in_its_grace = stuck("disconnect 4 60s");
    assert!(matches!(in_its_grace[..], [.., Told::Event(..), Told::Gap(_)]));
}

#[test]
fn a_stuck_client_is_disconnected_if_it_said_so() {
    for policy in ["queue 4 unbounded", "queue unbounded 64kb", "disconnect 4 0s"] {
        let told = stuck(policy);
        assert!(
            matches!(&told[..], [.., Told::Gap(_), Told::End(reason)] if reason == "too slow"),
            "{policy}"
        );
    }
}

#[test]
fn a_client_that_blocks_itself_is_answered_after_its_limit() {
    let example = Example::start();
    let (mut client, id) = example.slow_client("block 1 20ms");
    for _ in 0..60 {
        client.send(format!("{}\n", large()));
    }
    let no_room = format!("ERR subscriber {id} had no room in time");
    let mut other = example.client();
    let start = Instant::now();
    while other.ask("PUB from another") != no_room {
        assert!(start.elapsed() < PATIENCE);
    }
    // Now it reads.
    let (mut published, mut refused, mut own) = (0, 0, 0);
    while published + refused < 60 || own < published {
        let line = client.line();
        match line.split(' ').next().unwrap() {
            "OK" => published += 1,
            "ERR" => {
                assert_eq!(line, no_room);
                refused += 1;
            }
            _ if line.ends_with("another") => {}
            _ => own += 1,
        }
    }
    assert!(published > 0 && refused > 0 && own == published, "{published} {refused} {own}");
    assert!(other.ask("PUB x").starts_with("OK"));
}

#[test]
fn a_client_that_does_not_read_is_obeyed_all_the_same() {
    let example = Example::start();
    let (mut stuck, id) = example.slow_client("block 4 100ms");
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(id);
    stuck.send(format!("CANCEL {id}\n"));
    assert_eq!(publisher.publish_at_last(), last + 1);
}

#[test]
fn what_stands_after_quit_does_not_cost_the_client_what_it_has_not_read() {
    let example = Example::start();
    let (mut slow, _) = example.slow_client("queue unbounded unbounded");
    let mut publisher = example.client();
    for _ in 0..10 {
        assert!(publisher.ask(&large()).starts_with("OK"));
    }
    slow.send(format!("QUIT\n{}", "x".repeat(100_000)));
    let rest = slow.rest();
    assert_eq!(rest.iter().filter(|line| line.starts_with("EVENT")).count(), 10);
    assert!(rest.iter().any(|line| line == "OK"));
    assert_eq!(rest.last().unwrap(), "END cancelled");
}

#[test]
fn a_client_that_reads_no_replies_holds_up_itself_alone() {
    let example = Example::start();
    let mut deaf = example.client();
    deaf.stream.get_ref().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let commands = "PUB x\n".repeat(10_000);
    let start = Instant::now();
    while deaf.stream.get_mut().write_all(commands.as_bytes()).is_ok() {
        assert!(start.elapsed() < PATIENCE, "it is obeyed for ever");
    }
    assert!(example.client().ask("PUB y").starts_with("OK"));
    assert!(deaf.line().starts_with("OK"));
}

#[test]
fn after_a_half_close_what_was_published_comes_and_then_the_end() {
    let example = Example::start();
    let mut client = example.client();
    client.send("SUB queue 100 unbounded\r\nPUB one\r\nPUB the last line needs no end");
    client.stream.get_ref().shutdown(Shutdown::Write).unwrap();
    let (events, replies): (Vec<_>, Vec<_>) =
        client.rest().into_iter().partition(|line| line.starts_with('E'));
    assert_eq!(replies, ["OK 1", "OK 1", "OK 2"]);
    let last = "EVENT 2 the last line needs no end";
    assert_eq!(events, ["EVENT 1 one", last, "END cancelled"]);
    assert_eq!(example.client().ask("CANCEL 1"), "ERR there is no such subscription");
}

#[test]
fn a_connection_that_is_reset_takes_its_subscription_with_it() {
    let example = Example::start();
    let (stuck, id) = example.slow_client("block 4 100ms");
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(id);
    // To close a socket with unread input resets it.
    drop(stuck);
    assert_eq!(publisher.publish_at_last(), last + 1);
    assert_eq!(publisher.ask(&format!("CANCEL {id}")), "ERR there is no such subscription");
}

#[test]
fn a_client_that_is_killed_takes_its_subscription_with_it() {
    let example = Example::start();
    let (ip, port) = (example.address.ip().to_string(), example.address.port().to_string());
    let mut command = Command::new("nc");
    command.args(["-I", "4096", &ip, &port]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut nc = match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: nc is not installed");
            return;
        }
        nc => nc.unwrap(),
    };
    nc.stdin.as_mut().unwrap().write_all(b"SUB block 4 100ms\n").unwrap();
    let mut reply = [0; 5];
    nc.stdout.as_mut().unwrap().read_exact(&mut reply).unwrap();
    assert_eq!(reply, *b"OK 1\n");
    // What it cannot print it does not read.
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(1);
    nc.kill().unwrap();
    nc.wait().unwrap();
    assert_eq!(publisher.publish_at_last(), last + 1);
    assert_eq!(publisher.ask("CANCEL 1"), "ERR there is no such subscription");
}

#[test]
fn commands_may_come_byte_by_byte() {
    let example = Example::start();
    let mut client = example.client();
    for byte in "SUB block 8 1s\r\nPUB grüße\nCANCEL 1\nQUIT\n".bytes() {
        client.send([byte]);
    }
    let (events, replies): (Vec<_>, Vec<_>) =
        client.rest().into_iter().partition(|line| line.starts_with('E'));
    assert_eq!(replies, ["OK 1", "OK 1", "OK", "OK"]);
    assert_eq!(events, ["EVENT 1 grüße", "END cancelled"]);
}

#[test]
fn anybody_may_cancel_and_the_client_may_subscribe_again() {
    let example = Example::start();
    let (mut client, mut other) = (example.client(), example.client());
    assert_eq!(client.subscribe("drop-newest 1"), 1);
    assert_eq!(client.ask("SUB drop-newest 1"), "ERR subscribed already, as 1");
    assert_eq!(other.ask("CANCEL 1"), "OK");
    assert_eq!(client.told(), Told::End("cancelled".into()));
    assert_eq!(other.ask("CANCEL 1"), "ERR there is no such subscription");
    assert_eq!(client.subscribe("drop-newest 1"), 2);
    assert_eq!(other.ask("PUB "), "OK 1");
    assert_eq!(client.told(), Told::Event(1, String::new()));
}

#[test]
fn garbage_is_answered_and_the_client_may_go_on() {
    let commands = "ERR the commands are SUB, PUB, CANCEL and QUIT";
    let policies = "ERR the policies are block COUNT TIME, drop-newest COUNT, drop-oldest COUNT, \
                    queue COUNT BYTES and disconnect COUNT TIME";
    let number = "ERR this is not a number, or it is too small or too large";
    let cases: [(&[u8], &str); 26] = [
        (b"", commands),
        (b"\r", commands),
        (b" ", commands),
        (b"\0\x01\x02", commands),
        (b"sub block 1 1s", commands),
        (b"SUBblock 1 1s", commands),
        (b"QUIT now", commands),
        (b"\xff\xfe", "ERR the line is not UTF-8"),
        (b"PUB \xc3", "ERR the line is not UTF-8"),
        (b"SUB", policies),
        (b"SUB block 1", policies),
        (b"SUB block 1 1s ", policies),
        (b"SUB  block 1 1s", policies),
        (b"SUB drop-newest", policies),
        (b"SUB drop-newest 0", number),
        (b"SUB drop-newest -1", number),
        (b"SUB drop-newest 99999999999999999999", number),
        (b"SUB drop-oldest 65537", "ERR at most 65536 events are kept"),
        (b"SUB queue 1 mb", number),
        (b"SUB queue 1 1gb", number),
        (b"SUB block 1 5", "ERR a time ends in s or ms"),
        (b"SUB block 1 s", number),
        (b"SUB disconnect 1 61s", "ERR a time is at most 60s"),
        (b"SUB disconnect 1 18446744073709551615ms", "ERR a time is at most 60s"),
        (b"CANCEL", "ERR there is no such subscription"),
        (b"CANCEL one", "ERR there is no such subscription"),
    ];
    let example = Example::start();
    let mut client = example.client();
    println!("{} lines", cases.len());
    for (line, reply) in cases {
        client.send([line, b"\n"].concat());
        assert_eq!(client.line(), reply, "{}", line.escape_ascii());
    }
    assert_eq!(client.ask(&format!("PUB {}", "x".repeat(8188))), "OK 1");
    client.send(format!("PUB {}\nPUB y\n", "x".repeat(8189)));
    assert_eq!(client.rest(), ["ERR the line has more than 8192 bytes"]);
}

#[test]
fn a_line_without_end_is_cut_off_and_takes_no_memory() {
    let example = Example::start();
    let mut client = example.client();
    client.subscribe("drop-newest 1");
    let start = Instant::now();
    while client.stream.get_mut().write_all(&[b'x'; 64 << 10]).is_ok() {
        assert!(start.elapsed() < PATIENCE, "it is read for ever");
    }
    assert_eq!(client.line(), "ERR the line has more than 8192 bytes");
    assert_eq!(client.line(), "END cancelled");
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{}/status", example.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        assert!(kilobytes < 64 << 10, "{kilobytes} kB");
    }
}

#[test]
fn an_interrupt_lets_clients_read_the_rest_and_reports_who_did_not() {
    let example = Example::start();
    let (_stuck, id) = example.slow_client("queue unbounded unbounded");
    let mut healthy = example.client();
    let own = healthy.subscribe("queue unbounded unbounded");
    let mut publisher = example.client();
    for _ in 0..MANY {
        assert!(publisher.ask(&large()).starts_with("OK"));
    }
    let address = example.address;
    let interrupt = thread::spawn(|| example.interrupt());
    healthy.hears(1..=MANY);
    assert_eq!(healthy.told(), Told::End("shutdown".into()));
    assert_eq!(publisher.ask("PUB too late"), "ERR the server has been shut down");
    assert_eq!(publisher.ask("SUB drop-newest 1"), "ERR the server has been shut down");
    assert!(TcpStream::connect(address).is_err(), "nobody is accepted any more");
    assert_eq!(publisher.rest(), [""; 0]);
    assert_eq!(healthy.rest(), [""; 0]);

    let (report, status) = interrupt.join().unwrap();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], format!("subscriber {own}: Drained, 0 events not read"));
    let rest = lines[1].strip_prefix(&format!("subscriber {id}: Aborted, ")).unwrap();
    let unread: u64 = rest.strip_suffix(" events not read").unwrap().parse().unwrap();
    assert!((1..MANY).contains(&unread), "{report}");
    assert_eq!(lines.len(), 2);
    assert!(status.success());
}

#[test]
fn an_address_that_cannot_be_had_is_an_error() {
    let example = Example::start();
    let taken = example.address.to_string();
    for (address, error) in [
        (taken.as_str(), "Address already in use (os error 98)"),
        ("localhost", "invalid socket address syntax"),
    ] {
        let output = Command::new(pubsub_tcp()).arg(address).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("pubsub_tcp: {error}\n"));
        assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)));
    }
}
