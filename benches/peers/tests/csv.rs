//! csv-core reads every short document as the parsers of the example `csv` do, so that the bench
//! compares equal work.

use std::mem;
use std::ops::ControlFlow::Continue;

use csv_core::{ReadFieldResult, Reader};
use pushdown::DynParser;

#[path = "../../../examples/csv/parsers.rs"]
mod parsers;

use parsers::{Csv, Event};

/// A byte order mark is not among them: csv-core keeps one that is cut.
const ALPHABET: [u8; 6] = *b",\"\r\na\xe9";

/// Fields, and `None` after the last one of each record.
type Fields = Vec<Option<Vec<u8>>>;

#[test]
fn csv_core_reads_short_documents_as_our_parsers_do() {
    let mut engines: [(&str, Box<DynParser<'static, Csv>>); 3] = [
        ("machine", Box::new(parsers::machine(u64::MAX))),
        ("coroutine", Box::new(parsers::coroutine(u64::MAX))),
        ("stackless", Box::new(parsers::stackless(u64::MAX))),
    ];
    let (mut agree, mut errors) = (0, 0);
    for len in 0..=6 {
        for number in 0..ALPHABET.len().pow(len) {
            let digit = |index| number / ALPHABET.len().pow(index) % ALPHABET.len();
            let document: Vec<u8> = (0..len).map(|index| ALPHABET[digit(index)]).collect();
            let (first, second) = document.split_at(document.len() / 2);
            for (name, parser) in &mut engines {
                match ours(&mut **parser, [first, second]) {
                    Some(fields) => {
                        let theirs = csv_core([first, second]);
                        assert_eq!(fields, theirs, "{name} {}", document.escape_ascii());
                        agree += 1;
                    }
                    None => errors += 1,
                }
            }
        }
    }
    println!("{agree} readings agree; {errors} are errors for ours");
    assert!(agree > 50_000 && errors > 50_000);
}

fn ours(parser: &mut DynParser<'_, Csv>, chunks: [&[u8]; 2]) -> Option<Fields> {
    let (mut fields, mut text) = (Vec::new(), Vec::new());
    let mut sink = |event: Event<'_>| {
        match event {
            Event::Text(piece) => text.extend(piece),
            Event::Field => fields.push(Some(mem::take(&mut text))),
            Event::Record => fields.extend([Some(mem::take(&mut text)), None]),
        }
        Continue(())
    };
    parser.reset();
    for chunk in chunks {
        let _ = parser.feed_dyn(chunk, &mut sink);
    }
    parser.finish_dyn(&mut sink).ok().map(|()| fields)
}

fn csv_core(chunks: [&[u8]; 2]) -> Fields {
    let mut reader = Reader::new();
    let (mut fields, mut buffer, mut text) = (Vec::new(), [0; 16], 0);
    let [first, second] = chunks;
    // An empty chunk is the end of the input.
    for chunk in [first, second].into_iter().filter(|chunk| !chunk.is_empty()).chain([&[][..]]) {
        let mut rest = chunk;
        loop {
            let (result, read, written) = reader.read_field(rest, &mut buffer[text..]);
            rest = &rest[read..];
            text += written;
            match result {
                ReadFieldResult::Field { record_end } => {
                    fields.push(Some(buffer[..text].to_vec()));
                    fields.extend(record_end.then_some(None));
                    text = 0;
                    if rest.is_empty() && !chunk.is_empty() {
                        break;
                    }
                }
                ReadFieldResult::InputEmpty | ReadFieldResult::End => break,
                ReadFieldResult::OutputFull => panic!("a field longer than its document"),
            }
        }
    }
    fields
}
