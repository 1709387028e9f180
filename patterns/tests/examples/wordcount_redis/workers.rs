//! Faults of workers.

use super::*;

#[test]
fn a_worker_killed_while_it_counts_does_not_change_the_counts() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis killed");
        let files = [vec![folder.pipe("pipe")], folder.texts(10)].concat();
        let mut killed = job.worker("killed");
        let running = job.count(&files);
        let _pipe = killed.waits(&files[0]);
        let mut other = job.worker("other");
        job.done(10);
        folder.replace(&files[0]);
        killed.kill();
        job.end_lease("killed");
        let ended = running.end();
        assert!(ended.said("worker killed is gone"));
        other.says(&format!("has counted {}", files[0].display()));
        job.check(&ended, &files);
    });
}

#[test]
fn the_lease_of_a_killed_worker_ends_by_itself() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    let folder = Files::new("redis lease");
    let files = [vec![folder.pipe("pipe")], folder.texts(3)].concat();
    let mut killed = job.start(&["--lease", "2", "--name", "killed"], "worker", &[]);
    let running = job.count(&files);
    let _pipe = killed.waits(&files[0]);
    folder.replace(&files[0]);
    killed.kill();
    let _other = job.worker("other");
    let ended = running.end();
    job.check(&ended, &files);
    // Nothing of the dead worker is left.
    let left = Value::Array(vec![Value::Bulk("wordcount:worker:other".into())]);
    redis.until("SCARD wordcount:workers", |workers| workers == 1);
    assert_eq!(redis.ask("KEYS wordcount:worker:*[^e]"), left);
}

#[test]
fn the_result_of_a_stopped_worker_comes_too_late() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis stopped");
        let files = [vec![folder.pipe("pipe")], folder.texts(10)].concat();
        let mut stopped = job.worker("stopped");
        let running = job.count(&files);
        let pipe = stopped.waits(&files[0]);
        stopped.signal("STOP");
        job.end_lease("stopped");
        folder.replace(&files[0]);
        let mut other = job.worker("other");
        let ended = running.end();
        assert!(ended.said("worker stopped is gone"));
        other.says(&format!("has counted {}", files[0].display()));
        // The pipe has another text than the file that took its place, so a second effect would show.
        pipe.release();
        stopped.signal("CONT");
        stopped.says(&format!("has counted {}, after another", files[0].display()));
        job.check(&ended, &files);
    });
}

#[test]
fn a_worker_that_goes_on_joins_again() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    let folder = Files::new("redis goes on");
    let (pipe, texts) = (folder.pipe("pipe"), folder.texts(5));
    let lease = ["--lease", "1", "--name", "only"];
    let mut only = job.start(&lease, "worker", &[]);
    let mut running = job.count(&[vec![pipe.clone()], texts.clone()].concat());
    let waiting = only.waits(&pipe);
    only.signal("STOP");
    running.says("worker only is gone");
    only.signal("CONT");
    release(waiting, &pipe);
    let ended = running.end();
    assert_eq!(ended.stderr.iter().filter(|line| line.ends_with("worker only joins")).count(), 2);
    job.check(&ended, &[vec![pipe], texts].concat());
}

#[test]
fn a_task_that_is_lost_on_its_way_is_given_again() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    let files = Files::new("redis lost").texts(1);
    let worker = job.worker("slow");
    worker.signal("STOP");
    // Its request is cut, so that the task waits in the list, and the coordinator connects only then.
    redis.cut_and(&[]);
    let running = job.count(&files);
    let list = "LLEN wordcount:worker:slow:tasks";
    redis.until(list, |tasks| tasks == 1);
    assert_eq!(redis.ask("DEL wordcount:worker:slow:tasks"), Value::Integer(1));
    redis.until(list, |tasks| tasks == 1);
    worker.signal("CONT");
    job.check(&running.end(), &files);
}

#[test]
fn a_task_that_was_taken_and_did_not_arrive_is_taken_again() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    let file = Files::new("redis taken").texts(1).remove(0);
    let mut worker = job.worker("late");
    // As if the connection had been lost with the reply to the command that moves it.
    let message = format!("default\t1-0\t{}", file.to_str().unwrap().replace(' ', "\t"));
    redis.ask(&format!("RPUSH wordcount:worker:late:doing {message}"));
    worker.says(&format!("has counted {}", file.display()));
    redis.until("LLEN wordcount:worker:late:done", |done| done == 1);
    assert_eq!(redis.ask("EXISTS wordcount:worker:late:doing"), Value::Integer(0));
    job.done(1);
}

#[test]
fn a_task_that_has_a_result_is_not_counted_again() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    redis.ask("HSET wordcount:job:default:results 1-0 =0:");
    let worker = job.worker("late");
    redis.ask("RPUSH wordcount:worker:late:tasks default\t1-0\t/some/file");
    redis.until("LLEN wordcount:worker:late:done", |done| done == 1);
    assert_eq!(redis.ask("EXISTS wordcount:worker:late:doing"), Value::Integer(0));
    assert_eq!(worker.kill().counts(), 0);
}

#[test]
fn workers_that_die_without_a_task_are_no_deaths_of_a_file() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis idle workers");
        let files = [folder.pipe("pipe")];
        let mut first = job.worker("first");
        let mut running = job.count(&files);
        let _pipe = first.waits(&files[0]);
        let idle = ["a", "b", "c", "d", "e"];
        for name in idle {
            let worker = job.worker(name);
            running.says(&format!("worker {name} joins"));
            worker.kill();
        }
        folder.replace(&files[0]);
        first.kill();
        // Each of the idle ones is dead when it gets its turn: it is asked once, and not given the file.
        idle.iter().chain(&["first"]).for_each(|name| job.end_lease(name));
        idle.iter().for_each(|name| running.says(&format!("worker {name} is gone")));
        let _last = job.worker("last");
        job.check(&running.end(), &files);
    });
}

#[test]
fn a_file_on_which_every_worker_dies_is_given_up() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis poison");
        let poison = folder.pipe("poison");
        let texts = folder.texts(3);
        let running = job.count(&[vec![poison.clone()], texts.clone()].concat());
        // Kept open: closing one writer would end the pipe for the next worker too.
        let mut pipes = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let mut worker = job.worker(name);
            pipes.push(worker.waits(&poison));
            worker.kill();
            job.end_lease(name);
        }
        let _worker = job.worker("e");
        let ended = running.end();
        let message = "given up, because 4 workers died meanwhile";
        assert!(ended.said(&format!("{}: {message}", poison.display())), "{:#?}", ended.stderr);
        assert_eq!((ended.stdout, ended.code), (expected(&texts), Some(1)));
    });
}
