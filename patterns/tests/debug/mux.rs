//! The waits of a connection and its callers.

use std::num::NonZeroUsize;
use std::time::Duration;

use pushdown_patterns::debug::dump;
use pushdown_patterns::mux::{self, CallOptions, Mux, WhenFull, dns, reconnect};

use crate::{TURN, lines};

/// The line of a dump tells a slow server, a full queue of calls, a full quarantine and a blocked sink
/// from each other, although a caller is not polled when its call advances.
#[test]
fn calls_of_a_multiplexer_are_listed_with_what_holds_them_up() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let query = || dns::Message::new(vec![0; 12]).unwrap();
        let settle = || tokio::time::sleep(Duration::from_millis(1));
        let connect = |options: mux::Options, room: usize| {
            let (ours, theirs) = tokio::io::duplex(room);
            let (read, write) = tokio::io::split(ours);
            let (sink, stream) = dns::split(read, write);
            (Mux::spawn(dns::Dns, sink, stream, options).0, theirs)
        };
        let one = NonZeroUsize::MIN;

        let options = mux::Options::new().name("slow").in_flight(one);
        let (slow, _peer) = connect(options.when_full(WhenFull::Wait).quarantine(one), 512);
        let lost = tokio::spawn({
            let slow = slow.clone();
            async move { slow.call(query()).await.is_ok() }
        });
        let here = line!() - 2;
        settle().await;
        let idle = ["1 mux slow connection: runs", "1 mux slow connection: waits for messages"];
        let with = |more: &[String]| {
            let mut lines: Vec<_> = idle.iter().map(|line| (*line).to_owned()).collect();
            lines.extend_from_slice(more);
            lines.sort();
            lines
        };
        let sends = "1 mux slow connection: waits for something to send".to_owned();
        let replies = format!("1 mux slow call: waits for a reply, line {here}");
        assert_eq!(lines("slow"), with(&[sends, replies.clone()]));

        let queued = [(); 2].map(|()| {
            let slow = slow.clone();
            tokio::spawn(async move {
                let options = CallOptions::new().timeout(Duration::from_secs(60));
                slow.call_with(query(), options).await.is_ok()
            })
        });
        let there = line!() - 3;
        settle().await;
        let waits = |what: &str| {
            let connection = format!("1 mux slow connection: waits for {what}");
            [connection, format!("2 mux slow call: waits for {what}, line {there}")]
        };
        let [connection, calls] = waits("a place in flight");
        assert_eq!(lines("slow"), with(&[replies, connection, calls]));

        lost.abort();
        settle().await;
        assert_eq!(lines("slow"), with(&waits("room in the quarantine")));
        queued.iter().for_each(tokio::task::JoinHandle::abort);

        // The peer reads nothing. The first call is taken but not written, the others are not taken.
        let options = mux::Options::new().name("blocked");
        let (blocked, _peer) = connect(options, 1);
        let large = || dns::Message::new(vec![0; 65_535]).unwrap();
        let calls = [(); 4].map(|()| {
            let blocked = blocked.clone();
            tokio::spawn(async move { blocked.call(large()).await.is_ok() })
        });
        let here = line!() - 2;
        settle().await;
        let answer = tokio::spawn({
            let blocked = blocked.clone();
            let mut answer = vec![0; 12];
            answer[2] = 0x80;
            let answer = dns::Message::new(answer).unwrap();
            async move { blocked.answer(answer).await.is_ok() }
        });
        let there = line!() - 2;
        settle().await;
        assert_eq!(
            lines("blocked"),
            [
                format!("1 mux blocked answer: waits for room in the sink, line {there}"),
                format!("1 mux blocked call: waits for a flush of the sink, line {here}"),
                "1 mux blocked connection: runs".to_owned(),
                "1 mux blocked connection: waits for messages".to_owned(),
                "1 mux blocked connection: waits for room in the sink".to_owned(),
                format!("3 mux blocked call: waits for room in the sink, line {here}"),
            ]
        );
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        answer.abort();
        drop((slow, blocked));
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

/// A client without a connection: each phase of its driver, and the lines of the calls that wait.
#[test]
fn calls_that_wait_for_a_connection_are_listed_with_their_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let second = Duration::from_secs(1);
        let mut attempts = 0;
        let mut peers = Vec::new();
        let connect = move || {
            attempts += 1;
            let connection = (attempts > 1).then(|| {
                let (ours, theirs) = tokio::io::duplex(512);
                peers.push(theirs);
                let (read, write) = tokio::io::split(ours);
                let (sink, stream) = dns::split(read, write);
                Mux::spawn(dns::Dns, sink, stream, mux::Options::new())
            });
            async move {
                tokio::time::sleep(second).await;
                connection.ok_or(std::io::Error::other("the server is away"))
            }
        };
        let options = reconnect::Options::new().backoff(second, second).name("client");
        let (client, _messages) = mux::Reconnect::spawn(connect, options);
        let call = tokio::spawn({
            let client = client.clone();
            let query = dns::Message::new(vec![0; 12]).unwrap();
            async move { client.call(query).await.is_ok() }
        });
        let here = line!() - 2;
        let until = |millis| tokio::time::sleep(Duration::from_millis(millis));
        let with = |driver: &str, call: &str| {
            [
                format!("1 mux client call: waits for {call}, line {here}"),
                "1 mux client reconnect: runs".to_owned(),
                format!("1 mux client reconnect: waits for {driver}"),
            ]
        };
        // The first attempt fails after a second. The delay is random: half a second to a second.
        until(500).await;
        assert_eq!(lines("client"), with("a connection", "a connection"));
        until(750).await;
        assert_eq!(lines("client"), with("its next attempt to connect", "a connection"));
        until(1000).await;
        assert_eq!(lines("client"), with("a connection", "a connection"));
        until(1500).await;
        assert_eq!(lines("client"), with("the end of the connection", "a reply"));
        call.abort();
        drop(client);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}
