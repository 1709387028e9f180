//! A publish/subscribe server on a TCP port, for people with `nc`. One command to a line:
//!
//! | command | reply |
//! |---|---|
//! | `SUB` and a policy | `OK` and the number of the subscription |
//! | `PUB` and a text | `OK` and the number of the event, or `ERR` and why nobody receives it |
//! | `CANCEL` and the number of a subscription, anybody's | `OK` |
//! | `QUIT`, or the end of the input | `OK`, and the connection ends after what had been published |
//!
//! Whatever is wrong with a command is answered by `ERR` and a reason. A connection has one
//! subscription at a time. Between the replies come its `EVENT number text`, `GAP count` where it was
//! too slow and events are missing, and at last `END reason`. The policies say what is done about a
//! client that does not read:
//!
//! | policy | when so many events wait for the client |
//! |---|---|
//! | `block 64 5s` | publishers wait, up to that long |
//! | `drop-newest 64`, `drop-oldest 64` | it misses events |
//! | `queue 1000 1mb`, `queue unbounded unbounded` | its subscription ends |
//! | `disconnect 64 5s` | it misses events, and after that time its subscription ends |
//!
//! ```text
//! $ cargo run -q -p pushdown-patterns --example pubsub_tcp &
//! listening on 127.0.0.1:7878
//! $ nc 127.0.0.1 7878
//! SUB drop-oldest 64
//! OK 1
//! PUB hello, world
//! OK 1
//! EVENT 1 hello, world
//! SUB block 64 5s
//! ERR subscribed already, as 1
//! CANCEL 1
//! OK
//! END cancelled
//! PUB nobody hears this
//! OK 2
//! QUIT
//! OK
//! $ kill -INT %1
//! no subscription left
//! ```
//!
//! Another address can be given as the argument. Whoever connects is trusted as far as this: to ask for
//! a queue without bounds, and to keep publishers waiting for up to a minute each.

mod client;
mod command;
mod hub;
mod lines;

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pushdown_patterns::Shutdown;
use pushdown_patterns::pubsub::Report;
use tokio::net::{TcpListener, TcpSocket};
use tokio::select;
use tokio::signal::ctrl_c;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use hub::Hub;

/// How long clients may take to read the rest once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(2);

/// What the kernel keeps for a client that does not read is beyond the reach of any policy, so it is
/// kept short of the megabytes that are usual.
const SEND_BUFFER: u32 = 64 << 10;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pubsub_tcp: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7878".into());
    let listener = listen(address.parse()?)?;
    println!("listening on {}", listener.local_addr()?);

    let hub = Arc::new(Hub::default());
    let (stop, stopped) = watch::channel(());
    let mut clients = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    clients.spawn(client::serve(socket, hub.clone(), stopped.clone()));
                }
                Err(error) => {
                    // Too many open files, say: some client has to go first.
                    eprintln!("pubsub_tcp: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = clients.join_next() => complain(ended),
            interrupted = ctrl_c() => {
                interrupted?;
                break;
            }
        }
    }
    drop(listener);
    let report = select! {
        report = hub.server.shutdown(Shutdown::Drain { timeout: DRAIN }) => report,
        _ = ctrl_c() => hub.server.shutdown(Shutdown::Abort).await,
    };
    drop(stop);
    let all_gone = async {
        while let Some(ended) = clients.join_next().await {
            complain(ended);
        }
    };
    if timeout(client::LINGER, all_gone).await.is_err() {
        clients.shutdown().await;
    }
    print(&report);
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Every connection inherits it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// A client whose task panics is no matter of the others.
fn complain(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        eprintln!("pubsub_tcp: {error}");
    }
}

fn print(report: &Report) {
    if report.ended.is_empty() {
        println!("no subscription left");
    }
    for ended in &report.ended {
        println!("{}: {:?}, {} events not read", ended.id, ended.how, ended.undelivered);
    }
}
