//! Panics in every piece of user code: calls, futures, tasks, errors, streams and `hand_back`.

use std::panic::panic_any;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pushdown_patterns::schedule::{
    CallFailure, Cause, Exhausted, Lease, Options, Servers, schedule,
};
use tokio::time::sleep;

use crate::{SECOND, a_second, alive, attempts};

/// Panics when it is dropped, except during another panic.
#[derive(Debug)]
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("on drop");
        }
    }
}

/// Covers each place where a call can panic, and the message in the report.
#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let call = |server: Lease<usize>, task: usize| {
        let fails = server.attempt().number() == 1;
        if fails && task == 0 {
            panic!("at once");
        }
        async move {
            tokio::task::yield_now().await;
            match task {
                _ if !fails => Ok::<_, CallFailure<String>>(task),
                1 => panic!("later, {}", *server),
                2 => {
                    let _future = PanicsOnDrop;
                    std::future::pending().await
                }
                3 => panic_any(PanicsOnDrop),
                _ => Ok(task),
            }
        }
    };
    let options = Options::default().timeout(SECOND);
    let report = schedule([7], 0..5, call, options.clone()).await.unwrap();
    assert_eq!((report.attempts, report.servers[0].counts.failed), (9, 4));
    assert_eq!((report.servers[0].leave_reason, report.servers[0].server), (None, Some(7)));
    assert_eq!(report.into_results().unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(alive(), 0);

    let options = attempts(1).timeout(SECOND).exhausted(Exhausted::GoOn);
    let report = schedule([7], 0..5, call, options).await.unwrap();
    let said = report
        .results
        .into_iter()
        .map(|result| result.map_err(|failed| failed.cause().unwrap().to_string()));
    let panicked = |message| Err(format!("panicked: {message}"));
    let expected =
        [panicked("at once"), panicked("later, 7"), panicked("on drop"), panicked(""), Ok(4)];
    assert_eq!(Vec::from_iter(said), expected);
}

/// Such as errors of tasks that are done, and all errors of a dropped run.
#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_dropped_does_not_harm_the_report() {
    let call = async |server: Lease<usize>, task: usize| {
        sleep(SECOND).await;
        if server.attempt().number() == 1 {
            Err(CallFailure::retry(PanicsOnDrop))
        } else {
            Ok(task)
        }
    };
    let report = schedule([0, 1], 0..3, call, Options::default()).await.unwrap();
    assert_eq!(report.into_results().unwrap(), [0, 1, 2]);
    for seconds in 1..6 {
        let run = schedule([0, 1], 0..3, call, Options::default());
        sleep(SECOND * seconds).await;
        drop(run);
    }
    while alive() > 0 {
        tokio::task::yield_now().await;
    }
}

/// Task 1 panics when it is cloned.
#[derive(Debug)]
struct Odd(usize);

impl Clone for Odd {
    fn clone(&self) -> Self {
        assert_ne!(self.0, 1, "cannot be cloned");
        Self(self.0)
    }
}

#[tokio::test]
async fn a_task_whose_clone_panics_fails_alone() {
    let call = async |_: Lease<usize>, task: Odd| Ok::<_, CallFailure<()>>(task.0);
    let options = attempts(2).exhausted(Exhausted::GoOn);
    let report = schedule([0], (0..3).map(Odd), call, options).await.unwrap();
    assert_eq!(report.servers[0].counts.failed, 2);
    let failed = report.results[1].as_ref().unwrap_err();
    assert_eq!(failed.task.0, 1);
    assert!(matches!(failed.cause(), Some(Cause::Panicked(_))));
}

/// Yields `0`, `1`, and then panics.
struct Panics(usize);

impl Stream for Panics {
    type Item = usize;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<usize>> {
        assert!(self.0 < 2, "no more");
        self.0 += 1;
        Poll::Ready(Some(self.0 - 1))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_panics_ends() {
    let run = schedule(Servers::stream(Panics(0)), 0..6, a_second, Options::default());
    let report = run.await.unwrap();
    assert_eq!(report.source_panic.as_deref(), Some("no more"));
    assert_eq!(report.servers.len(), 2);
    assert_eq!(report.into_results().unwrap().len(), 6);
    assert_eq!(alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hand_back_that_panics_loses_only_the_server() {
    let servers =
        Servers::from([0, 1]).hand_back(|_, server| assert_ne!(server, 0, "not this one"));
    let report = schedule(servers, 0..4, a_second, Options::default()).await.unwrap();
    assert_eq!(report.servers.len(), 2);
    assert_eq!(report.into_results().unwrap().len(), 4);
    assert_eq!(alive(), 0);
}
