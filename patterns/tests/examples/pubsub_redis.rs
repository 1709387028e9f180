//! The example `pubsub_redis`, whose connection is cut, whose server is killed, and whose stream loses
//! entries.
//!
//! Changes of the stream while the example is away are made in the transaction that cuts its
//! connection, so that it cannot come back before.

use std::env::{self, consts::EXE_SUFFIX};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::process::{PATIENCE, Running};
use crate::redis_server::Redis;
use crate::text::Random;

/// The example, killed when this is dropped.
struct Example {
    child: Child,
    stderr: BufReader<ChildStderr>,
    address: String,
    after: String,
}

impl Example {
    fn start(redis: &Redis) -> Self {
        let test = env::current_exe().unwrap();
        let target = test.ancestors().nth(2).unwrap();
        let path = target.join("examples").join(format!("pubsub_redis{EXE_SUFFIX}"));
        assert!(path.exists(), "{} is not there: `cargo build --examples`", path.display());
        let mut command = Command::new(path);
        command.args([&redis.address(), "news", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let (address, after) =
            line.trim().strip_prefix("listening on ").unwrap().split_once(", after ").unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stderr, address: address.to_owned(), after: after.to_owned() }
    }

    fn subscribe(&self) -> Subscriber {
        let socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut subscriber = Subscriber(BufReader::new(socket));
        assert_eq!(subscriber.line(), "SUBSCRIBED");
        subscriber
    }

    /// Reads a message.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Subscriber(BufReader<TcpStream>);

impl Subscriber {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    #[track_caller]
    fn receives(&mut self, lines: &[&str]) {
        for expected in lines {
            assert_eq!(self.line(), *expected);
        }
    }

    /// Reads events and gaps up to the event with this id.
    fn up_to(&mut self, id: &str) -> Read {
        let mut read = Read::default();
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["GAP", missed] => {
                    let missed: u64 = missed.parse().unwrap();
                    assert!(missed > 0, "{line}");
                    read.missed += missed;
                }
                ["EVENT", _, this, ..] => {
                    read.ids.push(this.to_owned());
                    if this == id {
                        return read;
                    }
                }
                _ => panic!("{line:?}"),
            }
        }
    }
}

#[derive(Default)]
struct Read {
    ids: Vec<String>,
    missed: u64,
}

fn add(id: u64) -> String {
    format!("XADD news {id}-0 text {id}")
}

/// Adds entries with these ids at one moment.
fn add_all(redis: &Redis, ids: std::ops::RangeInclusive<u64>) {
    let commands: Vec<String> = ids.map(add).collect();
    redis.at_once(&Vec::from_iter(commands.iter().map(|it| &**it)));
}

#[test]
fn the_header_shows_the_real_output() {
    let Some(redis) = Redis::start() else { return };
    let source = include_str!("../../examples/pubsub_redis/main.rs");
    let lines = source.lines().filter_map(|line| line.strip_prefix("//! "));
    let shown: Vec<&str> = lines.skip_while(|line| *line != "SUBSCRIBED").collect();
    let [_, adds, shown @ ..] = &shown[..] else { panic!("{shown:?}") };
    assert!(adds.ends_with(r#"XADD news $id-0 text "hello, $id" >/dev/null; done"#), "{adds}");
    let example = Example::start(&redis);
    assert_eq!(example.after, "0-0");
    let mut subscriber = example.subscribe();
    for id in 1..=5 {
        redis.ask(&format!("XADD news {id}-0 text hello,\t{id}"));
        assert_eq!(subscriber.line(), shown[id - 1]);
    }
    assert_eq!(shown[5], "```");
}

#[test]
fn every_subscriber_receives_what_is_added_after_it_came() {
    let Some(redis) = Redis::start() else { return };
    add_all(&redis, 1..=2);
    let example = Example::start(&redis);
    assert_eq!(example.after, "2-0");
    let mut early = example.subscribe();
    redis.ask(&add(3));
    early.receives(&["EVENT 1 3-0 text 3"]);
    let mut late = example.subscribe();
    redis.ask("XADD news 4-0 a b\n c \u{e4}");
    for subscriber in [&mut early, &mut late] {
        subscriber.receives(&["EVENT 2 4-0 a b\\n c ä"]);
    }
}

#[test]
fn a_cut_loses_nothing() {
    let Some(redis) = Redis::start() else { return };
    let mut example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.ask(&add(1));
    subscriber.receives(&["EVENT 1 1-0 text 1"]);
    redis.cut_and(&[&add(2), &add(3)]);
    subscriber.receives(&["EVENT 2 2-0 text 2", "EVENT 3 3-0 text 3"]);
    assert!(example.says().ends_with("trying again\n"));
    redis.ask(&add(4));
    subscriber.receives(&["EVENT 4 4-0 text 4"]);
}

#[test]
fn a_redis_that_is_killed_and_started_again_loses_nothing() {
    let Some(mut redis) = Redis::start() else { return };
    add_all(&redis, 1..=10);
    redis.ask("XTRIM news MAXLEN 5");
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.ask(&add(11));
    subscriber.receives(&["EVENT 1 11-0 text 11"]);
    redis.restart();
    redis.ask(&add(12));
    redis.at_once(&[&add(13), &add(14), "XTRIM news MAXLEN 1"]);
    let read = subscriber.up_to("14-0");
    // It may have read 12 before 13 was removed.
    assert!(matches!((&*read.ids[0], read.missed), ("12-0", 1) | ("14-0", 2)), "{:?}", read.ids);
}

#[test]
fn what_was_trimmed_during_a_cut_is_a_gap() {
    let Some(redis) = Redis::start() else { return };
    let example = Example::start(&redis);
    let mut subscribers = [example.subscribe(), example.subscribe()];
    redis.ask(&add(1));
    subscribers.iter_mut().for_each(|it| it.receives(&["EVENT 1 1-0 text 1"]));
    redis.cut_and(&[&add(2), &add(3), &add(4), &add(5), "XTRIM news MAXLEN 2"]);
    for subscriber in &mut subscribers {
        subscriber.receives(&["GAP 2", "EVENT 4 4-0 text 4", "EVENT 5 5-0 text 5"]);
    }
    // All of it, the last one included.
    redis.cut_and(&[&add(6), &add(7), "XTRIM news MAXLEN 0"]);
    subscribers.iter_mut().for_each(|it| it.receives(&["GAP 2"]));
    redis.ask(&add(8));
    subscribers.iter_mut().for_each(|it| it.receives(&["EVENT 8 8-0 text 8"]));
}

#[test]
fn what_is_trimmed_before_it_is_read_is_a_gap_without_a_cut() {
    let Some(redis) = Redis::start() else { return };
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.at_once(&[&add(1), &add(2), &add(3), "XADD news MAXLEN 2 4-0 text 4"]);
    subscriber.receives(&["GAP 2", "EVENT 3 3-0 text 3", "EVENT 4 4-0 text 4"]);
}

#[test]
fn entries_that_are_removed_one_by_one_are_counted() {
    let Some(redis) = Redis::start() else { return };
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.at_once(&[&add(1), &add(2), &add(3), &add(4), "XDEL news 2-0 4-0"]);
    let events = ["EVENT 3 1-0 text 1", "EVENT 4 3-0 text 3", "EVENT 5 5-0 text 5"];
    subscriber.receives(&["GAP 2", events[0], events[1]]);
    redis.ask(&add(5));
    subscriber.receives(&[events[2]]);
}

#[test]
fn what_is_no_stream_is_an_error() {
    let Some(redis) = Redis::start() else { return };
    let run = |args: &[&str]| Running::start("pubsub_redis", args, &[]).end();
    redis.ask("SET news text");
    let ended = run(&[&redis.address(), "news", "127.0.0.1:0"]);
    let error = "WRONGTYPE Operation against a key holding the wrong kind of value";
    assert_eq!(ended.stderr, [format!("pubsub_redis: redis: {error}")]);
    assert_eq!(ended.code, Some(1));
    let ended = run(&["/nowhere/socket", "news"]);
    assert!(ended.said("redis: No such file or directory (os error 2)"), "{:?}", ended.stderr);
    assert_eq!((ended.code, run(&["news"]).code), (Some(1), Some(2)));
}

/// More than are read at once, so that the first of them are published before the last are read.
#[test]
fn a_long_absence_has_one_gap() {
    let Some(redis) = Redis::start() else { return };
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.ask(&add(1));
    subscriber.receives(&["EVENT 1 1-0 text 1"]);
    let added: Vec<String> = (2..=451).map(add).collect();
    let mut commands = Vec::from_iter(added.iter().map(|it| &**it));
    commands.push("XTRIM news MAXLEN 430");
    redis.cut_and(&commands);
    assert_eq!(subscriber.line(), "GAP 20");
    for id in 22..=451 {
        assert_eq!(subscriber.line(), format!("EVENT {id} {id}-0 text {id}"));
    }
}

#[test]
fn a_stream_that_was_made_anew_is_read_from_its_beginning() {
    let Some(redis) = Redis::start() else { return };
    add_all(&redis, 1..=5);
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    redis.ask(&add(6));
    subscriber.receives(&["EVENT 1 6-0 text 6"]);
    redis.at_once(&["DEL news", &add(1), &add(2)]);
    subscriber.receives(&["EVENT 2 1-0 text 1", "EVENT 3 2-0 text 2"]);
    redis.cut_and(&["DEL news"]);
    redis.ask(&add(7));
    subscriber.receives(&["EVENT 4 7-0 text 7"]);
}

/// Adds, removes and cuts at random: each entry is an event, or is counted as missed, and the events are
/// in order.
#[test]
fn events_and_gaps_add_up() {
    let rounds = if env::var_os("PUSHDOWN_LONG").is_some() { 5000 } else { 150 };
    let Some(redis) = Redis::start() else { return };
    let mut random = Random::new(7);
    let mut next = |below| random.below(below);
    add_all(&redis, 1..=7);
    redis.ask("XDEL news 3-0 7-0");
    let example = Example::start(&redis);
    let mut subscriber = example.subscribe();
    let (mut added, mut events, mut missed, mut cuts) = (7_u64, 0, 0, 0);
    for _ in 0..rounds {
        let mut commands = Vec::new();
        let most = if next(8) == 0 { 300 } else { 8 };
        for _ in 0..next(most) {
            added += 1;
            commands.push(add(added));
        }
        for _ in 0..next(4) {
            commands.push(format!("XDEL news {}-0", added + 1 - next(20).min(added)));
        }
        if next(2) == 0 {
            commands.push(format!("XTRIM news MAXLEN {}", next(200)));
        }
        // The last one stays, so that the subscriber knows where the round ends.
        added += 1;
        commands.push(add(added));
        let commands = Vec::from_iter(commands.iter().map(|it| &**it));
        if next(6) == 0 {
            cuts += 1;
            redis.cut_and(&commands);
        } else {
            redis.at_once(&commands);
        }
        let read = subscriber.up_to(&format!("{added}-0"));
        let number = |id: &String| id.strip_suffix("-0").unwrap().parse::<u64>().unwrap();
        assert!(read.ids.is_sorted_by_key(number), "{:?}", read.ids);
        (events, missed) = (events + read.ids.len() as u64, missed + read.missed);
        assert_eq!(events + missed, added - 7, "{:?}", read.ids);
    }
    assert!(missed > 0 && events > 0 && cuts > 0);
    println!("{rounds} rounds with {cuts} cuts: {events} events, {missed} missed");
}
