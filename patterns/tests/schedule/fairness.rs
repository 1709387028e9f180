//! Shares of work: between servers, and with the rest of the runtime.

use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

use crate::{SECOND, a_second};

#[tokio::test(start_paused = true)]
async fn a_server_that_joins_takes_its_share() {
    let (joining, servers) = mpsc::unbounded_channel();
    let start = Instant::now();
    let run = tokio::spawn(schedule(servers, 0..8, a_second, Options::default()));
    joining.send(0).unwrap();
    sleep(2 * SECOND + SECOND / 2).await;
    joining.send(1).unwrap();
    let report = run.await.unwrap().unwrap();
    let completed = report.servers.iter().map(|server| server.counts.completed);
    assert_eq!(Vec::from_iter(completed), [5, 3]);
    assert_eq!(start.elapsed(), 5 * SECOND + SECOND / 2);
    assert_eq!(report.into_results().unwrap().len(), 8);
}

#[tokio::test]
async fn calls_that_never_wait_do_not_starve_other_tasks() {
    let call = async |_: Lease<()>, task: usize| Ok::<_, CallFailure<()>>(task);
    let run = schedule([()], 0..100_000, call, Options::default());
    let watch = run.watch();
    let mut turns = 0;
    let others = async {
        while watch.now().end.is_none() {
            yield_now().await;
            turns += 1;
        }
    };
    let (finished, ()) = tokio::join!(run, others);
    assert!(finished.is_ok());
    assert!(turns > 500, "{turns} turns");
}
