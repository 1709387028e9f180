//! The examples, run as a reader would run them.

#[path = "examples/llm_stream.rs"]
mod llm_stream;
#[cfg(all(unix, feature = "tokio"))]
#[path = "examples/resp_tail.rs"]
mod resp_tail;
#[cfg(feature = "serde")]
#[path = "examples/tail_json.rs"]
mod tail_json;

use std::collections::BTreeSet;
use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The output of an example, and its exit code.
#[derive(Debug, PartialEq)]
struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

fn spawn(example: &str, args: &[&str]) -> Child {
    let test = env::current_exe().unwrap();
    let target = test.ancestors().nth(2).unwrap();
    let path = target.join("examples").join(format!("{example}{EXE_SUFFIX}"));
    assert!(path.exists(), "{} is missing: run `cargo build --examples`", path.display());
    let mut command = Command::new(path);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn run(example: &str, args: &[&str], stdin: &[u8]) -> Ran {
    let mut child = spawn(example, args);
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

/// Feeds an example without end, and closes its output after the first line, as `head -n 1` does. Returns
/// the line, its messages and its exit code.
fn head(example: &str, args: &[&str], line: &[u8]) -> Ran {
    let mut child = spawn(example, args);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let status = thread::scope(|scope| {
        let lines = line.repeat(1_000);
        let feeder = scope.spawn(move || while stdin.write_all(&lines).is_ok() {});
        output.read_line(&mut stdout).unwrap();
        drop(output);
        feeder.join().unwrap();
        child.wait().unwrap()
    });
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    Ran { stdout, stderr, code: status.code() }
}

/// Time after which a wait has failed. It only turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines that a child prints, as they come.
fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    thread::spawn(move || output.lines().try_for_each(|line| sender.send(line.unwrap())));
    lines
}

/// Writes a file for this test run. Returns its path.
fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path
}

fn compare(files: &[&Path]) -> Ran {
    let files = files.iter().map(|path| path.to_str().unwrap());
    let args: Vec<&str> = ["--quick"].into_iter().chain(files).collect();
    run("compare", &args, b"")
}

/// The output of an example that the header of its source shows.
fn sample(source: &str) -> Vec<&str> {
    let header = source.lines().skip_while(|line| !line.starts_with("//! $ ")).skip(1);
    let lines: Vec<&str> = header
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .take_while(|line| *line != "```")
        .collect();
    assert!(!lines.is_empty(), "no sample");
    lines
}

/// The lines of output of `compare`, without what differs between machines, builds and budgets:
/// figures, the kernel, the processor, the directory of the document, and the remarks on a file.
fn shape<'o>(lines: impl IntoIterator<Item = &'o str>) -> Vec<String> {
    let lines = lines.into_iter().filter(|line| !line.starts_with("  the string at"));
    lines
        .map(|line| {
            let line = line.split("Processor:").next().unwrap();
            let line = line.rsplit('/').next().filter(|_| line.contains(".ndjson")).unwrap_or(line);
            let figure = |word: &str| {
                word.contains(|c: char| c.is_ascii_digit())
                    || matches!(word, "swar" | "?" | "unknown")
            };
            let words = line.split_whitespace();
            words.map(|word| if figure(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// The name of each row of the table.
fn rows(ran: &Ran) -> Vec<&str> {
    let table = ran.stdout.lines().skip_while(|line| !line.starts_with("engine"));
    let rows = table.skip(1).take_while(|line| !line.is_empty());
    rows.map(|row| row.split("  ").next().unwrap()).collect()
}

const ROWS: [&str; 6] =
    ["byte by byte", "machine", "coroutine", "generator", "stackless", "combinator"];

#[test]
fn list_prints_each_item_on_a_line_of_its_own() {
    let ran = run("list", &[], b"\"a\",\"b\\\"c\",\"d\"\n\"e\"");
    let stdout = "a\nb\"c\nd\ne\n".to_owned();
    assert_eq!(ran, Ran { stdout, stderr: String::new(), code: Some(0) });
}

#[test]
fn list_prints_the_offset_of_an_error() {
    let cases: [(&[u8], &str, &str); 6] = [
        (b"x", "", "unexpected byte at offset 0"),
        (b"\"a\",b", "a\n", "unexpected byte at offset 4"),
        (b"\"a\"\"b\"", "a\n", "unexpected byte at offset 3"),
        (b"\"a\",\"b", "a\n", "unexpected end of input at offset 6"),
        (b"\"a\",", "a\n", "unexpected end of input at offset 4"),
        (b"\"a\"\n\"b\"\n\n", "a\nb\n", "unexpected byte at offset 8"),
    ];
    println!("{} lists", cases.len());
    for (input, stdout, error) in cases {
        let stderr = format!("list: {error}\n");
        let expected = Ran { stdout: stdout.to_owned(), stderr, code: Some(1) };
        assert_eq!(run("list", &[], input), expected, "{}", input.escape_ascii());
    }
}

#[test]
fn list_prints_nothing_for_empty_input() {
    let nothing = Ran { stdout: String::new(), stderr: String::new(), code: Some(0) };
    assert_eq!(run("list", &[], b""), nothing);
}

#[test]
fn csv_prints_the_records_in_its_header() {
    let lines = sample(include_str!("../csv/main.rs"));
    let input = b"name,said\r\nAda,\"\"\"Hello, world\"\"\"\r\n";
    let stdout = lines[..2].join("\n") + "\n";
    for engine in [&[][..], &["machine"], &["coroutine"], &["stackless"]] {
        let expected = Ran { stdout: stdout.clone(), stderr: String::new(), code: Some(0) };
        assert_eq!(run("csv", engine, input), expected, "{engine:?}");
        let stderr = lines[3].to_owned() + "\n";
        let expected = Ran { stdout: String::new(), stderr, code: Some(1) };
        assert_eq!(run("csv", engine, b"a,b\"c"), expected, "{engine:?}");
    }
    assert_eq!(run("csv", &["generator"], b"").code, Some(2));
}

#[test]
fn csv_prints_a_record_that_the_input_cuts_into_chunks() {
    let long = "x".repeat(100_000);
    let ran = run("csv", &[], format!("{long},\"{long}\"\n\n1").as_bytes());
    assert_eq!(ran.stdout, format!("{:?}\n{:?}\n", [&long, &long], ["1"]));
}

#[test]
fn json_events_prints_the_output_in_its_header() {
    let lines = sample(include_str!("../json_events.rs"));
    let (good, bad) = lines.split_at(lines.iter().position(|line| line.starts_with("$ ")).unwrap());
    let input = file("events.json", br#"{"name": "caf\u00e9", "tags": [1e3, true]} null"#);
    let stdout = good.join("\n") + "\n";
    let expected = Ran { stdout, stderr: String::new(), code: Some(0) };
    assert_eq!(run("json_events", &[], &fs::read(&input).unwrap()), expected);
    assert_eq!(run("json_events", &[input.to_str().unwrap()], b""), expected);

    let (error, events) = bad[1..].split_last().unwrap();
    let expected =
        Ran { stdout: events.join("\n") + "\n", stderr: format!("{error}\n"), code: Some(1) };
    assert_eq!(run("json_events", &[], b"[1, 01]\n"), expected);
}

#[test]
fn json_events_ends_a_number_with_the_input() {
    let ran = run("json_events", &[], b"12");
    assert!(ran.stdout.ends_with("more: false })\n"), "{}", ran.stdout);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
}

#[test]
fn json_events_prints_what_has_come_while_the_input_is_open() {
    let mut child = spawn("json_events", &[]);
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"[\"cut").unwrap();
    let lines = lines(&mut child);
    for expected in ["BeginArray", "  String(Text { text: \"cut\", more: true })"] {
        assert_eq!(lines.recv_timeout(PATIENCE).expect("the line is held back"), expected);
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn json_events_ends_with_its_reader() {
    let expected = Ran { stdout: "BeginArray\n".into(), stderr: String::new(), code: Some(0) };
    assert_eq!(head("json_events", &[], b"[1]\n"), expected);
}

#[test]
#[cfg(feature = "serde")]
fn json_items_prints_the_output_in_its_header() {
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/json/citm_catalog.json");
    let lines = sample(include_str!("../json_items.rs"));
    let (listed, error) = (&lines[..3], *lines.last().unwrap());
    let ran = run("json_items", &[catalogue], b"");
    assert_eq!(ran.stdout.lines().take(3).collect::<Vec<_>>(), listed);
    assert_eq!((ran.stdout.lines().count(), ran.stderr.as_str(), ran.code), (243, "", Some(0)));
    let content = fs::read(catalogue).unwrap();
    assert_eq!(run("json_items", &[], &content), ran, "of a pipe");
    let twice = run("json_items", &[], &content.repeat(2));
    assert_eq!(twice.stdout, ran.stdout.repeat(2), "of two catalogues");

    let ran = run("json_items", &[], br#"{"performances": [{"id": 1, "venueCode": null}]}"#);
    let expected = Ran { stdout: String::new(), stderr: format!("{error}\n"), code: Some(1) };
    assert_eq!(ran, expected);
}

#[test]
#[cfg(feature = "serde")]
fn json_items_names_the_line_and_the_column_of_an_error() {
    let long = "x".repeat(200_000);
    let item = r#"{"id": 7, "venueCode": "é", "prices": []}"#;
    let path = file("catalogue.json", format!("[\n\n  {item},\n  \"é{long}\nz").as_bytes());
    let named = format!("{}: line 4, column 200005: unexpected byte", path.display());
    let blank = " ".repeat(200_000);
    let cases: [(&[&str], &str, &str); 7] = [
        (&["--at", "/*"], &format!("[{item},{blank}\n z"), "line 2, column 2: unexpected byte"),
        (&["--at", "/*", path.to_str().unwrap()], "", &named),
        (&["--at", "/*"], &format!("[\n {item},"), "line 2, column 44: unexpected end of input"),
        (
            &["--at", "/*"],
            &format!("[{item},\n \"é\"\n]"),
            "line 2, column 5: invalid type: string \"é\", expected struct Performance at \
             line 1 column 4 of the value that ends here",
        ),
        (
            &["--at", ""],
            &format!("{item} 12"),
            "line 1, column 45: invalid type: integer `12`, expected struct Performance at \
             line 1 column 2 of the value that ends here",
        ),
        (&["--at", "/*"], &format!("[{item},\r\n\u{feff}1"), "line 2, column 1: unexpected byte"),
        (&["--at", "/*"], &format!("[{item}"), "line 1, column 43: unexpected end of input"),
    ];
    println!("{} errors", cases.len());
    for (args, input, error) in cases {
        let expected = Ran {
            stdout: "7 é, prices: 0\n".to_owned(),
            stderr: format!("json_items: {error}\n"),
            code: Some(1),
        };
        assert_eq!(run("json_items", args, input.as_bytes()), expected);
    }
}

#[test]
#[cfg(feature = "serde")]
fn json_items_ends_with_its_reader() {
    let item = br#"{"performances": [{"id": 7, "venueCode": "a", "prices": []}]}"#;
    let expected =
        Ran { stdout: "7 a, prices: 0\n".to_owned(), stderr: String::new(), code: Some(0) };
    assert_eq!(head("json_items", &[], item), expected);
}

#[test]
#[cfg(feature = "serde")]
fn json_items_prints_its_usage() {
    let help = run("json_items", &["--help"], b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", Some(0)));
    assert!(help.stdout.starts_with("Usage: json_items [--at PATTERN] [FILE]\n"), "{help:?}");
    for (args, wrong) in [
        (&["--ad"][..], "unknown option --ad"),
        (&["--at"], "--at needs a pattern"),
        (&["a", "b"], "more than one file"),
        (&["--at", "/~"], "the pattern /~: unexpected byte at offset 1"),
    ] {
        let stderr = format!("json_items: {wrong}\n\n{}", help.stdout);
        let expected = Ran { stdout: String::new(), stderr, code: Some(2) };
        assert_eq!(run("json_items", args, b""), expected);
    }
    let missing = run("json_items", &["missing"], b"");
    let stderr = "json_items: missing: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(missing, Ran { stdout: String::new(), stderr, code: Some(1) });
}

#[test]
fn process_char_answers_after_the_end_and_may_be_dropped_early() {
    let ran = run("process_char", &[], b"");
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let (statuses, costs) = lines.split_at(6);
    assert_eq!(
        statuses,
        [
            "\" NeedMoreInput",
            "a NeedMoreInput",
            "\" Success",
            "  Success",
            "b Success",
            "dropped at NeedMoreInput; its thread has ended",
        ]
    );
    let names: Vec<&str> = costs.iter().map(|cost| cost.split("  ").next().unwrap()).collect();
    assert_eq!(names, ["thread and channels", "coroutine", "machine"]);
}

#[test]
#[cfg(feature = "testing")]
fn own_format_prints_the_output_in_its_header() {
    let lines = sample(include_str!("../own_format.rs"));
    let stdout = lines.join("\n") + "\n";
    let expected = Ran { stdout, stderr: String::new(), code: Some(0) };
    assert_eq!(run("own_format", &[], b""), expected);
}

#[test]
fn http_prints_the_output_in_its_header() {
    let lines = sample(include_str!("../http/main.rs"));
    let (error, requests) = lines.split_last().unwrap();
    let (stdout, stderr) = (requests.join("\n") + "\n", format!("{error}\n"));
    let expected = Ran { stdout, stderr, code: Some(1) };
    for engine in [&[][..], &["machine"], &["coroutine"], &["stackless"]] {
        let input = include_bytes!("../../tests/data/http/upload.txt");
        assert_eq!(run("http", engine, input), expected, "{engine:?}");
    }
    assert_eq!(run("http", &["generator"], b"").code, Some(2));
}

#[test]
fn compare_reads_the_bundled_document_and_has_a_row_for_each_engine() {
    let ran = compare(&[]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    assert!(
        ran.stdout.contains("amazon_cellphones.ndjson: 81,920 bytes, strings: "),
        "{}",
        ran.stdout
    );
    assert_eq!(rows(&ran), ROWS);
    assert_eq!(shape(ran.stdout.lines()), shape(sample(include_str!("../compare/main.rs"))));
}

#[test]
fn compare_has_no_two_columns_of_one_name() {
    let ran = compare(&[]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let below = lines.iter().position(|line| line.starts_with("engine")).unwrap();
    let (above, below) = (lines[below - 1], lines[below]);
    let mut names = BTreeSet::new();
    let (mut columns, mut start) = (0, 0);
    // A name spans two lines and ends in the same column of both.
    while let Some(word) = below[start..].find(|c| c != ' ') {
        let word = start + word;
        let end = below[word..].find(' ').map_or(below.len(), |len| word + len);
        let name = format!(
            "{} {}",
            above[start.min(above.len())..end.min(above.len())].trim(),
            &below[word..end]
        );
        columns += 1;
        assert!(names.insert(name.clone()), "{name} twice in\n{above}\n{below}");
        start = end;
    }
    println!("{columns} columns");
    assert_eq!(columns, 13);
}

#[test]
fn compare_finds_the_strings_of_several_files_and_prints_one_table() {
    let one = file("one", br#"a "b" \ "c\"d\\" """#);
    let other = file("other", b"\"\xff\\\xff\\\n\0\"");
    let ran = compare(&[&one, &other]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let (one, other) = (one.display(), other.display());
    let found = format!(
        "{one}: 19 bytes, strings: 3, their content: 5 bytes\n\
         {other}: 8 bytes, strings: 1, their content: 4 bytes\n\n"
    );
    assert!(ran.stdout.starts_with(&found), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("\nengine").count(), 1);
    let checked = "\n5 engines, 4 strings, 5 cuttings, with a sink and without: all equal\n";
    assert!(ran.stdout.ends_with(checked), "{}", ran.stdout);
    assert_eq!(rows(&ran), ROWS);
}

#[test]
fn compare_reports_a_string_that_is_never_closed_and_continues() {
    let path = file("unclosed", br#""a" "b\""#);
    let ran = compare(&[&path]);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    let note = "  the string at offset 4 is never closed: unexpected end of input at offset 8\n";
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
    assert_eq!(rows(&ran), ROWS);
}

#[test]
fn compare_names_the_strings_that_combinator_skips() {
    let padding = " ".repeat(5000);
    let (longest, too_long) = ("a".repeat(65_534), "b".repeat(65_535));
    for (name, content, named) in [("longest", longest, false), ("too_long", too_long, true)] {
        let path = file(name, format!("{padding}\"{content}\" \"c\"").as_bytes());
        let ran = compare(&[&path]);
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        let note = "  the string at offset 5000 has 65,537 bytes: too long for combinator";
        assert_eq!(ran.stdout.contains(note), named, "{}", ran.stdout);
        assert_eq!(rows(&ran), ROWS);
    }
}

#[test]
fn compare_explains_why_a_file_cannot_be_read() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut cases = vec![
        (directory.join("missing"), "No such file or directory (os error 2)"),
        (directory.to_owned(), "a directory, not a file"),
        (file("empty", b""), "the file is empty"),
        (file("no_string", b"a \\ 'b'"), "no quoted string"),
        (
            file("half_a_string", b"a \"b"),
            "no quoted string: the one at offset 2 is never closed (unexpected end of \
             input at offset 4)",
        ),
    ];
    if cfg!(target_os = "linux") {
        // Can be opened but not read, even by root.
        cases.push(("/proc/self/mem".into(), "Input/output error (os error 5)"));
        let stream = "not a regular file, so it cannot be read more than once";
        cases.push(("/dev/null".into(), stream));
    }
    println!("{} files", cases.len());
    for (path, wrong) in cases {
        let stderr = format!("compare: {}: {wrong}\n", path.display());
        let expected = Ran { stdout: String::new(), stderr, code: Some(1) };
        assert_eq!(compare(&[&path]), expected);
    }
}

#[test]
fn compare_continues_after_a_bad_file_but_fails_in_the_end() {
    let (good, bad) = (file("good", b"\"a\""), file("bad", b"a"));
    let ran = compare(&[&bad, &good]);
    assert_eq!(ran.stderr, format!("compare: {}: no quoted string\n", bad.display()));
    assert_eq!(ran.code, Some(1));
    assert_eq!(rows(&ran), ROWS);
}

#[test]
fn compare_prints_its_usage() {
    let help = run("compare", &["--help"], b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", Some(0)));
    assert!(help.stdout.starts_with("Usage: compare [--quick] [FILE]...\n"), "{}", help.stdout);

    let wrong = run("compare", &["--quik"], b"");
    assert_eq!((wrong.stdout.as_str(), wrong.code), ("", Some(2)));
    assert_eq!(wrong.stderr, format!("compare: unknown option --quik\n\n{}", help.stdout));

    let dash = run("compare", &["--quick", "--", "--missing"], b"");
    let stderr = "compare: --missing: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(dash, Ran { stdout: String::new(), stderr, code: Some(1) });
}
