//! Any cutting of the input gives the same answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pushdown::Status;
use pushdown::testing::{self, Harness, Log};

/// Your parser.
#[derive(Default)]
struct MyParser;

/// Feeds a chunk to your parser, or `None` at the end of the input.
fn feed(parser: &mut MyParser, chunk: Option<&[u8]>, log: &mut Log) -> Status {
    let _ = parser;
    match chunk {
        Some(chunk) => {
            // Record the reports of your parser: `log.event` for what comes whole, `log.text` for what may come in
            // pieces.
            log.text(chunk);
            Status::NeedMoreInput
        }
        None => Status::Success,
    }
}

fuzz_target!(
    init: {
        // That of libFuzzer ends the process at the first panic, before the harness can shrink the input.
        std::panic::set_hook(Box::new(|_| ()));
    },
    |input: &[u8]| {
        let harness = Harness::new(testing::no_events).foreign("MyParser", MyParser::default, feed);
        if let Err(violation) = harness.check(input) {
            eprintln!("add this test:\n{}", harness.shrink(violation).regression_test());
            std::process::abort();
        }
    }
);
