//! The multiplexer over a real memcached.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pushdown_patterns::mux::memcached::{self, Memcached, Request, Status};
use pushdown_patterns::mux::{CallErrorKind, CallOptions, CloseReason, Mux, Options, Unsolicited};
use pushdown_patterns::{Effect, Shutdown};
use tokio::task::JoinSet;

use crate::common::{PATIENCE, Server, until};

const CALLERS: u64 = 1024;

/// Turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);

async fn connect(server: &Server) -> (Mux<Memcached>, Unsolicited<Memcached>) {
    let (read, write) = server.connect().await.unwrap().into_split();
    let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
    Mux::spawn(Memcached::new(), sink, stream, Options::new())
}

#[tokio::test]
async fn every_command_gets_the_reply_that_memcached_documents() {
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let call = async |request: Request| mux.call(request).await.unwrap();
    assert_eq!(call(Request::get("key").unwrap()).await.status, Status::Miss);
    assert_eq!(call(Request::set("key", "41").unwrap()).await.status, Status::Done);
    let add = Request::set("key", "0").unwrap().flag("ME").unwrap();
    assert_eq!(call(add).await.status, Status::NotStored);
    let increment = Request::arithmetic("key").unwrap().flag("v").unwrap();
    assert_eq!(call(increment).await.value.as_deref(), Some(&b"42"[..]));
    let reply = call(Request::get("key").unwrap().flag("t").unwrap().flag("s").unwrap()).await;
    assert_eq!((reply.status, &reply.flags[..]), (Status::Value, &b"t-1 s2"[..]));
    let compare = Request::set("key", "0").unwrap().flag("C1").unwrap();
    assert_eq!(call(compare).await.status, Status::Exists);
    assert_eq!(call(Request::delete("key").unwrap()).await.status, Status::Done);
    assert_eq!(call(Request::delete("key").unwrap()).await.status, Status::NotFound);
    assert_eq!(call(Request::noop()).await.status, Status::Noop);
    let report = mux.shutdown(Shutdown::Drain { timeout: PATIENCE }).await;
    assert!(matches!(report.end, CloseReason::Drained), "{}", report.end);
}

#[tokio::test]
async fn an_error_reaches_only_the_caller_of_the_bad_request() {
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let get = || mux.call(Request::get("key").unwrap());
    let large = Request::set("key", vec![b'x'; 2 * memcached::MAX_VALUE]).unwrap();
    let wrong = Request::set("key", "value").unwrap().flag("MZ").unwrap();
    let (a, large, b, wrong, c) =
        tokio::join!(get(), mux.call(large), get(), mux.call(wrong), get());
    assert_eq!(large.unwrap().status, Status::ServerError);
    assert_eq!(wrong.unwrap().status, Status::ClientError);
    for other in [a, b, c] {
        assert_eq!(other.unwrap().status, Status::Miss);
    }
}

/// Values that are commands, with flags that are valid, unknown, out of place or without sense. A server
/// that ran one value as commands would send replies that belong to no request, and the connection would
/// end.
#[tokio::test]
async fn no_value_is_run_as_commands_whatever_the_flags() {
    const CALLS: usize = 5_000;
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let mut random = crate::random::Random(0x1234_5678_9abc_def1);
    let tokens = ["", "1", "0", "60", "S", "x", "18446744073709551615", "99999999999999999999"];
    let (mut errors, mut calls) = (0, JoinSet::new());
    for number in 0..CALLS {
        let value = "mg a v\r\nmn\r\nset b 0 0 1\r\nx\r\n".repeat(random.below(3) as usize);
        let key = format!("{number}");
        let mut request = match random.below(4) {
            0 => Request::get(&key),
            1 => Request::arithmetic(&key),
            _ => Request::set(&key, value),
        }
        .unwrap();
        for _ in 0..random.below(14) {
            let mut flag = vec![b"AbBcCDEfFhIJklMNRsStTvxXyZ"[random.below(26) as usize]];
            flag.extend_from_slice(tokens[random.below(8) as usize].as_bytes());
            request = request.clone().flag(flag).unwrap_or(request);
        }
        let caller = mux.clone();
        calls.spawn(async move { caller.call(request).await.unwrap() });
        if number % 100 == 99 {
            let replies = std::mem::take(&mut calls).join_all().await;
            errors += replies.iter().filter(|reply| reply.status.is_error()).count();
            assert_eq!(mux.call(Request::noop()).await.unwrap().status, Status::Noop);
        }
    }
    assert_eq!(mux.call(Request::get("b").unwrap()).await.unwrap().status, Status::Miss);
    println!("{CALLS} calls, {errors} errors");
    assert!(errors > 100);
}

/// Each caller stores values, reads them back, and drops a call now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_get_their_own_values() {
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mux = mux.clone();
        callers.spawn(async move {
            for round in 0..10_u64 {
                let key = format!("{caller}:{round}");
                let value = key.repeat(1 + (caller % 50) as usize);
                let request = Request::set(&key, value.clone()).unwrap();
                assert_eq!(mux.call(request).await.unwrap().status, Status::Done);
                if (caller + round).is_multiple_of(3) {
                    let dropped = mux.call(Request::get("another-key").unwrap());
                    let _ = tokio::time::timeout(Duration::ZERO, dropped).await;
                }
                let reply = mux.call(Request::get(&key).unwrap()).await.unwrap();
                assert_eq!(reply.value, Some(value.into_bytes()));
            }
        });
    }
    callers.join_all().await;
    until("the quarantine is empty", async || mux.counts().quarantined == 0).await;
    assert_eq!(mux.counts().unexpected, 0);
    println!("{} calls, {} replies late", CALLERS * 20, mux.counts().late);
}

/// On one thread, so that the connection's task has written all requests it took when this one looks
/// for the second time.
#[tokio::test]
async fn a_server_that_is_killed_wakes_all_callers() {
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    let calls = Arc::new(AtomicU64::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (mux, calls) = (mux.clone(), calls.clone());
        callers.spawn(async move {
            loop {
                match mux.call(Request::get(format!("{caller}")).unwrap()).await {
                    Ok(_) => _ = calls.fetch_add(1, Ordering::Relaxed),
                    Err(error) => return error,
                }
            }
        });
    }
    until("some calls are answered", async || calls.load(Ordering::Relaxed) > 10 * CALLERS).await;
    // Stopped first, so that all callers wait when it is killed.
    server.signal("STOP");
    let mut before = 0;
    until("all callers wait", async || {
        let answered = calls.load(Ordering::Relaxed);
        mux.counts().in_flight as u64 == CALLERS
            && std::mem::replace(&mut before, answered) == answered
    })
    .await;
    server.signal("KILL");
    // No call has a timeout, so only the end of the connection can wake them.
    let ended = tokio::time::timeout(HANG, callers.join_all()).await.expect("all callers wake");
    for error in &ended {
        let CallErrorKind::Ended(end) = error.kind() else { panic!("{error}") };
        assert!(
            matches!(end, CloseReason::Closed | CloseReason::Receive(_) | CloseReason::Send(_)),
            "{end}"
        );
        assert_eq!(error.effect(), Effect::MayHaveHappened);
    }
    assert_eq!(ended.len() as u64, CALLERS);
    assert_eq!(mux.ended().await.unfinished as u64, CALLERS);
    println!("{CALLERS} callers woken");
}

#[tokio::test]
async fn the_replies_of_a_server_that_stops_for_a_while_are_late_and_harmless() {
    let Some(server) = Server::memcached().await else { return };
    let (mux, _unsolicited) = connect(&server).await;
    server.signal("STOP");
    // The request is written before the timer can fire: this thread runs the connection's task first.
    // The reply cannot come before it does.
    let timeout = CallOptions::new().timeout(Duration::from_millis(50));
    let error = mux.call_with(Request::set("key", "late").unwrap(), timeout).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::TimedOut));
    assert_eq!((error.effect(), mux.counts().quarantined), (Effect::MayHaveHappened, 1));
    server.signal("CONT");
    let reply = mux.call(Request::get("key").unwrap()).await.unwrap();
    assert_eq!(reply.value.as_deref(), Some(&b"late"[..]), "the call that timed out did happen");
    assert_eq!((mux.counts().quarantined, mux.counts().late), (0, 1));
}
