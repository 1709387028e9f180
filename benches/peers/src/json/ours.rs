//! Our engines.

use pushdown::PushParser;
use pushdown::json::{Coroutine, Event, Generator, Json, Machine, Stackless};

use super::{Reader, Reports, Seen};

pub(super) fn readers() -> Vec<Reader> {
    vec![
        Reader::new("machine", true, Reports::Text, with_sink(Machine::new())),
        Reader::new("coroutine", true, Reports::Text, with_sink(Coroutine::new())),
        Reader::new("stackless", true, Reports::Text, with_sink(Stackless::new())),
        Reader::new("generator", true, Reports::Text, with_sink(Generator::new())),
        Reader::new("machine-no-sink", true, Reports::Nothing, without_sink(Machine::new())),
        Reader::new("coroutine-no-sink", true, Reports::Nothing, without_sink(Coroutine::new())),
        Reader::new("stackless-no-sink", true, Reports::Nothing, without_sink(Stackless::new())),
        Reader::new("generator-no-sink", true, Reports::Nothing, without_sink(Generator::new())),
    ]
}

fn with_sink(
    mut parser: impl PushParser<Events = Json> + 'static,
) -> impl FnMut(&'static [u8], usize) -> Seen {
    move |document, size| {
        let mut seen = Seen::default();
        let mut sink = |event: Event<'_>| match event {
            Event::Key(text) | Event::String(text) | Event::Number(text) => {
                seen.piece(text.text);
                seen.events += u64::from(!text.more);
            }
            _ => seen.event(),
        };
        parser.reset();
        for chunk in document.chunks(size) {
            let _ = parser.feed_with(chunk, &mut sink);
        }
        parser.finish_with(&mut sink).expect("a document");
        seen
    }
}

fn without_sink(
    mut parser: impl PushParser<Events = Json> + 'static,
) -> impl FnMut(&'static [u8], usize) -> Seen {
    move |document, size| {
        parser.reset();
        for chunk in document.chunks(size) {
            let _ = parser.feed(chunk);
        }
        parser.finish().expect("a document");
        Seen::default()
    }
}
