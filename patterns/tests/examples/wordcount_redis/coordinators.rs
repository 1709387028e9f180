//! Faults of coordinators, and several of them.

use std::slice::from_ref;

use super::*;

/// Starts a coordinator that shares a group, and takes over nothing.
fn patient(job: &Job<'_>, name: &str, files: &[PathBuf]) -> Running {
    let options = ["--top", "1000000", "--group", "--claim-after", NEVER, "--name", name];
    job.start(&options, "count", files)
}

#[test]
fn a_coordinator_that_was_killed_is_continued_by_the_next() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let (_folder, files) = two_pipes("redis coordinator", 10);
        let mut one = job.worker("one");
        let running = job.count(&files);
        let first = one.waits(&files[0]);
        let mut two = job.worker("two");
        let second = two.waits(&files[1]);
        let others = job.worker("others");
        job.done(10);
        running.kill();
        // A file is done while there is no coordinator, the other one while the next waits for it. The next
        // may give a file to any worker, so the one that counts it has to be the only one.
        release(first, &files[0]);
        job.done(11);
        let gone = [one, others].map(Running::kill);
        ["one", "others"].iter().for_each(|name| job.end_lease(name));
        let mut running = job.count(&[]);
        running.says("worker two joins");
        release(second, &files[1]);
        job.check(&running.end(), &files);
        let counted = gone.iter().chain(&[two.kill()]).map(Ended::counts).sum::<usize>();
        assert_eq!(counted, files.len(), "once each");
    });
}

#[test]
fn all_processes_are_killed_and_others_continue() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let (folder, files) = two_pipes("redis all killed", 5);
        let workers = [job.worker("a"), job.worker("b")];
        let running = job.count(&files);
        let _pipes = [Waiting::at(&files[0]), Waiting::at(&files[1])];
        running.kill();
        workers.into_iter().for_each(|worker| drop(worker.kill()));
        files[..2].iter().for_each(|pipe| folder.replace(pipe));
        ["a", "b"].iter().for_each(|name| job.end_lease(name));
        let _worker = job.worker("c");
        job.check(&job.count(&[]).end(), &files);
    });
}

#[test]
fn an_interrupted_count_is_continued() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis interrupted");
        let files = [vec![folder.pipe("pipe")], folder.texts(2)].concat();
        let mut worker = job.worker("a");
        let running = job.count(&files);
        let pipe = worker.waits(&files[0]);
        running.signal("INT");
        let ended = running.end();
        assert!(ended.said("interrupted"), "{:#?}", ended.stderr);
        assert_eq!((ended.stdout.as_str(), ended.code), ("", Some(130)));
        let running = job.count(&[]);
        release(pipe, &files[0]);
        job.check(&running.end(), &files);
    });
}

#[test]
fn coordinators_share_a_group() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &["--group"] };
    let folder = Files::new("redis group");
    let (pipe, texts) = (folder.pipe("pipe"), folder.texts(50));
    let mut first = job.worker("first");
    let one = patient(&job, "one", from_ref(&pipe));
    let waiting = first.waits(&pipe);
    let other = patient(&job, "other", &texts[..25]);
    let more = patient(&job, "more", &texts[25..]);
    let _workers = [job.worker("a"), job.worker("b")];
    // Each of the others may have given one task to the worker that waits.
    redis.until("HLEN wordcount:job:default:results", |done| done >= 48);
    release(waiting, &pipe);
    let files = [vec![pipe], texts].concat();
    for ended in [one.end(), other.end(), more.end()] {
        job.check(&ended, &files);
    }
}

#[test]
fn a_task_whose_delivery_was_lost_is_read_again() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &["--group"] };
    let folder = Files::new("redis delivery");
    let files = [vec![folder.pipe("pipe")], folder.texts(2)].concat();
    let mut worker = job.worker("a");
    let running = patient(&job, "patient", &files[..1]);
    let waiting = worker.waits(&files[0]);
    running.signal("STOP");
    // Delivered to the coordinator, which does not learn of it. Its own request is cut.
    let deliver = "XREADGROUP GROUP coordinators patient STREAMS wordcount:job:default:tasks >";
    let add = |file: &PathBuf| {
        let file = file.to_str().unwrap().replace(' ', "\t");
        format!("XADD wordcount:job:default:tasks * file {file}")
    };
    redis.cut_and(&[&add(&files[1]), &add(&files[2]), deliver]);
    running.signal("CONT");
    release(waiting, &files[0]);
    job.check(&running.end(), &files);
}

#[test]
fn what_a_living_coordinator_has_does_not_become_idle() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &["--group"] };
    let pipe = Files::new("redis idle").pipe("pipe");
    let mut worker = job.worker("a");
    let _running = patient(&job, "living", from_ref(&pipe));
    let _waiting = worker.waits(&pipe);
    let idle = || match redis.ask("XPENDING wordcount:job:default:tasks coordinators - + 1") {
        Value::Array(pending) => match &pending[..] {
            [Value::Array(pending)] => match pending[2] {
                Value::Integer(idle) => idle,
                _ => panic!("{pending:?}"),
            },
            _ => panic!("{pending:?}"),
        },
        reply => panic!("{reply:?}"),
    };
    // It falls, again and again.
    for _ in 0..3 {
        let mut last = idle();
        crate::process::until("it is less idle than before", || {
            let before = std::mem::replace(&mut last, idle());
            last < before
        });
    }
    // Nor is the task given to the worker again and again.
    assert_eq!(redis.ask("LLEN wordcount:worker:a:tasks"), Value::Integer(0));
}
