//! The example `tail_json`: records from every source, and errors that it survives.

use std::fmt::Write as _;
use std::io::Write;
use std::net::TcpListener;

use crate::{PATIENCE, Ran, file, head, lines, run, sample, spawn};

fn record(text: &str) -> String {
    format!("{{\"at\": \"t\", \"level\": \"info\", \"text\": \"{text}\"}}\n")
}

#[test]
fn it_prints_the_output_in_its_header() {
    let header = sample(include_str!("../../tail_json.rs"));
    let input = "{\"at\": \"12:00:01\", \"level\": \"info\", \"text\": \"listening\"}\n\
        {\"at\": \"12:00:07\", \"level\": \"loud\", \"text\": \"?\"}\n\
        {\"at\": \n\
        \"12:00:09\", \"level\": \"warn\", \"text\": \"disk is 91 % full\", \"disk\": {\"free\": 3}}\n";
    // The lines before are of the command.
    let [stdout, stderr, more] = header[3..6] else { panic!("{header:?}") };
    let expected =
        Ran { stdout: format!("{stdout}\n{more}\n"), stderr: format!("{stderr}\n"), code: Some(1) };
    assert_eq!(run("tail_json", &[], input.as_bytes()), expected);
    let path = file("log.ndjson", input.as_bytes());
    assert_eq!(run("tail_json", &[path.to_str().unwrap()], b""), expected, "of a file");
}

#[test]
fn it_goes_on_after_an_error_and_names_its_place() {
    let long = "x".repeat(70_000);
    let cases = [
        ("x", "line 2, column 1: unexpected byte"),
        ("  {\"at\": é}", "line 2, column 10: unexpected byte"),
        // The record before it ends at the brace.
        ("} 1", "line 2, column 1: unexpected byte"),
        ("{\"at\": \"é\\ud800\"}", "line 2, column 17: half of a surrogate pair"),
        // The line feed is the byte that is wrong.
        ("{\"at\": \"", "line 2, column 9: unexpected byte"),
        ("  true", "line 2, column 6: invalid type: boolean `true`, expected struct Record"),
        ("{\"at\": \"é\",\n\"level\": 1}", "line 3, column 10: expected value"),
        ("{\"at\": \"é\"}", "line 2, column 12: missing field `level`"),
    ];
    println!("{} errors", cases.len());
    for (bad, error) in cases {
        let input = [&record(&long), bad, "\n\n", &record("next")].concat();
        let expected = Ran {
            stdout: format!("t info  {long}\nt info  next\n"),
            stderr: format!("tail_json: {error}\n"),
            code: Some(1),
        };
        assert_eq!(run("tail_json", &[], input.as_bytes()), expected, "{bad}");
    }
    let ran = run("tail_json", &[], record("one").trim_end_matches(['}', '\n']).as_bytes());
    assert_eq!(ran.stderr, "tail_json: line 1, column 43: unexpected end of input\n");
    assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(1)));
}

#[test]
fn a_record_of_a_socket_is_printed_while_the_socket_is_open() {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut child = spawn("tail_json", &["--connect", &address]);
    let (mut socket, _) = listener.accept().unwrap();
    let lines = lines(&mut child);
    for text in ["one", "two"] {
        // Without its line feed: the record ends with the brace.
        socket.write_all(record(text).trim_end().as_bytes()).unwrap();
        let line = lines.recv_timeout(PATIENCE).expect("the record is held back");
        assert_eq!(line, format!("t info  {text}"));
    }
    drop(socket);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_ends_with_its_reader() {
    let expected = Ran { stdout: "t info  one\n".to_owned(), stderr: String::new(), code: Some(0) };
    assert_eq!(head("tail_json", &[], record("one").as_bytes()), expected);
}

#[test]
#[cfg(target_os = "linux")]
fn its_memory_does_not_grow_with_the_input() {
    use std::fs;

    let mut child = spawn("tail_json", &[]);
    let (mut stdin, lines) = (child.stdin.take().unwrap(), lines(&mut child));
    let mut many = String::new();
    for number in 0..10_000 {
        write!(many, "{}", record(&number.to_string())).unwrap();
    }
    let mut peaks = Vec::new();
    for _ in 0..20 {
        stdin.write_all(many.as_bytes()).unwrap();
        // All have been read when the last one is printed.
        for _ in 0..10_000 {
            lines.recv_timeout(PATIENCE).unwrap();
        }
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peaks.push(peak.trim_end_matches("kB").trim().parse::<u64>().unwrap());
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    println!("peaks after each {} KB of input: {peaks:?} KB", many.len() >> 10);
    // The rest of the input has nine megabytes.
    assert!(peaks[19] - peaks[0] < 1 << 10, "{peaks:?}");
}

#[test]
fn it_prints_its_usage() {
    let help = run("tail_json", &["--help"], b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", Some(0)));
    assert!(help.stdout.starts_with("Usage: tail_json [FILE | --connect ADDRESS]\n"), "{help:?}");
    for (args, wrong) in [
        (&["--conect"][..], "unknown option --conect"),
        (&["--connect"], "--connect needs an address"),
        (&["a", "--connect", "b"], "more than one source"),
    ] {
        let stderr = format!("tail_json: {wrong}\n\n{}", help.stdout);
        let expected = Ran { stdout: String::new(), stderr, code: Some(2) };
        assert_eq!(run("tail_json", args, b""), expected);
    }
    let missing = run("tail_json", &["missing"], b"");
    let stderr = "tail_json: missing: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(missing, Ran { stdout: String::new(), stderr, code: Some(1) });
}
