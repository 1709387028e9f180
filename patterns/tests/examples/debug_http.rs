//! The example `debug_http`, used as a reader would use it.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

struct Example {
    child: Child,
    address: String,
}

impl Example {
    fn start() -> Self {
        let test = env::current_exe().unwrap();
        let path = test.ancestors().nth(2).unwrap().join("examples/debug_http");
        assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
        let mut command = Command::new(path);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("http://").unwrap().strip_suffix("/waiting").unwrap();
        Self { address: address.to_owned(), child }
    }

    fn ask(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Requests the list until the work of the example is under way.
    fn list(&self) -> String {
        let start = Instant::now();
        loop {
            let answer = self.ask(b"GET /waiting HTTP/1.1\r\nHost: localhost\r\n\r\n");
            if answer.matches("waits for a call").count() == 2 {
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

/// Removes the times, which differ from run to run.
fn words(list: &str) -> Vec<&str> {
    list.lines().map(|line| line.split(" since").next().unwrap()).collect()
}

#[test]
fn the_list_is_the_one_in_the_header_of_the_example() {
    let example = Example::start();
    let answer = example.list();
    let (head, list) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("content-length: {}\r\n", list.len())), "{head}");
    let source = include_str!("../../examples/debug_http.rs");
    let shown = source.lines().skip_while(|line| !line.starts_with("//! $ curl")).skip(1);
    let shown: Vec<&str> = shown.map_while(|line| line.strip_prefix("//! ")).collect();
    assert_eq!(words(list), words(&shown[..shown.len() - 1].join("\n")));
}

#[test]
fn a_signal_prints_the_list() {
    let mut example = Example::start();
    let expected = example.list();
    let pid = example.child.id().to_string();
    assert!(Command::new("kill").args(["-s", "QUIT", &pid]).status().unwrap().success());
    let printed = BufReader::new(example.child.stderr.take().unwrap()).lines();
    let printed: Vec<String> = printed.take(7).map(Result::unwrap).collect();
    let (_, list) = expected.split_once("\r\n\r\n").unwrap();
    assert_eq!(words(&printed.join("\n")), words(list));
}

#[test]
fn other_requests_get_an_error() {
    let example = Example::start();
    // One byte above the limit, so that all of it is read before the answer.
    let long = [b"GET /", &[b'x'; (8 << 10) + 1 - b"GET /".len()][..]].concat();
    let requests: [(&[u8], &str); 5] = [
        (b"GET / HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /waiting HTTP/1.1\r\n", "400 Bad Request"),
        (b"GET /waiting\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01", "400 Bad Request"),
        (&long, "400 Bad Request"),
    ];
    println!("{} requests", requests.len());
    for (request, status) in requests {
        let answer = example.ask(request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
    }
}
