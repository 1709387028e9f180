//! Bugs of other software that the scheduler must not have.
//!
//! | software | bug | test |
//! |---|---|---|
//! | tower's hedge | holds capacity before its delay is over | [`a_server_that_waits_to_copy_a_straggler_does_other_work`] |
//! | tower's balance | waits forever without servers | [`a_run_without_servers_fails_instead_of_waiting`] |
//! | apalis #530 | runs a task twice at once after a timeout | [`a_call_that_times_out_is_dropped_before_its_task_is_tried_again`] |
//! | flume | loses a wake-up with the waiter that leaves | [`a_server_that_leaves_does_not_take_a_wake_up_with_it`] |

use std::sync::{Arc, Mutex};

use pushdown_patterns::Effect;
use pushdown_patterns::schedule::{CallFailure, Lease, Options, Reason, schedule};
use tokio::time::{Instant, sleep};

use crate::{SECOND, results};

#[tokio::test(start_paused = true)]
async fn a_server_that_waits_to_copy_a_straggler_does_other_work() {
    let call = async |server: Lease<usize>, task: usize| {
        let first = server.attempt().number() == 1;
        sleep(SECOND * if task == 0 { 60 } else { 2 }).await;
        if task == 1 && first { Err(CallFailure::elsewhere(())) } else { Ok(Instant::now()) }
    };
    let options = Options::default().backup_after(5 * SECOND);
    // Server 2 is idle until task 1 fails after 2 s. It completes the task 2 s later.
    let start = Instant::now();
    let results = results(schedule([0, 1, 2], 0..2, call, options).await);
    assert_eq!(results[1] - start, 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_servers_fails_instead_of_waiting() {
    let call = async |_: Lease<usize>, task: usize| {
        if task < 3 { Ok(task) } else { Err(CallFailure::server_dead("gone")) }
    };
    let unfinished = schedule([0, 1], 0..9, call, Options::default()).await.unwrap_err();
    assert_eq!(unfinished.reason, Reason::NoServers);
    assert_eq!(unfinished.effect(), Effect::MayHaveHappened);
    let results = unfinished.report.results;
    assert!(results[..3].iter().all(Result::is_ok));
    let attempts = results[3..].iter().map(|result| result.as_ref().unwrap_err().attempts);
    assert_eq!(attempts.sum::<u32>(), 2);
    let never = results[8].as_ref().unwrap_err();
    assert_eq!((never.index, never.task, never.effect()), (8, 8, Effect::DidNotHappen));

    let unfinished = schedule([], 0..9, call, Options::default()).await.unwrap_err();
    assert_eq!((unfinished.reason, unfinished.effect()), (Reason::NoServers, Effect::DidNotHappen));
}

/// Counts the values alive, and the most at any time.
struct Live(Arc<Mutex<(i32, i32)>>);

impl Live {
    fn new(count: &Arc<Mutex<(i32, i32)>>) -> Self {
        let mut now = count.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
        Self(count.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.lock().unwrap().0 -= 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_times_out_is_dropped_before_its_task_is_tried_again() {
    let count = Arc::new(Mutex::new((0, 0)));
    let counted = count.clone();
    let call = move |server: Lease<usize>, _| {
        let live = Live::new(&counted);
        async move {
            let _live = live;
            let start = Instant::now().into_std();
            assert_eq!(server.attempt().deadline(), Some(start + 5 * SECOND));
            sleep(if server.attempt().number() == 1 { 60 * SECOND } else { SECOND }).await;
            Ok::<_, CallFailure<()>>(server.attempt().server_id().index())
        }
    };
    let start = Instant::now();
    let run = schedule([0, 1], 0..1, call, Options::default().timeout(5 * SECOND));
    let report = run.await.unwrap();
    assert_eq!(start.elapsed(), 6 * SECOND);
    assert_eq!((report.servers[0].counts.failed, report.attempts), (1, 2));
    assert_eq!(report.into_results().unwrap(), [1]);
    assert_eq!(*count.lock().unwrap(), (0, 1));
}

/// Two servers wait for the same task. One of them is woken for it, and leaves instead.
#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_does_not_take_a_wake_up_with_it() {
    for leaves in 1..3 {
        let call = async |server: Lease<usize>, _: usize| {
            sleep(SECOND).await;
            if server.attempt().number() == 1 {
                Err(CallFailure::elsewhere(()))
            } else {
                Ok(*server)
            }
        };
        let run = schedule([0, 1, 2], 0..1, call, Options::default());
        let (control, mut watch) = (run.control(), run.watch());
        // Woken together with the two servers, and runs before them.
        let retiring = tokio::spawn(async move {
            while watch.changed().await.is_some_and(|now| now.failures == 0) {}
            assert!(control.retire(watch.servers()[leaves].id));
        });
        assert_eq!(results(run.await), [3 - leaves]);
        retiring.await.unwrap();
    }
}
