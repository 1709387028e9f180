//! Promises about single events: what they borrow, and what state they leave.

use core::ops::ControlFlow;

use pushdown::resp::{self, Event, Length, Piece};
use pushdown::{DynParser, PushParser, Status};

use crate::common::log::Log;
use crate::common::{Engine, Rules, oracle};

fn parsers() -> [(&'static str, Box<DynParser<'static, resp::Resp>>); 4] {
    [
        ("machine", Box::new(resp::Machine::new())),
        ("coroutine", Box::new(resp::Coroutine::new())),
        ("stackless", Box::new(resp::Stackless::new())),
        ("generator", Box::new(resp::Generator::new())),
    ]
}

#[test]
fn a_text_is_one_event_that_borrows_the_chunk() {
    let long = "x".repeat(300);
    let input = format!(
        "*9\r\n$300\r\n{long}\r\n+{long}\r\n-E\r\n$0\r\n\r\n,1.5\r\n(12\r\n!1\r\nE\r\n=7\r\ntxt:abc\r\n+\r\n"
    );
    let chunk = input.as_bytes().as_ptr_range();
    let (start, end) = (chunk.start as usize, chunk.end as usize);
    for engine in &mut Engine::all(Rules::DEFAULT) {
        if !engine.takes(input.len()) {
            continue;
        }
        let mut texts = 0;
        let result = engine.run(&[], input.as_bytes(), |event| {
            if let Event::Bulk(piece)
            | Event::Simple(piece)
            | Event::Error(piece)
            | Event::Double(piece)
            | Event::BigNumber(piece)
            | Event::BlobError(piece)
            | Event::Verbatim { text: piece, .. } = event
            {
                assert!(!piece.more, "{event:?}");
                let at = piece.bytes.as_ptr() as usize;
                assert!(piece.bytes.is_empty() || (start..end).contains(&at), "{event:?}");
                texts += 1;
            }
        });
        assert_eq!((result, texts), (Ok(input.len()), 9), "{engine:?}");
    }
}

#[test]
fn an_event_comes_with_the_byte_that_completes_it() {
    for (name, mut parser) in parsers() {
        let mut events = Vec::new();
        for (at, byte) in b"*2\r\n$2\r\nab\r\n:7\r\n".iter().enumerate() {
            let _ = parser.feed_dyn(&[*byte], &mut |event| {
                events.push((at, format!("{event:?}")));
                ControlFlow::Continue(())
            });
        }
        let piece = |bytes, more| format!("{:?}", Event::Bulk(Piece { bytes, more }));
        let expected = [
            (3, format!("{:?}", Event::Array(Length::Counted(2)))),
            (8, piece(b"a", true)),
            (9, piece(b"b", false)),
            (15, format!("{:?}", Event::Integer(7))),
            (15, format!("{:?}", Event::End)),
        ];
        assert_eq!(events, expected, "{name}");
        assert_eq!(parser.status(), Status::Success, "{name}");
    }
}

#[test]
fn a_value_has_begun_with_its_first_byte_alone() {
    for (name, mut parser) in parsers() {
        assert!(!parser.has_begun(), "{name}");
        assert_eq!(parser.feed(b"+OK\r\n:1\r\n").consumed, 5, "{name}");
        parser.next_value();
        assert!(!parser.has_begun(), "{name}");
        let _ = parser.feed(b":");
        assert!(parser.has_begun(), "{name}");
        assert_eq!(parser.feed(b"x").consumed, 0, "{name}");
        assert_eq!(parser.error().map(|error| error.offset), Some(6), "{name}");
    }
}

#[test]
fn a_clone_of_a_machine_goes_on_where_the_machine_stood() {
    let input = b"*?\r\n%1\r\n+key\r\n=6\r\ntxt:ab\r\n|1\r\n$?\r\n;2\r\nab\r\n;0\r\n,1.5\r\n*9\r\n_\r\n*8\r\n*7\r\n\
        *6\r\n*5\r\n*4\r\n*3\r\n*2\r\n*1\r\n:-12\r\n";
    let whole = oracle(input, Rules::DEFAULT).events;
    for cut in 0..=input.len() {
        let mut log = Log::default();
        let mut machine = resp::Machine::new();
        let _ = machine.feed_with(&input[..cut], |event| log.see(event));
        let mut clone = machine.clone();
        drop(machine);
        let _ = clone.feed_with(&input[cut..], |event| log.see(event));
        assert_eq!(log, whole, "cut at {cut}");
    }
}

#[test]
fn a_machine_allocates_nothing_up_to_eight_levels() {
    let input = ["*1\r\n".repeat(8), ":1\r\n".into()].concat();
    let mut parser = resp::Machine::new();
    let measured = allocation_counter::measure(|| {
        assert_eq!(parser.feed(input.as_bytes()).status, Status::Success);
    });
    assert_eq!(measured.count_total, 0);
}
