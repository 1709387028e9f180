//! The quoted string as in the lecture: straight-line code in a thread, behind `ProcessChar`.
//!
//! Two channels without buffers carry the characters in and the statuses out, so each character
//! costs two switches between threads. The engines are timed beside it.
//!
//! ```text
//! $ cargo run -q --release --example process_char
//! " NeedMoreInput
//! a NeedMoreInput
//! " Success
//!   Success
//! b Success
//! dropped at NeedMoreInput; its thread has ended
//! thread and channels   15929.6 ns per character
//! coroutine                 7.0 ns per character
//! machine                   6.2 ns per character
//! ```

use std::hint::black_box;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use pushdown::quoted::{self, Quoted};
use pushdown::{PushParser, Status};

/// The lecture's `readString`. Returns `None` if the caller has stopped sending characters.
fn read_string(mut read_char: impl FnMut() -> Option<char>) -> Option<bool> {
    if read_char()? != '"' {
        return Some(false);
    }
    let mut c = ' ';
    while c != '"' {
        c = read_char()?;
        if c == '\\' {
            read_char()?;
        }
    }
    Some(true)
}

/// The lecture's `quoteReader`.
struct QuoteReader {
    /// `None` while the reader is being dropped.
    channels: Option<(SyncSender<char>, Receiver<Status>)>,
    thread: Option<JoinHandle<()>>,
    status: Status,
}

impl QuoteReader {
    /// The lecture's `Init`: starts the thread, and waits until it asks for the first character.
    fn new() -> Self {
        let (send_char, next_char) = sync_channel(0);
        let (answer, statuses) = sync_channel(0);
        let thread = thread::spawn(move || {
            let read_char = || {
                answer.send(Status::NeedMoreInput).ok()?;
                next_char.recv().ok()
            };
            let end = match read_string(read_char) {
                Some(true) => Status::Success,
                Some(false) => Status::BadInput,
                None => return,
            };
            // The lecture drops the result, so that its caller waits forever. An error here means
            // that the caller has dropped its reader.
            let _ = answer.send(end);
        });
        let status = statuses.recv().expect("the thread asks for a character first");
        Self { channels: Some((send_char, statuses)), thread: Some(thread), status }
    }

    /// The lecture's `ProcessChar`. The lecture's blocks after the end of the string; this one returns
    /// the final status again.
    fn process_char(&mut self, c: char) -> Status {
        if let (Status::NeedMoreInput, Some((send_char, statuses))) = (self.status, &self.channels)
        {
            send_char.send(c).expect("the thread waits for a character");
            self.status = statuses.recv().expect("the thread answers every character");
        }
        self.status
    }
}

/// Ends the thread. In the lecture it waits forever if its caller stops early.
impl Drop for QuoteReader {
    fn drop(&mut self) {
        self.channels = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Prints the nanoseconds per character: the median of five runs, each over `times` repetitions of a
/// text.
fn measure(name: &str, times: usize, mut process_char: impl FnMut(char) -> Status) {
    let text = r#"say \"hi\" and "#;
    assert_eq!(process_char('"'), Status::NeedMoreInput);
    let mut costs = [0; 5].map(|_: u8| {
        let start = Instant::now();
        for c in black_box(text).chars().cycle().take(times * text.len()) {
            assert_eq!(process_char(c), Status::NeedMoreInput);
        }
        start.elapsed().as_nanos() as f64 / (times * text.len()) as f64
    });
    assert_eq!(process_char('"'), Status::Success);
    costs.sort_by(f64::total_cmp);
    println!("{name:20} {:8.1} ns per character", costs[2]);
}

fn main() {
    let mut reader = QuoteReader::new();
    for c in r#""a" b"#.chars() {
        println!("{c} {:?}", reader.process_char(c));
    }

    let mut abandoned = QuoteReader::new();
    let status = abandoned.process_char('"');
    drop(abandoned);
    println!("dropped at {status:?}; its thread has ended");

    let mut reader = QuoteReader::new();
    measure("thread and channels", 50, |c| reader.process_char(c));
    // Behind `dyn`, so that these calls are not inlined either.
    let engines: [(&str, &mut dyn PushParser<Events = Quoted>); 2] =
        [("coroutine", &mut quoted::Coroutine::new()), ("machine", &mut quoted::Machine::new())];
    for (name, parser) in engines {
        measure(name, 10_000, |c| parser.process_char(c));
    }
}
