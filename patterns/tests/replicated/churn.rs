//! Real `memcached`s that join and leave all the time, under load.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::common::Server;
use pushdown_patterns::Shutdown;
use pushdown_patterns::replicated::{Budget, Client, Hedge, Options, Prefer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// Keys, each with a value of its own that all servers have.
const KEYS: usize = 64;

fn value(key: usize) -> String {
    format!("value-of-{key}-{}", "x".repeat(key))
}

/// A server and its idle connections.
#[derive(Debug)]
struct Memcached {
    socket: PathBuf,
    idle: Mutex<Vec<BufReader<UnixStream>>>,
}

impl Memcached {
    fn new(server: &Server) -> Self {
        Self { socket: server.socket(), idle: Mutex::default() }
    }

    /// A request that is dropped takes its connection along, with the reply that may yet come.
    async fn get(self: Arc<Self>, key: usize) -> io::Result<String> {
        let idle = self.idle.lock().unwrap().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => BufReader::new(UnixStream::connect(&self.socket).await?),
        };
        connection.write_all(format!("mg {key} v\r\n").as_bytes()).await?;
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = line.trim_end().strip_prefix("VA ").and_then(|length| length.parse().ok());
        let length: usize = length.ok_or_else(|| io::Error::other(line))?;
        let mut text = vec![0; length + 2];
        connection.read_exact(&mut text).await?;
        text.truncate(length);
        self.idle.lock().unwrap().push(connection);
        String::from_utf8(text).map_err(io::Error::other)
    }
}

async fn filled() -> Option<Server> {
    let server = Server::memcached().await?;
    let mut connection = BufReader::new(server.connect().await.unwrap());
    for key in 0..KEYS {
        let value = value(key);
        let request = format!("ms {key} {}\r\n{value}\r\n", value.len());
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut line = String::new();
        connection.read_line(&mut line).await.unwrap();
        assert_eq!(line, "HD\r\n");
    }
    Some(server)
}

/// Makes calls until the end, and returns their number.
async fn calls(client: Client<Memcached, usize, String, io::Error>, end: Arc<AtomicBool>) -> u64 {
    let mut count = 0;
    while !end.load(Ordering::Relaxed) {
        let key = count as usize % KEYS;
        assert_eq!(client.call(key).await.unwrap(), value(key));
        count += 1;
    }
    count
}

impl PartialEq for Memcached {
    fn eq(&self, other: &Self) -> bool {
        self.socket == other.socket
    }
}

/// One server stays in the list all along, at changing places. Each of the others joins or leaves every
/// ten milliseconds or so, and one of them is killed now and then. No call fails, and each answer is that
/// of its key.
#[test]
fn calls_do_not_notice_servers_that_join_and_leave() {
    const CALLERS: u64 = 16;
    let long = std::env::var_os("PUSHDOWN_LONG").is_some_and(|value| value == "1");
    let changes = if long { 20_000 } else { 200 };
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(stays) = filled().await else { return };
        let mut others = Vec::new();
        for _ in 0..3 {
            others.push(filled().await.unwrap());
        }
        // The first server of the list is asked first, so that the preference moves with the list.
        let prefer = Prefer::First { probe: Duration::from_millis(5) };
        let options = Options::new().prefer(prefer).hedge(Hedge::After(Duration::from_millis(50)));
        let options = options.budget(Budget { percent: 50, ..Budget::default() });
        let client = Client::new([Memcached::new(&stays)], Memcached::get, options).unwrap();
        let end = Arc::new(AtomicBool::new(false));
        let callers: Vec<_> =
            (0..CALLERS).map(|_| tokio::spawn(calls(client.clone(), end.clone()))).collect();
        let membership = client.membership();
        let (begun, left) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let (mut is_member, mut departures, mut random) = ([false; 3], Vec::new(), 1u64);
        for change in 0..changes {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let which = (random >> 33) as usize % 3;
            is_member[which] ^= true;
            let members = others.iter().zip(is_member).filter(|(_, is_member)| *is_member);
            let mut list: Vec<_> = members.map(|(server, _)| Memcached::new(server)).collect();
            list.insert((random >> 36) as usize % (list.len() + 1), Memcached::new(&stays));
            let how = match random >> 40 & 1 {
                0 => Shutdown::Abort,
                _ => Shutdown::Drain { timeout: Duration::from_millis(random >> 50 & 7) },
            };
            for leaving in membership.replace_all(list, how).unwrap().leaving {
                let left = left.clone();
                departures.push(tokio::spawn(async move {
                    let departed = leaving.await;
                    assert_eq!(departed.stats.running(), 0);
                    drop(Arc::into_inner(departed.server).expect("nothing else refers to it"));
                    left.fetch_add(departed.stats.attempts, Ordering::Relaxed);
                }));
            }
            if change % 50 == 49 {
                others[which].signal("KILL");
                tokio::time::sleep(Duration::from_millis(10)).await;
                others[which] = filled().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        end.store(true, Ordering::Relaxed);
        let mut total = 0;
        for caller in callers {
            total += caller.await.unwrap();
        }
        for departure in departures {
            departure.await.unwrap();
        }
        let (stats, left) = (client.stats(), left.load(Ordering::Relaxed));
        println!(
            "{changes} changes, {total} calls, {} requests and {} moves in {:.1?}; {left} requests to {} \
             servers that have left",
            stats.requests(),
            stats.moves,
            begun.elapsed(),
            stats.left,
        );
        assert_eq!((stats.calls, stats.running(), stats.leaving.len()), (total, 0, 0));
        assert!(left > 0, "no server that left was ever asked");
    });
}
