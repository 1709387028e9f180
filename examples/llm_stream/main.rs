//! Prints a stream in the shape of a chat completion while it arrives: the text, and the arguments of the
//! calls of tools. [`completion`] has the three parsers.
//!
//! ```text
//! $ cargo run -q --example llm_stream -- --cut 3 --pause 5
//! Zürich and Malmö?
//! Let me look 🌦
//! 0: weather
//! 0: /city = Zürich
//! 0: /days/0 = 1
//! 0: /days/1 = 10
//! 0: /wind = true
//! 1: weather
//! 1: /city = Malmö "C"
//! $ head -c 700 examples/llm_stream/sample.txt | cargo run -q --example llm_stream -- -
//! Zürich and Malmö?
//! Let me look 🌦
//! 0: weather
//! llm_stream: the stream ends before [DONE]
//! ```
//!
//! Without a source, the first command, it reads `sample.txt` from an HTTP server of its own, which sends a few
//! bytes at a time.

mod completion;

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use completion::{Completion, Failure};

const USAGE: &str = "\
Usage: llm_stream [--cut BYTES] [--pause MILLISECONDS] [FILE | http://HOST:PORT/PATH | -]

Prints a chat completion while it arrives: from a file, a server, or standard input (-). Without a source it
prints a sample, which it serves itself.

Options:
  --cut BYTES           reads, and serves, pieces of so many bytes, instead of 4096
  --pause MILLISECONDS  waits after each piece that it serves
  --help                prints this text

Exit status: 0 if the completion is whole, 1 if not, 2 if the command line is wrong.";

const SAMPLE: &[u8] = include_bytes!("sample.txt");

/// Prints the completion that the input carries.
fn print(mut input: impl Read, cut: usize) -> Result<(), Failure> {
    let mut completion = Completion::new(io::stdout());
    let mut chunk = vec![0; cut];
    let printed = loop {
        let len = match input.read(&mut chunk) {
            Ok(0) => break Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Err(error.into()),
        };
        match completion.feed(&chunk[..len]) {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(failure) => break Err(failure),
        }
    };
    let finished = completion.finish();
    printed.and(finished)
}

/// Asks a server, and returns the body of the answer. In HTTP/1.0 it ends with the connection.
fn get(url: &str) -> Result<impl Read + use<>, Failure> {
    let (host, path) = url.split_once('/').unwrap_or((url, ""));
    let mut socket = TcpStream::connect(host)?;
    let accept = "Accept: text/event-stream\r\nConnection: close";
    write!(socket, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n{accept}\r\n\r\n")?;
    let mut answer = BufReader::new(socket);
    let status = read_head(&mut answer)?;
    match status.split(' ').nth(1) {
        Some("200") => Ok(answer),
        _ => Err(Failure::Bad(format!("the server says {:?}", status.trim_end()))),
    }
}

/// Reads the head of a request or an answer, and returns its first line.
fn read_head(reader: &mut impl BufRead) -> io::Result<String> {
    let mut head = reader.take(64 << 10);
    let (mut first, mut line) = (String::new(), String::new());
    head.read_line(&mut first)?;
    while line.trim_end() != "" || line.is_empty() {
        line.clear();
        if head.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(first)
}

/// Answers one request with the sample, a piece at a time.
fn serve(listener: &TcpListener, cut: usize, pause: Duration) -> io::Result<()> {
    let (mut socket, _) = listener.accept()?;
    socket.set_nodelay(true)?;
    read_head(&mut BufReader::new(&socket))?;
    let head = "Content-Type: text/event-stream\r\nConnection: close";
    write!(socket, "HTTP/1.0 200 OK\r\n{head}\r\n\r\n")?;
    for piece in SAMPLE.chunks(cut) {
        socket.write_all(piece)?;
        thread::sleep(pause);
    }
    Ok(())
}

struct Arguments {
    cut: usize,
    pause: Duration,
    source: Option<String>,
}

impl Arguments {
    /// Returns `None` if help is requested.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let (mut cut, mut pause, mut source) = (4096, 0, None);
        while let Some(arg) = args.next() {
            let mut number = || args.next().and_then(|number| number.parse::<u32>().ok());
            match arg.as_str() {
                "--help" | "-h" => return Ok(None),
                "--cut" => match number() {
                    Some(bytes @ 1..) => cut = bytes as usize,
                    _ => return Err("--cut needs a number of bytes".to_owned()),
                },
                "--pause" => pause = number().ok_or("--pause needs a number of milliseconds")?,
                option if option.starts_with('-') && option != "-" => {
                    return Err(format!("unknown option {option}"));
                }
                _ if source.is_none() => source = Some(arg),
                _ => return Err("more than one source".to_owned()),
            }
        }
        Ok(Some(Self { cut, pause: Duration::from_millis(pause.into()), source }))
    }
}

fn run(Arguments { cut, pause, source }: Arguments) -> Result<(), Failure> {
    let Some(source) = source else {
        let listener = TcpListener::bind("localhost:0")?;
        let address = listener.local_addr()?.to_string();
        // It ends with the process, or with the sample. Its errors are those of its client.
        thread::spawn(move || serve(&listener, cut, pause));
        return print(get(&address)?, cut);
    };
    match source.strip_prefix("http://") {
        Some(url) => print(get(url)?, cut),
        None if source == "-" => print(io::stdin(), cut),
        None => {
            let named = |error| Failure::Bad(format!("{source}: {error}"));
            print(File::open(&source).map_err(named)?, cut)
        }
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("llm_stream: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Io(error)) => {
            eprintln!("llm_stream: {error}");
            ExitCode::FAILURE
        }
        Err(Failure::Bad(wrong)) => {
            eprintln!("llm_stream: {wrong}");
            ExitCode::FAILURE
        }
    }
}
