//! Every read of an `async` body tells the line that calls it.

use std::panic::Location;

use pushdown::engine::generator;
use pushdown::engine::stackless::{Input, Parser};
use pushdown::scan::{Delimiter, Set};
use pushdown::{Events, Failure, PushParser, Status, quoted};

/// Events that say nothing.
enum Unit {}

impl Events for Unit {
    type Event<'a> = ();
}

/// Feeds a body byte by byte, and compares the line that it waits at after each.
fn waits_at<B>(line: u32, name: &str, body: B)
where
    B: AsyncFn(&mut Input<'_, Unit>) -> Result<(), Failure> + Clone + 'static,
{
    let mut parser = Parser::new(body.clone());
    let mut generated = generator::Parser::new(body);
    // A body that has begun and has had nothing yet, and one that is half-way through its read.
    for input in ["x", "\"", "a"] {
        let status = parser.feed(input.as_bytes()).status;
        assert_eq!(generated.feed(input.as_bytes()).status, status, "{name}");
        let lines = [parser.waits_at(), generated.waits_at()].map(|at| at.map(Location::line));
        let expected = (status == Status::NeedMoreInput).then_some(line);
        assert_eq!(lines, [expected; 2], "{name} after {input:?}");
        assert!(parser.waits_at().is_none_or(|at| at.file() == file!()), "{name}");
        if input == "x" {
            assert_eq!(status, Status::NeedMoreInput, "{name} waits for its first byte");
        }
    }
}

/// Cases on consecutive lines. `line!()` is that of the invocation.
macro_rules! each {
    ($($name:literal => |$input:ident| $read:expr;)+) => {{
        let (first, mut cases) = (line!() + 1, 0);
        $(waits_at(first + cases, $name, async |$input: &mut Input<'_, Unit>| {
            assert_eq!($input.next_if(|byte| byte == b'x').await?, Some(b'x'));
            _ = $read;
            Ok(())
        });
        cases += 1;)+
        cases
    }};
}

#[test]
fn a_read_tells_the_line_that_calls_it() {
    let cases = each! {
        "next" => |input| input.next().await?;
        "peek" => |input| input.peek().await?;
        "next_if" => |input| input.next_if(|_| true).await?;
        "expect" => |input| input.expect(b'"').await?;
        "expect_all" => |input| input.expect_all(b"\"ab").await?;
        "take" => |input| input.take(2).await?;
        "take_text" => |input| input.take_text(2, |_| ()).await?;
        "array" => |input| input.array::<3>().await?;
        "skip_until" => |input| input.skip_until([b'!']).await?;
        "scan_until" => |input| input.scan_until([b'!'], |_| ()).await?;
        "text_until" => |input| input.text_until([b'!'], |_| ()).await?;
        "text_while" => |input| input.text_while(Set::range(0..=255), |_| ()).await?;
        "read_until" => |input| input.read_until([b'!'], &mut Vec::new(), 9).await?;
        "skip_before" => |input| input.skip_before(&mut Delimiter::new(b"--")).await?;
        "scan_before" => |input| input.scan_before(&mut Delimiter::new(b"--"), |_| ()).await?;
        "text_before" => |input| input.text_before(&mut Delimiter::new(b"--"), |_| ()).await?;
        "chunk" => |input| input.chunk().await?;
        "skip_between" => |input| input.skip_between(|_| true).await?;
        "skip_rest" => |input| input.frame(3).skip_rest().await?;
        "run" => |input| input.run(&mut quoted::Machine::new(), |_, _| ()).await?;
        "nested" => |input| input.nested(async |input: &mut Input<'_, Unit>| Ok(input.next().await?)).await?;
    };
    println!("{cases} reads");
}
