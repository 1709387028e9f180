//! Prints what a Redis server sends after a command, a line for each reply: `MONITOR`, `SUBSCRIBE`.
//!
//! ```text
//! $ redis-server --port 7777 --daemonize yes
//! $ cargo run -q --features tokio --example resp_tail -- localhost:7777 SUBSCRIBE news &
//! subscribe news 1
//! $ redis-cli -p 7777 PUBLISH news 'hello, world'
//! message news "hello, world"
//! $ cargo run -q --features tokio --example resp_tail -- localhost:7777 MONITOR &
//! OK
//! $ redis-cli -p 7777 SET greeting 'hello, world'
//! 1795968000.131072 [0 127.0.0.1:40526] "SET" "greeting" "hello, world"
//! ```
//!
//! It goes on until the server closes the connection. A reply is printed with its last byte, and a server that
//! closes in the middle of one is an error, with the offset.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use pushdown::io::{ReadError, tokio::values};
use pushdown::resp::{Value, Values, encode_request};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const USAGE: &str = "\
Usage: resp_tail [-3] ADDRESS COMMAND [ARGUMENT]...

Sends a command to a Redis server, and prints all that it replies. The address is host:port, or the path of a
Unix socket.

Options:
  -3      speaks RESP3
  --help  prints this text

Exit status: 0 if the server has closed the connection, 1 after an error, 2 if the command line is wrong.";

enum Failure {
    Read(ReadError),
    /// The reply to the command is an error.
    Refused(Value),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Read(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Refused(reply) => Line(reply).fmt(f),
        }
    }
}

/// Sends the command, and prints the replies.
async fn tail(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    command: &[Vec<u8>],
    resp3: bool,
) -> Result<(), Failure> {
    let mut requests = Vec::new();
    if resp3 {
        encode_request(["HELLO", "3"], &mut requests);
    }
    encode_request(command, &mut requests);
    socket.write_all(&requests).await?;

    let mut replies = values(BufReader::new(socket), Values::new());
    let mut is_greeting = resp3;
    while let Some(reply) = replies.next().await {
        let reply = reply.map_err(Failure::Read)?;
        if reply.is_error() {
            return Err(Failure::Refused(reply));
        }
        if !is_greeting {
            // Standard output is flushed at line ends.
            writeln!(io::stdout(), "{}", Line(&reply))?;
        }
        is_greeting = false;
    }
    Ok(())
}

/// A reply as a line: the elements of the outer array without brackets.
struct Line<'a>(&'a Value);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Array(elements) | Value::Push(elements) => write_all(elements, f),
            value => write_value(value, f),
        }
    }
}

fn write_all(elements: &[Value], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (index, element) in elements.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { " " })?;
        write_value(element, f)?;
    }
    Ok(())
}

fn write_value(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Bulk(text) | Value::Verbatim { text, .. } => {
            let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"[]{}".contains(byte);
            let is_word = !text.is_empty() && text.iter().all(is_plain);
            let text = String::from_utf8_lossy(text);
            if is_word { f.write_str(&text) } else { write!(f, "{text:?}") }
        }
        Value::Simple(text)
        | Value::Error(text)
        | Value::BlobError(text)
        | Value::Double(text)
        | Value::BigNumber(text) => f.write_str(&String::from_utf8_lossy(text)),
        Value::Integer(number) => write!(f, "{number}"),
        Value::Bool(value) => write!(f, "{value}"),
        Value::Null(_) => f.write_str("null"),
        Value::Array(elements) | Value::Push(elements) | Value::Set(elements) => {
            f.write_str("[")?;
            write_all(elements, f)?;
            f.write_str("]")
        }
        Value::Map(pairs) => {
            f.write_str("{")?;
            for (index, (key, value)) in pairs.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                write_value(key, f)?;
                f.write_str(": ")?;
                write_value(value, f)?;
            }
            f.write_str("}")
        }
        // An attribute, which says something of the value, is not printed.
        Value::Attributed(attributed) => write_value(&attributed.value, f),
    }
}

struct Arguments {
    resp3: bool,
    address: String,
    command: Vec<Vec<u8>>,
}

impl Arguments {
    /// Returns `None` if help is requested.
    fn parse(args: impl Iterator<Item = OsString>) -> Result<Option<Self>, String> {
        let (mut resp3, mut args) = (false, args.peekable());
        while let Some(option) = args.next_if(|arg| arg.as_encoded_bytes().starts_with(b"-")) {
            match option.to_str() {
                Some("--help" | "-h") => return Ok(None),
                Some("-3") => resp3 = true,
                _ => return Err(format!("unknown option {}", option.display())),
            }
        }
        let address = args.next().and_then(|address| address.into_string().ok());
        let address = address.ok_or("no address")?;
        let command: Vec<_> = args.map(OsString::into_encoded_bytes).collect();
        if command.is_empty() {
            return Err("no command".to_owned());
        }
        Ok(Some(Self { resp3, address, command }))
    }
}

async fn run(Arguments { resp3, address, command }: Arguments) -> Result<(), Failure> {
    #[cfg(unix)]
    if address.contains('/') {
        let socket = tokio::net::UnixStream::connect(address).await?;
        return tail(socket, &command, resp3).await;
    }
    tail(TcpStream::connect(address).await?, &command, resp3).await
}

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args_os().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("resp_tail: {wrong}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(arguments))) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough.
        Err(Failure::Read(ReadError::Io(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("resp_tail: {failure}");
            ExitCode::FAILURE
        }
    }
}
