//! Promises about single events: what they borrow, where they lie, and what state they leave.

use core::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use pushdown::json::{self, Event, Extent, Located};
use pushdown::{DynParser, Error, ErrorKind, EventSink, PushParser, Status};

use crate::cases;
use crate::common::log::Log;
use crate::common::oracle::spans;
use crate::common::{Engine, Rules, oracle};
use crate::cuttings::pairs;

#[test]
fn a_text_without_escapes_is_one_event_that_borrows_the_chunk() {
    let long = "x".repeat(300);
    let input = format!(
        r#" {{"key":"text é€😀","":"","long":"{long}","n":[-12.5e+3,0,{}]}}"#,
        "7".repeat(99)
    );
    let chunk = input.as_bytes().as_ptr_range();
    let (start, end) = (chunk.start as usize, chunk.end as usize);
    for engine in &mut Engine::all(Rules::DEFAULT) {
        if !engine.takes(input.len()) {
            continue;
        }
        let mut texts = 0;
        let result = engine.run(&[], input.as_bytes(), |event| {
            if let Event::Key(piece) | Event::String(piece) | Event::Number(piece) = event {
                assert!(!piece.more, "{event:?}");
                let at = piece.text.as_ptr() as usize;
                assert!(piece.text.is_empty() || (start..end).contains(&at), "{event:?}");
                texts += 1;
            }
        });
        assert_eq!((result, texts), (Ok(input.len()), 10), "{engine:?}");
    }
}

#[test]
fn the_spans_of_events_are_those_of_the_oracle_for_any_two_cuts() {
    let mut runs = 0;
    for case in cases::all().iter().filter(|case| case.input.len() <= 100) {
        let expected = spans(&case.input, case.rules);
        let log = oracle(&case.input, case.rules).all_events;
        for (name, parser) in &mut located(case.rules) {
            for cuts in pairs(case.input.len()) {
                let found = spans_of(&mut **parser, &cuts, &case.input);
                let about = format!("{name}, {}, cut at {cuts:?}", case.name);
                assert_eq!(found.0, log, "{about}");
                assert_eq!(found.1, expected, "{about}");
                runs += 1;
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 10_000);
}

#[test]
fn a_panic_of_the_sink_is_an_error_behind_the_event_in_every_engine() {
    let mut runs = 0;
    for case in cases::all().iter().filter(|case| case.input.len() <= 32) {
        let spans = spans(&case.input, case.rules);
        for (number, span) in spans.iter().enumerate() {
            for (name, parser) in &mut located(case.rules) {
                for cuts in pairs(case.input.len()).filter(|[one, two]| two - one <= 1) {
                    let mut whole = 0;
                    let mut see = |(event, _): (Event<'_>, Range<u64>)| {
                        whole += usize::from(!goes_on(&event));
                        if whole > number {
                            resume_unwind(Box::new("in the sink"));
                        }
                        ControlFlow::Continue(())
                    };
                    parser.reset();
                    let fed = catch_unwind(AssertUnwindSafe(|| {
                        feed(&mut **parser, &cuts, &case.input, &mut see);
                    }));
                    let about = format!("{name}, {}, event {number}, cut at {cuts:?}", case.name);
                    assert!(fed.is_err(), "{about}");
                    let error = Error::new(ErrorKind::Panicked, span.end);
                    assert_eq!(parser.error(), Some(&error), "{about}");
                    assert_eq!(parser.feed(b"1").consumed, 0, "{about}");
                    runs += 1;
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 10_000);
}

#[test]
fn spans_are_counted_from_where_the_value_stands_in_the_stream() {
    for (name, parser) in &mut located(Rules { extent: Extent::Value, ..Rules::DEFAULT }) {
        let mut all = Vec::new();
        let mut rest = &b" [1] \"a\\n\" "[..];
        while parser.status() == Status::NeedMoreInput && !rest.is_empty() {
            let progress = parser.feed_dyn(rest, &mut |(_, span)| {
                all.push(span);
                ControlFlow::Continue(())
            });
            rest = &rest[progress.consumed..];
            if progress.status == Status::Success {
                parser.next_value();
            }
        }
        assert_eq!(all[..3], [1..2, 2..3, 3..4], "{name}");
        assert_eq!((all[3].start, all.last().unwrap().end), (5, 10), "{name}");
    }
}

#[test]
fn white_space_before_a_value_does_not_begin_it() {
    let options = json::Options::new().extent(Extent::Value);
    let parsers: [(&str, Box<DynParser<'static, json::Json>>); 4] = [
        ("machine", Box::new(json::Machine::with_options(options))),
        ("coroutine", Box::new(json::Coroutine::with_options(options).unwrap())),
        ("stackless", Box::new(json::Stackless::with_options(options))),
        ("generator", Box::new(json::Generator::with_options(options))),
    ];
    for (name, mut parser) in parsers {
        for chunk in [&b" "[..], b"\r\n\t   "] {
            let _ = parser.feed(chunk);
            assert!(!parser.has_begun(), "{name}");
        }
        let _ = parser.feed(b" [");
        assert!(parser.has_begun(), "{name}");
    }
}

#[test]
fn a_clone_of_a_machine_goes_on_where_the_machine_stood() {
    let input = br#" {"a\u00e9\ud83d\ude00": [1.5e3, true, "xyz"]} "#;
    let whole = oracle(input, Rules::DEFAULT).all_events;
    for cut in 0..=input.len() {
        let mut log = Log::default();
        let mut machine = json::Machine::new();
        let _ = machine.feed_with(&input[..cut], |event| log.see(event));
        let mut clone = machine.clone();
        drop(machine);
        let _ = clone.feed_with(&input[cut..], |event| log.see(event));
        clone.finish_with(|event| log.see(event)).unwrap();
        assert_eq!(log, whole, "cut at {cut}");
    }
}

type LocatedParser = Box<DynParser<'static, Located>>;

fn located(rules: Rules) -> [(&'static str, LocatedParser); 4] {
    let options = rules.options();
    [
        ("machine", Box::new(json::Machine::located(options))),
        ("coroutine", Box::new(json::Coroutine::located(options).unwrap())),
        ("stackless", Box::new(json::Stackless::located(options))),
        ("generator", Box::new(json::Generator::located(options))),
    ]
}

/// Returns the events, and the span of each that is complete. The pieces of a text must follow one another
/// without a gap.
fn spans_of(
    parser: &mut DynParser<'static, Located>,
    cuts: &[usize],
    input: &[u8],
) -> (Log, Vec<Range<u64>>) {
    let (mut log, mut spans) = (Log::default(), Vec::<Range<u64>>::new());
    let mut open = None;
    let mut see = |(event, span): (Event<'_>, Range<u64>)| {
        log.see(event);
        let start: u64 = match open {
            Some(Range { start, end }) => {
                assert_eq!(end, span.start, "a gap before {event:?}");
                start
            }
            None => span.start,
        };
        let joined = start..span.end;
        if goes_on(&event) {
            open = Some(joined);
        } else {
            open = None;
            spans.push(joined);
        }
        ControlFlow::Continue(())
    };
    parser.reset();
    feed(parser, cuts, input, &mut see);
    (log, spans)
}

/// Returns true if the event is a piece of a text, and not the last.
fn goes_on(event: &Event<'_>) -> bool {
    matches!(event, Event::Key(text) | Event::String(text) | Event::Number(text) if text.more)
}

/// Feeds the input, cut at these offsets, and finishes.
fn feed(
    parser: &mut DynParser<'static, Located>,
    cuts: &[usize],
    input: &[u8],
    see: &mut EventSink<'_, Located>,
) {
    let mut start = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        let _ = parser.feed_dyn(&input[start..end], see);
        start = end;
    }
    let _ = parser.finish_dyn(see);
}
