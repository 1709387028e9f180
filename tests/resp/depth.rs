//! Depth: the limit and the work, the same in every engine.

use pushdown::resp::{self, Extent};
use pushdown::testing::Harness;
use pushdown::{Error, ErrorKind};

use crate::common::{Engine, Rules};
use crate::cuts::record;

#[test]
fn the_aggregate_that_is_one_too_deep_is_to_blame_in_every_engine() {
    let mut runs = 0;
    for (rules, depth) in [
        (Rules::DEFAULT, 128),
        (Rules { depth: 10_000, ..Rules::DEFAULT }, 10_000),
        (Rules { depth: 1, ..Rules::DEFAULT }, 1),
    ] {
        for (open, close) in [
            ("*1\r\n", ""),
            ("*2\r\n", ":1\r\n"),
            ("~?\r\n", ".\r\n"),
            ("%1\r\n:1\r\n", ""),
            ("|1\r\n:1\r\n", "_\r\n"),
        ] {
            let within = [&open.repeat(depth), "_\r\n", &close.repeat(depth)].concat();
            let beyond = open.repeat(depth + 1);
            let blamed = Error::new(ErrorKind::TooDeep, (open.len() * depth) as u64);
            for engine in &mut Engine::all(rules) {
                for size in [1, 7, usize::MAX] {
                    for (input, expected) in [(&within, Ok(within.len())), (&beyond, Err(blamed))] {
                        if engine.takes(input.len()) {
                            let cuts: Vec<_> = (size..input.len()).step_by(size).collect();
                            let result = engine.run(&cuts, input.as_bytes(), |_| ());
                            assert_eq!(
                                result, expected,
                                "{engine:?}: {open:?} {depth} times, cut by {size}"
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
fn a_parser_that_was_too_deep_starts_again_at_the_top() {
    for engine in &mut Engine::all(Rules { depth: 2, ..Rules::DEFAULT }) {
        for _ in 0..3 {
            let error = engine.run(&[], b"*1\r\n*1\r\n*1", |_| ()).unwrap_err();
            assert_eq!(error, Error::new(ErrorKind::TooDeep, 8), "{engine:?}");
            assert_eq!(engine.run(&[1], b"*1\r\n*0\r\n", |_| ()), Ok(8), "{engine:?}");
        }
    }
}

#[test]
fn the_work_for_a_byte_is_the_same_at_every_depth() {
    let rules = Rules { extent: Extent::Value, depth: 1000, ..Rules::DEFAULT };
    let options = rules.options();
    let harness = Harness::new(record)
        .with_work("machine", || resp::Machine::with_options(options))
        .with_work("coroutine", || resp::Coroutine::with_options(options).unwrap())
        .with_work("stackless", || resp::Stackless::with_options(options))
        .with_work("generator", || resp::Generator::with_options(options));
    for (open, close) in [("*1\r\n", ""), ("%?\r\n+name\r\n", ".\r\n"), ("*2\r\n", "$1\r\na\r\n")] {
        let nested =
            |depth| [open.repeat(depth), "*0\r\n".into(), close.repeat(depth)].concat().into();
        println!("{}", harness.check_depth(999, nested).unwrap());
    }
}
