//! Prints the items of lists of quoted strings. Each line of the input is a list.
//!
//! ```text
//! $ printf '"a","b\\"c","d"\n"e"' | cargo run -q --example list
//! a
//! b"c
//! d
//! e
//! $ printf '"a",b' | cargo run -q --example list
//! a
//! list: unexpected byte at offset 4
//! ```

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use pushdown::engine::coroutine::{Input, Parser};
use pushdown::quoted::{self, Event};
use pushdown::{End, ErrorKind, Events, Failure, PushParser};

enum List {}

impl Events for List {
    type Event<'a> = Item<'a>;
}

enum Item<'a> {
    Text(&'a [u8]),
    End,
}

/// Parses strings separated by commas, up to the end of the line or of the input.
fn list(input: &mut Input<'_, List>) -> Result<(), Failure> {
    loop {
        quoted::string(input, |Event::Text(text)| Item::Text(text))?;
        input.emit(Item::End);
        match input.next() {
            Ok(b',') => {}
            Ok(b'\n') | Err(End::Finished) => return Ok(()),
            Ok(_) => return Err(input.fail(ErrorKind::UnexpectedByte)),
            Err(end) => return Err(end.into()),
        }
    }
}

fn print_lists() -> Result<(), Box<dyn Error>> {
    let (mut lists, mut items) = (io::stdin().lock(), io::stdout());
    let mut parser = Parser::new(list);
    while !lists.fill_buf()?.is_empty() {
        parser.reset_at(parser.offset());
        let (mut item, mut printed) = (Vec::new(), Ok(()));
        let parsed = pushdown::io::parse_with(&mut lists, &mut parser, |event| match event {
            Item::Text(text) => item.extend(text),
            Item::End => {
                item.push(b'\n');
                if printed.is_ok() {
                    printed = items.write_all(&item);
                }
                item.clear();
            }
        });
        printed?;
        parsed?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match print_lists() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("list: {error}");
            ExitCode::FAILURE
        }
    }
}
