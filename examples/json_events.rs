//! Prints the events of JSON, indented: of a file, or of standard input while it arrives.
//!
//! ```text
//! $ echo '{"name": "caf\u00e9", "tags": [1e3, true]} null' | cargo run -q --example json_events
//! BeginObject
//!   Key(Text { text: "name", more: false })
//!   String(Text { text: "caf", more: true })
//!   String(Text { text: "é", more: false })
//!   Key(Text { text: "tags", more: false })
//!   BeginArray
//!     Number(Text { text: "1e3", more: false })
//!     Bool(true)
//!   EndArray
//! EndObject
//! Null
//! $ echo '[1, 01]' | cargo run -q --example json_events
//! BeginArray
//!   Number(Text { text: "1", more: false })
//!   Number(Text { text: "0", more: false })
//! json_events: unexpected byte at offset 5
//! ```

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

use pushdown::PushParser;
use pushdown::io::ReadError;
use pushdown::json::{Depth, Event, Extent, Machine, Options};

fn print_events(mut input: impl Read) -> Result<(), ReadError> {
    let (mut out, mut depth) = (BufWriter::new(io::stdout()), Depth::new());
    let mut print = |event: Event<'_>, out: &mut BufWriter<_>| {
        let indent = 2 * depth.see(&event) as usize;
        writeln!(out, "{:indent$}{event:?}", "")
    };
    let mut parser = Machine::with_options(Options::new().extent(Extent::Stream));
    let mut chunk = vec![0; 64 << 10];
    while parser.error().is_none() {
        let len = input.read(&mut chunk)?;
        if len == 0 {
            break;
        }
        let (_, printed) = parser.try_feed_with(&chunk[..len], |event| print(event, &mut out));
        printed?;
        out.flush()?;
    }
    // A number at the end of the input ends here.
    let mut printed = Ok(());
    parser.finish_with(|event| printed = print(event, &mut out))?;
    printed?;
    Ok(out.flush()?)
}

fn main() -> ExitCode {
    let printed = match env::args_os().nth(1) {
        Some(path) => File::open(path).map_err(ReadError::Io).and_then(print_events),
        None => print_events(io::stdin()),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has seen enough.
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("json_events: {error}");
            ExitCode::FAILURE
        }
    }
}
