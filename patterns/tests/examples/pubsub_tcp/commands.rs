//! Commands, replies and events.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::Instant;

use super::HANG;
use super::server::{Client, Example, Told, number};

#[test]
fn all_clients_hear_everything_in_one_order() {
    const EACH: u64 = 200;
    let example = Example::start();
    let policies = ["block 8 60s", "block 1 60s", "queue unbounded unbounded", "drop-oldest 65536"];
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
fn commands_may_come_byte_by_byte() {
    let example = Example::start_patient();
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
fn any_client_may_cancel_and_the_subscriber_may_subscribe_again() {
    let example = Example::start();
    let (mut client, mut other) = (example.client(), example.client());
    assert_eq!(client.subscribe("drop-newest 1"), 1);
    assert_eq!(client.ask("SUB drop-newest 1"), "ERR already subscribed, as 1");
    assert_eq!(other.ask("CANCEL 1"), "OK");
    assert_eq!(client.told(), Told::End("cancelled".into()));
    assert_eq!(other.ask("CANCEL 1"), "ERR there is no such subscription");
    assert_eq!(client.subscribe("drop-newest 1"), 2);
    assert_eq!(other.ask("PUB "), "OK 1");
    assert_eq!(client.told(), Told::Event(1, String::new()));
}

#[test]
fn invalid_commands_are_answered_and_the_client_may_go_on() {
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
fn a_line_without_an_end_is_cut_off_and_takes_no_memory() {
    let example = Example::start();
    let mut client = example.client();
    client.subscribe("drop-newest 1");
    let start = Instant::now();
    while client.stream.get_mut().write_all(&[b'x'; 64 << 10]).is_ok() {
        assert!(start.elapsed() < HANG, "the server reads it forever");
    }
    assert_eq!(client.line(), "ERR the line has more than 8192 bytes");
    assert_eq!(client.line(), "END cancelled");
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{}/status", example.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        assert!(kilobytes < 64 << 10, "{kilobytes} kB");
    }
}
