//! The session in the example's header, with `nc`.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::HANG;
use super::server::Example;

#[test]
fn the_session_in_the_header_goes_as_it_says() {
    let source = include_str!("../../../examples/pubsub_tcp/main.rs");
    let lines = source.lines().map(|line| line.trim_start_matches("//!").trim_start());
    let mut session = lines.skip_while(|line| !line.starts_with("$ nc"));
    let nc = session.next().unwrap().split(' ').nth(1).unwrap();

    let example = Example::start();
    let (ip, port) = (example.address.ip().to_string(), example.address.port().to_string());
    let mut command = Command::new(nc);
    // So that a connection that is not closed fails the test instead of hanging it.
    command.args(["-w", &HANG.as_secs().to_string()]).args([ip, port]);
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
    // `nc` ends when both sides have said everything.
    let start = Instant::now();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    assert!(start.elapsed() < HANG, "the server did not close the connection");
    assert!(nc.wait().unwrap().success());

    example.interrupt();
    let (report, status) = example.report();
    assert_eq!(report.trim_end(), session.next().unwrap());
    assert!(status.success());
}
