//! A pipelined client of Redis: reads commands, a line each, and prints their replies in the same order. A command
//! is sent as soon as it is read, so a file of commands is sent while the first replies come.
//!
//! ```text
//! $ printf 'SET greeting "hello, world"\nGET greeting\nLPUSH greeting x\nMGET greeting no-such-key\n' |
//!       cargo run -q -p pushdown-patterns --example redis -- localhost:6379
//! OK
//! hello, world
//! WRONGTYPE Operation against a key holding the wrong kind of value
//! [hello, world, (nil)]
//! $ cargo run -q --release -p pushdown-patterns --example redis -- localhost:6379 --measure GET greeting
//!    1 caller     22.9 µs a call
//!   64 callers     1.9 µs a call
//! 1024 callers     1.4 µs a call
//! $ (cd benches/peers && cargo run -q --release --example redis) # measures itself against redis-rs
//! ```
//!
//! The address is host:port, or the path of a Unix socket.

use std::collections::VecDeque;
use std::error::Error;
use std::time::{Duration, Instant};

use pushdown::io::tokio::values;
use pushdown::resp::{Requests, Value};
use pushdown_patterns::mux::redis::{Redis, Request, Values, split};
use pushdown_patterns::mux::{InOrder, Mux, Options};
use tokio::io::{AsyncRead, AsyncWrite, BufReader, stdin};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

const USAGE: &str = "usage: redis ADDRESS [--measure COMMAND...]";
type Client = Mux<InOrder<Redis>>;
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn client(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Client {
    let (read, write) = tokio::io::split(stream);
    let (sink, stream) = split(read, write, Values::new());
    Mux::spawn(InOrder::new(Redis), sink, stream, Options::new()).0
}

/// The tasks of this runtime start in the order in which they are spawned, and so the commands are sent.
async fn pipeline(client: &Client) -> Result<()> {
    let mut commands = values(BufReader::new(stdin()), Requests::new());
    let mut calls = VecDeque::new();
    let mut is_open = true;
    loop {
        tokio::select! {
            command = commands.next(), if is_open && calls.len() < 1024 => match command {
                Some(Ok(command)) if command.args().is_empty() => {}
                Some(command) => {
                    let (client, request) = (client.clone(), Request::new(command?.args())?);
                    calls.push_back(tokio::spawn(async move { client.call(request).await }));
                }
                None => is_open = false,
            },
            reply = async { calls.front_mut().unwrap().await }, if !calls.is_empty() => {
                calls.pop_front();
                println!("{}", text(&reply??));
            }
            else => return Ok(()),
        }
    }
}

fn text(reply: &Value) -> String {
    match (reply, reply.as_bytes()) {
        (Value::Null(_), _) => "(nil)".to_owned(),
        (Value::Integer(number), _) => number.to_string(),
        (Value::Array(values), _) => {
            format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        (_, Some(text)) => String::from_utf8_lossy(text).into_owned(),
        (other, None) => format!("{other:?}"),
    }
}

/// Lets callers call for a second, each again as soon as it has its reply.
async fn measure(client: &Client, command: &[String]) -> Result<()> {
    for callers in [1, 64, 1024] {
        let start = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let (client, request) = (client.clone(), Request::new(command)?);
            tasks.spawn(async move {
                let mut calls = 0_u32;
                while start.elapsed() < Duration::from_secs(1) {
                    client.call(request.clone()).await?;
                    calls += 1;
                }
                Result::Ok(calls)
            });
        }
        let calls = tasks.join_all().await.into_iter().sum::<Result<u32>>()?;
        let time = start.elapsed().as_secs_f64() * 1e6 / f64::from(calls);
        println!(
            "{callers:4} caller{:1} {time:7.1} µs a call",
            if callers == 1 { "" } else { "s" }
        );
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let args = std::env::args().skip(1).collect::<Vec<_>>();
    let (address, mode) = args.split_first().ok_or(USAGE)?;
    let client = match address.contains('/') {
        true => client(UnixStream::connect(address).await?),
        false => client(TcpStream::connect(address).await?),
    };
    match mode {
        [] => pipeline(&client).await,
        [mode, command @ ..] if mode == "--measure" => measure(&client, command).await,
        _ => Err(USAGE.into()),
    }
}
