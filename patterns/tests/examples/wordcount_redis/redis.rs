//! Faults of Redis, and of the connections to it.

use std::env;

use super::*;
use crate::text::Random;

/// Starts a job on two workers that wait for pipes, has the fault happen, and lets the workers go on.
fn survives(test: &str, redis: &mut Redis, mode: &[&str], fault: impl FnOnce(&mut Redis)) {
    let (_folder, files) = two_pipes(test, 10);
    let job = Job { redis, mode };
    let workers = [job.worker("a"), job.worker("b"), job.worker("c")];
    let mut running = job.count(&files);
    let [one, two] = [Waiting::at(&files[0]), Waiting::at(&files[1])];
    job.done(10);
    fault(redis);
    let job = Job { redis, mode };
    running.reconnects();
    redis.ask("ACL SETUSER default +@all");
    release(one, &files[0]);
    job.done(11);
    release(two, &files[1]);
    let ended = running.end();
    job.check(&ended, &files);
    let counted = workers.map(|worker| worker.kill().counts());
    assert_eq!(counted.iter().sum::<usize>(), files.len(), "once each");
}

#[test]
fn cut_connections_lose_nothing() {
    in_both_modes(|redis, mode| {
        survives("redis cut", redis, mode, |redis| redis.cut_and(&[]));
    });
}

#[test]
fn a_redis_that_is_killed_and_started_again_loses_nothing() {
    in_both_modes(|redis, mode| {
        survives("redis restarted", redis, mode, Redis::restart);
    });
}

/// As while it loads its data, or when its memory is full.
#[test]
fn a_redis_that_aborts_transactions_for_a_while_is_asked_again() {
    in_both_modes(|redis, mode| {
        survives("redis aborts", redis, mode, |redis| {
            redis.ask("ACL SETUSER default -lpos");
        });
    });
}

/// Kills, stops and cuts at random times: no file is lost, and none counts twice.
#[test]
fn random_faults_change_nothing() {
    let rounds = if env::var_os("PUSHDOWN_LONG").is_some() { 100 } else { 1 };
    for round in 0..rounds {
        in_both_modes(|redis, mode| random_faults(round, redis, mode));
    }
}

/// So many that some are left when the last fault comes.
const FILES: i64 = 100;

fn random_faults(round: u64, redis: &mut Redis, mode: &[&str]) {
    let mut random = Random::new(round);
    let files = Files::new("redis random").texts(FILES as u64);
    let mut names = (0..).map(|number| format!("worker{number}"));
    let mut worker = |redis: &Redis| {
        let name = names.next().unwrap();
        (Job { redis, mode }.worker(&name), name)
    };
    // Without Redis a coordinator cannot begin: no fault comes before it has begun, or has found nothing left.
    let coordinator = |redis: &Redis, files: &[PathBuf]| {
        let mut coordinator = Job { redis, mode }.count(files);
        coordinator.finds_or_ends(|line| line.ends_with(" joins"));
        coordinator
    };
    let mut workers = [worker(redis), worker(redis), worker(redis)];
    let mut coordinators = vec![coordinator(redis, &files)];
    let (mut faults, mut done) = ([0; 6], 0);
    while done < FILES / 2 {
        let fault = random.below(faults.len() as u64) as usize;
        faults[fault] += 1;
        let at = random.below(3) as usize;
        match fault {
            0 => {
                let (killed, name) = std::mem::replace(&mut workers[at], worker(redis));
                killed.kill();
                Job { redis, mode }.end_lease(&name);
            }
            1 => {
                let (stopped, name) = &workers[at];
                stopped.signal("STOP");
                Job { redis, mode }.end_lease(name);
                workers[at] = worker(redis);
            }
            2 => {
                coordinators.remove(0).kill();
                coordinators.push(coordinator(redis, &[]));
            }
            3 if coordinators.len() < 3 => coordinators.push(coordinator(redis, &[])),
            4 => redis.restart(),
            _ => redis.cut_and(&[]),
        }
        // Each fault comes after some progress.
        let least = done + 1 + random.below(4) as i64;
        redis.until("HLEN wordcount:job:default:results", |results| {
            done = results;
            results >= least.min(FILES)
        });
    }
    println!("{mode:?}: {faults:?} faults");
    for coordinator in coordinators {
        Job { redis, mode }.check(&coordinator.end(), &files);
    }
}
