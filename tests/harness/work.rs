//! The work that parsers count themselves: a count that stands still would keep the law of work for nothing.

use core::pin::pin;

use pushdown::engine::stackless::{Input, Task};
use pushdown::json::{self, Json};
use pushdown::testing::Work;
use pushdown::{PushParser, quoted, resp, sse};

/// Feeds the input in two chunks, and checks the counts. Returns the number of steps.
fn steps<P: PushParser + Work>(name: &str, mut parser: P, input: &[u8]) -> u64 {
    let (first, second) = input.split_at(input.len() / 2);
    for chunk in [first, second] {
        let (work, offset) = (parser.work(), parser.offset());
        let _ = parser.feed(chunk);
        let (work, taken) = (parser.work() - work, parser.offset() - offset);
        assert!(taken > 0 && work >= taken, "{name}: {work} bytes of work, {taken} taken");
        assert!(work <= 3 * input.len() as u64, "{name}: {work} bytes of work");
    }
    parser.steps()
}

#[test]
fn no_more_bytes_are_inspected_twice_than_a_chunk_has() {
    let mut parser = json::Machine::<Json>::with_options(json::Options::new());
    let chunk = br#"["a", 12"#;
    let _ = parser.feed(chunk);
    let work = parser.work();
    assert!(work <= 2 * chunk.len() as u64, "{work} bytes of work");
}

#[test]
fn every_parser_counts_at_least_the_bytes_it_takes() {
    let options = json::Options::new();
    let text = br#"[1, {"a": "b\u20ac"}, true]"#;
    assert!(steps("json::Machine", json::Machine::<Json>::with_options(options), text) > 1);
    steps("json::Coroutine", json::Coroutine::<Json>::with_options(options).unwrap(), text);
    steps("json::Stackless", json::Stackless::<Json>::with_options(options), text);
    steps("json::Generator", json::Generator::<Json>::with_options(options), text);

    let value = b"*3\r\n$3\r\nabc\r\n:1234\r\n+simple\r\n";
    assert!(steps("resp::Machine", resp::Machine::new(), value) > 1);
    assert!(steps("resp::Values", resp::Values::new(), value) > 1);
    let request = b"*2\r\n$3\r\nGET\r\n$4\r\nname\r\n";
    assert!(steps("resp::Requests", resp::Requests::new(), request) > 1);
    steps("resp::Coroutine", resp::Coroutine::new(), value);
    steps("resp::Stackless", resp::Stackless::new(), value);
    steps("resp::Generator", resp::Generator::new(), value);

    let string = br#""a string with \"escapes\"""#;
    assert!(steps("quoted::Machine", quoted::Machine::new(), string) > 1);
    steps("quoted::Coroutine", quoted::Coroutine::new(), string);
    steps("quoted::Stackless", quoted::Stackless::new(), string);
    steps("quoted::Generator", quoted::Generator::new(), string);
    steps("quoted::Combinator", quoted::Combinator::new(), string);

    let stream = b"event: e\ndata: some text\n\n: a comment\ndata\n";
    assert!(steps("sse::Machine", sse::Machine::new(), stream) > 1);
    steps("sse::Coroutine", sse::Coroutine::new(), stream);
    steps("sse::Stackless", sse::Stackless::new(), stream);
    steps("sse::Generator", sse::Generator::new(), stream);

    let task = pin!(Task::new(async |input: &mut Input<'_>| Ok(input.array::<6>().await?)));
    steps("Pin<&mut Task>", task, b"a word");
}
