//! The example `wordcount_redis`, whose processes, connections and server are killed, stopped and cut while
//! it counts.
//!
//! The tests enforce the order of events. A worker that counts a named pipe waits until the test writes to
//! it. Leases last longer than any test: one that is over is removed by the test, after its worker was
//! killed or stopped. What has happened is seen in Redis.

use std::fs;
use std::path::{Path, PathBuf};

use pushdown::resp::Value;

use crate::process::{Ended, Files, Running, Waiting};
use crate::redis_server::Redis;
use crate::text::expected;

mod coordinators;
mod redis;
mod workers;

/// Longer than any test.
const NEVER: &str = "3600";

/// The options with which a coordinator takes its tasks, alone or in a group.
const MODES: [&[&str]; 2] = [&[], &["--group"]];

/// A job that is counted with Redis.
struct Job<'a> {
    redis: &'a Redis,
    mode: &'a [&'a str],
}

impl Job<'_> {
    fn start(&self, options: &[&str], role: &str, files: &[PathBuf]) -> Running {
        let address = self.redis.address();
        let all = ["--redis", &address, "--verbose"];
        Running::start("wordcount_redis", &[&all, options, &[role]].concat(), files)
    }

    /// Starts a worker, and waits until it is alive.
    fn worker(&self, name: &str) -> Running {
        let worker = self.start(&["--lease", NEVER, "--name", name], "worker", &[]);
        self.redis.until(&format!("EXISTS wordcount:worker:{name}"), |alive| alive == 1);
        worker
    }

    /// Ends the lease of a worker that is killed or stopped.
    fn end_lease(&self, name: &str) {
        assert_eq!(self.redis.ask(&format!("DEL wordcount:worker:{name}")), Value::Integer(1));
    }

    /// Starts a coordinator that adds these files. It takes over what another has left at once.
    fn count(&self, files: &[PathBuf]) -> Running {
        let options = ["--top", "1000000", "--claim-after", "0"];
        self.start(&[&options, self.mode].concat(), "count", files)
    }

    /// Waits until so many tasks have a result.
    fn done(&self, count: usize) {
        self.redis.until("HLEN wordcount:job:default:results", |done| done == count as i64);
    }

    /// Checks the output, and that the next coordinator has the same from Redis alone, without a worker.
    fn check(&self, ended: &Ended, files: &[PathBuf]) {
        assert_eq!((&ended.stdout, ended.code), (&expected(files), Some(0)), "{:#?}", ended.stderr);
        self.done(files.len());
        let again = Job { mode: &[], ..*self }.count(&[]).end();
        assert_eq!((again.stdout, again.code), (expected(files), Some(0)), "{:#?}", again.stderr);
    }
}

/// Runs a test in both modes, unless Redis is not installed.
fn in_both_modes(test: impl Fn(&mut Redis, &[&str])) {
    for mode in MODES {
        let Some(mut redis) = Redis::start() else { return };
        println!("mode {mode:?}");
        test(&mut redis, mode);
    }
}

/// Two pipes, and files with text.
fn two_pipes(test: &str, texts: u64) -> (Files, Vec<PathBuf>) {
    let folder = Files::new(test);
    let files = [vec![folder.pipe("one"), folder.pipe("two")], folder.texts(texts)].concat();
    (folder, files)
}

/// Writes to a pipe, and leaves a file with the same text in its place, for the oracle.
fn release(pipe: Waiting, path: &Path) {
    let text = pipe.release();
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn the_header_shows_the_real_output() {
    let Some(redis) = Redis::start() else { return };
    let job = Job { redis: &redis, mode: &[] };
    let source = include_str!("../../../examples/wordcount_redis/main.rs");
    let mut lines = source.lines().filter_map(|line| line.strip_prefix("//! "));
    let command = lines.find(|line| line.starts_with("$ wordcount_redis --top")).unwrap();
    let args: Vec<&str> = command.split(' ').skip(2).collect();
    let shown: String = lines.take_while(|line| *line != "```").flat_map(|it| [it, "\n"]).collect();
    let _workers = [job.worker("a"), job.worker("b")];
    let (options, files) = args.split_at(2);
    assert_eq!(files[0], "count");
    let files: Vec<PathBuf> = files[1..].iter().map(PathBuf::from).collect();
    let ended = job.start(options, "count", &files).end();
    assert_eq!((ended.stdout, ended.code), (shown, Some(0)));
}

#[test]
fn the_counts_do_not_depend_on_the_number_of_processes() {
    let files = Files::new("redis numbers").texts(50);
    for names in [&["a"][..], &["a", "b", "c", "d"]] {
        in_both_modes(|redis, mode| {
            let job = Job { redis, mode };
            let workers = names.iter().map(|name| job.worker(name)).collect::<Vec<_>>();
            let ended = job.count(&files).end();
            let counted = workers.into_iter().map(|worker| worker.kill().counts());
            assert_eq!(counted.sum::<usize>(), files.len(), "once each");
            names.iter().for_each(|name| job.end_lease(name));
            job.check(&ended, &files);
        });
    }
}

#[test]
fn unreadable_files_are_named_and_the_others_counted() {
    in_both_modes(|redis, mode| {
        let job = Job { redis, mode };
        let folder = Files::new("redis unreadable");
        let good = folder.texts(2);
        let missing = folder.path("missing");
        let _worker = job.worker("a");
        let ended = job.count(&[vec![missing.clone()], good.clone()].concat()).end();
        let named = format!("{}: No such file or directory (os error 2)", missing.display());
        assert!(ended.said(&named), "{:#?}", ended.stderr);
        assert_eq!((ended.stdout, ended.code), (expected(&good), Some(1)));
    });
}

#[test]
fn a_wrong_command_line_is_answered_with_the_usage() {
    let start = |args: &[&str]| Running::start("wordcount_redis", args, &[]).end();
    let help = start(&["--help"]);
    assert!(help.stdout.starts_with("Usage: wordcount_redis "), "{}", help.stdout);
    assert_eq!((&help.stderr, help.code), (&vec![], Some(0)));
    let cases: [(&[&str], &str); 6] = [
        (&[], "neither worker nor count"),
        (&["--top", "x", "count"], "--top needs a number"),
        (&["--job", "a b", "count"], "--job needs a word"),
        (
            &["--lease", "-1", "worker"],
            "--lease: cannot convert float seconds to Duration: value is negative",
        ),
        (&["worker", "file"], "unknown argument file"),
        (&["--tpo", "1"], "unknown argument --tpo"),
    ];
    println!("{} command lines", cases.len());
    for (args, message) in cases {
        let ended = start(args);
        let usage = help.stdout.trim_end();
        assert_eq!(ended.stderr.join("\n"), format!("wordcount_redis: {message}\n\n{usage}"));
        assert_eq!((ended.stdout.as_str(), ended.code), ("", Some(2)));
    }
    let lost = start(&["--redis", "/nowhere/socket", "count"]);
    let lost = (lost.stderr.join("\n"), lost.code);
    let error = "wordcount_redis: redis: No such file or directory (os error 2)";
    assert_eq!(lost, (error.to_owned(), Some(1)));
}
