//! Errors against what the server received, over connections that end at every byte, and at random.

use std::collections::HashMap;
use std::num::NonZeroU32;

use pushdown_patterns::Effect;
use pushdown_patterns::mux::dns::{self, Dns, Message};
use pushdown_patterns::mux::{CallOptions, Reconnect};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use super::*;
use crate::random::Random;

fn query(number: u64) -> Message {
    Message::new([&[0; 12][..], &number.to_be_bytes()].concat()).unwrap()
}

/// Bytes of a query or reply, with its length.
const LENGTH: usize = 2 + 12 + 8;

/// Queries that a server has received, on all connections: how often each.
type Seen = Arc<Mutex<HashMap<u64, usize>>>;

/// Answers queries, and hangs up after so many bytes received or sent.
async fn serve(stream: UnixStream, seen: Seen, mut receive: usize, mut send: usize) {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut message = [0; LENGTH];
    loop {
        if receive < LENGTH {
            // Less than a query, if there is one.
            let _ = read.read_exact(&mut message[..receive]).await;
            return;
        }
        receive -= LENGTH;
        if read.read_exact(&mut message).await.is_err() {
            return;
        }
        let number = u64::from_be_bytes(message[14..].try_into().unwrap());
        *seen.lock().unwrap().entry(number).or_default() += 1;
        message[4] |= 0x80;
        let part = send.min(LENGTH);
        if write.write_all(&message[..part]).await.is_err() || part < LENGTH {
            return;
        }
        send -= part;
    }
}

type Cut = Box<dyn FnMut(usize) -> (usize, usize) + Send>;

/// A client whose connection `number` is cut after so many bytes received or sent.
fn client(seen: &Seen, mut cut: Cut) -> (Reconnect<Dns>, Unsolicited<Dns>) {
    let (seen, mut number) = (seen.clone(), 0);
    let connect = move || {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (receive, send) = cut(number);
        number += 1;
        tokio::spawn(serve(theirs, seen.clone(), receive, send));
        let (read, write) = ours.into_split();
        let (sink, stream) = dns::split(read, write);
        std::future::ready(io::Result::Ok(Mux::spawn(Dns, sink, stream, mux::Options::new())))
    };
    let millisecond = Duration::from_millis(1);
    let options = Options::new().backoff(millisecond, millisecond).attempts(NonZeroU32::MAX);
    Reconnect::spawn(connect, options)
}

/// The end of a call, which may be made more than once if it is idempotent.
struct Outcome {
    number: u64,
    is_idempotent: bool,
    effect: Effect,
}

async fn call(client: &Reconnect<Dns>, number: u64, timeout: Option<Duration>) -> Outcome {
    let is_idempotent = number.is_multiple_of(2);
    let options = CallOptions::new();
    let options = timeout.into_iter().fold(options, CallOptions::timeout);
    let result = if is_idempotent {
        client.call_idempotent_with(|| query(number), options).await
    } else {
        client.call_with(query(number), options).await
    };
    let effect = match result {
        Ok(reply) => {
            assert_eq!(reply.as_bytes()[12..], number.to_be_bytes(), "a wrong answer");
            Effect::Happened
        }
        Err(error) => {
            let effect = error.effect();
            assert_eq!(effect == Effect::DidNotHappen, error.into_request().is_some());
            effect
        }
    };
    Outcome { number, is_idempotent, effect }
}

/// Checks what callers were told. Returns the numbers of calls that did not happen, may have, and did.
fn check(outcomes: &[Outcome], seen: &HashMap<u64, usize>) -> [u64; 3] {
    let mut counts = [0; 3];
    for Outcome { number, is_idempotent, effect } in outcomes {
        let seen = seen.get(number).copied().unwrap_or(0);
        let (is_right, count) = match effect {
            Effect::DidNotHappen => (seen == 0, 0),
            Effect::MayHaveHappened => (seen <= 1 || *is_idempotent, 1),
            Effect::Happened => (seen == 1 || *is_idempotent && seen > 1, 2),
        };
        assert!(is_right, "{effect:?}, and received {seen} times");
        counts[count] += 1;
    }
    counts
}

/// The first connection ends after each number of bytes received and sent. Every call ends, and every
/// idempotent one with its reply.
#[tokio::test]
async fn a_connection_that_ends_at_any_byte_costs_only_calls_that_were_sent() {
    const CALLS: u64 = 4;
    let all = CALLS as usize * LENGTH;
    let cuts = (0..all).map(|receive| (receive, usize::MAX));
    let cuts = cuts.chain((0..all).map(|send| (usize::MAX, send)));
    let (mut total, mut rounds) = ([0; 3], 0);
    for (receive, send) in cuts {
        let seen = Seen::default();
        let cut =
            move |number| if number == 0 { (receive, send) } else { (usize::MAX, usize::MAX) };
        let (client, _messages) = client(&seen, Box::new(cut));
        let calls = [0, 1, 2, 3].map(|number| call(&client, number, None));
        let [a, b, c, d] = calls;
        let (a, b, c, d) = tokio::join!(a, b, c, d);
        let outcomes = [a, b, c, d];
        for Outcome { number, is_idempotent, effect } in &outcomes {
            assert!(
                !is_idempotent || *effect == Effect::Happened,
                "{number} after {receive}, {send}"
            );
        }
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        let counts = check(&outcomes, &seen);
        assert_eq!(counts[0], 0, "without a timeout a call that was not sent is sent again");
        (0..3).for_each(|index| total[index] += counts[index]);
        rounds += 1;
    }
    println!("{rounds} cuts, {} calls may have happened, {} did", total[1], total[2]);
    assert_eq!(total.iter().sum::<u64>(), rounds * CALLS);
    assert!(total[1] > 0);
}

/// Callers on several threads, timeouts, and connections that end all the time.
async fn round(mut random: Random) -> [u64; 3] {
    const CALLERS: u64 = 8;
    const CALLS: u64 = 100;
    let seen = Seen::default();
    let mut cuts = Random(random.below(1 << 32) | 1);
    let mean = 2 + random.below(100);
    let cut = move |_| {
        let mut bytes = || cuts.below(mean * LENGTH as u64) as usize;
        (bytes(), bytes())
    };
    let (client, _messages) = client(&seen, Box::new(cut));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (client, mut random) = (client.clone(), Random(random.below(1 << 32) | 1));
        callers.spawn(async move {
            let mut outcomes = Vec::new();
            for number in caller * CALLS..(caller + 1) * CALLS {
                let limit = Duration::from_micros(10 + random.below(3_000));
                outcomes.push(call(&client, number, Some(limit)).await);
            }
            outcomes
        });
    }
    let outcomes: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(outcomes.len() as u64, CALLERS * CALLS);
    // A request that was sent may be received after its call has timed out, as long as a server runs.
    drop(client.close().await);
    crate::common::until("the servers are gone", async || Arc::strong_count(&seen) == 1).await;
    let seen = seen.lock().unwrap();
    check(&outcomes, &seen)
}

/// With `PUSHDOWN_LONG` in the environment for minutes.
#[test]
fn no_error_lies_about_its_effect_over_many_connections() {
    let rounds = if std::env::var_os("PUSHDOWN_LONG").is_some() { 3_000 } else { 20 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let mut total = [0; 3];
    for _ in 0..rounds {
        let counts = runtime.block_on(round(Random(random.below(1 << 32) | 1)));
        (0..3).for_each(|index| total[index] += counts[index]);
    }
    let [not, maybe, done] = total;
    println!("{} calls: {not} did not happen, {maybe} may have, {done} did", not + maybe + done);
    assert!(total.iter().all(|count| *count > 0), "all effects were checked");
}
