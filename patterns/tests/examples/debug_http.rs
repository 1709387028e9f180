//! The example `debug_http`, used as a reader would use it.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Example {
    child: Child,
    address: String,
}

impl Example {
    fn start() -> Self {
        Self::start_with(Command::new)
    }

    fn start_deadlock() -> Self {
        Self::start_with(|path| {
            let mut command = Command::new(path);
            command.args(["127.0.0.1:0", "deadlock"]);
            command
        })
    }

    /// Starts the example with the command that is made of its path.
    fn start_with(command: impl Fn(PathBuf) -> Command) -> Self {
        let test = env::current_exe().unwrap();
        let path = test.ancestors().nth(2).unwrap().join("examples/debug_http");
        assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
        let mut child =
            command(path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("http://").unwrap().strip_suffix("/debug/waiting").unwrap();
        Self { address: address.to_owned(), child }
    }

    fn ask(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Requests the page of this query as a browser does. Returns the head and the page.
    fn page(&self, query: &str) -> (String, String) {
        let accept = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let request = format!("GET /debug/waiting{query} HTTP/1.1\r\nHost: x\r\n{accept}\r\n\r\n");
        let answer = self.ask(request.as_bytes());
        let (head, page) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), page.to_owned())
    }

    /// Requests the list until the work of the example is under way: the list is then the one in its
    /// header.
    fn list(&self) -> String {
        let (start, shown) = (Instant::now(), shown());
        loop {
            let answer = self.ask(b"GET /debug/waiting HTTP/1.1\r\nHost: localhost\r\n\r\n");
            let list = answer.split_once("\r\n\r\n").map_or("", |(_, list)| list);
            if words(list) == words(&shown) {
                return answer;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{answer}");
        }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the list in the header of the example.
fn shown() -> String {
    let source = include_str!("../../examples/debug_http/main.rs");
    let shown = source.lines().skip_while(|line| !line.starts_with("//! $ curl")).skip(1);
    let mut shown: Vec<&str> = shown.map_while(|line| line.strip_prefix("//! ")).collect();
    assert_eq!(shown.pop(), Some("```"));
    shown.join("\n")
}

/// Removes the times, which differ from run to run.
fn words(list: &str) -> Vec<&str> {
    list.lines().map(|line| line.rsplit_once(" for ").map_or(line, |(words, _)| words)).collect()
}

#[test]
fn the_list_is_the_one_in_the_header_of_the_example() {
    let example = Example::start();
    let answer = example.list();
    let (head, list) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", list.len())), "{head}");
    assert_eq!(words(list), words(&shown()));
}

#[test]
fn a_browser_is_given_a_page_and_text_if_it_asks_for_that() {
    let example = Example::start();
    let answer = example.list();
    let (_, list) = answer.split_once("\r\n\r\n").unwrap();
    let (head, page) = example.page("");
    assert!(head.contains("content-type: text/html; charset=utf-8\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", page.len())), "{head}");
    assert!(page.contains("<h1>7 waiting, 2 running</h1>"), "{page}");
    assert_eq!(page.matches("<tr role=\"row\" class").count(), list.lines().count() - 1);
    let (_, page) = example.page("?pattern=pubsub");
    assert_eq!(page.matches("<tr role=\"row\" class").count(), 2, "{page}");
    let (head, text) = example.page("?debug=1");
    assert!(head.contains("content-type: text/plain; charset=utf-8\r\n"), "{head}");
    assert_eq!(words(&text), words(list));
}

/// Every worker of the runtime is stuck, so only the server with a runtime of its own can answer.
#[test]
fn a_deadlock_of_a_thousand_waiters_is_one_group() {
    let example = Example::start_deadlock();
    let start = Instant::now();
    let is_stuck = |text: &str| text.starts_with("1002 waiting\n") && text.lines().count() == 3;
    while !is_stuck(&example.page("?debug=1").1) {
        assert!(start.elapsed() < Duration::from_secs(60), "{}", example.page("?debug=1").1);
    }
    let start = Instant::now();
    let (_, page) = example.page("");
    println!("the page took {:?}", start.elapsed());
    let rows: Vec<_> = page.split("<tr role=\"row\" class=\"waits\">").skip(1).collect();
    let [all, workers] = &rows[..] else { panic!("{page}") };
    assert!(all.contains("class=\"count\">1000<"), "{all}");
    assert!(workers.contains("class=\"count\">2<"), "{workers}");
    let cells = ["pubsub", "orders", "publish", "waits for room at subscriber 1"];
    assert!(cells.iter().all(|cell| all.contains(&format!("<bdi>{cell}</bdi>"))), "{all}");
}

#[test]
fn a_signal_prints_the_list() {
    let mut example = Example::start();
    let expected = example.list();
    let pid = example.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "QUIT", &pid]).status().unwrap().success());
    let (_, list) = expected.split_once("\r\n\r\n").unwrap();
    let printed = BufReader::new(example.child.stderr.take().unwrap()).lines();
    let printed: Vec<String> = printed.take(list.lines().count()).map(Result::unwrap).collect();
    assert_eq!(words(&printed.join("\n")), words(list));
}

#[test]
fn other_requests_get_an_error() {
    let example = Example::start();
    let long = [b"GET /", &[b'x'; 100_000][..]].concat();
    let requests: [(&[u8], &str); 8] = [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /debug/waiting HTTP/1.1\r\n\r\n", "405 Method Not Allowed\r\nallow: GET, HEAD"),
        (b"BREW /debug/waiting HTTP/1.1\r\n\r\na body", "405 Method Not Allowed"),
        (b"PUT /other HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"GET /debug/waiting\r\n\r\n", "400 Bad Request"),
        (b" /debug/waiting HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01", "400 Bad Request"),
        (&long, "400 Bad Request"),
    ];
    println!("{} requests", requests.len());
    for (request, status) in requests {
        let answer = example.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
    }
}

#[test]
fn head_gets_the_head_of_the_answer_to_get() {
    let example = Example::start();
    example.list();
    let answer = example.ask(b"HEAD /debug/waiting HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-length: ") && !head.contains("content-length: 0"), "{head}");
    assert_eq!(body, "");
}

/// Returns the number of open file descriptors of the example.
#[cfg(target_os = "linux")]
fn open(example: &Example) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", example.child.id())).unwrap().count()
}

/// The limit of the example is 16. The others wait in the system, and are served in their turn.
#[cfg(target_os = "linux")]
#[test]
fn idle_connections_beyond_the_limit_are_not_accepted() {
    let example = Example::start();
    example.list();
    let (start, before) = (Instant::now(), open(&example));
    let idle: Vec<TcpStream> =
        (0..64).map(|_| TcpStream::connect(&example.address).unwrap()).collect();
    // The last connection of the list may have counted as open at first.
    while open(&example) < before + 15 {
        assert!(start.elapsed() < Duration::from_secs(60), "{} are open", open(&example));
    }
    for _ in 0..1000 {
        assert!(open(&example) <= before + 16);
        std::thread::yield_now();
    }
    drop(idle);
    example.list();
}

/// With so few file descriptors that it cannot accept as many connections as it serves.
#[cfg(target_os = "linux")]
#[test]
fn a_lack_of_file_descriptors_ends_with_the_connections() {
    let mut example = Example::start_with(|path| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n 24 && exec \"$0\""]).arg(path);
        command
    });
    example.list();
    let idle: Vec<TcpStream> =
        (0..32).map(|_| TcpStream::connect(&example.address).unwrap()).collect();
    let mut line = String::new();
    let mut printed = BufReader::new(example.child.stderr.take().unwrap());
    printed.read_line(&mut line).unwrap();
    assert!(line.starts_with("no connection: "), "{line}");
    assert_eq!(example.child.try_wait().unwrap(), None, "it has ended");
    drop(idle);
    example.list();
}
