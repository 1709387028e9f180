//! Prints the requests that arrive on standard input. The parsers, each written in three ways, are in
//! `parsers.rs`, and `message.rs` decides where a body ends.
//!
//! ```text
//! $ cargo run -q --example http stackless <tests/data/http/upload.txt
//! POST /upload HTTP/1.1
//!   Host: b.c
//!   Transfer-Encoding: chunked
//!   body: 11 bytes
//!   Digest: none
//! http: unexpected byte at offset 130
//! ```

mod message;
mod parsers;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use message::{Fields, Parsers};
use parsers::Limits;

fn print_fields(out: &mut impl Write, fields: &Fields) -> io::Result<()> {
    for (name, value) in &fields.list {
        let [name, value] = [name, value].map(|text| String::from_utf8_lossy(text));
        writeln!(out, "  {name}: {value}")?;
    }
    Ok(())
}

fn print_requests(parsers: &mut Parsers) -> Result<(), message::Error> {
    let (mut input, mut out) = (io::stdin().lock(), io::stdout());
    while let Some(request) = parsers.read(&mut input)? {
        let [method, target] =
            [&request.method, &request.target].map(|text| String::from_utf8_lossy(text));
        writeln!(out, "{method} {target} HTTP/1.{}", request.version)?;
        print_fields(&mut out, &request.fields)?;
        writeln!(out, "  body: {} bytes", request.body.len())?;
        print_fields(&mut out, &request.trailers)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let engine = env::args().nth(1).unwrap_or("coroutine".to_owned());
    let Some(mut parsers) = Parsers::new(&engine, Limits::default()) else {
        eprintln!("Usage: http [{}] <REQUESTS", Parsers::ENGINES.join("|"));
        return ExitCode::from(2);
    };
    match print_requests(&mut parsers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http: {error}");
            ExitCode::FAILURE
        }
    }
}
