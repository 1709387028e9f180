//! Values that are easily misread, in every engine and at every pair of cuts, and in the harness.

use pushdown::Error;
use pushdown::resp::{self, Event, Resp};
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
        assert_eq!(whole.events.to_string(), case.events, "the oracle (left): {name}");
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
fn a_line_that_may_have_no_byte_is_refused_at_every_cut() {
    let rules = Rules { line: 0, ..Rules::DEFAULT };
    let mut runs = 0;
    for input in
        [&b"#t\r\n"[..], b"#f\r\n", b"_\r\n", b"+\r\n", b"+a\r\n", b":1\r\n", b",1\r\n", b"(1\r\n"]
    {
        let expected = Expected::prompt(input, rules);
        for cuts in pairs(input.len()) {
            runs += Engine::check_all(&mut Engine::all(rules), &cuts, &expected);
        }
    }
    println!("{runs} runs");
    assert!(runs > 100);
}

#[test]
fn the_parsers_keep_every_law_in_texts_of_many_blocks() {
    let long = "x".repeat(150);
    let input = format!(
        "%3\r\n$150\r\n{long}\r\n+{long}\r\n=154\r\ntxt:{long}\r\n,{}\r\n$?\r\n;150\r\n{long}\r\n;0\r\n\
         *?\r\n-{long}\r\n.\r\n>",
        "5".repeat(90),
    );
    println!("{}", engines(Rules::DEFAULT).check(input.as_bytes()).unwrap());
    let narrow = Rules { line: 100, bulk: 200, ..Rules::DEFAULT };
    for input in [format!("*2\r\n+{long}"), format!("*2\r\n$?\r\n;150\r\n{long}\r\n;51\r\n{long}")]
    {
        engines(narrow).check(input.as_bytes()).unwrap();
    }
}

/// Returns a harness with every parser, and the oracle, which is for short inputs.
fn with_oracle(rules: Rules) -> Harness<'static, impl Recorder<Resp>> {
    engines(rules).parser("oracle", move || Reread::new(rules))
}

/// Returns a harness with every parser.
fn engines(rules: Rules) -> Harness<'static, impl Recorder<Resp>> {
    let options = rules.options();
    Harness::new(record)
        .with_work("machine", move || resp::Machine::with_options(options))
        .with_work("coroutine", move || resp::Coroutine::with_options(options).unwrap())
        .with_work("stackless", move || resp::Stackless::with_options(options))
        .with_work("generator", move || resp::Generator::with_options(options))
}

/// Records an event for the harness, which joins the pieces of a text.
pub(crate) fn record(log: &mut Log, event: Event<'_>) {
    let (kind, piece) = match event {
        Event::Simple(piece) => ("simple", piece),
        Event::Error(piece) => ("error", piece),
        Event::Bulk(piece) => ("bulk", piece),
        Event::Double(piece) => ("double", piece),
        Event::BigNumber(piece) => ("big number", piece),
        Event::BlobError(piece) => ("blob error", piece),
        Event::Verbatim { text, .. } => ("verbatim", text),
        other => return log.event(format_args!("{other:?}")),
    };
    if !piece.bytes.is_empty() || piece.more {
        log.text_of(kind, piece.bytes);
    }
    if !piece.more {
        log.event(format_args!("end of the {kind}"));
    }
}
