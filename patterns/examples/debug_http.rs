//! Serves the list of what waits in the patterns over HTTP, like Go's
//! `/debug/pprof/goroutine?debug=1`, and prints it on Ctrl-\ (SIGQUIT).
//!
//! ```text
//! $ cargo run -p pushdown-patterns --example debug_http --features debug
//! http://127.0.0.1:43721/waiting
//! $ curl http://127.0.0.1:43721/waiting
//! 7 waiting, 2 running
//! 3 pubsub events publish: waits for room at subscriber 1 for 705.8 ms, patterns/examples/debug_http.rs:71
//! 1 pubsub events recv: waits for an event for 705.8 ms, patterns/examples/debug_http.rs:73
//! 1 schedule nightly run: waits for its end for 705.8 ms, patterns/examples/debug_http.rs:76
//! 1 schedule nightly worker: runs at server 0 for 705.8 ms
//! 1 schedule nightly worker: runs at server 1 for 705.8 ms
//! 1 schedule nightly worker: waits for a call at server 0 for 705.8 ms
//! 1 schedule nightly worker: waits for a call at server 1 for 705.8 ms
//! ```
//!
//! The server has its own runtime and thread, so it answers while every worker of the program is stuck.
//! The optional argument is the address to listen on. The default is a free port of this machine.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use pushdown::engine::stackless::{Input, Parser};
use pushdown::{ErrorKind, Failure as Bad, PushParser, Status};
use pushdown_patterns::debug::dump;
use pushdown_patterns::pubsub::{Policy, mutex::Server};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Limits of a request: the bytes of its head, and the time for it and the answer.
const MAX_HEAD: u64 = 8 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Connections served at a time. Further ones wait until the system accepts them, and so cost the
/// program, which may be short of file descriptors already, none of its own.
const MAX_CONNECTIONS: usize = 16;

/// Time after which a connection that could not be accepted is tried again. Usually the program has no
/// file descriptor left.
const RETRY: Duration = Duration::from_millis(100);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listening = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = listening.block_on(TcpListener::bind(address))?;
    println!("http://{}/waiting", listener.local_addr()?);
    let serving = thread::spawn(move || listening.block_on(serve(listener)));

    let working = tokio::runtime::Runtime::new()?;
    working.spawn(work());
    serving.join().map_err(|_| "the server panicked")?;
    Ok(())
}

/// Work to be listed: publishers that wait for a subscriber that does not read, and calls that do not
/// end.
async fn work() {
    let server = Server::<str>::new().named("events");
    let _stuck = server.subscribe(Policy::block(1, Duration::MAX)).expect("it is open");
    let mut reader = server.subscribe(Policy::drop_oldest(1)).expect("it is open");
    server.publish("the only one").await.expect("there is room");
    for _ in 0..3 {
        let server = server.clone();
        tokio::spawn(async move { server.publish("more").await });
    }
    tokio::spawn(async move { while reader.recv().await.is_some() {} });
    let slow =
        async |_: Lease<()>, _: u32| std::future::pending::<Result<(), CallFailure<()>>>().await;
    let _ = schedule(vec![(); 2], 0..2, slow, Options::default().name("nightly")).await;
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

/// A request: its method and its path.
type Request = (Vec<u8>, Vec<u8>);

/// Parses the head of a request, up to the empty line.
async fn head(input: &mut Input<'_>) -> Result<Request, Bad> {
    let request = (word(input).await?, word(input).await?);
    let mut line = 1;
    while line > 0 {
        line = 0;
        loop {
            match next(input).await? {
                b'\n' => break,
                b'\r' => {}
                _ => line += 1,
            }
        }
    }
    Ok(request)
}

/// Reads up to the next space, which has to be on the same line and may not come first.
async fn word(input: &mut Input<'_>) -> Result<Vec<u8>, Bad> {
    let mut word = Vec::new();
    loop {
        match next(input).await? {
            b' ' if !word.is_empty() => return Ok(word),
            byte @ b'!'..=b'~' => word.push(byte),
            _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
        }
    }
}

/// Reads the next byte of the head, within its limit.
async fn next(input: &mut Input<'_>) -> Result<u8, Bad> {
    let byte = input.next().await?;
    if input.offset() > MAX_HEAD { Err(input.fail(ErrorKind::TooLong)) } else { Ok(byte) }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    let mut parser = Parser::new(head);
    let mut chunk = [0; 1024];
    while parser.status() == Status::NeedMoreInput {
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            read => _ = parser.feed(&chunk[..read]),
        }
    }
    let request = parser.take_output();
    let request = request.as_ref().map(|(method, path)| (&method[..], &path[..]));
    let (status, mut body) = match request {
        Some((b"GET" | b"HEAD", b"/waiting")) => ("200 OK", dump().to_string()),
        Some((_, b"/waiting")) => {
            ("405 Method Not Allowed\r\nallow: GET, HEAD", "try GET\n".to_owned())
        }
        Some(_) => ("404 Not Found", "try /waiting\n".to_owned()),
        None => ("400 Bad Request", format!("{}\n", parser.error().expect("it has ended"))),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    // The answer to HEAD is that to GET without its body.
    if matches!(request, Some((b"HEAD", _))) {
        body.clear();
    }
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await?;
    // Closing a connection with unread bytes resets it, and the answer may be lost with it.
    while stream.read(&mut chunk).await? > 0 {}
    Ok(())
}
