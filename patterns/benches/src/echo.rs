//! A call that is answered at once, alone and beside producers that never rest.

use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};
use pushdown_patterns::mux::dns::{self, Dns, HEADER, Message};
use pushdown_patterns::mux::{Mux, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// Numbers of producers, one benchmark for each.
const PRODUCERS: [usize; 2] = [0, 1];

/// The bit that marks a response, in the third byte of a message.
const RESPONSE: u8 = 0x80;

/// A query that the server does not answer has this in the third byte.
const UNANSWERED: u8 = 1;

fn message(kind: u8) -> Message {
    let mut bytes = vec![0; HEADER];
    bytes[2] = kind;
    Message::new(bytes).unwrap()
}

/// Answers queries.
async fn serve(stream: DuplexStream) {
    let (read, mut write) = tokio::io::split(stream);
    let mut read = BufReader::new(read);
    while let Ok(length) = read.read_u16().await {
        let mut message = [0; 2 + HEADER];
        message[..2].copy_from_slice(&length.to_be_bytes());
        read.read_exact(&mut message[2..]).await.unwrap();
        if message[4] == 0 {
            message[4] = RESPONSE;
            write.write_all(&message).await.unwrap();
        }
    }
}

/// Benchmarks one call at a time with each number of producers, whose messages share the connection.
///
/// Two calls are never answered, so that the connection expects more calls and does not flush at once.
/// All tasks share a thread, and the connection is in memory: otherwise the times would be those of the
/// machine's scheduler, and of tokio, which looks at sockets once in many turns while a task never rests.
pub fn bench(group: &mut BenchmarkGroup<'_, WallTime>) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for producers in PRODUCERS {
        let (mux, tasks) = runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(64 << 10);
            let (read, write) = tokio::io::split(ours);
            let (sink, stream) = dns::split(read, write);
            let (mux, _) = Mux::spawn(Dns, sink, stream, Options::new());
            let mut tasks = JoinSet::new();
            tasks.spawn(serve(theirs));
            for _ in 0..2 {
                let mux = mux.clone();
                tasks.spawn(async move { drop(mux.call(message(UNANSWERED)).await) });
            }
            for _ in 0..producers {
                let mux = mux.clone();
                tasks.spawn(async move { while mux.send(message(RESPONSE)).await.is_ok() {} });
            }
            (mux, tasks)
        });
        group.bench_function(BenchmarkId::new("beside-producers", producers), |bencher| {
            bencher.iter_custom(|calls| {
                // In a task like the others: the future that is blocked on gets a turn only now and then.
                let mux = mux.clone();
                let task = runtime.spawn(async move {
                    let start = Instant::now();
                    for _ in 0..calls {
                        mux.call(message(0)).await.unwrap();
                    }
                    start.elapsed()
                });
                runtime.block_on(task).unwrap()
            });
        });
        drop((mux, tasks));
    }
}
