//! Depth: the limit is the same number in every engine, and the stack of the coroutine has room for it.

use pushdown::json::{Coroutine, Generator, Json, Machine, Options, Stackless};
use pushdown::{DynParser, Error, ErrorKind, PushParser, Status};

/// The bytes that open a level, and those that close it, around `null`.
const LEVELS: [(&str, &str); 3] = [("[", "]"), ("{\"name\":", "}"), ("[{\"\":", "}]")];

#[test]
fn values_nest_as_deep_as_the_limit_and_no_deeper() {
    let mut cases = 0;
    for depth in [0, 1, 2, 127, 128, 129, 256, 257, 10_000] {
        let options = Options::new().max_depth(depth);
        let engines: [(&str, Box<DynParser<'_, Json>>); 4] = [
            ("machine", Box::new(Machine::with_options(options))),
            ("coroutine", Box::new(Coroutine::with_options(options).expect("a stack"))),
            ("stackless", Box::new(Stackless::with_options(options))),
            ("generator", Box::new(Generator::with_options(options))),
        ];
        for (name, mut parser) in engines {
            for (open, close) in LEVELS {
                let brackets = open.bytes().filter(|byte| b"[{".contains(byte)).count();
                let levels = depth as usize / brackets;
                let text = format!("{}null{}", open.repeat(levels), close.repeat(levels));
                parser.reset();
                assert_eq!(parser.feed(text.as_bytes()).status, Status::NeedMoreInput, "{name}");
                assert_eq!(parser.finish(), Ok(()), "{name}, {depth} levels of {open}");

                // The bracket that is one too many is the last of a level, or its first.
                parser.reset();
                let _ = parser.feed(open.repeat(levels + 1).as_bytes());
                let last = if depth as usize % brackets == 0 { 0 } else { 1 };
                let offset = (levels * open.len() + last) as u64;
                let expected = Error::new(ErrorKind::TooDeep, offset);
                assert_eq!(parser.error(), Some(&expected), "{name}, {depth} levels of {open}");
                cases += 1;
            }
        }
    }
    println!("{cases} cases");
    assert_eq!(cases, 9 * 4 * LEVELS.len());
}

#[test]
fn values_nest_128_levels_deep_by_default() {
    let mut parser = Machine::new();
    let _ = parser.feed(&[b'['; 1000]);
    let expected = Error::new(ErrorKind::TooDeep, 128);
    assert_eq!(parser.error(), Some(&expected));
}
