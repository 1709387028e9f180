//! The bugs on the way to the lecture's last version, in both drivers.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use pushdown_patterns::schedule::{Attempt, CallFailure, Lease, Options, schedule, thread};
use pushdown_patterns::thread::channel;
use tokio::sync::mpsc;

use crate::{alive, results};

/// The bug: a loop variable that all goroutines share.
#[tokio::test]
async fn each_call_has_the_number_of_its_own_task() {
    let call = async |_: Lease<usize>, task: usize| Ok::<_, CallFailure<()>>(task);
    let run = schedule([0, 1, 2], 0..100, call, Options::default());
    assert_eq!(results(run.await), Vec::from_iter(0..100));

    let call = |_: &mut usize, task, _: &_| Ok::<_, CallFailure<()>>(task);
    let finished = thread::schedule([0, 1, 2], 0..100, call, Options::default());
    assert_eq!(results(finished), Vec::from_iter(0..100));
}

/// The bug: a goroutine for each task, long before there is a server for it.
#[tokio::test]
async fn there_are_as_many_runtime_tasks_as_servers() {
    let call = async |_: Lease<usize>, _| {
        // One more feeds the run, as long as there are tasks.
        assert!(alive() <= 4);
        tokio::task::yield_now().await;
        Ok::<_, CallFailure<()>>(())
    };
    let run = schedule([0, 1, 2], 0..1000, call, Options::default());
    assert_eq!(alive(), 4);
    assert_eq!(results(run.await).len(), 1000);
    assert_eq!(alive(), 0);
}

#[test]
fn there_are_as_many_threads_as_servers() {
    let threads = std::sync::Mutex::new(std::collections::HashSet::new());
    let call = |_: &mut usize, _, _: &_| {
        threads.lock().unwrap().insert(std::thread::current().id());
        Ok::<_, CallFailure<()>>(())
    };
    assert!(thread::schedule([0, 1, 2], 0..1000, call, Options::default()).is_ok());
    assert!((1..=3).contains(&threads.lock().unwrap().len()));
}

/// The bug: `close(work)` while a running task may still have to go back to `work`.
#[tokio::test(start_paused = true)]
async fn the_last_task_may_fail_while_all_other_workers_are_idle() {
    let call = async |server: Lease<usize>, task: usize| {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        if task == 9 && server.attempt().number() == 1 {
            Err(CallFailure::server_dead(()))
        } else {
            Ok(())
        }
    };
    let report = schedule([0, 1, 2], 0..10, call, Options::default()).await.unwrap();
    assert_eq!(report.attempts, 11);
    assert_eq!(report.into_results().unwrap().len(), 10);

    let others_are_idle = AtomicUsize::new(0);
    let run = thread::Run::new([0, 1, 2], 0..3, Options::default());
    let watch = run.watch();
    let call = |_: &mut usize, task, attempt: &Attempt| {
        if task != 2 || attempt.number() > 1 {
            return Ok(());
        }
        while watch.now().done < 2 {
            std::thread::yield_now();
        }
        others_are_idle.fetch_add(1, Ordering::Relaxed);
        Err(CallFailure::server_dead(()))
    };
    assert_eq!(results(run.call(call)).len(), 3);
    assert_eq!(others_are_idle.into_inner(), 1);
}

/// The bug: `work` is filled before `done` is read, and is too small.
#[tokio::test]
async fn there_is_room_for_any_number_of_tasks() {
    let call = async |_: Lease<()>, _| Ok::<_, CallFailure<()>>(());
    assert_eq!(results(schedule([()], 0..200_000, call, Options::default()).await).len(), 200_000);

    let call = |_: &mut (), _, _: &_| Ok::<_, CallFailure<()>>(());
    let finished = thread::schedule([()], 0..200_000, call, Options::default());
    assert_eq!(results(finished).len(), 200_000);
}

/// The bug: the goroutine that receives servers is never told to stop.
#[tokio::test]
async fn the_acceptor_ends_with_the_run() {
    let (joining, servers) = mpsc::channel(1);
    let call = async |_: Lease<usize>, _| Ok::<_, CallFailure<()>>(());
    let run = schedule(servers, 0..10, call, Options::default());
    joining.send(0).await.unwrap();
    assert_eq!(results(run.await).len(), 10);
    assert!(joining.is_closed());
    assert_eq!(joining.send(1).await.unwrap_err().0, 1);
    assert_eq!(alive(), 0);

    let (joining, servers) = channel(NonZeroUsize::MIN);
    joining.send(0).unwrap();
    let call = |_: &mut usize, _, _: &_| Ok::<_, CallFailure<()>>(());
    assert_eq!(results(thread::schedule(servers, 0..10, call, Options::default())).len(), 10);
    assert_eq!(joining.send(1).unwrap_err().0, 1);
}

/// The bug, in most copies of the lab: a server is handed back to a channel that is no longer read.
#[tokio::test]
async fn every_server_is_handed_back_at_the_end() {
    let call = async |_: Lease<String>, _| Ok::<_, CallFailure<()>>(());
    let names = || Vec::from_iter((0..20).map(|name| name.to_string()));
    let report = schedule(names(), 0..3, call, Options::default()).await.unwrap();
    let back = report.servers.into_iter().map(|server| server.server.unwrap());
    assert_eq!(Vec::from_iter(back), names());

    let call = |_: &mut String, _, _: &_| Ok::<_, CallFailure<()>>(());
    let report = thread::schedule(names(), 0..3, call, Options::default()).unwrap();
    let back = report.servers.into_iter().map(|server| server.server.unwrap());
    assert_eq!(Vec::from_iter(back), names());
}

#[tokio::test]
async fn a_run_without_tasks_ends_at_once() {
    let call = async |_: Lease<()>, _: usize| Ok::<_, CallFailure<()>>(());
    let report = schedule([()], 0..0, call, Options::default()).await.unwrap();
    assert_eq!((report.results.len(), report.servers.len(), report.attempts), (0, 1, 0));
    let (_joining, servers) = mpsc::channel::<()>(1);
    assert!(schedule(servers, 0..0, call, Options::default()).await.is_ok());
    let (_joining, servers) = channel::<()>(NonZeroUsize::MIN);
    let call = |_: &mut (), _: usize, _: &_| Ok::<_, CallFailure<()>>(());
    assert!(thread::schedule(servers, 0..0, call, Options::default()).is_ok());
}
