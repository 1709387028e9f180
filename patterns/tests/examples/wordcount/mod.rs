//! The example `wordcount`, whose workers are killed and stopped while they count.
//!
//! The tests enforce the order of events. A worker that counts a named pipe waits until the test writes
//! to it. Before the test kills that worker, it puts a file in place of the pipe, for the next attempt.

use std::fs;
use std::path::PathBuf;

#[path = "../../../examples/wordcount/words.rs"]
#[allow(dead_code, reason = "only the parser is tested here")]
mod words;

use crate::process::{Files, Running};
#[cfg(target_os = "linux")]
use crate::process::{signal, until};
use crate::text::{expected, text};

/// Longer than any test. A worker that waits for a test must not be taken for a slow one.
const NEVER: &str = "3600";

const ALL: &[&str] = &["--top", "1000000"];

/// Starts the example.
fn start(args: &[&str], files: &[PathBuf]) -> Running {
    Running::start("wordcount", args, files)
}

/// Starts it with a report of the workers on standard error. Without options in `args`, no worker is ever
/// too slow.
fn verbose(args: &[&str], files: &[PathBuf]) -> Running {
    let patient: &[&str] = &["--timeout", NEVER, "--backup-after", NEVER, "--verbose"];
    start(&[patient, args].concat(), files)
}

#[test]
fn the_header_shows_the_real_output() {
    let source = include_str!("../../../examples/wordcount/main.rs");
    let mut lines = source.lines().filter_map(|line| line.strip_prefix("//! "));
    let command = lines.find(|line| line.starts_with("$ cargo run")).unwrap();
    let args: Vec<&str> = command.split_once(" -- ").unwrap().1.split(' ').collect();
    let shown: String = lines.take_while(|line| *line != "```").flat_map(|it| [it, "\n"]).collect();
    let ended = start(&args, &[]).end();
    assert_eq!((ended.stderr, ended.stdout, ended.code), (vec![], shown, Some(0)));
}

#[test]
fn the_counts_do_not_depend_on_the_number_of_workers() {
    let files = Files::new("hundreds").texts(300);
    let expected = expected(&files);
    for workers in ["1", "2", "5"] {
        let ended = start(&[ALL, &["--workers", workers]].concat(), &files).end();
        assert_eq!((ended.stderr, ended.code), (vec![], Some(0)));
        assert!(ended.stdout == expected, "{workers} workers: {}", ended.stdout);
    }
    println!("{} files, {} different words", files.len(), expected.lines().count() - 1);
}

#[test]
fn a_worker_killed_while_it_counts_does_not_change_the_counts() {
    let folder = Files::new("killed");
    let files = [vec![folder.pipe("pipe")], folder.texts(30)].concat();
    let mut running = verbose(&[ALL, &["--workers", "2"]].concat(), &files);
    let killed = running.waits(&files[0]);
    folder.replace(&files[0]);
    killed.signal("KILL");
    let ended = running.end();
    assert!(ended.said(&format!("worker {} is gone: signal: 9 (SIGKILL)", killed.worker)));
    assert_eq!((ended.starts(), ended.counted(&files[0])), (3, 2));
    assert_eq!((ended.stdout, ended.code), (expected(&files), Some(0)));
}

#[test]
fn all_workers_killed_at_once_are_replaced() {
    let folder = Files::new("all killed");
    let pipes = ["one", "two", "three"].map(|name| folder.pipe(name));
    let files = [pipes.to_vec(), folder.texts(30)].concat();
    let mut running = verbose(&[ALL, &["--workers", "3"]].concat(), &files);
    let killed = pipes.each_ref().map(|pipe| running.waits(pipe));
    for (worker, pipe) in killed.iter().zip(&pipes) {
        folder.replace(pipe);
        worker.signal("KILL");
    }
    let ended = running.end();
    assert!(killed.iter().all(|it| ended.said(&format!("worker {} has left", it.worker))));
    assert_eq!((ended.starts(), pipes.each_ref().map(|pipe| ended.counted(pipe))), (6, [2, 2, 2]));
    assert_eq!((ended.stdout, ended.code), (expected(&files), Some(0)));
}

#[test]
fn a_backup_copy_replaces_the_call_of_a_stopped_worker() {
    let folder = Files::new("stopped");
    let pipes = vec![folder.pipe("stops"), folder.pipe("goes on")];
    let files = [pipes, folder.texts(30)].concat();
    let args = ["--workers", "2", "--backup-after", "0"];
    let mut running = verbose(&[ALL, &args].concat(), &files);
    let stopped = running.waits(&files[0]);
    let goes_on = running.waits(&files[1]);
    let other = goes_on.worker.clone();
    stopped.signal("STOP");
    folder.replace(&files[0]);
    // From here on the other worker counts all other files, and finally the copy.
    let content = goes_on.release();
    let ended = running.end();
    assert!(ended.said(&format!("worker {other} counts {}", files[0].display())));
    assert_eq!((ended.starts(), ended.counted(&files[0])), (2, 2));
    fs::remove_file(&files[1]).unwrap();
    fs::write(&files[1], content).unwrap();
    assert_eq!((ended.stdout, ended.code), (expected(&files), Some(0)));
}

#[test]
fn the_timeout_replaces_a_stopped_worker() {
    let folder = Files::new("lone");
    let files = [vec![folder.pipe("pipe")], folder.texts(3)].concat();
    // The timeout applies to every file, so it is long enough for the slowest machine.
    let args = ["--workers", "1", "--timeout", "30"];
    let mut running = verbose(&[ALL, &args].concat(), &files);
    let stopped = running.waits(&files[0]);
    folder.replace(&files[0]);
    stopped.signal("STOP");
    let ended = running.end();
    assert!(ended.said(&format!("worker {} has left", stopped.worker)));
    assert!(ended.starts() >= 2 && ended.counted(&files[0]) >= 2);
    assert_eq!((ended.stdout, ended.code), (expected(&files), Some(0)));
}

#[test]
fn the_error_names_a_file_on_which_every_worker_dies() {
    let folder = Files::new("poison");
    let files = [vec![folder.pipe("poison")], folder.texts(3)].concat();
    let mut running = verbose(&["--workers", "1"], &files);
    // Kept open: closing one writer would end the pipe for the next worker too.
    let mut killed = Vec::new();
    for _ in 0..4 {
        killed.push(running.waits(&files[0]));
        killed[killed.len() - 1].signal("KILL");
    }
    let ended = running.end();
    let error = ended.stderr.last().unwrap();
    assert!(error.starts_with(&format!("wordcount: {}: ", files[0].display())), "{error}");
    assert!(error.contains("used up its attempts; 3 of 4 tasks are done"), "{error}");
    assert!(error.ends_with("is gone: signal: 9 (SIGKILL)"), "{error}");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", Some(1)));
}

#[cfg(target_os = "linux")]
#[test]
fn workers_that_died_idle_are_no_deaths_of_a_file() {
    let folder = Files::new("idle");
    let files = [vec![folder.pipe("pipe")], folder.texts(4)].concat();
    let mut running = verbose(&[ALL, &["--workers", "5"]].concat(), &files);
    let busy = running.waits(&files[0]);
    folder.replace(&files[0]);
    for _ in 0..5 {
        let starts = running.finds("starts", |line| line.ends_with(" starts"));
        let pid = starts.split(' ').nth(2).unwrap();
        if pid != busy.worker {
            signal("KILL", pid);
            // Its parent does not wait for it before it asks it for something.
            let stat = format!("/proc/{pid}/stat");
            until("it is dead", || !fs::read_to_string(&stat).is_ok_and(|it| !it.contains(") Z ")));
        }
    }
    busy.signal("KILL");
    let ended = running.end();
    assert_eq!((ended.stdout, ended.code), (expected(&files), Some(0)), "{:#?}", ended.stderr);
}

#[test]
fn the_count_fails_when_all_restarts_are_used_up() {
    let folder = Files::new("dying");
    let files = ["one", "two", "three"].map(|name| folder.pipe(name));
    let mut running = verbose(&["--workers", "1", "--restarts", "2"], &files);
    for file in &files {
        running.waits(file).signal("KILL");
    }
    let ended = running.end();
    let error = ended.stderr.last().unwrap();
    let begin = "wordcount: no server is left; 0 of 3 tasks are done, and restarts: 2; worker ";
    assert!(error.starts_with(begin), "{error}");
    assert!(error.ends_with("is gone: signal: 9 (SIGKILL)"), "{error}");
    assert_eq!((ended.starts(), ended.stdout.as_str(), ended.code), (3, "", Some(1)));
}

#[test]
fn an_interrupt_leaves_no_process_behind() {
    let folder = Files::new("interrupt");
    let files = ["one", "two"].map(|name| folder.pipe(name));
    let mut running = verbose(&["--workers", "2"], &files);
    let _waiting = files.each_ref().map(|file| running.waits(file));
    running.signal("INT");
    // The end of standard error: no process holds it any more.
    let ended = running.end();
    assert_eq!(ended.stderr.last().unwrap(), "wordcount: interrupted");
    assert_eq!((ended.stdout.as_str(), ended.code), ("", Some(130)));
}

#[test]
fn workers_exit_after_their_file_when_the_coordinator_is_killed() {
    let files = [Files::new("orphan").pipe("pipe")];
    let mut running = verbose(&["--workers", "1"], &files);
    let waiting = running.waits(&files[0]);
    running.signal("KILL");
    waiting.release();
    assert_eq!(running.end().code, None);
}

#[test]
fn unreadable_files_are_named_and_the_others_counted() {
    let folder = Files::new("unreadable");
    let good = folder.texts(2);
    let [missing, directory] = [folder.path("missing"), folder.path("")];
    let files = [vec![missing.clone()], good.clone(), vec![directory.clone()]].concat();
    let ended = start(ALL, &files).end();
    let stderr = [
        format!("wordcount: {}: No such file or directory (os error 2)", missing.display()),
        format!("wordcount: {}: Is a directory (os error 21)", directory.display()),
    ];
    assert_eq!(ended.stderr, stderr);
    assert_eq!((ended.stdout, ended.code), (expected(&good), Some(1)));
}

#[test]
fn a_file_name_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"\xff 3:a,\n");
    let path = Files::new("names").path(name);
    fs::write(&path, "one").unwrap();
    let ended = start(&["--"], &[path]).end();
    assert_eq!(ended.stdout, "       1 one\nwords: 1, different ones: 1, files: 1\n");
}

#[test]
fn a_wrong_command_line_is_answered_with_the_usage() {
    let help = start(&["--help"], &[]).end();
    assert!(help.stdout.starts_with("Usage: wordcount "), "{}", help.stdout);
    assert_eq!((&help.stderr, help.code), (&vec![], Some(0)));
    let cases: [(&[&str], &str); 5] = [
        (&[], "no file to count"),
        (&["--top"], "--top needs a number"),
        (&["--workers", "0"], "--workers needs a number, not 0"),
        (&["--timeout", "-1"], "--timeout needs a number, not -1"),
        (&["--tpo", "1"], "unknown option --tpo"),
    ];
    println!("{} command lines", cases.len());
    for (args, message) in cases {
        let ended = start(args, &[]).end();
        assert_eq!(
            ended.stderr.join("\n"),
            format!("wordcount: {message}\n\n{}", help.stdout.trim_end())
        );
        assert_eq!((ended.stdout.as_str(), ended.code), ("", Some(2)));
    }
}

#[test]
fn the_words_do_not_depend_on_the_cuts() {
    use pushdown::engine::stackless::Parser;
    use pushdown::testing::{Harness, Log};
    let harness = Harness::new(|log: &mut Log, word: &str| log.event(word))
        .parser("words", || Parser::new(words::words));
    let inputs = [&text(1)[..400], "one Größe, 數字 x".as_bytes(), b"a\xc3 b\xe6\x95c", b""];
    for input in inputs {
        harness.check(input).unwrap();
    }
    println!("{} texts", inputs.len());
}
