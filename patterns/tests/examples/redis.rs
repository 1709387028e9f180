//! The example `redis`, with a real redis-server.

use std::env;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::common::Server;

/// Runs the example with this input.
fn run(args: &[&str], input: &str) -> Output {
    let test = env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/redis");
    assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
    let mut child = Command::new(path)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // From another thread, since the example prints while it reads.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn stdout(output: &Output) -> &str {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).unwrap()
}

/// The input that the header of the example shows, and the lines that come of it.
fn shown() -> (String, Vec<&'static str>) {
    let source = include_str!("../../examples/redis.rs");
    let block = source.split("//! ```").nth(1).unwrap();
    let mut lines = block.lines().skip(1).map(|line| line.trim_start_matches("//!").trim_start());
    let input = lines.next().unwrap().split('\'').nth(1).unwrap().replace("\\n", "\n");
    let lines = lines.skip(1).take_while(|line| !line.starts_with('$'));
    (input, lines.collect())
}

#[tokio::test]
async fn commands_are_answered_in_order_as_the_header_shows() {
    let Some(server) = Server::redis().await else { return };
    let (input, replies) = shown();
    let output = run(&[server.socket().to_str().unwrap()], &input);
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), replies);
    assert_eq!(replies.len(), 4);
}

#[tokio::test]
async fn many_commands_are_in_flight_at_once_and_their_replies_stay_in_order() {
    const COMMANDS: usize = 5_000;
    let Some(server) = Server::redis().await else { return };
    let input = "INCR number\n\n".repeat(COMMANDS);
    let output = run(&[server.socket().to_str().unwrap()], &input);
    let numbers = stdout(&output).lines().map(|line| line.parse::<usize>().unwrap());
    assert!(numbers.eq(1..=COMMANDS));
}

#[tokio::test]
async fn a_wrong_command_or_a_server_that_is_not_there_is_an_error() {
    let output = run(&["/no/such/socket"], "PING\n");
    assert!(!output.status.success() && !output.stderr.is_empty());
    let Some(server) = Server::redis().await else { return };
    let output = run(&[server.socket().to_str().unwrap()], "MONITOR\n");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Replies"));
}

/// The figures depend on the machine, the form of the lines does not.
#[tokio::test]
async fn it_measures_itself_with_each_number_of_callers() {
    let Some(server) = Server::redis().await else { return };
    let output = run(&[server.socket().to_str().unwrap(), "--measure", "PING"], "");
    let callers = stdout(&output).lines().map(|line| line.split_whitespace().next().unwrap());
    assert_eq!(callers.collect::<Vec<_>>(), ["1", "64", "1024"]);
    assert!(stdout(&output).lines().all(|line| line.ends_with("µs a call")));
}
