//! Clients that do not read.

use std::io::Write;
use std::time::{Duration, Instant};

use super::HANG;
use super::server::{Example, MANY, Told, large, no_room, number};

/// The time for which the stuck client lets publishers wait.
const LIMIT: Duration = Duration::from_millis(200);

#[test]
fn a_stuck_client_that_blocks_makes_publishers_wait_for_its_limit_and_loses_no_event() {
    let example = Example::start();
    let (mut stuck, id) = example.slow_client(&format!("block 4 {}ms", LIMIT.as_millis()));
    let (mut healthy, mut publisher) = (example.client(), example.client());
    healthy.subscribe("queue unbounded unbounded");
    let mut last = publisher.publish_until_stuck(id);
    // A server that gets no processor time refuses a publisher before the kernel's buffers are full.
    // Then there is still room for some more.
    let waited = loop {
        let start = Instant::now();
        let reply = publisher.ask(&large());
        if reply == no_room(id) {
            break start.elapsed();
        }
        last = number(&reply);
    };
    assert!(waited >= LIMIT);
    healthy.hears(1..=last);

    assert_eq!(publisher.ask(&format!("CANCEL {id}")), "OK");
    assert_eq!(number(&publisher.ask("PUB x")), last + 1);
    healthy.hears(last + 1..=last + 1);
    stuck.hears(1..=last);
    assert_eq!(stuck.told(), Told::End("cancelled".into()));
}

/// Returns what a client is told that reads only after everything was published.
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
                assert_eq!(seq, count + 1, "{policy}: a gap is in its place");
                count = seq;
            }
            Told::Gap(missed) => count += missed,
            Told::End(_) => {}
        }
        told.push(next);
    }
    assert!(
        told.iter().any(|told| matches!(told, Told::Gap(1..))),
        "{policy}: the client was stuck"
    );
    told
}

#[test]
fn a_stuck_client_misses_events_under_policies_that_drop() {
    let newest = stuck("drop-newest 4");
    assert!(matches!(newest[..], [.., Told::Event(..), Told::Gap(_)]));
    let oldest = stuck("drop-oldest 4");
    let missed = oldest.iter().rposition(|told| matches!(told, Told::Gap(_))).unwrap();
    assert_eq!(oldest.len(), missed + 1 + 4);
    let in_its_grace = stuck("disconnect 4 60s");
    assert!(matches!(in_its_grace[..], [.., Told::Event(..), Told::Gap(_)]));
}

#[test]
fn a_stuck_client_is_disconnected_under_policies_that_disconnect() {
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
    const COMMANDS: usize = 60;
    let example = Example::start();
    let (mut client, id) = example.slow_client("block 1 20ms");
    let mut other = example.client();
    let witness = other.subscribe("drop-newest 1");
    for _ in 0..COMMANDS {
        client.send(format!("{}\n", large()));
    }
    // Commands are obeyed in order, so the end of the other subscription says that all of them were
    // answered. The client has read nothing so far, and the kernel cannot buffer everything for it.
    client.send(format!("CANCEL {witness}\n"));
    while !matches!(other.told(), Told::End(_)) {}
    assert_eq!(other.ask("PUB from another"), no_room(id));

    let (mut published, mut refused, mut own, mut cancelled) = (0, 0, 0, 0);
    while published + refused < COMMANDS || own < published || cancelled == 0 {
        let line = client.line();
        match line.split(' ').next().unwrap() {
            "OK" if line == "OK" => cancelled += 1,
            "OK" => published += 1,
            "ERR" => {
                assert_eq!(line, no_room(id));
                refused += 1;
            }
            _ => own += 1,
        }
    }
    assert!(published > 0 && refused > 0 && own == published, "{published} {refused} {own}");
    assert!(other.ask("PUB x").starts_with("OK"));
}

#[test]
fn commands_of_a_client_that_does_not_read_are_obeyed() {
    let example = Example::start();
    let (mut stuck, id) = example.slow_client("block 4 100ms");
    let mut publisher = example.client();
    let last = publisher.publish_until_stuck(id);
    stuck.send(format!("CANCEL {id}\n"));
    assert_eq!(publisher.publish_at_last(), last + 1);
}

#[test]
fn a_client_that_reads_no_replies_holds_up_only_itself() {
    let example = Example::start();
    let mut deaf = example.client();
    // After this pause the server is taken to obey no more. If it was only slow, the rest holds too.
    deaf.stream.get_ref().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let commands = "PUB x\n".repeat(10_000);
    let start = Instant::now();
    while deaf.stream.get_mut().write_all(commands.as_bytes()).is_ok() {
        assert!(start.elapsed() < HANG, "the server obeys forever");
    }
    assert!(example.client().ask("PUB y").starts_with("OK"));
    assert!(deaf.line().starts_with("OK"));
}
