//! The waits of runs.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use pushdown_patterns::debug::dump;
use pushdown_patterns::schedule::thread::Run;
use pushdown_patterns::schedule::{
    Attempt, CallFailure, Iter, Lease, Options, schedule, schedule_stream,
};

use crate::{TURN, lines, until};

#[test]
fn waits_of_a_run_are_listed_with_its_name_and_their_line() {
    let _turn = TURN.lock();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let settle = || tokio::time::sleep(Duration::from_millis(1));
        let call = async |_: Lease<u8>, _: u32| {
            std::future::pending::<Result<(), CallFailure<()>>>().await
        };
        let (joining, servers) = tokio::sync::mpsc::unbounded_channel();
        [(); 2].iter().for_each(|()| joining.send(0).unwrap());
        let (options, here) = (Options::default().name("night"), line!() + 1);
        let run = schedule(servers, 0..1, call, options);
        let mut watch = run.watch();
        let run = tokio::spawn(run.into_future());
        let watching = tokio::spawn(async move {
            watch.changed().await;
            watch.changed().await;
            watch.changed().await.is_some()
        });
        let there = line!() - 2;
        settle().await;
        let expected = [
            "1 schedule night acceptor: runs".to_owned(),
            "1 schedule night acceptor: waits for a server".to_owned(),
            format!("1 schedule night changed: waits for progress, line {there}"),
            format!("1 schedule night run: waits for its end, line {here}"),
            "1 schedule night worker: runs at server 0".to_owned(),
            "1 schedule night worker: runs at server 1".to_owned(),
            "1 schedule night worker: waits for a call at server 0".to_owned(),
            "1 schedule night worker: waits for a task at server 1".to_owned(),
        ];
        assert_eq!(lines("night"), expected);
        drop((run, watching, joining));

        let tasks = Iter::new(0..3);
        let (options, one) = (Options::default().name("ahead"), NonZeroUsize::MIN);
        let results = schedule_stream(vec![0], tasks, one, call, options);
        settle().await;
        assert_eq!(
            lines("ahead"),
            [
                "1 schedule ahead feeder: runs",
                "1 schedule ahead feeder: waits for room, or a task",
                "1 schedule ahead worker: runs at server 0",
                "1 schedule ahead worker: waits for a call at server 0",
            ]
        );
        drop(results);
    });
    drop(runtime);
    assert_eq!(dump().to_string(), "0 waiting\n");
}

#[test]
fn workers_on_threads_are_listed_with_the_name_of_their_run() {
    let _turn = TURN.lock();
    let (started, stop) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    thread::scope(|scope| {
        let call = |_: &mut u8, _: u32, _: &Attempt| {
            started.wait();
            stop.wait();
            Ok::<_, CallFailure<()>>(())
        };
        let run = Run::new([0, 0], 0..1, Options::default().name("threads"));
        let run = scope.spawn(move || run.call(call).is_ok());
        started.wait();
        until(|| lines("threads").iter().any(|line| line.contains("a task at server")));
        let lines = lines("threads");
        stop.wait();
        assert!(run.join().unwrap());
        let runs = "1 schedule threads worker: runs at server";
        assert!(lines.contains(&format!("{runs} 0")), "{lines:?}");
        assert!(lines.contains(&format!("{runs} 1")), "{lines:?}");
    });
}
