//! A publish/subscribe server that is fed from a Redis stream (7.0 or newer): one connection to Redis, and
//! subscribers on a TCP port, to be used with `nc`.
//!
//! ```text
//! $ redis-server --port 7777 --daemonize yes
//! $ cargo run -q -p pushdown-patterns --example pubsub_redis -- 127.0.0.1:7777 news &
//! listening on 127.0.0.1:7878, after 0-0
//! $ nc 127.0.0.1 7878 &
//! SUBSCRIBED
//! $ for id in 1 2 3 4 5; do redis-cli -p 7777 XADD news $id-0 text "hello, $id" >/dev/null; done
//! EVENT 1 1-0 text hello, 1
//! EVENT 2 2-0 text hello, 2
//! EVENT 3 3-0 text hello, 3
//! EVENT 4 4-0 text hello, 4
//! EVENT 5 5-0 text hello, 5
//! ```
//!
//! A subscriber receives what is added from then on, as `EVENT number id field value`. Where events are
//! missing it receives `GAP count`: Redis removed them before they were read here (`MAXLEN`, `XTRIM`,
//! `XDEL`), or the subscriber is more than a thousand events behind.
//!
//! After the connection to Redis was cut, or Redis was started again, the stream is read on from the id of
//! the last event. The example itself keeps nothing: started again, it begins with the end of the stream.
//! A stream that was deleted and made anew is read from its beginning, and what was lost with the old one
//! is not known.

mod feed;
#[path = "../common/redis.rs"]
mod redis;

use std::env;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use pushdown_patterns::pubsub::mutex::Server;
use pushdown_patterns::pubsub::{Item, Policy, Subscription};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::select;

use feed::Feed;
use redis::Address;

const USAGE: &str = "Usage: pubsub_redis REDIS STREAM [ADDRESS]

REDIS is host:port, or the path of a Unix socket. ADDRESS is 127.0.0.1:7878 unless given.";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let (redis, stream, address) = match &*args {
        [redis, stream] => (redis, stream, "127.0.0.1:7878"),
        [redis, stream, address] => (redis, stream, &**address),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(Address(redis.as_str().into()), stream, address).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pubsub_redis: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(redis: Address, stream: &str, address: &str) -> Result<(), Box<dyn Error>> {
    let server = Server::<str>::new();
    let feed = Feed::open(&redis, stream).await.map_err(|error| error.to_string())?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}, after {}", listener.local_addr()?, feed.last());
    select! {
        ended = feed.run(&server) => Ok(ended.map_err(|error| error.to_string())?),
        failed = accept(&listener, &server) => Ok(failed?),
    }
}

async fn accept(listener: &TcpListener, server: &Server<str>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        let subscription =
            server.subscribe(Policy::drop_oldest(1000)).expect("it is not shut down");
        // A client that is gone is no error of the server.
        tokio::spawn(async move { drop(serve(socket, subscription).await) });
    }
}

/// Writes the events of a client until it leaves.
async fn serve(mut socket: TcpStream, mut subscription: Subscription<str>) -> io::Result<()> {
    let (mut read, mut write) = socket.split();
    write.write_all(b"SUBSCRIBED\n").await?;
    let (mut discarded, mut input_is_open) = ([0; 64], true);
    loop {
        let line = select! {
            item = subscription.recv() => match item {
                Some(Item::Event { seq, event }) => format!("EVENT {seq} {event}\n"),
                Some(Item::Gap { missed }) => format!("GAP {missed}\n"),
                None => return Ok(()),
            },
            count = read.read(&mut discarded), if input_is_open => {
                // The end of the input alone is no farewell: `nc` may have none. An error is.
                input_is_open = count? > 0;
                continue;
            }
        };
        write.write_all(line.as_bytes()).await?;
    }
}
