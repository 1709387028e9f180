//! Depth: the limit and the work, the same in every engine.

use pushdown::json::{self, Extent};
use pushdown::testing::Harness;
use pushdown::{DynParser, Error, ErrorKind, PushParser, Status};

use crate::common::{Engine, Rules};
use crate::cuts::record;

#[test]
fn the_bracket_that_is_one_too_deep_is_to_blame_in_every_engine() {
    let mut runs = 0;
    for (rules, depth) in [
        (Rules::DEFAULT, 128),
        (Rules { depth: 10_000, ..Rules::DEFAULT }, 10_000),
        (Rules { depth: 1, ..Rules::DEFAULT }, 1),
    ] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"b": "#, "}]")] {
            let brackets = open.matches(['[', '{']).count();
            let times = depth / brackets;
            let within = [&open.repeat(times), "0", &close.repeat(times)].concat();
            let beyond = open.repeat(times + 1);
            // Of a pair, the bracket behind an odd limit.
            let inner = if depth % brackets == 0 { 0 } else { 1 };
            let blamed = Error::new(ErrorKind::TooDeep, (open.len() * times + inner) as u64);
            for engine in &mut Engine::all(rules) {
                for size in [1, 7, usize::MAX] {
                    for (input, expected) in [(&within, Ok(within.len())), (&beyond, Err(blamed))] {
                        if engine.takes(input.len()) {
                            let cuts: Vec<_> = (size..input.len()).step_by(size).collect();
                            let result = engine.run(&cuts, input.as_bytes(), |_| ());
                            assert_eq!(
                                result, expected,
                                "{engine:?}: {open} {times} times, cut by {size}"
                            );
                            runs += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 100);
}

#[test]
fn a_parser_without_options_takes_128_levels_and_a_document() {
    let parsers: [(&str, Box<DynParser<'static, json::Json>>); 4] = [
        ("machine", Box::new(json::Machine::new())),
        ("coroutine", Box::new(json::Coroutine::new())),
        ("stackless", Box::new(json::Stackless::new())),
        ("generator", Box::new(json::Generator::new())),
    ];
    let document = ["[".repeat(128), "]".repeat(128)].concat();
    for (name, mut parser) in parsers {
        let _ = parser.feed(document.as_bytes());
        assert_eq!(parser.feed(b" ").status, Status::NeedMoreInput, "{name}");
        assert_eq!(parser.finish(), Ok(()), "{name}");
        for (size, input) in [(1, "[".repeat(129)), (1000, r#"{"":"#.repeat(129))] {
            parser.reset();
            for chunk in input.as_bytes().chunks(size) {
                let _ = parser.feed(chunk);
            }
            let offset = input.rfind(['[', '{']).unwrap() as u64;
            let error = Error::new(ErrorKind::TooDeep, offset);
            assert_eq!(parser.error(), Some(&error), "{name}");
        }
    }
}

#[test]
fn a_parser_that_was_too_deep_starts_again_at_the_top() {
    for engine in &mut Engine::all(Rules { depth: 2, ..Rules::DEFAULT }) {
        for _ in 0..3 {
            let error = engine.run(&[], b"[[[", |_| ()).unwrap_err();
            assert_eq!(error, Error::new(ErrorKind::TooDeep, 2), "{engine:?}");
            assert_eq!(engine.run(&[1], b"[[]]", |_| ()), Ok(4), "{engine:?}");
        }
    }
}

#[test]
fn the_work_for_a_byte_is_the_same_at_every_depth() {
    let rules = Rules { extent: Extent::Value, depth: 1000, ..Rules::DEFAULT };
    let options = rules.options();
    let harness = Harness::new(record)
        .with_work("machine", || json::Machine::with_options(options))
        .with_work("coroutine", || json::Coroutine::with_options(options).unwrap())
        .with_work("stackless", || json::Stackless::with_options(options))
        .with_work("generator", || json::Generator::with_options(options));
    for (open, close) in [("[", "]"), (r#"{"name":"#, "}"), ("[\"text\",", "]")] {
        let nested = |depth| [open.repeat(depth), "[]".into(), close.repeat(depth)].concat().into();
        println!("{}", harness.check_depth(999, nested).unwrap());
    }
}
