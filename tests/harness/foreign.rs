//! Parsers without offsets, of which only verdict and events count.

use pushdown::Status::{self, BadInput, NeedMoreInput, Success};
use pushdown::quoted;
use pushdown::testing::{Harness, Law, Log};

use crate::broken::{Bug, Quote};
use crate::{INPUT, SEEDS, record};

/// A bug of a [`Foreign`] parser.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    AcceptsTheEndAfterACut,
    ForgetsTheEscapeAtACut,
    Panics,
    RefusesTwoChunks,
    ReportsEmptyText,
    ReportsWhenThereIsMore,
    SucceedsAtTheNextCall,
}

/// Decodes a quoted string. It keeps no offset, and calls an empty chunk the end of the input.
#[derive(Default)]
struct Foreign {
    fault: Option<Fault>,
    chunks: usize,
    begun: bool,
    escaped: bool,
    closed: bool,
    held: Vec<u8>,
}

impl Foreign {
    fn push(&mut self, chunk: &[u8], text: &mut dyn FnMut(&[u8])) -> Result<bool, ()> {
        assert!(!chunk.is_empty(), "the end of the input, says this parser");
        assert!(!self.closed || self.has(Fault::SucceedsAtTheNextCall), "fed after its end");
        assert!(self.chunks < 2 || !self.has(Fault::Panics), "a third chunk");
        self.chunks += 1;
        if self.closed || self.chunks == 2 && self.has(Fault::RefusesTwoChunks) {
            return if self.closed { Ok(true) } else { Err(()) };
        }
        if self.chunks == 2 && self.has(Fault::ReportsEmptyText) {
            text(b"");
        }
        for held in std::mem::take(&mut self.held) {
            text(&[held]);
        }
        for &byte in chunk {
            match byte {
                b'"' if !self.begun => self.begun = true,
                _ if !self.begun => return Err(()),
                b'"' if !self.escaped => {
                    self.closed = true;
                    return Ok(!self.has(Fault::SucceedsAtTheNextCall) || self.chunks > 1);
                }
                b'\\' if !self.escaped => self.escaped = true,
                _ => {
                    self.escaped = false;
                    if self.has(Fault::ReportsWhenThereIsMore) && chunk.len() > 1 {
                        self.held.push(byte);
                    } else {
                        text(&[byte]);
                    }
                }
            }
        }
        if self.has(Fault::ForgetsTheEscapeAtACut) {
            self.escaped = false;
        }
        Ok(false)
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }
}

fn feed(parser: &mut Foreign, chunk: Option<&[u8]>, log: &mut Log) -> Status {
    let Some(chunk) = chunk else {
        for held in std::mem::take(&mut parser.held) {
            log.text(&[held]);
        }
        let accepts = parser.has(Fault::AcceptsTheEndAfterACut) && parser.chunks > 1;
        return if accepts || parser.closed { Success } else { BadInput };
    };
    match parser.push(chunk, &mut |text| log.text(text)) {
        Ok(true) => Success,
        Ok(false) => NeedMoreInput,
        Err(()) => BadInput,
    }
}

fn make(fault: Option<Fault>) -> Foreign {
    Foreign { fault, ..Foreign::default() }
}

#[test]
fn every_fault_of_a_foreign_parser_is_found() {
    let open = &INPUT[..5];
    let planted: &[(Fault, &[u8], Law)] = &[
        (Fault::AcceptsTheEndAfterACut, open, Law::Finish),
        (Fault::ForgetsTheEscapeAtACut, INPUT, Law::Events),
        (Fault::Panics, INPUT, Law::Panic),
        (Fault::RefusesTwoChunks, INPUT, Law::Status),
        (Fault::ReportsEmptyText, INPUT, Law::EmptyText),
        (Fault::ReportsWhenThereIsMore, open, Law::Prompt),
        (Fault::SucceedsAtTheNextCall, INPUT, Law::Status),
    ];
    for &(fault, input, law) in planted {
        for seed in 0..SEEDS {
            let harness =
                Harness::new(record).seed(seed).foreign("foreign", move || make(Some(fault)), feed);
            let violation = harness.check(input).expect_err(&format!("{fault:?}"));
            assert_eq!(violation.law(), law, "{fault:?}: {violation}");
        }
    }
    println!("{} faults, all found by {SEEDS} seeds", planted.len());
    assert!(!planted.is_empty());
}

#[test]
fn a_foreign_parser_agrees_with_the_engines_on_verdict_and_events() {
    let foreign_first = Harness::new(record)
        .foreign("foreign", || make(None), feed)
        .with_work("machine", quoted::Machine::new)
        .deferred("combinator", quoted::Combinator::new);
    let foreign_last = Harness::new(record).with_work("machine", quoted::Machine::new).foreign(
        "foreign",
        || make(None),
        feed,
    );
    for input in [INPUT, b"", b"x", b"\"", b"\"a", b"\"\\", b"\"\\\\\"", b"\"a\"\"b\""] {
        println!("{}", foreign_first.check(input).unwrap());
        foreign_last.check(input).unwrap();
    }

    let refuses = |_: &mut (), chunk: Option<&[u8]>, _: &mut Log| match chunk {
        Some(_) => BadInput,
        None => Success,
    };
    let violation = Harness::new(record)
        .parser("machine", quoted::Machine::new)
        .foreign("refuses", || (), refuses)
        .check(INPUT)
        .unwrap_err();
    assert_eq!((violation.parser(), violation.law()), ("refuses", Law::Agreement));
}

#[test]
fn a_loose_parser_may_be_wrong_about_all_but_verdict_and_events() {
    for bug in [
        Bug::BlamesTheByteAfter,
        Bug::CountsTwice,
        Bug::ConsumesPastTheQuote,
        Bug::EndsOnAnEmptyChunk,
        Bug::ForgetsToBeSticky,
        Bug::HasNoOutput,
        Bug::IgnoresPauses,
        Bug::ResetKeepsTheEscape,
    ] {
        let broken = || Quote::new(Some(bug));
        let strict = Harness::new(record).parser("strict", broken);
        let inputs = [INPUT, b"x", b"\"\""];
        assert!(inputs.iter().any(|input| strict.check(input).is_err()), "{bug:?}");
        let loose = Harness::new(record)
            .parser("loose", broken)
            .loose()
            .parser("machine", quoted::Machine::new);
        for input in inputs {
            loose.check(input).unwrap();
        }
    }
    for (bug, law) in [
        (Bug::ForgetsTheEscapeAtACut, Law::Events),
        (Bug::HoldsBackTheLastByteOfALongChunk, Law::Prompt),
        (Bug::MissesAQuoteAfterACut, Law::Status),
    ] {
        let loose = Harness::new(record).parser("loose", || Quote::new(Some(bug))).loose();
        let violation = [INPUT, b"\"a\""].iter().find_map(|input| loose.check(input).err());
        assert_eq!(violation.map(|violation| violation.law()), Some(law), "{bug:?}");
    }
}
