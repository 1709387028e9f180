//! The example `million`, run with fewer parsers.

use std::env::{self, consts::EXE_SUFFIX};
use std::path::PathBuf;
use std::process::{Command, Output};

const ENGINES: [&str; 5] = ["machine", "coroutine", "stackless", "generator", "combinator"];
const JSON_ENGINES: [&str; 4] =
    ["json-machine", "json-coroutine", "json-stackless", "json-generator"];

fn million() -> PathBuf {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("million{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    path
}

fn run(args: &[&str]) -> Output {
    Command::new(million()).args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[test]
fn every_engine_has_a_row_for_every_number() {
    check_rows(&["1", "2000"], &["1", "2,000"], &ENGINES);
    check_rows(&["--json", "500"], &["500"], &JSON_ENGINES);
}

fn check_rows(args: &[&str], numbers: &[&str], engines: &[&str]) {
    let output = run(args);
    assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)));
    let rows: Vec<Vec<&str>> =
        text(&output.stdout).lines().skip(1).map(|row| row.split_whitespace().collect()).collect();
    println!("{} rows", rows.len());
    let expected: Vec<[&str; 2]> =
        numbers.iter().flat_map(|live| engines.iter().map(|engine| [*engine, *live])).collect();
    assert_eq!(rows.iter().map(|row| &row[..2]).collect::<Vec<_>>(), expected);
    for row in &rows {
        let [_, _, bytes, make, feed, left] = row[..] else { panic!("{row:?}") };
        for number in [bytes, make, left] {
            assert!(
                number == "unknown" || number.replace(',', "").parse::<u64>().is_ok(),
                "{row:?}"
            );
        }
        assert!(feed.parse::<f64>().unwrap() > 0.0, "{row:?}");
    }
}

/// A page and little more. AddressSanitizer adds memory of its own, and so does a body that is recursive and
/// not optimised.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(pushdown_asan)))]
fn a_suspended_coroutine_holds_one_page() {
    let engines = ["coroutine", "json-coroutine"];
    for engine in &engines[..if cfg!(debug_assertions) { 1 } else { 2 }] {
        let output = run(&["--row", engine, "2000"]);
        let row = text(&output.stdout).split_whitespace().nth(2);
        let bytes: u64 = row.unwrap().replace(',', "").parse().unwrap();
        println!("{bytes} bytes for each of 2000 of {engine}");
        assert!((4096..16384).contains(&bytes), "{engine}: {bytes}");
    }
}

#[test]
fn a_table_may_have_the_rows_of_one_engine() {
    for engine in ["stackless", "json-machine"] {
        let output = run(&[engine, "10", "20"]);
        let rows: Vec<_> = text(&output.stdout).lines().skip(1).collect();
        assert_eq!(rows.len(), 2, "{rows:?}");
        for (row, live) in rows.iter().zip(["10", "20"]) {
            assert!(row.split_whitespace().take(2).eq([engine, live]), "{row}");
        }
    }
}

#[test]
fn the_rows_of_several_engines_are_printed_for_a_program() {
    let output = run(&["--csv", "stackless", "10", "20", "machine", "1000"]);
    assert_eq!((text(&output.stderr), output.status.code()), ("", Some(0)));
    let rows: Vec<Vec<&str>> =
        text(&output.stdout).lines().map(|row| row.split(',').collect()).collect();
    assert_eq!(rows[0], ["engine", "live", "bytes_each", "create_ns", "feed_ns"]);
    let expected = [["stackless", "10"], ["stackless", "20"], ["machine", "1000"]];
    assert_eq!(rows[1..].iter().map(|row| &row[..2]).collect::<Vec<_>>(), expected);
    for row in &rows[1..] {
        let [_, _, bytes, create, feed] = row[..] else { panic!("{row:?}") };
        assert!(bytes.is_empty() || bytes.parse::<u64>().is_ok(), "{row:?}");
        assert!(create.parse::<u64>().is_ok() && feed.parse::<f64>().is_ok(), "{row:?}");
    }
    println!("{} rows", rows.len() - 1);
}

#[test]
fn an_argument_that_is_no_number_of_parsers_is_refused() {
    let cases: [&[&str]; 9] = [
        &["0"],
        &["many"],
        &["10", "-1"],
        &["--quick", "10"],
        &["--json", "many"],
        &["stackless"],
        &["stackless", "machine"],
        &["stackless", "10", "machine"],
        &["--csv"],
    ];
    println!("{} command lines", cases.len());
    for args in cases {
        let output = run(args);
        let error = "million: expected --quick, or numbers of parsers from 1 on\n";
        assert_eq!((text(&output.stdout), text(&output.stderr)), ("", error), "{args:?}");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
}

/// The limits are in KiB of address space: too few for the parsers, and enough to start, except under
/// AddressSanitizer.
#[test]
#[cfg(all(target_os = "linux", not(pushdown_asan)))]
fn if_memory_runs_out_the_number_of_parsers_created_is_printed() {
    let cases = [("coroutine", 400_000), ("stackless", 200_000), ("generator", 200_000)];
    println!("{} engines", cases.len());
    for (engine, limit) in cases {
        let script = format!("ulimit -v {limit} && exec \"$0\" --row {engine} 1000000");
        let output = Command::new("sh").args(["-c", &script]).arg(million()).output().unwrap();
        let error = text(&output.stderr);
        assert_eq!((text(&output.stdout), output.status.code()), ("", Some(1)), "{error}");
        let reached = error.strip_prefix(&format!("million: {engine}: ")).expect(error);
        let (made, reason) =
            reached.split_once(" of 1,000,000 parsers created, then: ").expect(error);
        let made: u64 = made.replace(',', "").parse().expect(error);
        assert!((1_000..1_000_000).contains(&made), "{error}");
        assert!(reason.len() > 10, "{error}");
    }
}
