//! Texts that are easily misread, in every engine and at every pair of cuts, and in the harness.

use core::ops::Range;

use pushdown::Error;
use pushdown::json::{self, Event, Json};
use pushdown::testing::{Harness, Log, Recorder};

use crate::cases;
use crate::common::reread::Reread;
use crate::common::{Engine, Expected, Rules};
use crate::cuttings::pairs;

#[test]
fn any_two_cuts_of_a_case_give_the_answer_in_the_table() {
    let cases = cases::all();
    let mut runs = 0;
    for case in &cases {
        let expected = Expected::prompt(&case.input, case.rules);
        let (name, whole) = (case.name, &expected.whole);
        let error = case.error.map(|kind| Error::new(kind, case.consumed as u64));
        assert_eq!(whole.all_events.to_string(), case.events, "the oracle (left): {name}");
        assert_eq!(whole.finished.err(), error, "the oracle (left): {name}");
        assert_eq!(whole.consumed, case.consumed, "the oracle (left): {name}");
        let mut engines = Engine::all(case.rules);
        for cuts in pairs(case.input.len()) {
            runs += Engine::check_all(&mut engines, &cuts, &expected);
        }
    }
    println!("{} cases, {runs} runs", cases.len());
    assert!(cases.len() > 100 && runs > cases.len());
}

#[test]
fn the_parsers_keep_every_law() {
    let mut inputs = 0;
    for case in cases::all().iter().filter(|case| case.input.len() <= 32) {
        let report = with_oracle(case.rules).check(&case.input);
        let report = report.unwrap_or_else(|violation| panic!("{}: {violation}", case.name));
        assert!(report.is_complete());
        inputs += 1;
    }
    println!("{inputs} inputs");
    assert!(inputs > 100);
}

#[test]
fn the_spans_of_events_keep_every_law() {
    let mut inputs = 0;
    for case in cases::all().iter().filter(|case| case.input.len() <= 24) {
        let options = case.rules.options();
        let harness = Harness::new(record_spans)
            .with_work("machine", move || json::Machine::located(options))
            .looks_ahead()
            .with_work("coroutine", move || json::Coroutine::located(options).unwrap())
            .looks_ahead()
            .with_work("stackless", move || json::Stackless::located(options))
            .looks_ahead()
            .with_work("generator", move || json::Generator::located(options))
            .looks_ahead();
        let report = harness.check(&case.input);
        let report = report.unwrap_or_else(|violation| panic!("{}: {violation}", case.name));
        assert!(report.is_complete());
        inputs += 1;
    }
    println!("{inputs} inputs");
    assert!(inputs > 100);
}

/// Records the span of an event for the harness, which joins the spans of pieces: a text of as many bytes.
fn record_spans(log: &mut Log, (event, span): (Event<'_>, Range<u64>)) {
    // The harness also resets parsers to such an offset.
    let [start, end] = [span.start, span.end].map(|offset| offset % (1 << 40));
    match event {
        Event::Key(text) | Event::String(text) | Event::Number(text) => {
            if start < end {
                log.text_of("bytes of a text", &vec![b'x'; (end - start) as usize]);
            }
            if !text.more {
                log.event(format_args!("end of a text at {end}"));
            }
        }
        other => log.event(format_args!("{other:?} from {start} to {end}")),
    }
}

#[test]
fn the_parsers_keep_every_law_in_texts_of_many_blocks() {
    let (long, escapes) = ("x".repeat(100), r#"\"aé\u00e9\ud83d\ude00\n"#.repeat(14));
    let blanks = " ".repeat(40);
    let input = format!(
        r#"{{"{long}":"{long}\n{long}","{escapes}":[{blanks}1234567890.{},{blanks}true,"{escapes}x"]}} ["#,
        "5".repeat(60),
    );
    let mut reports = 1;
    println!("{}", engines(Rules::DEFAULT).check(input.as_bytes()).unwrap());
    let narrow = Rules { string: 110, number: 50, ..Rules::DEFAULT };
    for text in [long, escapes] {
        for input in [format!(r#"["{text}{text}"]"#), format!(r#"{{"{text}{text}":1}}"#)] {
            engines(narrow).check(input.as_bytes()).unwrap();
            reports += 1;
        }
    }
    assert_eq!(reports, 5);
}

/// Returns a harness with every parser, and the oracle, which is for short inputs.
fn with_oracle(rules: Rules) -> Harness<'static, impl Recorder<Json>> {
    engines(rules).parser("oracle", move || Reread::new(rules)).looks_ahead()
}

/// Returns a harness with every parser. A value that is a number ends in sight of the byte behind it.
fn engines(rules: Rules) -> Harness<'static, impl Recorder<Json>> {
    let options = rules.options();
    Harness::new(record)
        .with_work("machine", move || json::Machine::with_options(options))
        .looks_ahead()
        .with_work("coroutine", move || json::Coroutine::with_options(options).unwrap())
        .looks_ahead()
        .with_work("stackless", move || json::Stackless::with_options(options))
        .looks_ahead()
        .with_work("generator", move || json::Generator::with_options(options))
        .looks_ahead()
}

/// Records an event for the harness, which joins the pieces of a text.
pub(crate) fn record(log: &mut Log, event: Event<'_>) {
    let (kind, text) = match event {
        Event::Key(text) => ("key", text),
        Event::String(text) => ("string", text),
        Event::Number(text) => ("number", text),
        other => return log.event(format_args!("{other:?}")),
    };
    if !text.text.is_empty() || text.more {
        log.text_of(kind, text.text.as_bytes());
    }
    if !text.more {
        log.event(format_args!("end of the {kind}"));
    }
}
