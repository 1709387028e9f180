//! The example `llm_stream`: the same output at every cut, and text that is printed before the rest has come.

#[path = "../../llm_stream/completion.rs"]
mod completion;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Child;
use std::sync::mpsc;
use std::thread;

use crate::{PATIENCE, Ran, file, head, run, sample, spawn};
use completion::{Completion, Failure};

const SAMPLE: &str = include_str!("../../llm_stream/sample.txt");

/// The output in the header: of the whole completion, and of one that is cut off.
fn shown() -> (String, Ran) {
    let lines = sample(include_str!("../../llm_stream/main.rs"));
    let (whole, cut) =
        lines.split_at(lines.iter().position(|line| line.starts_with("$ ")).unwrap());
    let (error, printed) = cut[1..].split_last().unwrap();
    let stdout = printed.join("\n") + "\n";
    (whole.join("\n") + "\n", Ran { stdout, stderr: format!("{error}\n"), code: Some(1) })
}

/// The text that the chunks make, and the error.
fn written<'c>(chunks: impl IntoIterator<Item = &'c [u8]>) -> (String, Option<String>) {
    let mut completion = Completion::new(Vec::new());
    let fed = chunks.into_iter().try_for_each(|chunk| completion.feed(chunk).map(drop));
    let ended = completion.finish();
    let error = fed.and(ended).err().map(|failure| match failure {
        Failure::Bad(wrong) => wrong,
        Failure::Io(error) => panic!("{error}"),
    });
    (String::from_utf8(completion.writer().clone()).unwrap(), error)
}

/// The data of a message with a text, and of one with a piece of the arguments of a call.
fn content(text: &str) -> String {
    format!("{{\"choices\": [{{\"delta\": {{\"content\": \"{text}\"}}}}]}}")
}

fn arguments(call: u64, text: &str) -> String {
    let function = format!("{{\"arguments\": \"{text}\"}}");
    let calls = format!("[{{\"index\": {call}, \"function\": {function}}}]");
    format!("{{\"choices\": [{{\"delta\": {{\"tool_calls\": {calls}}}}}]}}")
}

fn stream(messages: &[String]) -> String {
    messages.iter().map(|data| format!("data: {data}\n\n")).collect()
}

#[test]
fn it_prints_the_output_in_its_header_at_every_size() {
    let (stdout, cut_off) = shown();
    let expected = Ran { stdout, stderr: String::new(), code: Some(0) };
    let path = file("completion.txt", SAMPLE.as_bytes());
    let path = path.to_str().unwrap();
    for cut in ["1", "2", "3", "7", "64", "1000", "4096"] {
        assert_eq!(run("llm_stream", &["--cut", cut], b""), expected, "from its server, {cut}");
        assert_eq!(run("llm_stream", &["--cut", cut, path], b""), expected, "of a file, {cut}");
    }
    assert_eq!(run("llm_stream", &["-"], &SAMPLE.as_bytes()[..700]), cut_off);
}

#[test]
fn it_writes_the_same_at_every_cut_and_with_every_line_end() {
    let (expected, _) = shown();
    for end in ["\n", "\r\n", "\r"] {
        let input = SAMPLE.replace('\n', end).into_bytes();
        for cut in 0..=input.len() {
            let (first, second) = input.split_at(cut);
            assert_eq!(written([first, second]), (expected.clone(), None), "{end:?}, cut at {cut}");
        }
        println!("{} cuts with {end:?}", input.len() + 1);
    }
}

#[test]
fn what_it_has_written_depends_on_what_has_come_alone() {
    let mut bytewise = Completion::new(Vec::new());
    let mut growing = 0;
    for (offset, byte) in SAMPLE.bytes().enumerate() {
        let before = bytewise.writer().len();
        let _ = bytewise.feed(&[byte]).unwrap();
        growing += usize::from(bytewise.writer().len() > before);
        let mut whole = Completion::new(Vec::new());
        let _ = whole.feed(&SAMPLE.as_bytes()[..=offset]).unwrap();
        assert_eq!(whole.writer(), bytewise.writer(), "after {offset}");
    }
    // Each character of a text, of a name and of a value, and `true` as one.
    assert_eq!(growing, 31 + 7 + 6 + 1 + 2 + 1 + 7 + 9);
}

/// The output of a child, as it comes.
struct Output {
    pieces: mpsc::Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Output {
    fn of(child: &mut Child) -> Self {
        let (sender, pieces) = mpsc::channel();
        let mut stdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 1000];
            while let Ok(len @ 1..) = stdout.read(&mut buffer) {
                if sender.send(buffer[..len].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { pieces, seen: Vec::new() }
    }

    /// Waits for more output.
    fn expect(&mut self, text: &str) {
        while self.seen.len() < text.len() {
            let piece = self.pieces.recv_timeout(PATIENCE);
            self.seen.extend(piece.unwrap_or_else(|_| panic!("{text:?} is held back")));
        }
        assert_eq!(String::from_utf8_lossy(&self.seen), text);
        self.seen.clear();
    }
}

/// Sends the sample in parts, each only after the text in the one before has been printed.
fn print_in_steps(to: &mut impl Write, output: &mut Output) {
    let steps = [
        ("Z\\u00fc", "Zü"),
        ("rich a", "rich a"),
        ("Malm", "nd Malm"),
        // The second half of a surrogate pair.
        ("\\udf26", "ö?\nLet me look 🌦"),
        ("weath", "\n0: weath"),
        // An escape within an escape; the first half of it is in another message.
        ("Z\\\\u00", "er\n0: /city = Z"),
        ("fc", "ü"),
        ("[1, 1", "rich\n0: /days/0 = 1\n0: /days/1 = 1"),
        ("tru", "0"),
        ("[DONE]\n\n", "\n0: /wind = true\n1: weather\n1: /city = Malmö \"C\"\n"),
    ];
    let mut rest = SAMPLE;
    for (last, printed) in steps {
        let end = rest.find(last).unwrap_or_else(|| panic!("no {last}")) + last.len();
        to.write_all(&rest.as_bytes()[..end]).unwrap();
        rest = &rest[end..];
        output.expect(printed);
    }
    assert_eq!(rest, "");
}

#[test]
fn text_is_printed_while_the_pipe_is_open() {
    let mut child = spawn("llm_stream", &["-"]);
    let (mut stdin, mut output) = (child.stdin.take().unwrap(), Output::of(&mut child));
    print_in_steps(&mut stdin, &mut output);
    // It ends with the mark, and does not wait for the end of the input.
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn text_is_printed_while_the_server_sends() {
    let listener = TcpListener::bind("localhost:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut child = spawn("llm_stream", &[&format!("http://{address}/v1?stream")]);
    let (mut socket, _) = listener.accept().unwrap();
    let request = BufReader::new(&socket).lines().map(Result::unwrap);
    let request: Vec<String> = request.take_while(|line| !line.is_empty()).collect();
    assert_eq!(request[0], "GET /v1?stream HTTP/1.0");
    let mut output = Output::of(&mut child);
    socket.write_all(b"HTTP/1.0 200 OK\r\nServer: a test\r\n\r\n").unwrap();
    print_in_steps(&mut socket, &mut output);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_calls_of_tools_may_alternate() {
    let messages = [
        content("a"),
        arguments(0, "{\\\"x\\\": \\\"b"),
        arguments(12, "[true, "),
        content("\\nc"),
        content(""),
        arguments(0, "d\\\"}"),
        arguments(12, "{}, \\\"\\\"]"),
        // Its end is that of the stream.
        arguments(1, "7"),
        arguments(2, ""),
        "[DONE]".to_owned(),
    ];
    let expected = "a\n0: /x = b\n12: /0 = true\n\nc\n0: /x = d\n12: /2 = \n1:  = 7\n";
    let input = stream(&messages);
    for cut in 1..=input.len() {
        let written = written(input.as_bytes().chunks(cut));
        assert_eq!(written, (expected.to_owned(), None), "cut {cut}");
    }
}

#[test]
fn it_names_the_parser_and_the_place_of_an_error() {
    let cases = [
        (vec![], "", "the stream ends before [DONE]"),
        (vec![content("a")], "a\n", "the stream ends before [DONE]"),
        (vec!["[DONE".to_owned()], "", "message 1: unexpected byte at offset 1"),
        (vec!["[DONE]]".to_owned()], "", "message 1: unexpected byte at offset 1"),
        (vec!["[".to_owned()], "", "message 1: unexpected end of input at offset 1"),
        (vec![String::new()], "", "message 1: unexpected end of input at offset 0"),
        // Two lines of data are not one number.
        (vec!["{\"a\": 1\ndata: 2}".to_owned()], "", "message 1: unexpected byte at offset 8"),
        (vec![content("a"), content("b\\x")], "ab\n", "message 2: unexpected byte at offset 38"),
        (
            vec![arguments(3, "[1"), arguments(3, "?]")],
            "3: /0 = 1\n",
            "message 2: arguments of call 3: unexpected byte at offset 2",
        ),
        (
            vec![arguments(3, "[1"), "[DONE]".to_owned()],
            "3: /0 = 1\n",
            "arguments of call 3: unexpected end of input at offset 2",
        ),
        (
            vec![content("").replace("content", "tool_calls"), arguments(0, "").replace('0', "-1")],
            "",
            "message 2: call -1",
        ),
        (vec!["1".repeat(65)], "", "message 1: value too long at offset 64"),
    ];
    println!("{} errors", cases.len());
    for (messages, text, error) in cases {
        let input = stream(&messages);
        for cut in 1..=input.len().max(1) {
            let written = written(input.as_bytes().chunks(cut));
            assert_eq!(written, (text.to_owned(), Some(error.to_owned())), "{input}, cut {cut}");
        }
        let stderr = format!("llm_stream: {error}\n");
        let expected = Ran { stdout: text.to_owned(), stderr, code: Some(1) };
        assert_eq!(run("llm_stream", &["-"], input.as_bytes()), expected);
    }
}

#[test]
fn it_says_what_the_server_says() {
    for (answer, error) in [
        (
            "HTTP/1.1 429 Too Many Requests\r\n\r\n",
            "the server says \"HTTP/1.1 429 Too Many Requests\"",
        ),
        ("HTTP/1.1 200 OK\r\n", "unexpected end of file"),
    ] {
        let listener = TcpListener::bind("localhost:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let child = spawn("llm_stream", &[&url]);
        let (mut socket, _) = listener.accept().unwrap();
        let request = BufReader::new(&socket).lines().map(Result::unwrap);
        assert_eq!(request.take_while(|line| !line.is_empty()).count(), 4);
        socket.write_all(answer.as_bytes()).unwrap();
        drop(socket);
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), format!("llm_stream: {error}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn it_ends_with_its_reader() {
    let message = stream(&[content("one\\n")]);
    let expected = Ran { stdout: "one\n".to_owned(), stderr: String::new(), code: Some(0) };
    assert_eq!(head("llm_stream", &["-"], message.as_bytes()), expected);
}

#[test]
fn it_prints_its_usage() {
    let help = run("llm_stream", &["--help"], b"");
    assert_eq!((help.stderr.as_str(), help.code), ("", Some(0)));
    assert!(help.stdout.starts_with("Usage: llm_stream [--cut BYTES]"), "{help:?}");
    for (args, wrong) in [
        (&["--cat"][..], "unknown option --cat"),
        (&["--cut", "0"], "--cut needs a number of bytes"),
        (&["--pause"], "--pause needs a number of milliseconds"),
        (&["a", "-"], "more than one source"),
    ] {
        let stderr = format!("llm_stream: {wrong}\n\n{}", help.stdout);
        let expected = Ran { stdout: String::new(), stderr, code: Some(2) };
        assert_eq!(run("llm_stream", args, b""), expected);
    }
    let missing = run("llm_stream", &["missing"], b"");
    let stderr = "llm_stream: missing: No such file or directory (os error 2)\n".to_owned();
    assert_eq!(missing, Ran { stdout: String::new(), stderr, code: Some(1) });
}
