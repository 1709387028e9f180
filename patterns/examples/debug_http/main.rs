//! Serves the list of what waits in the patterns over HTTP, as text like Go's
//! `/debug/pprof/goroutine?debug=1` or as a page for a browser, and prints it on Ctrl-\ (SIGQUIT).
//!
//! ```text
//! $ cargo run -p pushdown-patterns --example debug_http --features debug
//! http://127.0.0.1:43721/debug/waiting
//! $ curl http://127.0.0.1:43721/debug/waiting
//! 7 waiting, 2 running
//! 3 pubsub events publish: waits for room at subscriber 1 for 705.8 ms, patterns/examples/debug_http/work.rs:17
//! 1 pubsub events recv: waits for an event for 705.8 ms, patterns/examples/debug_http/work.rs:19
//! 1 schedule nightly run: waits for its end for 705.8 ms, patterns/examples/debug_http/work.rs:22
//! 1 schedule nightly worker: runs at server 0 for 705.8 ms
//! 1 schedule nightly worker: runs at server 1 for 705.8 ms
//! 1 schedule nightly worker: waits for a call at server 0 for 705.8 ms
//! 1 schedule nightly worker: waits for a call at server 1 for 705.8 ms
//! ```
//!
//! A browser is given the same as a page, because it says that it accepts HTML. `?debug=1` asks for text.
//!
//! The server has its own runtime and thread, so it answers while every worker of the program is stuck.
//! To see that, give it an address and the word `deadlock`.
//!
//! The first argument is the address to listen on. The default is a free port of this machine.

mod request;
mod work;

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use pushdown::engine::stackless::Parser;
use pushdown::{PushParser, Status};
use pushdown_patterns::debug::dump;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Limit of the time for a request and its answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Connections served at a time. Further ones wait until the system accepts them, and so cost the
/// program, which may be short of file descriptors already, none of its own.
const MAX_CONNECTIONS: usize = 16;

/// Time after which a connection that could not be accepted is tried again. Usually the program has no
/// file descriptor left.
const RETRY: Duration = Duration::from_millis(100);

/// The place of the list.
const PATH: &str = "/debug/waiting";

const TEXT: &str = "text/plain";
const HTML: &str = "text/html";

/// Threads of the program that is listed.
const WORKERS: usize = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listening = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = listening.block_on(TcpListener::bind(address))?;
    println!("http://{}{PATH}", listener.local_addr()?);
    let serving = thread::spawn(move || listening.block_on(serve(listener)));

    let mut working = tokio::runtime::Builder::new_multi_thread();
    let working = working.worker_threads(WORKERS).enable_all().build()?;
    if env::args().nth(2).as_deref() == Some("deadlock") {
        working.spawn(work::deadlock(WORKERS));
    } else {
        working.spawn(work::work());
    }
    serving.join().map_err(|_| "the server panicked")?;
    Ok(())
}

/// Serves each connection in its own task, and prints the list whenever the signal comes.
async fn serve(listener: TcpListener) {
    #[cfg(unix)]
    tokio::spawn(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut quit = signal(SignalKind::quit()).expect("a handler can be installed");
        while quit.recv().await.is_some() {
            // `eprint!` would panic if nothing reads it any more.
            let _ = write!(io::stderr(), "{}", dump());
        }
    });
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let connection = connections.clone().acquire_owned().await.expect("it is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(async move {
                    let _ = timeout(TIMEOUT, answer(stream)).await;
                    drop(connection);
                });
            }
            Err(error) => {
                let _ = writeln!(io::stderr(), "no connection: {error}");
                sleep(RETRY).await;
            }
        }
    }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut parser = Parser::new(request::head);
    let mut chunk = [0; 1024];
    while parser.status() == Status::NeedMoreInput {
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            read => _ = parser.feed(&chunk[..read]),
        }
    }
    let request = parser.take_output();
    let (status, content, mut body) = match &request {
        Some(request) if request.path != PATH => ("404 Not Found", TEXT, format!("try {PATH}\n")),
        Some(request) if !matches!(&request.method[..], "GET" | "HEAD") => {
            ("405 Method Not Allowed\r\nallow: GET, HEAD", TEXT, "try GET\n".to_owned())
        }
        Some(request) if request.accepts_html && !request.query.contains("debug=") => {
            ("200 OK", HTML, dump().html().query(&request.query).to_string())
        }
        Some(_) => ("200 OK", TEXT, dump().to_string()),
        None => ("400 Bad Request", TEXT, format!("{}\n", parser.error().expect("it has ended"))),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content}; charset=utf-8\r\ncontent-length: {}\r\n\
         vary: accept\r\ncache-control: no-store\r\nx-content-type-options: nosniff\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // The answer to HEAD is that to GET without its body.
    if request.is_some_and(|request| request.method == "HEAD") {
        body.clear();
    }
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing a connection with unread bytes resets it, and the answer may be lost with it.
    while stream.read(&mut chunk).await? > 0 {}
    Ok(())
}
