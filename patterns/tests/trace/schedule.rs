//! The events of a run.

use std::future::pending;
use std::num::NonZeroU32;
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::schedule::{
    CallFailure, Exhausted, FailureKind, Iter, Lease, Options, schedule, schedule_stream,
};
use tokio::time::sleep;

use crate::capture::{hook, take};
use crate::{SECRET, settle, within};

pub(crate) fn run() {
    servers_and_tasks_that_fail();
    a_run_says_how_it_ends();
    a_copy_of_a_call_that_takes_long();
}

type Failure = CallFailure<&'static str>;

#[test]
fn servers_and_tasks_that_fail() {
    within(async || {
        // One server does everything, so that the order is certain.
        let call = async |server: Lease<&str>, task: &str| match task {
            "fails" => Err(Failure::retry(SECRET)),
            "panics" if server.attempt().number() == 1 => panic!("{SECRET}"),
            "kills" if *server == "first" => Err(Failure::server_dead(SECRET)),
            "hangs" if server.attempt().number() == 1 => pending().await,
            _ => Ok(SECRET),
        };
        let options = Options::default()
            .name("failing")
            .attempts(NonZeroU32::new(2).unwrap())
            .exhausted(Exhausted::GoOn)
            .timeout(Duration::from_secs(1))
            .timed_out(FailureKind::Retry);
        let (joining, servers) = tokio::sync::mpsc::unbounded_channel();
        joining.send("first").unwrap();
        let run = schedule(servers, ["works", "fails", "panics", "hangs", "kills"], call, options);
        let (watch, control) = (run.watch(), run.control());
        let hooked = hook("failing", move || _ = (watch.now(), watch.servers(), control.clone()));
        settle().await;
        sleep(Duration::from_secs(2)).await;
        joining.send("second").unwrap();
        settle().await;
        drop(joining);
        assert!(run.await.is_ok());
        let failed = |task: u32, attempts: u32, reason: &str, retried: bool| {
            format!(
                "DEBUG attempt failed server=0 task={task} attempts={attempts} reason={reason:?} retried={retried}"
            )
        };
        let expected = [
            "DEBUG server joined server=0".to_owned(),
            failed(1, 1, "retry", true),
            "WARN call panicked server=0 task=2".to_owned(),
            failed(2, 1, "elsewhere", true),
            failed(3, 1, "timed out", true),
            "WARN server lost server=0 reason=\"dead\"".to_owned(),
            failed(4, 1, "server dead", true),
            "DEBUG server joined server=1".to_owned(),
            "WARN task given up task=1 attempts=2".to_owned(),
            failed(1, 2, "retry", false).replace("server=0", "server=1"),
            "INFO run ended reason=\"all tasks are settled\" tasks=5 done=4 given_up=1 attempts=9"
                .to_owned(),
        ];
        assert_eq!(take("failing"), expected);
        drop(hooked);
    });
}

#[test]
fn a_run_says_how_it_ends() {
    within(async || {
        let call = async |_: Lease<u8>, _: u8| pending::<Result<(), Failure>>().await;
        let run = schedule([0, 1], [0, 1], call, Options::default().name("stopped"));
        let watch = run.watch();
        let hooked = hook("stopped", move || _ = (watch.now(), watch.servers()));
        settle().await;
        assert!(run.control().retire(run.watch().servers()[1].id));
        assert!(run.shutdown(Shutdown::Abort).await.is_err());
        let expected = [
            "DEBUG server joined server=0",
            "DEBUG server joined server=1",
            "INFO server retired server=1",
            "INFO shutdown begun how=\"abort\"",
            "INFO run ended reason=\"shut down\" tasks=2 done=0 given_up=0 attempts=2",
        ];
        assert_eq!(take("stopped"), expected);
        drop(hooked);

        let call = async |_: Lease<u8>, _: u8| Err::<(), _>(Failure::server_dead(SECRET));
        let options = Options::default().name("deserted");
        assert!(schedule([0], [0], call, options).await.is_err());
        let expected = [
            "DEBUG server joined server=0",
            "WARN server lost server=0 reason=\"dead\"",
            "DEBUG attempt failed server=0 task=0 attempts=1 reason=\"server dead\" retried=true",
            "WARN run failed reason=\"no servers\" tasks=1 done=0 given_up=0 attempts=1",
        ];
        assert_eq!(take("deserted"), expected);

        let call = async |_: Lease<u8>, _: u8| Err::<(), _>(Failure::fatal(SECRET));
        let options = Options::default().name("fatal");
        let ahead = std::num::NonZeroUsize::MIN;
        let results = schedule_stream([0], Iter::new([0]), ahead, call, options);
        assert!(results.finish().await.end.is_err());
        let fatal = take("fatal");
        let expected =
            "WARN run failed reason=\"a fatal failure\" tasks=1 done=0 given_up=0 attempts=1";
        assert!(fatal.contains(&expected.to_owned()), "{fatal:?}");
    });
}

#[test]
fn a_copy_of_a_call_that_takes_long() {
    within(async || {
        let call = async |server: Lease<u64>, _: u8| {
            sleep(Duration::from_secs(*server)).await;
            Ok::<_, Failure>(SECRET)
        };
        let options = Options::default().name("copied").backup_after(Duration::from_secs(1));
        let run = schedule([100, 1], [0], call, options);
        let (watch, control) = (run.watch(), run.control());
        let hooked = hook("copied", move || _ = (watch.now(), watch.servers(), control.clone()));
        assert!(run.await.is_ok());
        let backup = "DEBUG backup started server=1 task=0".to_owned();
        assert!(take("copied").contains(&backup));
        drop(hooked);
    });
}
