//! Replies in order, without tags: whatever happens to calls, each reply reaches the caller whose it is.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pushdown::engine::stackless::{Input, Parser};
use pushdown::io::framed::{Reader, Writer};
use pushdown_patterns::Effect;
use pushdown_patterns::mux::memcached::{self, Memcached};
use pushdown_patterns::mux::{
    CallErrorKind, CallOptions, CloseReason, InOrder, Mux, Options, Ordered, Role, Unexpected,
    Unsolicited, WhenFull,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::random::Random;
use crate::{SECOND, count, end_of, poll_times, settle, tasks};

/// Lines. The peer answers each with the same line, but for those that begin with `-`. Of what it sends, a line
/// with `!` is unsolicited, and one with `.` is a part of an answer.
struct Lines;

impl Ordered for Lines {
    type Request = String;
    type Reply = String;
    /// The line, to check that the oldest request is the one that is answered.
    type Pending = String;

    fn is_answered(line: &String) -> bool {
        !line.starts_with('-')
    }

    fn pending(&self, line: &String) -> String {
        line.clone()
    }

    fn role(&self, line: &String, oldest: Option<&mut String>) -> Role {
        match line.as_bytes() {
            [b'!', ..] => Role::Unsolicited,
            [b'.', part @ ..] => {
                assert!(oldest.is_none_or(|oldest| oldest.as_bytes() == part), "part of {line}");
                Role::Interim
            }
            _ => Role::Reply,
        }
    }
}

type Connected = (Mux<InOrder<Lines>>, Unsolicited<InOrder<Lines>>);

fn connect(stream: DuplexStream, options: Options) -> Connected {
    let (read, write) = tokio::io::split(stream);
    let line = async |input: &mut Input<'_>| {
        let mut line = Vec::new();
        loop {
            match input.next().await? {
                b'\n' => return Ok(String::from_utf8(line).unwrap()),
                byte => line.push(byte),
            }
        }
    };
    let encode = |line: String, bytes: &mut Vec<u8>| {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    };
    let stream = Reader::new(read, Parser::new(line));
    Mux::spawn(InOrder::new(Lines), Writer::new(write, encode), stream, options)
}

/// Turns a hang into a failure, at once: paused time advances when nothing else can.
async fn ends<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(3600 * SECOND, future).await.expect("it hangs")
}

/// The peer, which hangs up after `budget` bytes. Returns the number of unsolicited lines.
async fn serve(
    stream: DuplexStream,
    mut random: Random,
    mut budget: usize,
    received: Arc<Mutex<Vec<String>>>,
) -> usize {
    let (read, mut write) = tokio::io::split(stream);
    let (sender, mut requests) = mpsc::unbounded_channel();
    let mut read = BufReader::new(read).lines();
    let receive = async move {
        while let Ok(Some(line)) = read.next_line().await {
            received.lock().unwrap().push(line.clone());
            if !line.starts_with('-') {
                sender.send(line).unwrap();
            }
        }
        // Lines that were received are still answered.
        drop(sender);
        std::future::pending::<()>().await;
    };
    let mut unsolicited = 0;
    let answer = async {
        while let Some(line) = requests.recv().await {
            if random.below(3) == 0 {
                tokio::time::sleep(Duration::from_millis(random.below(5))).await;
            }
            let mut text = String::new();
            for _ in 0..random.below(3) {
                text +=
                    ["!news\n".to_owned(), format!(".{line}\n")][random.below(2) as usize].as_str();
            }
            let whole = text.matches('!').count();
            text = text + &line + "\n";
            let bytes = &text.as_bytes()[..text.len().min(budget)];
            let sent = write.write_all(bytes).await;
            budget -= bytes.len();
            if budget == 0 || sent.is_err() {
                return;
            }
            unsolicited += whole;
        }
    };
    tokio::select! {
        () = receive => {}
        () = answer => {}
    }
    unsolicited
}

fn options(random: &mut Random) -> Options {
    let when_full = [WhenFull::Fail, WhenFull::Wait, WhenFull::Forget][random.below(3) as usize];
    let unexpected =
        [Unexpected::Count, Unexpected::Deliver, Unexpected::Fail][random.below(3) as usize];
    let options = Options::new()
        .in_flight(count(1 + random.below(8) as usize))
        .quarantine(count([2, 1000][random.below(2) as usize]))
        .unsolicited(count(1_000_000))
        .when_full(when_full)
        .unexpected(unexpected);
    if random.below(2) == 0 { options.quarantine_age(Duration::from_millis(1)) } else { options }
}

/// A call of any kind that ends in any way. Returns what is known of its effect.
async fn attempt(mux: &Mux<InOrder<Lines>>, random: &mut Random, line: String) -> (String, Effect) {
    let milliseconds = |random: &mut Random| Duration::from_millis(random.below(6));
    let options = match random.below(4) {
        0 => CallOptions::new().tag(random.below(4)),
        1 => CallOptions::new().timeout(milliseconds(random)),
        _ => CallOptions::new(),
    };
    let result = match random.below(8) {
        0 => {
            let line = format!("-{line}");
            let sent = mux.send(line.clone()).await;
            return (line, sent.map_or_else(|error| error.effect(), |()| Effect::Happened));
        }
        1 => {
            let line = format!("-{line}");
            let sent = mux.answer(line.clone()).await;
            return (line, sent.map_or_else(|error| error.effect(), |()| Effect::Happened));
        }
        2 | 3 => {
            let polls = random.below(6) as usize;
            match poll_times(polls, mux.call_with(line.clone(), options)).await {
                Some(result) => result,
                None => return (line, Effect::MayHaveHappened),
            }
        }
        _ => mux.call_with(line.clone(), options).await,
    };
    let effect = match result {
        Ok(reply) => {
            assert_eq!(reply, line, "a wrong answer");
            Effect::Happened
        }
        Err(error) => {
            let effect = error.effect();
            assert_eq!(
                error.into_request(),
                (effect == Effect::DidNotHappen).then(|| line.clone())
            );
            effect
        }
    };
    (line, effect)
}

/// One connection. With a budget the peer hangs up. Returns the numbers of right answers, and of calls whose
/// reply came late.
async fn round(mut random: Random, budget: Option<usize>) -> (usize, u64) {
    const CALLERS: u64 = 6;
    const CALLS: u64 = 15;
    let (ours, theirs) = tokio::io::duplex([1, 2, 7, 64, 4096][random.below(5) as usize]);
    let received = Arc::new(Mutex::new(Vec::new()));
    let server_random = Random(random.below(1 << 32) | 1);
    let server =
        tokio::spawn(serve(theirs, server_random, budget.unwrap_or(usize::MAX), received.clone()));
    let (mux, mut unsolicited) = connect(ours, options(&mut random));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (mux, mut random) = (mux.clone(), Random(random.below(1 << 32) | 1));
        callers.spawn(async move {
            let mut effects = Vec::new();
            for call in 0..CALLS {
                effects.push(attempt(&mux, &mut random, format!("{caller}.{call}")).await);
            }
            effects
        });
    }
    let effects = callers.join_all().await.concat();
    let report = mux.close().await;
    let has_ended = match report.end {
        CloseReason::Drained => false,
        CloseReason::QuarantineFull => true,
        CloseReason::Closed | CloseReason::Send(_) | CloseReason::Receive(_) => {
            assert!(budget.is_some(), "{}", report.end);
            true
        }
        end => panic!("{end}"),
    };
    let counts = mux.counts();
    assert_eq!(counts.unexpected, 0);
    drop(mux);
    let sent = server.await.unwrap();
    let mut delivered = 0;
    while unsolicited.recv().await.is_some() {
        delivered += 1;
    }
    assert!(has_ended || delivered == sent, "{delivered} of {sent}");
    let received = received.lock().unwrap();
    let mut right = 0;
    for (line, effect) in effects {
        let seen = received.iter().filter(|other| **other == line).count();
        match effect {
            Effect::DidNotHappen => assert_eq!(seen, 0, "{line}"),
            Effect::MayHaveHappened => assert!(seen <= 1, "{line}"),
            // A message without a reply that was accepted may be lost with the connection.
            Effect::Happened if line.starts_with('-') && has_ended => assert!(seen <= 1, "{line}"),
            Effect::Happened => assert_eq!(seen, 1, "{line}"),
        }
        right += usize::from(effect == Effect::Happened);
    }
    (right, counts.late)
}

/// With `PUSHDOWN_LONG` in the environment for minutes.
#[tokio::test(start_paused = true)]
async fn no_drop_time_out_option_or_message_shifts_the_order() {
    let rounds = if std::env::var_os("PUSHDOWN_LONG").is_some() { 50_000 } else { 300 };
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut right, mut late) = (0, 0);
    for _ in 0..rounds {
        let (more, more_late) = ends(round(Random(random.below(1 << 32) | 1), None)).await;
        right += more;
        late += more_late;
    }
    println!("{rounds} connections: {right} right answers, {late} late ones");
    assert!(right > 20 * rounds && late > rounds as u64);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_up_at_any_byte_leaves_no_caller_and_no_lie() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for budget in 1..=300 {
        ends(round(Random(random.below(1 << 32) | 1), Some(budget))).await;
    }
    assert_eq!(tasks().await, 0);
}

/// The replies that arrived whole are delivered, each to its caller, and no other caller waits.
#[tokio::test(start_paused = true)]
async fn a_connection_cut_at_every_byte_delivers_what_has_come() {
    const REPLIES: &str = "a\n!x\n.bb\nbb\nccc\n";
    const LINES: [(&str, usize); 3] = [("a", 2), ("bb", 12), ("ccc", 16)];
    for cut in 0..=REPLIES.len() {
        let (ours, mut theirs) = tokio::io::duplex(1);
        let (mux, _unsolicited) = connect(ours, Options::new());
        let calls = JoinSet::from_iter(LINES.map(|(line, end)| {
            let mux = mux.clone();
            async move {
                match mux.call(line.to_owned()).await {
                    Ok(reply) => assert!(reply == line && cut >= end, "{reply}, cut at {cut}"),
                    Err(error) => {
                        assert!(cut < end, "{line} is lost, cut at {cut}");
                        assert!(matches!(
                            end_of(&error),
                            CloseReason::Closed | CloseReason::Receive(_)
                        ));
                        assert_eq!(error.effect(), Effect::MayHaveHappened);
                    }
                }
            }
        }));
        let mut requests = [0; "a\nbb\nccc\n".len()];
        theirs.read_exact(&mut requests).await.unwrap();
        assert_eq!(&requests, b"a\nbb\nccc\n");
        theirs.write_all(&REPLIES.as_bytes()[..cut]).await.unwrap();
        drop(theirs);
        ends(calls.join_all()).await;
    }
    println!("{} cuts", REPLIES.len());
}

/// Two others call before and after the one that is dropped.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_poll_leaves_the_others_their_replies() {
    let mut counts = [0; 3];
    for (polls, in_flight) in (0..8).flat_map(|polls| [1, 2, 3].map(|in_flight| (polls, in_flight)))
    {
        let (ours, theirs) = tokio::io::duplex(3);
        let received = Arc::default();
        let server = tokio::spawn(serve(theirs, Random(7), usize::MAX, Arc::clone(&received)));
        let (mux, _unsolicited) = connect(ours, Options::new().in_flight(count(in_flight)));
        let call = async |line: &str| assert_eq!(mux.call(line.to_owned()).await.unwrap(), line);
        let calls = async {
            tokio::join!(
                call("first"),
                async { poll_times(polls, mux.call("dropped".to_owned())).await },
                call("last")
            )
        };
        let ((), dropped, ()) = ends(calls).await;
        ends(mux.close()).await;
        server.await.unwrap();
        let seen = received.lock().unwrap().iter().filter(|line| *line == "dropped").count();
        assert!(seen <= 1);
        if let Some(reply) = dropped {
            assert_eq!((reply.unwrap().as_str(), seen), ("dropped", 1));
            counts[2] += 1;
        } else {
            counts[seen] += 1;
        }
    }
    println!("not sent, dropped after that, answered: {counts:?}");
    assert!(counts.iter().all(|count| *count > 0));
}

/// Such a reply may be any request's, so the option for unexpected replies does not matter.
#[tokio::test(start_paused = true)]
async fn a_reply_without_a_request_ends_the_connection() {
    for unexpected in [Unexpected::Count, Unexpected::Deliver, Unexpected::Fail] {
        for (before, line) in [("", "a\n"), ("", ".a\n"), ("a\n", "a\na\n"), ("a\n", "!x\na\n.a\n")]
        {
            let (ours, mut theirs) = tokio::io::duplex(64);
            let (mux, mut unsolicited) = connect(ours, Options::new().unexpected(unexpected));
            if before.is_empty() {
                // Unsolicited messages need no request.
                theirs.write_all(b"!x\n").await.unwrap();
                assert_eq!(unsolicited.recv().await.as_deref(), Some("!x"));
                theirs.write_all(line.as_bytes()).await.unwrap();
            } else {
                let (reply, ()) = tokio::join!(mux.call("a".to_owned()), async {
                    theirs.read_exact(&mut [0; 2]).await.unwrap();
                    theirs.write_all(line.as_bytes()).await.unwrap();
                });
                assert_eq!(reply.unwrap(), "a");
            }
            let end = ends(mux.ended()).await.end;
            assert!(matches!(end, CloseReason::Violation), "{line:?}: {end}");
            let error = mux.call("b".to_owned()).await.unwrap_err();
            assert_eq!(error.effect(), Effect::DidNotHappen);
        }
    }
}

/// The requests that wait for their replies learn it too.
#[tokio::test(start_paused = true)]
async fn a_reply_too_many_reaches_no_caller_whose_request_was_not_sent() {
    let (ours, mut theirs) = tokio::io::duplex(64);
    let (mux, _unsolicited) = connect(ours, Options::new().in_flight(count(1)));
    let call = |line: &str| mux.call(line.to_owned());
    let peer = async {
        theirs.read_exact(&mut [0; 2]).await.unwrap();
        theirs.write_all(b"a\nb\n").await.unwrap();
    };
    let (first, second, ()) = ends(async { tokio::join!(call("a"), call("b"), peer) }).await;
    assert_eq!(first.unwrap(), "a");
    let error = second.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Violation), "{error}");
    assert_eq!(error.effect(), Effect::DidNotHappen);
}

#[tokio::test(start_paused = true)]
async fn a_message_goes_where_its_answer_belongs_or_is_refused() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let (mux, _unsolicited) = connect(ours, Options::new());
    let refused = async {
        tokio::join!(
            mux.call("-a".to_owned()),
            mux.send("a".to_owned()),
            mux.answer("a".to_owned())
        )
    };
    let (call, send, answer) = ends(refused).await;
    for error in [call.unwrap_err(), send.unwrap_err(), answer.unwrap_err()] {
        assert!(matches!(error.kind(), CallErrorKind::WrongMethod), "{error}");
        assert_eq!(error.effect(), Effect::DidNotHappen);
    }
}

/// A tag of age that is chosen again would have two places, and the first reply would reach the second
/// caller.
#[tokio::test(start_paused = true)]
async fn a_place_has_no_age() {
    let (ours, theirs) = tokio::io::duplex(64);
    let (mux, _unsolicited) = connect(ours, Options::new().quarantine_age(SECOND));
    let call = |line: &str| mux.call_with(line.to_owned(), CallOptions::new().tag(7));
    assert!(poll_times(2, call("dropped")).await.is_none());
    tokio::time::sleep(2 * SECOND).await;
    let error = ends(call("early")).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::DuplicateTag), "{error}");
    assert_eq!(mux.counts().quarantined, 1);
    tokio::spawn(serve(theirs, Random(1), usize::MAX, Arc::default()));
    while mux.counts().late == 0 {
        settle().await;
    }
    assert_eq!(mux.counts().quarantined, 0);
    assert_eq!(call("called").await.unwrap(), "called");
}

#[tokio::test(start_paused = true)]
async fn a_place_is_not_forgotten() {
    let (ours, _theirs) = tokio::io::duplex(4096);
    let options = Options::new().quarantine(count(2)).when_full(WhenFull::Forget);
    let (mux, _unsolicited) = connect(ours, options);
    for number in 0..3 {
        assert!(mux.end().is_none(), "after {number}");
        assert!(poll_times(2, mux.call(format!("{number}"))).await.is_none());
    }
    assert!(matches!(ends(mux.ended()).await.end, CloseReason::QuarantineFull));
}

/// memcached answers in order too, and a token that is chosen again says nothing.
#[tokio::test(start_paused = true)]
async fn a_memcached_reply_of_age_reaches_no_other_caller() {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = memcached::split(read, write, memcached::MAX_VALUE);
    let options = Options::new().quarantine_age(SECOND);
    let (mux, _unsolicited) = Mux::spawn(Memcached::new(), sink, stream, options);
    let get =
        |key: &str| mux.call_with(memcached::Request::get(key).unwrap(), CallOptions::new().tag(7));
    assert!(poll_times(2, get("old")).await.is_none());
    tokio::time::sleep(2 * SECOND).await;
    let mut second = pin!(get("new"));
    tokio::select! {
        biased;
        result = &mut second => {
            let error = result.unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::DuplicateTag), "{error}");
        }
        () = settle() => {
            theirs.write_all(b"VA 3 O7\r\nold\r\n").await.unwrap();
            panic!("a wrong answer: {:?}", second.await);
        }
    }
}
