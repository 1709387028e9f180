//! Prints the records of a CSV document. `parsers.rs` has the parser, once for each engine.
//!
//! ```text
//! $ printf 'name,said\r\nAda,"""Hello, world"""\r\n' | cargo run -q --example csv
//! ["name", "said"]
//! ["Ada", "\"Hello, world\""]
//! $ printf 'a,b"c' | cargo run -q --example csv stackless
//! csv: unexpected byte at offset 3
//! ```

mod parsers;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::{env, mem};

use parsers::{Csv, Event};
use pushdown::DynParser;

/// A record is kept until it ends, so this bounds the memory too.
const LONGEST_RECORD: u64 = 1 << 20;

fn print_records(parser: &mut DynParser<'_, Csv>) -> Result<(), Box<dyn Error>> {
    let mut records = io::stdout();
    let (mut record, mut field, mut printed) = (Vec::new(), Vec::new(), Ok(()));
    let parsed = pushdown::io::parse_with(&mut io::stdin().lock(), parser, |event| {
        match event {
            Event::Text(text) => return field.extend_from_slice(text),
            Event::Field | Event::Record => {
                record.push(String::from_utf8_lossy(&mem::take(&mut field)).into_owned());
            }
        }
        if let Event::Record = event {
            if printed.is_ok() {
                printed = writeln!(records, "{record:?}");
            }
            record.clear();
        }
    });
    printed?;
    Ok(parsed?)
}

fn main() -> ExitCode {
    let engine = env::args().nth(1);
    let mut parser: Box<DynParser<'_, Csv>> = match engine.as_deref() {
        Some("machine") => Box::new(parsers::machine(LONGEST_RECORD)),
        None | Some("coroutine") => Box::new(parsers::coroutine(LONGEST_RECORD)),
        Some("stackless") => Box::new(parsers::stackless(LONGEST_RECORD)),
        Some(_) => {
            eprintln!("Usage: csv [machine|coroutine|stackless] <DOCUMENT");
            return ExitCode::from(2);
        }
    };
    match print_records(&mut parser) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("csv: {error}");
            ExitCode::FAILURE
        }
    }
}
