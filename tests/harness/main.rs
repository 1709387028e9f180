//! The harness: correct parsers pass, and every planted bug is caught.

#![cfg(all(
    feature = "testing",
    feature = "coroutine",
    feature = "generator",
    feature = "combinator"
))]

mod broken;
mod depth;
mod foreign;
mod number;
mod reads;
mod shrink;
mod time;
mod work;

use broken::{Bug, Quote};
use pushdown::Failure;
use pushdown::engine;
use pushdown::quoted::{self, Event, Quoted};
use pushdown::testing::{self, Harness, Law, Log};

fn record(log: &mut Log, Event::Text(piece): Event<'_>) {
    log.text(piece);
}

const INPUT: &[u8] = br#""a\"b" rest"#;

/// The seeds with which every planted bug has to be found.
const SEEDS: u64 = 40;

/// A string of about 600 bytes.
fn long(text: &[u8]) -> Vec<u8> {
    [b"\"", &*text.repeat(600 / text.len()), b"\""].concat()
}

/// Calls a function with each planted bug, an input that shows it, the law that it breaks there, and the
/// cuts. Returns their number.
fn each_planted(mut check: impl FnMut(Bug, &[u8], Law, &[usize])) -> usize {
    let plain = &*long(b"-");
    // So long that random chunks of two or three bytes are unlikely to hit its escape.
    let one_escape = &*[b"\"", &[b'-'; 300][..], b"\\\"", &[b'-'; 300], b"\""].concat();
    let planted: &[(Bug, &[u8], Law, &[usize])] = &[
        (Bug::AcceptsTheEndAfterASingleByte, INPUT, Law::Finish, &[1]),
        (Bug::AcceptsTheEndInside, INPUT, Law::Agreement, &[]),
        (Bug::BeginsWithAnUncutChunk, INPUT, Law::Prompt, &[3, 4]),
        (Bug::BlamesDifferentlyAtACut, b"xy", Law::Error, &[1]),
        (Bug::BlamesTheByteAfter, b"x", Law::Error, &[]),
        (Bug::ConsumesMoreThanTheChunk, INPUT, Law::Progress, &[1]),
        (Bug::ConsumesPastTheQuote, INPUT, Law::Consumed, &[6]),
        (Bug::CountsRefusedBytes, INPUT, Law::Sticky, &[]),
        (Bug::CountsTwice, INPUT, Law::Offset, &[]),
        (Bug::DropsTheLastByteOfAChunk, INPUT, Law::Events, &[2]),
        (Bug::EmitsEmptyText, INPUT, Law::EmptyText, &[1]),
        (Bug::EndsOnAnEmptyChunk, INPUT, Law::EmptyChunk, &[0]),
        (Bug::FinishMovesTheOffset, INPUT, Law::Finish, &[]),
        (Bug::FinishesDifferentlyTheSecondTime, INPUT, Law::Finish, &[]),
        (Bug::FinishesDifferentlyWithoutASink, INPUT, Law::Sink, &[]),
        (Bug::ForgetsAnEscapeThatFillsAChunk, INPUT, Law::Consumed, &[2, 3]),
        (Bug::ForgetsAnEscapeThatEndsAPair, one_escape, Law::Consumed, &[300, 302]),
        (Bug::ForgetsAnEscapeThatEndsATriple, one_escape, Law::Consumed, &[299, 302]),
        (Bug::ForgetsThatItIsFinished, INPUT, Law::Sticky, &[]),
        (Bug::ForgetsTheEscapeAtACut, INPUT, Law::Consumed, &[3]),
        (Bug::ForgetsToBeSticky, b"\"\"", Law::Sticky, &[]),
        (Bug::GivesItsOutputTwice, INPUT, Law::Output, &[]),
        (Bug::HasAnOutputTooEarly, INPUT, Law::Output, &[1]),
        (Bug::HasNoError, b"x", Law::Error, &[]),
        (Bug::HasNoOutput, INPUT, Law::Output, &[]),
        (Bug::HasNoOutputAfterFinish, INPUT, Law::Output, &[]),
        (Bug::HoldsBackTheLastByteOfAChunk, INPUT, Law::Agreement, &[]),
        (Bug::HoldsBackTheLastByteOfALongChunk, INPUT, Law::Prompt, &[4, 5]),
        (Bug::IgnoresEscapes, INPUT, Law::Agreement, &[]),
        (Bug::IgnoresEscapesWithoutASink, INPUT, Law::Sink, &[]),
        (Bug::IgnoresPauses, INPUT, Law::Pause, &[]),
        (Bug::KeepsItsOutputAfterAReset, INPUT, Law::Reset, &[]),
        (Bug::LosesTheByteAfterAPause, INPUT, Law::Pause, &[]),
        (Bug::LosesTextAtACut, INPUT, Law::Events, &[2]),
        (Bug::LosesTheFirstEventOfALateSink, INPUT, Law::Sink, &[0]),
        (Bug::MissesAQuoteAfterACut, b"\"a\"", Law::Status, &[2]),
        (Bug::NamesTheStartOfTheChunk, b"\"ab", Law::Error, &[2]),
        (Bug::OutputDependsOnTheCut, INPUT, Law::Output, &[1]),
        (Bug::PanicsAtACut, INPUT, Law::Panic, &[3]),
        (Bug::PausesForEver, INPUT, Law::Pause, &[]),
        (Bug::ReadsEverythingAgain, plain, Law::Work, &[596, 597]),
        (Bug::RepeatsTheEventThatPauses, INPUT, Law::Pause, &[]),
        (Bug::ReportsAfterTheEnd, INPUT, Law::Sticky, &[]),
        (Bug::ReportsNothingThroughPointers, INPUT, Law::Pointer, &[]),
        (Bug::ResetDoesNothingInsideAValue, INPUT, Law::Reset, &[]),
        (Bug::ResetIgnoresItsOffset, INPUT, Law::Reset, &[]),
        (Bug::ResetKeepsTheEnd, INPUT, Law::Reset, &[]),
        (Bug::ResetKeepsTheEscape, INPUT, Law::Reset, &[]),
        (Bug::ResetKeepsTheOffset, INPUT, Law::Reset, &[]),
        (Bug::StartsWithAnError, INPUT, Law::Fresh, &[]),
        (Bug::StatusNeverChanges, INPUT, Law::Status, &[]),
        (Bug::SucceedsAByteLate, INPUT, Law::Late, &[]),
        (Bug::SucceedsAByteLateOrAtTheEnd, INPUT, Law::Late, &[]),
        (Bug::SucceedsAByteLateOrAtTheEnd, b"\"a\"", Law::Late, &[]),
        (Bug::SucceedsInSightOfTheNextByte, INPUT, Law::Lookahead, &[]),
        (Bug::SucceedsInSightOfTheNextByte, b"\"a\"", Law::Lookahead, &[]),
        (Bug::SucceedsWithoutReading, b"x", Law::Empty, &[]),
        (Bug::TruncatesCharacters, "\"é\"".as_bytes(), Law::ProcessChar, &[]),
        (Bug::WaitsWithoutConsuming, INPUT, Law::Progress, &[1]),
    ];
    for &(bug, input, law, cuts) in planted {
        check(bug, input, law, cuts);
    }
    assert!(!planted.is_empty());
    planted.len()
}

/// The parser with a planted bug, beside a correct one if they only differ in their answers.
fn broken<'a>(bug: Bug, law: Law, seed: u64) -> Harness<'a, fn(&mut Log, Event<'_>)> {
    let record: fn(&mut Log, Event<'_>) = record;
    let mut harness = Harness::new(record).seed(seed);
    if law == Law::Agreement {
        harness = harness.with_work("unbroken", || Quote::new(None));
    }
    harness.with_work(format!("{bug:?}"), move || Quote::new(Some(bug)))
}

#[test]
fn every_planted_bug_is_caught_with_its_law_and_cut() {
    let planted = each_planted(|bug, input, law, cuts| {
        let name = format!("{bug:?}");
        for seed in 0..SEEDS {
            let violation = broken(bug, law, seed).check(input).expect_err(&name);
            assert_eq!((violation.parser(), violation.law()), (&*name, law), "{violation}");
            assert_eq!((violation.input(), violation.seed()), (input, seed));
            if seed == 0 {
                println!("{violation}\n");
                assert_eq!(violation.cutting().cuts(), cuts, "{violation}");
            }
        }
    });
    println!("{planted} planted bugs, all caught by {SEEDS} seeds");
}

#[test]
fn the_parser_without_a_planted_bug_keeps_every_law() {
    let unbroken =
        |seed| Harness::new(record).seed(seed).with_work("unbroken", || Quote::new(None));
    let short: [&[u8]; 7] = [INPUT, b"", b"x", b"\"", b"\"\\", b"\"a\"", "\"é\"".as_bytes()];
    for input in short {
        for seed in 0..SEEDS {
            unbroken(seed).check(input).unwrap();
        }
    }
    for input in [long(b"-"), long(b"\\\"")] {
        println!("{}", unbroken(0).check(&input).unwrap());
    }
}

#[test]
fn a_violation_names_parser_law_cut_and_both_answers() {
    let violation = Harness::new(record)
        .parser("forgetful", || Quote::new(Some(Bug::ForgetsTheEscapeAtACut)))
        .check(INPUT)
        .unwrap_err();
    let shown = r#"forgetful breaks a law: the number of bytes consumed is the same for every cutting
  input:    b"\"a\\\"b\" rest"
  fed:      11 of 11 bytes, cut at 3, then finished
  seed:     0
  expected: 6
  found:    4"#;
    assert_eq!(violation.to_string(), shown);
    assert_eq!(format!("{violation:?}"), shown, "a test that returns it prints the same");
    assert_eq!((violation.expected(), violation.found()), ("6", "4"));
}

#[test]
fn a_violation_in_a_long_input_shows_the_bytes_around_it() {
    let input = [&b"\""[..], &[b'-'; 5000], b"\xff\""].concat();
    let violation = Harness::new(record)
        .parser("lossy", || Quote::new(Some(Bug::DropsTheLastByteOfAChunk)))
        .check(&input)
        .unwrap_err();
    let shown = violation.to_string();
    assert!(shown.len() < 600, "{shown}");
    assert!(violation.found().contains(" of 5000 bytes)"), "{shown}");
}

#[test]
fn a_panic_is_reported_with_the_cut_and_its_message() {
    let violation = Harness::new(record)
        .parser("panicking", || Quote::new(Some(Bug::PanicsAtACut)))
        .check(INPUT)
        .unwrap_err();
    assert_eq!(violation.found(), "a panic: cut in an escape");

    let violation = Harness::new(record)
        .parser("not constructed", || -> quoted::Machine { panic!("no parser") })
        .check(INPUT)
        .unwrap_err();
    assert_eq!((violation.law(), violation.found()), (Law::Panic, "a panic: no parser"));
}

#[test]
fn the_five_engines_keep_the_law_and_agree() {
    let inputs: &[&[u8]] = &[
        b"",
        b"\"\"",
        b"\"\" rest",
        INPUT,
        b"\"\\\\\"\\",
        b"\"no end",
        b"\"no end\\",
        b"x",
        b" \"late\"",
        b"\"\0\n\xff\xc2\"",
        "\"\\é – \u{1f980}\" …".as_bytes(),
        &[&b"\""[..], &b"\\\"".repeat(100)].concat(),
        &[&b"\""[..], &b"long run, ".repeat(15), b"\\\\\" rest"].concat(),
    ];
    let harness = Harness::new(record)
        .with_work("machine", quoted::Machine::new)
        .with_work("coroutine", quoted::Coroutine::new)
        .with_work("generator", quoted::Generator::new)
        .with_work("stackless", quoted::Stackless::new)
        .deferred("combinator", quoted::Combinator::new);
    let mut runs = 0;
    for input in inputs {
        let report = harness.check(input).unwrap();
        assert_eq!(report.parsers.len(), 5);
        runs += report.parsers.iter().map(|parser| parser.runs).sum::<u64>();
    }
    println!("{} inputs, {runs} runs", inputs.len());
}

#[test]
fn the_work_of_four_engines_is_linear_in_long_strings() {
    let harness = Harness::new(record)
        .with_work("machine", quoted::Machine::new)
        .with_work("coroutine", quoted::Coroutine::new)
        .with_work("generator", quoted::Generator::new)
        .with_work("stackless", quoted::Stackless::new);
    for text in [&b"-"[..], b"\\\"", b"seven. \\\\"] {
        let report = harness.check(&long(text)).unwrap();
        println!("{report}");
        assert!(report.parsers.iter().all(|parser| parser.work_checked));
    }
}

#[test]
fn the_end_of_the_input_can_end_a_number() {
    let harness = Harness::new(number::record)
        .with_work("machine", || engine::machine::Parser::new(number::Machine::default()))
        .looks_ahead()
        .with_work("coroutine", || engine::coroutine::Parser::new(number::coroutine))
        .looks_ahead()
        .with_work("stackless", || engine::stackless::Parser::new(number::stackless))
        .looks_ahead()
        .with_work("pinned", || Box::pin(engine::stackless::Task::new(number::stackless)))
        .looks_ahead()
        .deferred("deferred", || engine::stackless::Parser::new(number::deferred))
        .looks_ahead();
    for input in [&b"42"[..], b"42 ", b"x", b"", b"0123456789,"] {
        println!("{}", harness.check(input).unwrap());
    }
}

#[test]
fn a_number_that_takes_the_byte_behind_it_is_late_and_a_line_is_not() {
    for seed in 0..SEEDS {
        let late = Harness::new(number::record)
            .seed(seed)
            .with_work("late", || engine::stackless::Parser::new(number::late));
        for input in [&b"42 "[..], b"7,8", b"42"] {
            let violation = late.check(input).unwrap_err();
            assert_eq!(violation.law(), Law::Late, "{violation}");
        }
        let line = Harness::new(number::record)
            .seed(seed)
            .with_work("line", || engine::stackless::Parser::new(number::line));
        for input in [&b"42\n"[..], b"7\n8", b"42", b"\n", b"1x"] {
            line.check(input).unwrap();
        }
    }
}

#[test]
fn a_value_of_one_byte_needs_no_byte_behind_it_either() {
    let sees_two = async |input: &mut engine::stackless::Input<'_>| -> Result<(), Failure> {
        input.next().await?;
        input.peek().await.map(drop).map_err(Failure::from)
    };
    let violation = Harness::new(testing::no_events)
        .parser("sees two", || engine::stackless::Parser::new(sees_two))
        .check(b"xy")
        .unwrap_err();
    assert_eq!(violation.law(), Law::Lookahead, "{violation}");
}

#[test]
fn a_parser_that_starts_over_with_every_chunk_does_too_much_work() {
    let violation = Harness::new(record)
        .with_work("combinator", quoted::Combinator::new)
        .check(&long(b"-"))
        .unwrap_err();
    println!("{violation}");
    assert_eq!(violation.law(), Law::Work);
}

#[test]
fn the_allowance_for_events_is_the_same_without_a_sink() {
    let commas = |input: &mut engine::coroutine::Input<'_, Quoted>| -> Result<(), Failure> {
        loop {
            let comma = input.skip_until(b',')?;
            input.emit(Event::Text(&[comma]));
        }
    };
    Harness::new(record)
        .with_work("commas", || engine::coroutine::Parser::new(commas))
        .check(&b",".repeat(200))
        .unwrap();
}

#[test]
fn a_disagreement_names_both_parsers() {
    let uppercase =
        |log: &mut Log, Event::Text(piece): Event<'_>| log.text(&piece.to_ascii_uppercase());
    let violation = Harness::new(record)
        .parser("plain", quoted::Machine::new)
        .recorder(uppercase)
        .parser("uppercase", quoted::Machine::new)
        .check(INPUT)
        .unwrap_err();
    assert_eq!((violation.parser(), violation.law()), ("uppercase", Law::Agreement));
    assert_eq!(violation.expected(), r#"event 0: text b"a", like plain"#);
    assert_eq!(violation.found(), r#"event 0: text b"A""#);
}

#[test]
fn a_deferred_parser_is_compared_where_it_succeeds() {
    let harness = Harness::new(record)
        .parser("machine", quoted::Machine::new)
        .deferred("combinator", quoted::Combinator::new)
        .parser("coroutine", quoted::Coroutine::new);
    harness.check(INPUT).unwrap();
    let harness = Harness::new(record)
        .deferred("combinator", quoted::Combinator::new)
        .parser("machine", quoted::Machine::new);
    harness.check(INPUT).unwrap();

    let violation = Harness::new(record)
        .parser("machine", quoted::Machine::new)
        .parser("combinator", quoted::Combinator::new)
        .check(INPUT)
        .unwrap_err();
    assert_eq!(violation.found(), "no event 0", "{violation}");

    // All parsers are prompt, but not equally: one that reports late has to be declared.
    let late = || Quote::new(Some(Bug::HoldsBackTheLastByteOfAChunk));
    let harness = Harness::new(record).parser("machine", quoted::Machine::new).parser("late", late);
    let violation = harness.check(b"\"ab\"").unwrap_err();
    assert_eq!(violation.expected(), r#"event 0: text b"a" before the end, like machine"#);
    assert_eq!(violation.found(), "no event before the end");

    let violation = Harness::new(|_: &mut Log, _: Event<'_>| ())
        .deferred("silent", quoted::Combinator::new)
        .recorder(record)
        .parser("machine", quoted::Machine::new)
        .check(INPUT)
        .unwrap_err();
    assert_eq!(violation.law(), Law::Agreement, "inputs that both accept are compared");
}

#[test]
fn constructors_and_recorders_may_borrow() {
    let prefix = String::from("piece: ");
    let record = |log: &mut Log, Event::Text(piece): Event<'_>| {
        for byte in piece {
            log.event(format_args!("{prefix}{byte}"));
        }
    };
    let limit = 16;
    Harness::new(record)
        .parser("combinator", || quoted::Combinator::with_max_len(limit))
        .check(INPUT)
        .unwrap();
}

#[test]
fn a_harness_without_a_parser_is_a_violation() {
    let violation = Harness::new(testing::no_events).check(b"").unwrap_err();
    assert_eq!(violation.law(), Law::AnyParser);
}
