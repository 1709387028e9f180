//! A publish/subscribe server on a TCP port, to be used with `nc`. It takes one command per line:
//!
//! | command | reply |
//! |---|---|
//! | `SUB` and a policy | `OK` and the number of the subscription |
//! | `PUB` and a text | `OK` and the number of the event, or `ERR` and why no subscriber receives it |
//! | `CANCEL` and the number of a subscription of any client | `OK` |
//! | `QUIT`, or the end of the input | `OK`; the connection ends after the events published before |
//!
//! A command that fails is answered with `ERR` and a reason. A connection has one subscription at a
//! time. Between the replies come its events as `EVENT number text`, `GAP count` where the client was
//! too slow and events are missing, and finally `END reason`. The policies say what happens to a
//! client that does not read:
//!
//! | policy | when this many events wait for the client |
//! |---|---|
//! | `block 64 5s` | publishers wait, for at most this long |
//! | `drop-newest 64`, `drop-oldest 64` | the client misses events |
//! | `queue 1000 1mb`, `queue unbounded unbounded` | its subscription ends |
//! | `disconnect 64 5s` | it misses events, and after this time its subscription ends |
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
//! ERR already subscribed, as 1
//! CANCEL 1
//! OK
//! END cancelled
//! PUB no subscriber is left
//! OK 2
//! QUIT
//! OK
//! $ kill -INT %1
//! no subscription left
//! ```
//!
//! The first argument is the address, the second the time in seconds that clients have to read the rest
//! after their last command, or once the server stops. A second interrupt aborts those that have not.
//!
//! Clients are trusted: they may ask for a queue without bounds, and make each publisher wait for up
//! to a minute.

mod client;
mod command;
mod hub;
mod lines;

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
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

/// The time that clients have to read the rest, unless an argument says otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// No policy applies to what the kernel buffers for a client that does not read, so this is less than
/// the usual megabytes.
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
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:7878".into());
    let grace = match arguments.next() {
        Some(seconds) => Duration::from_secs(seconds.parse()?),
        None => GRACE,
    };
    let listener = listen(address.parse()?)?;
    // One future for the whole loop: an interrupt between two of them would be lost.
    let mut interrupted = pin!(ctrl_c());
    println!("listening on {}", listener.local_addr()?);

    let hub = Arc::new(Hub::new(grace));
    let (stop, stopped) = watch::channel(());
    let mut clients = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    clients.spawn(client::serve(socket, hub.clone(), stopped.clone()));
                }
                Err(error) => {
                    // For example, too many open files: a client has to leave first.
                    eprintln!("pubsub_tcp: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(ended) = clients.join_next() => print_panic(ended),
            interrupted = &mut interrupted => {
                interrupted?;
                break;
            }
        }
    }
    drop(listener);
    let report = select! {
        // Listens for the second interrupt before any client is told of the first.
        biased;
        _ = ctrl_c() => hub.server.shutdown(Shutdown::Abort).await,
        report = hub.server.shutdown(Shutdown::Drain { timeout: grace }) => report,
    };
    drop(stop);
    let all_gone = async {
        while let Some(ended) = clients.join_next().await {
            print_panic(ended);
        }
    };
    if timeout(grace, all_gone).await.is_err() {
        clients.shutdown().await;
    }
    print(&report);
    Ok(())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    // Every connection inherits this.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Reports a client whose task has panicked. The others go on.
fn print_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        eprintln!("pubsub_tcp: {error}");
    }
}

fn print(report: &Report) {
    if report.ended.is_empty() {
        println!("no subscription left");
    }
    for ended in &report.ended {
        println!("{}: {:?}, {} events not read", ended.id, ended.outcome, ended.undelivered);
    }
}
