//! The multiplexer over a real redis-server.

use std::collections::HashSet;
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use pushdown_patterns::mux::redis::{self, InvalidRequest, Redis, Request, Value};
use pushdown_patterns::mux::{
    CallErrorKind, CallOptions, CloseReason, InOrder, Mux, Options, Unsolicited, WhenFull,
};
use pushdown_patterns::{Effect, Shutdown};
use tokio::task::JoinSet;

use crate::common::{PATIENCE, Server, until};
use crate::random::Random;

const CALLERS: u64 = 1024;

/// Turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);

type Connected = (Mux<InOrder<Redis>>, Unsolicited<InOrder<Redis>>);

async fn connect(server: &Server) -> Connected {
    let (read, write) = server.connect().await.unwrap().into_split();
    let (sink, stream) = redis::split(read, write, redis::Values::new());
    // A thousand callers drop more calls than the default allows to be due.
    let options = Options::new().when_full(WhenFull::Wait);
    Mux::spawn(InOrder::new(Redis), sink, stream, options)
}

fn request<const N: usize>(words: [&str; N]) -> Request {
    Request::new(words).unwrap()
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

#[tokio::test]
async fn commands_errors_and_transactions_have_one_reply_each() {
    let Some(server) = Server::redis().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let call = async |request: Request| mux.call(request).await.unwrap();
    let bytes = (0..=255).collect::<Vec<u8>>();
    let set = request(["SET", "key"]).arg(&bytes);
    let (set, get, wrong, unknown, incr) = tokio::join!(
        call(set),
        call(request(["GET", "key"])),
        call(request(["LPUSH", "key", "x"])),
        call(request(["NO-SUCH-COMMAND"])),
        call(request(["INCR", "number"])),
    );
    assert_eq!(set, Value::Simple("OK".into()));
    assert_eq!(get.as_bytes(), Some(&bytes[..]));
    assert!(wrong.is_error() && unknown.is_error());
    assert_eq!(incr, Value::Integer(1));

    let incr = || request(["INCR", "number"]);
    let transaction = Request::transaction([incr(), request(["GET", "key2"]), incr()]).unwrap();
    let (done, after) = tokio::join!(call(transaction), call(incr()));
    let Value::Array(replies) = done else { panic!("{done:?}") };
    assert_eq!((&replies[0], &replies[2]), (&Value::Integer(2), &Value::Integer(3)));
    assert_eq!(after, Value::Integer(4));
    // The server refuses a command of the transaction, and so all of it.
    let refused = Request::transaction([incr(), request(["INCR"])]).unwrap();
    let (refused, after) = tokio::join!(call(refused), call(incr()));
    assert!(refused.is_error());
    assert_eq!(after, Value::Integer(5));
    let report = mux.shutdown(Shutdown::Drain { timeout: PATIENCE }).await;
    assert!(matches!(report.end, CloseReason::Drained), "{}", report.end);
}

#[test]
fn a_request_without_exactly_one_reply_cannot_be_made() {
    for (words, error) in [
        (&[][..], InvalidRequest::Incomplete),
        (&["subscribe"], InvalidRequest::Incomplete),
        (&["PUNSUBSCRIBE"], InvalidRequest::Incomplete),
        (&["client"], InvalidRequest::Incomplete),
        (&["HELLO"], InvalidRequest::Incomplete),
        (&["Monitor"], InvalidRequest::Replies),
        (&["PSYNC", "?", "-1"], InvalidRequest::Replies),
        (&["client", "reply", "OFF"], InvalidRequest::Replies),
        (&["SCRIPT", "DEBUG", "YES"], InvalidRequest::Replies),
        (&["hello", "2"], InvalidRequest::Replies),
        (&["multi"], InvalidRequest::Transaction),
        (&["WATCH", "key"], InvalidRequest::Transaction),
    ] {
        assert_eq!(Request::new(words), Err(error), "{words:?}");
    }
    let subscribe = request(["SUBSCRIBE", "news"]);
    assert_eq!(Request::transaction([subscribe]), Err(InvalidRequest::Nested));
    let inner = Request::transaction([request(["PING"])]).unwrap();
    assert_eq!(Request::transaction([inner]), Err(InvalidRequest::Nested));
    let secret = format!("{:?}", request(["AUTH", "secret"]));
    assert!(secret.contains("AUTH") && !secret.contains("secret"), "{secret}");
}

/// Each confirmation of a channel is a push, and so are messages.
#[tokio::test]
async fn subscriptions_and_messages_stay_apart_from_replies() {
    let Some(server) = Server::redis().await else { return };
    let (mux, mut unsolicited) = connect(&server).await;
    let call = async |request: Request| mux.call(request).await.unwrap();
    assert!(!call(request(["HELLO", "3"])).await.is_error());
    let (subscribed, first, second, refused, published) = tokio::join!(
        call(request(["SUBSCRIBE", "news", "sport"])),
        call(request(["ECHO", "first"])),
        call(request(["psubscribe", "n*"])),
        call(request(["LPUSH"])),
        call(request(["PUBLISH", "news", "hello"])),
    );
    let push =
        |words: &[&str], count| Value::Push(words.iter().copied().map(bulk).chain(count).collect());
    assert_eq!(subscribed, push(&["subscribe", "sport"], Some(Value::Integer(2))));
    assert_eq!(first, bulk("first"));
    assert_eq!(second, push(&["psubscribe", "n*"], Some(Value::Integer(3))));
    assert!(refused.is_error());
    assert_eq!(published, Value::Integer(2));
    assert_eq!(unsolicited.recv().await, Some(push(&["message", "news", "hello"], None)));
    assert_eq!(unsolicited.recv().await, Some(push(&["pmessage", "n*", "news", "hello"], None)));
    let (left, echo) = tokio::join!(
        call(request(["UNSUBSCRIBE", "news", "sport", "not-subscribed"])),
        call(request(["ECHO", "last"])),
    );
    assert_eq!(left, push(&["unsubscribe", "not-subscribed"], Some(Value::Integer(1))));
    assert_eq!(echo, bulk("last"));
    assert_eq!(call(request(["CLIENT", "TRACKING", "ON"])).await, Value::Simple("OK".into()));
    assert_eq!(mux.counts().unexpected, 0);
}

/// In RESP2 the message that follows would look like a reply.
#[tokio::test]
async fn a_subscription_in_resp2_ends_the_connection_before_a_message_is_taken_for_a_reply() {
    let Some(server) = Server::redis().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let (subscribed, echo) = tokio::join!(
        mux.call(request(["SUBSCRIBE", "news"])),
        mux.call(request(["ECHO", "text"])),
    );
    for error in [subscribed.unwrap_err(), echo.unwrap_err()] {
        assert!(matches!(error.kind(), CallErrorKind::Ended(CloseReason::Violation)), "{error}");
    }
}

/// Calls a command whose reply tells whose it is, and drops some calls at random points. Returns the number of
/// right answers.
async fn echo(mux: Mux<InOrder<Redis>>, caller: u64, calls: u64) -> u64 {
    let mut random = Random(caller * 2 + 1);
    let mut right = 0;
    for call in 0..calls {
        let text = format!("{caller}.{call}").repeat(1 + random.below(20) as usize);
        let echo = request(["ECHO", &text]);
        let options = match random.below(4) {
            0 => CallOptions::new().timeout(Duration::from_micros(random.below(2000))),
            _ => CallOptions::new(),
        };
        let running = mux.call_with(echo, options);
        let reply = match random.below(4) {
            0 => poll_and_yield(1 + random.below(20), running).await,
            _ => Some(running.await),
        };
        match reply {
            Some(Ok(reply)) => {
                assert_eq!(reply, bulk(&text), "a wrong answer");
                right += 1;
            }
            Some(Err(error)) => {
                assert!(matches!(error.kind(), CallErrorKind::TimedOut), "{error}");
            }
            None => {}
        }
    }
    right
}

/// Polls a future a few times, with other tasks between, and drops it.
async fn poll_and_yield<F: Future>(times: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// With `PUSHDOWN_LONG` in the environment for minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_that_drop_calls_get_their_own_replies() {
    let calls = if std::env::var_os("PUSHDOWN_LONG").is_some() { 2_000 } else { 20 };
    let Some(server) = Server::redis().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let callers = JoinSet::from_iter((0..CALLERS).map(|caller| echo(mux.clone(), caller, calls)));
    let right: u64 = callers.join_all().await.into_iter().sum();
    until("the quarantine is empty", async || mux.counts().quarantined == 0).await;
    let counts = mux.counts();
    println!("{} calls, {right} right answers, {} late", CALLERS * calls, counts.late);
    assert!(right > CALLERS * calls / 4 && counts.late > 0);
    assert_eq!((counts.in_flight, counts.waiting, counts.unexpected), (0, 0, 0));
}

/// Sets keys of its own until the connection ends, and drops some calls. Returns the keys with what became of
/// them, and the error that was the last one.
async fn set(
    mux: Mux<InOrder<Redis>>,
    caller: u64,
    answered: Arc<AtomicU64>,
) -> (Vec<(String, Effect)>, CallErrorKind) {
    let mut random = Random(caller * 2 + 1);
    let mut effects = Vec::new();
    for call in 0.. {
        let key = format!("k:{caller}.{call}");
        let options = match random.below(4) {
            0 => CallOptions::new().timeout(Duration::from_micros(random.below(20_000))),
            _ => CallOptions::new(),
        };
        let running = mux.call_with(request(["SET", &key, "x"]), options);
        let result = match random.below(8) {
            0 => poll_and_yield(1 + random.below(20), running).await,
            _ => Some(running.await),
        };
        match result {
            None => effects.push((key, Effect::MayHaveHappened)),
            Some(Ok(reply)) => {
                assert_eq!(reply, Value::Simple("OK".into()));
                answered.fetch_add(1, Ordering::Relaxed);
                effects.push((key, Effect::Happened));
            }
            Some(Err(error)) => {
                effects.push((key, error.effect()));
                if !matches!(error.kind(), CallErrorKind::TimedOut) {
                    return (effects, error.kind().clone());
                }
            }
        }
    }
    unreachable!("no caller makes so many calls")
}

/// The server writes each change to a file before it answers, so that the file tells what has happened.
async fn log_changes(mux: &Mux<InOrder<Redis>>) {
    for (name, value) in [("appendfsync", "always"), ("appendonly", "yes")] {
        let reply = mux.call(request(["CONFIG", "SET", name, value])).await.unwrap();
        assert_eq!(reply, Value::Simple("OK".into()));
    }
    until("the file is complete", async || {
        let info = mux.call(request(["INFO", "persistence"])).await.unwrap();
        let info = String::from_utf8_lossy(info.as_bytes().unwrap()).into_owned();
        info.contains("aof_enabled:1")
            && info.contains("aof_rewrite_in_progress:0")
            && info.contains("aof_rewrite_scheduled:0")
    })
    .await;
}

/// The keys in all files of the server's log.
fn logged(directory: &Path) -> HashSet<String> {
    let mut keys = HashSet::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("aof") {
                let log = std::fs::read(path).unwrap();
                let words = log.split(|byte| *byte == b'\n').filter(|word| word.starts_with(b"k:"));
                keys.extend(words.map(|word| String::from_utf8_lossy(word).trim_end().to_owned()));
            }
        }
    }
    keys
}

/// Fewer calls are in flight than callers, so that some have been sent when the server is killed, and some not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_wakes_all_callers_with_the_truth() {
    let Some(server) = Server::redis().await else { return };
    let (read, write) = server.connect().await.unwrap().into_split();
    let (sink, stream) = redis::split(read, write, redis::Values::new());
    let options = Options::new()
        .when_full(WhenFull::Wait)
        .in_flight(crate::count(CALLERS as usize / 4))
        .quarantine(crate::count(CALLERS as usize / 4));
    let (mux, _unsolicited) = Mux::spawn(InOrder::new(Redis), sink, stream, options);
    log_changes(&mux).await;
    let answered = Arc::new(AtomicU64::new(0));
    let callers = (0..CALLERS).map(|caller| set(mux.clone(), caller, answered.clone()));
    let callers = JoinSet::from_iter(callers);
    until("calls are answered", async || answered.load(Ordering::Relaxed) > 4 * CALLERS).await;
    server.signal("KILL");
    let ended = tokio::time::timeout(HANG, callers.join_all()).await.expect("all callers wake");
    let logged = logged(server.socket().parent().unwrap());
    let (mut not, mut maybe, mut done) = (0, 0, 0);
    for (effects, end) in ended {
        let CallErrorKind::Ended(end) = end else { panic!("{end:?}") };
        assert!(
            matches!(end, CloseReason::Closed | CloseReason::Receive(_) | CloseReason::Send(_)),
            "{end}"
        );
        for (key, effect) in effects {
            match effect {
                Effect::DidNotHappen => assert!(!logged.contains(&key), "{key} did happen"),
                Effect::MayHaveHappened => maybe += 1,
                Effect::Happened => assert!(logged.contains(&key), "{key} did not happen"),
            }
            not += u64::from(effect == Effect::DidNotHappen);
            done += u64::from(effect == Effect::Happened);
        }
    }
    println!("{not} calls did not happen, {maybe} may have, {done} did");
    assert!(not > 0 && maybe > 0 && done > 0);
}
