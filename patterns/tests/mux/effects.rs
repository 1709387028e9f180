//! Each error against the peer's view: a request that did not happen was not received, one that may have
//! happened was received at most once, and one with a reply exactly once.

use std::collections::HashMap;
use std::time::Duration;

use pushdown_patterns::mux::dns::{self, Dns, Message};
use pushdown_patterns::mux::{CallOptions, Mux, Options};
use pushdown_patterns::{Effect, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use crate::random::Random;

const CALLERS: u64 = 8;
const CALLS: u64 = 50;

/// Answers every query and counts it.
async fn serve(stream: tokio::net::UnixStream) -> HashMap<u64, usize> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    let mut seen = HashMap::new();
    while let Ok(length) = read.read_u16().await {
        let mut message = vec![0; usize::from(length)];
        if read.read_exact(&mut message).await.is_err() {
            break;
        }
        *seen.entry(u64::from_be_bytes(message[12..].try_into().unwrap())).or_default() += 1;
        message[2] |= 0x80;
        let bytes = [&length.to_be_bytes()[..], &message].concat();
        let _ = write.write_all(&bytes).await;
    }
    seen
}

/// One connection, which ends in the middle of the calls or after them.
async fn round(mut random: Random, counts: &mut [u64; 3]) {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let server = tokio::spawn(serve(theirs));
    let (read, write) = ours.into_split();
    let (sink, stream) = dns::split(read, write);
    let options = Options::new().in_flight(crate::count(4)).quarantine(crate::count(1 << 20));
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, options);
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (mux, mut random) = (mux.clone(), Random(random.below(1 << 32) | 1));
        callers.spawn(async move {
            let mut effects = Vec::new();
            for call in 0..CALLS {
                let number = caller * CALLS + call;
                let message = [&[0; 12][..], &number.to_be_bytes()].concat();
                let limit = Duration::from_micros(10 + random.below(490));
                let options = CallOptions::new().timeout(limit);
                let call = mux.call_with(Message::new(message.clone()).unwrap(), options).await;
                let effect = match call {
                    Ok(reply) => {
                        assert_eq!(reply.as_bytes()[12..], message[12..], "a wrong answer");
                        Effect::Happened
                    }
                    Err(error) => {
                        let effect = error.effect();
                        let request = error.into_request();
                        assert_eq!(effect == Effect::DidNotHappen, request.is_some());
                        assert!(request.is_none_or(|request| request.as_bytes() == message));
                        effect
                    }
                };
                effects.push((number, effect));
            }
            effects
        });
    }
    match random.below(4) {
        0 => drop(mux.shutdown(Shutdown::Abort).await),
        1 => drop(mux.close().await),
        _ => {}
    }
    let effects = callers.join_all().await.concat();
    drop(mux.close().await);
    let seen = server.await.unwrap();
    for (number, effect) in effects {
        let seen = seen.get(&number).copied().unwrap_or(0);
        let (right, count) = match effect {
            Effect::DidNotHappen => (seen == 0, 0),
            Effect::MayHaveHappened => (seen <= 1, 1),
            Effect::Happened => (seen == 1, 2),
        };
        assert!(right, "{effect:?}, and received {seen} times");
        counts[count] += 1;
    }
}

/// With `PUSHDOWN_LONG` in the environment for minutes.
#[test]
fn no_error_lies_about_its_effect() {
    let rounds = if std::env::var_os("PUSHDOWN_LONG").is_some() { 20_000 } else { 200 };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let mut counts = [0; 3];
    for _ in 0..rounds {
        let random = Random(random.below(1 << 32) | 1);
        runtime.block_on(round(random, &mut counts));
    }
    let [not, maybe, done] = counts;
    println!("{} calls: {not} did not happen, {maybe} may have, {done} did", not + maybe + done);
    assert_eq!(not + maybe + done, rounds * CALLERS * CALLS);
    assert!(not > 0 && maybe > 0, "both effects of an error were checked");
}
