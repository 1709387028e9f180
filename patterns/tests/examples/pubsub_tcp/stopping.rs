//! Stopping the server, and addresses on which it cannot start.

use std::net::TcpStream;
use std::process::Command;

use super::server::{Example, MANY, Told, large, path};

#[test]
fn an_interrupt_lets_clients_read_the_rest_and_a_second_one_aborts_those_that_do_not() {
    let example = Example::start_patient();
    let (stuck, id) = example.slow_client("queue unbounded unbounded");
    let mut healthy = example.client();
    let own = healthy.subscribe("queue unbounded unbounded");
    let mut publisher = example.client();
    for _ in 0..MANY {
        assert!(publisher.ask(&large()).starts_with("OK"));
    }
    example.interrupt();
    healthy.hears(1..=MANY);
    assert_eq!(healthy.told(), Told::End("shutdown".into()));
    assert_eq!(publisher.ask("PUB too late"), "ERR the server has been shut down");
    assert_eq!(publisher.ask("SUB drop-newest 1"), "ERR the server has been shut down");
    assert!(TcpStream::connect(example.address).is_err(), "no connection is accepted any more");

    example.interrupt();
    assert_eq!(publisher.rest(), [""; 0]);
    assert_eq!(healthy.rest(), [""; 0]);
    // The server waits for its clients to close, for a time.
    drop((stuck, healthy, publisher));
    let (report, status) = example.report();
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[0], format!("subscriber {own}: Drained, 0 events not read"));
    let rest = lines[1].strip_prefix(&format!("subscriber {id}: Aborted, ")).unwrap();
    let unread: u64 = rest.strip_suffix(" events not read").unwrap().parse().unwrap();
    assert!((1..MANY).contains(&unread), "{report}");
    assert_eq!(lines.len(), 2);
    assert!(status.success());
}

#[test]
fn a_client_that_does_not_read_is_aborted_when_its_time_is_over() {
    let example = Example::start();
    let (_stuck, id) = example.slow_client("queue unbounded unbounded");
    let mut publisher = example.client();
    for _ in 0..MANY {
        assert!(publisher.ask(&large()).starts_with("OK"));
    }
    example.interrupt();
    let (report, status) = example.report();
    assert!(report.starts_with(&format!("subscriber {id}: Aborted, ")), "{report}");
    assert!(status.success());
}

/// The server once listened for interrupts anew after each client, and lost those in between.
#[test]
fn an_interrupt_that_arrives_while_clients_leave_is_not_lost() {
    let example = Example::start();
    let clients: Vec<_> = (0..100).map(|_| example.client()).collect();
    example.client().ask("QUIT");
    drop(clients);
    example.interrupt();
    let (report, status) = example.report();
    assert_eq!(report, "no subscription left\n");
    assert!(status.success());
}

#[test]
fn an_unusable_address_is_an_error() {
    let example = Example::start();
    let taken = example.address.to_string();
    for (address, error) in [
        (taken.as_str(), "Address already in use (os error 98)"),
        ("localhost", "invalid socket address syntax"),
    ] {
        let output = Command::new(path()).arg(address).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("pubsub_tcp: {error}\n"));
        assert_eq!((output.stdout.len(), output.status.code()), (0, Some(1)));
    }
}
