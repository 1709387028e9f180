//! Streams that are easily misread, in every engine and at every pair of cuts, and in the harness.

use core::ops::ControlFlow::Break;

use pushdown::DynParser;
use pushdown::sse::{self, Event, Lent, LentMessages, MessageRef, Messages, Sse, Text};
use pushdown::testing::{self, Harness, Log, Recorder};

use crate::cases::{CASES, long};
use crate::common::reread::{FirstMessage, Reread};
use crate::common::{Engine, Expected, check_messages};

#[test]
fn any_two_cuts_of_a_case_give_the_answer_in_the_table() {
    let mut engines = Engine::all();
    let mut runs = 0;
    for (name, input, events) in CASES {
        let expected = Expected::prompt(input);
        assert_eq!(expected.whole.events.to_string(), *events, "the reference (left): {name}");
        for first in 0..=input.len() {
            for second in first..=input.len() {
                runs += Engine::check_all(&mut engines, &[first, second], &expected);
                runs += check_messages(&[first, second], &expected);
            }
        }
    }
    println!("{} cases, {runs} runs", CASES.len());
    assert!(CASES.len() > 50 && runs > 100_000);
}

#[test]
fn the_parsers_keep_every_law() {
    let mut inputs = 0;
    let lent = lent();
    let parsers = engines().parser("reference", Reread::default);
    let messages = messages().parser("reference", FirstMessage::default).may_discard();
    // A byte order mark means something at offset 0 alone, and the harness begins at others, too.
    for (name, input, _) in CASES.iter().filter(|(_, input, _)| !input.starts_with(b"\xef\xbb\xbf"))
    {
        let message = |violation| panic!("{name}: {violation}");
        assert!(parsers.check(input).unwrap_or_else(message).is_complete());
        assert!(messages.check(input).unwrap_or_else(message).is_complete());
        assert!(lent.check(input).unwrap_or_else(message).is_complete());
        inputs += 1;
    }
    println!("{inputs} inputs");
    assert!(inputs > 50);
}

#[test]
fn the_parsers_keep_every_law_in_lines_of_many_blocks() {
    let (parsers, messages, lent) = (engines(), messages(), lent());
    let streams = long();
    for stream in &streams {
        println!("{}", parsers.check(stream).unwrap());
        messages.check(stream).unwrap();
        lent.check(stream).unwrap();
    }
    assert_eq!(streams.len(), 11);
}

#[test]
fn a_pause_at_a_whole_value_stands_behind_its_line() {
    let stream = b"event: e\ndata: some text\rdata:\nid: 7\ndata: \xe2\x82\xac\n\n";
    let mut parsers: [(&str, Box<DynParser<'_, Sse>>); 4] = [
        ("machine", Box::new(sse::Machine::new())),
        ("coroutine", Box::new(sse::Coroutine::new())),
        ("stackless", Box::new(sse::Stackless::new())),
        ("generator", Box::new(sse::Generator::new())),
    ];
    for (name, parser) in &mut parsers {
        let mut ends = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let progress = parser.feed_dyn(rest, &mut |_| Break(()));
            rest = &rest[progress.consumed..];
            ends.push(parser.offset());
        }
        assert_eq!(ends, [9, 25, 31, 37, 47, 48], "{name}");
    }
}

#[test]
fn a_byte_order_mark_counts_at_offset_0_alone() {
    for engine in &mut Engine::all()[1..] {
        let stream = b"\xef\xbb\xbfdata: x\ndata: y\n";
        assert_eq!(engine.events_from(0, stream), r#"data("x") data("y")"#, "{engine:?}");
        assert_eq!(engine.events_from(1, stream), r#"data("y")"#, "{engine:?}");
        assert_eq!(engine.events_from(1, &stream[3..]), r#"data("x") data("y")"#, "{engine:?}");
    }
}

/// Returns a harness with every parser of events.
fn engines() -> Harness<'static, impl Recorder<Sse>> {
    Harness::new(record)
        .with_work("machine", sse::Machine::new)
        .with_work("coroutine", sse::Coroutine::new)
        .with_work("stackless", sse::Stackless::new)
        .with_work("generator", sse::Generator::new)
}

/// Returns a harness with a parser of messages, and one that goes byte by byte for want of room.
fn messages() -> Harness<'static, impl Recorder<()>> {
    Harness::new(testing::no_events)
        .parser("messages", Messages::new)
        .may_discard()
        .parser("messages of at most 600 bytes", || Messages::new().max_len(600))
        .may_discard()
}

/// Returns a harness with a parser that lends messages, and one that goes byte by byte for want of room.
fn lent() -> Harness<'static, impl Recorder<Lent>> {
    Harness::new(|log: &mut Log, message: MessageRef<'_>| log.event(format_args!("{message:?}")))
        .parser("lent", LentMessages::new)
        .parser("lent, at most 600 bytes", || LentMessages::new().max_len(600))
}

/// Records an event for the harness, which joins the pieces of a text.
fn record(log: &mut Log, event: Event<'_>) {
    let Event::Field { name, value: Text { text, more } } = event else {
        return log.event(format_args!("{event:?}"));
    };
    if !text.is_empty() || more {
        let kind = match name {
            sse::Field::Event => "event",
            sse::Field::Data => "data",
            sse::Field::Id => "id",
            sse::Field::Retry => "retry",
        };
        log.text_of(kind, text.as_bytes());
    }
    if !more {
        log.event(format_args!("end of {name:?}"));
    }
}
