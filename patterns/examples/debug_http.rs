//! Serves the list of what waits in the patterns over HTTP, like Go's
//! `/debug/pprof/goroutine?debug=1`, and prints it on Ctrl-\ (SIGQUIT).
//!
//! ```text
//! $ cargo run -p pushdown-patterns --example debug_http --features debug
//! http://127.0.0.1:43721/waiting
//! $ curl http://127.0.0.1:43721/waiting
//! 3 pubsub publish: waits for room at 1 since 705.8ms to 705.8ms
//! 1 pubsub recv: waits for an event since 705.8ms
//! 1 schedule run: waits for its end since 705.8ms
//! 1 schedule worker: runs at 0 since 705.8ms
//! 1 schedule worker: runs at 1 since 705.8ms
//! 1 schedule worker: waits for a call at 0 since 705.8ms
//! 1 schedule worker: waits for a call at 1 since 705.8ms
//! ```
//!
//! The server has its own runtime and thread, so it answers while every worker of the program is stuck.
//! The optional argument is the address to listen on. The default is a free port of this machine.

use std::error::Error;
use std::time::Duration;
use std::{env, thread};

use pushdown::engine::stackless::{Input, Parser};
use pushdown::{ErrorKind, Failure as Bad, PushParser, Status};
use pushdown_patterns::debug::dump;
use pushdown_patterns::pubsub::{Policy, mutex::Server};
use pushdown_patterns::schedule::{CallFailure, Lease, Options, schedule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Limits of a request: the bytes of its head, and the time for it and the answer.
const MAX_HEAD: u64 = 8 << 10;
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listening = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = listening.block_on(TcpListener::bind(address))?;
    println!("http://{}/waiting", listener.local_addr()?);
    let serving = thread::spawn(move || listening.block_on(serve(listener)));

    let working = tokio::runtime::Runtime::new()?;
    working.spawn(work());
    serving.join().expect("the server does not panic")?;
    Ok(())
}

/// Work to be listed: publishers that wait for a subscriber that does not read, and calls that do not
/// end.
async fn work() {
    let server = Server::<str>::new();
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
    let _ = schedule(vec![(); 2], 0..2, slow, Options::default()).await;
}

/// Serves each connection in its own task, and prints the list whenever the signal comes.
async fn serve(listener: TcpListener) -> std::io::Result<()> {
    #[cfg(unix)]
    tokio::spawn(async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut quit = signal(SignalKind::quit()).expect("a handler can be installed");
        while quit.recv().await.is_some() {
            eprint!("{}", dump());
        }
    });
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(timeout(TIMEOUT, answer(stream)));
    }
}

/// Parses the head of a request, up to the empty line, and returns its path.
async fn head(input: &mut Input<'_>) -> Result<Vec<u8>, Bad> {
    for byte in *b"GET " {
        input.expect(byte).await?;
    }
    let mut path = Vec::new();
    loop {
        match next(input).await? {
            b' ' => break,
            b'\r' | b'\n' => return Err(input.fail(ErrorKind::UnexpectedByte)),
            byte => path.push(byte),
        }
    }
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
    Ok(path)
}

/// Reads the next byte of the head, within its limit.
async fn next(input: &mut Input<'_>) -> Result<u8, Bad> {
    let byte = input.next().await?;
    if input.offset() > MAX_HEAD { Err(input.fail(ErrorKind::TooLong)) } else { Ok(byte) }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut parser = Parser::new(head);
    let mut chunk = [0; 1024];
    while parser.status() == Status::NeedMoreInput {
        match stream.read(&mut chunk).await? {
            0 => return Ok(()),
            read => _ = parser.feed(&chunk[..read]),
        }
    }
    let (status, body) = match parser.take_output().as_deref() {
        Some(b"/waiting") => ("200 OK", dump().to_string()),
        Some(_) => ("404 Not Found", "try /waiting\n".to_owned()),
        None => ("400 Bad Request", format!("{}\n", parser.error().expect("it has ended"))),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
