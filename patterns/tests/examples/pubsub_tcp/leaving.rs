//! Clients that leave: after `QUIT`, with a half-close, by a reset.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::process::{Command, Stdio};

use super::server::{Example, large};

#[test]
fn input_after_quit_does_not_cost_the_client_its_unread_events() {
    let example = Example::start_patient();
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
fn after_a_half_close_come_the_published_events_and_then_the_end() {
    let example = Example::start_patient();
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
fn a_reset_connection_ends_its_subscription() {
    let example = Example::start();
    let (stuck, id) = example.slow_client("block 4 100ms");
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(id);
    // Closing a socket with unread input resets the connection.
    drop(stuck);
    assert_eq!(publisher.publish_at_last(), last + 1);
    assert_eq!(publisher.ask(&format!("CANCEL {id}")), "ERR there is no such subscription");
}

#[test]
fn a_killed_client_ends_its_subscription() {
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
    // `nc` does not read what it cannot print.
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(1);
    nc.kill().unwrap();
    nc.wait().unwrap();
    assert_eq!(publisher.publish_at_last(), last + 1);
    assert_eq!(publisher.ask("CANCEL 1"), "ERR there is no such subscription");
}
