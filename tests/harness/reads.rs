//! Every read, in the engines that run straight-line code: prompt, and equal at every cut.

use pushdown::engine::{coroutine, generator, stackless};
use pushdown::scan::{Delimiter, Set};
use pushdown::testing::{Harness, Log};
use pushdown::{End, ErrorKind, Events, Failure, PushParser, quoted};

use crate::SEEDS;

const LETTERS: Set = Set::range(b'a'..=b'z');

pub(crate) enum Reads {}

pub(crate) enum Event<'a> {
    Text(&'a [u8]),
    Number(u64),
}

impl Events for Reads {
    type Event<'a> = Event<'a>;
}

fn record(log: &mut Log, event: Event<'_>) {
    match event {
        Event::Text(piece) => log.text(piece),
        Event::Number(number) => log.event(number),
    }
}

/// Defines a body that is given commands of one letter each, until a full stop. The tokens in brackets
/// follow each read: `.await`, or nothing.
macro_rules! body {
    ([$($async:tt)?] $name:ident, $engine:ident, [$($wait:tt)*]) => {
        $($async)? fn $name(input: &mut $engine::Input<'_, Reads>) -> Result<u64, Failure> {
            let mut commands = 0;
            loop {
                commands += 1;
                match input.next() $($wait)*? {
                    b'.' => return Ok(commands),
                    b'a' => {
                        input.at_most(3).text_until(b';', |text| Event::Text(text)) $($wait)*?;
                    }
                    b'b' => {
                        let next = input.skip_between(|byte| byte == b' ') $($wait)*?;
                        input.emit(Event::Number(next.into()));
                    }
                    b'c' => {
                        let mut text = Vec::new();
                        input.read_until([b';', b','], &mut text, 3) $($wait)*?;
                        input.emit(Event::Number(text.len() as u64));
                    }
                    b'd' => {
                        let mut delimiter = Delimiter::new("--;");
                        let mut part = input.at_most(7);
                        part.text_before(&mut delimiter, |text| Event::Text(text)) $($wait)*?;
                    }
                    b'e' => {
                        // Reported before the next byte is read, and after it.
                        input.emit(Event::Number(1));
                        input.expect(b'!') $($wait)*?;
                        input.emit(Event::Number(2));
                        input.emit(Event::Text(b"both"));
                    }
                    b'f' => {
                        let mut frame = input.frame(4);
                        match frame.text_until(b';', |text| Event::Text(text)) $($wait)* {
                            Ok(_) | Err(End::Finished) => {}
                            Err(end) => return Err(end.into()),
                        }
                        frame.skip_rest() $($wait)*?;
                    }
                    b'l' => input.expect_all(b"let") $($wait)*?,
                    b'n' => {
                        let inner = input.nested(|input| $name(input)) $($wait)*?;
                        input.emit(Event::Number(inner));
                    }
                    b'p' => {
                        let next = input.peek() $($wait)*?;
                        input.emit(Event::Number(next.into()));
                    }
                    b'r' => {
                        let mut string = quoted::Machine::new();
                        input.run(&mut string, |quoted::Event::Text(text), out| {
                            out.emit(Event::Text(text));
                        }) $($wait)*?;
                    }
                    b's' => {
                        let mut count = 0;
                        let count_piece = |piece: &[u8]| count += piece.len() as u64;
                        input.scan_until([b';', b','], count_piece) $($wait)*?;
                        input.emit(Event::Number(count));
                    }
                    b't' => {
                        let mut left = 3;
                        while left > 0 {
                            left -= input.take_text(left, |text| Event::Text(text)) $($wait)*?;
                        }
                    }
                    b'u' => {
                        let stop = input.text_until(b';', |text| Event::Text(text)) $($wait)*?;
                        input.emit(Event::Text(&[stop]));
                    }
                    b'w' => {
                        let next = input.text_while(LETTERS, |text| Event::Text(text)) $($wait)*?;
                        input.emit(Event::Number(next.into()));
                    }
                    b'y' => {
                        let array = input.array::<3>() $($wait)*?;
                        input.emit(Event::Text(&array));
                    }
                    _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
                }
            }
        }
    };
}

body!([] on_a_stack, coroutine, []);
body!([async] in_a_future, stackless, [.await]);

#[test]
fn every_read_is_prompt_and_equal_in_three_engines_at_every_cut() {
    let harness = |seed| {
        Harness::new(record)
            .seed(seed)
            .with_work("coroutine", || coroutine::Parser::new(on_a_stack))
            .with_work("stackless", || stackless::Parser::new(in_a_future))
            .with_work("generator", || generator::Parser::new(in_a_future))
    };
    let inputs: [&[u8]; 23] = [
        b". rest",
        b"a;aab;aabc;.",
        b"aabcd;.",
        b"b  b b.b.x",
        b"cabc,c;c.,.",
        b"cabcd;",
        b"d--;da---;da--.--;.",
        b"da----------;.",
        b"e!ee",
        b"fabcdfa;bcf;;;;.f",
        b"lletllet.",
        b"llex.",
        b"n.nu12;ne!..np.p..",
        b"ppppp..",
        b"rp",
        b"r\"a\\\"b\"r\"\".",
        b"r\"open",
        b"s;sabc,sab;.s",
        b"tabct;;;ttttt..",
        b"u;uabc;unun;u;;",
        b"wabc.y123yabc.",
        b"w.",
        b"yabyy",
    ];
    for input in inputs {
        harness(0).check(input).unwrap();
    }
    let all = b"ua;tabcnaab;np.r\"s\\\"\".e!sab,fx;yzb  pcab;dx--y--;lletyabcwab. rest";
    assert_eq!(coroutine::Parser::new(on_a_stack).feed(all).consumed, all.len() - " rest".len());
    for seed in 0..SEEDS {
        harness(seed).check(all).unwrap();
    }
    println!("{} inputs\n{}", inputs.len() + 1, harness(0).check(all).unwrap());
}
