//! The way from a backtrace to the calls of a body.

use std::backtrace::Backtrace;
use std::borrow::ToOwned;
use std::string::ToString;
use std::vec::Vec;

use super::{Call, Stack};

/// Parts of names and files of the engine. An inlined function has a name without its module.
const ENGINE: [&str; 2] = ["pushdown::engine::coroutine::", "src/engine/coroutine/"];

/// The same of the standard library, which captures the backtrace and catches panics.
const LIBRARY: [&str; 7] = [
    "std::backtrace",
    "std::panic",
    "core::panic",
    "core::ops::function",
    "__rust_try",
    "/library/core/",
    "/library/std/",
];

fn has(call: &Call, parts: &[&str]) -> bool {
    let texts = [Some(&call.function), call.location.as_ref()];
    texts.into_iter().flatten().any(|text| parts.iter().any(|part| text.contains(part)))
}

impl Stack {
    /// Reads what a backtrace prints, which is the only way to its frames:
    ///
    /// ```text
    ///    3: program::body
    ///              at ./src/main.rs:10:5
    /// ```
    pub(crate) fn of(backtrace: &Backtrace) -> Self {
        Self::read(&backtrace.to_string())
    }

    fn read(text: &str) -> Self {
        let mut calls = Vec::<Call>::new();
        for line in text.lines().map(str::trim_start) {
            if let Some(location) = line.strip_prefix("at ") {
                if let Some(call) = calls.last_mut() {
                    let location = location.strip_prefix("./").unwrap_or(location);
                    call.location = Some(location.to_owned());
                }
            } else {
                let function = line.split_once(": ").map_or(line, |(_number, function)| function);
                calls.push(Call { function: function.to_owned(), location: None });
            }
        }
        // Below the body: the loop that runs it, and then the caller, which may be another body.
        let end = calls
            .iter()
            .position(|call| has(call, &["coroutine::frame::trampoline", "corosensei"]));
        calls.truncate(end.unwrap_or(calls.len()));
        // Above it: the capture and the read. Between it and the loop: what catches a panic.
        let is_body = |call: &Call| !has(call, &ENGINE) && !has(call, &LIBRARY);
        let start = calls.iter().position(is_body).unwrap_or(calls.len());
        let end = calls.iter().rposition(is_body).map_or(start, |last| last + 1);
        calls.truncate(end);
        calls.drain(..start);
        Self { calls }
    }
}
