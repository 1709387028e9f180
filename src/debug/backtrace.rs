//! The way from a backtrace to the calls of a body.

use std::backtrace::Backtrace;
use std::borrow::ToOwned;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{env, format};

use super::{Call, Stack};

/// Beginnings of the names of functions that are not the body's, where there are no files: those of the
/// engine, and of the standard library, which captures the backtrace and catches panics.
const NAMES: [&str; 5] = ["pushdown::engine::coroutine::", "std::", "core::", "alloc::", "__rust"];

/// The same for what runs a body.
const LOOP: [&str; 2] = ["pushdown::engine::coroutine::frame::trampoline", "corosensei::"];

/// The name of a function without a symbol.
const UNKNOWN: &str = "<unknown>";

/// Parts of the paths of the standard library's files.
const LIBRARY: [&str; 2] = ["/rustc/", "/rustlib/src/rust/library/"];

/// A call, and the whole path of its location.
struct Frame {
    call: Call,
    path: Option<String>,
}

impl Frame {
    /// True if the name begins so. `<Type as Trait>::function` has two such names: either may be the
    /// program's.
    fn is_named(&self, names: &[&str]) -> bool {
        let parts = self.call.function.trim_start_matches('<').split(" as ").take(2);
        parts.into_iter().all(|part| names.iter().any(|name| part.starts_with(name)))
    }

    /// True for the loop that runs the body. It may be inlined, and has then a name without its module.
    fn is_loop(&self, engine: &str) -> bool {
        let file = format!("{engine}frame.rs:");
        self.is_named(&LOOP) || self.path.as_ref().is_some_and(|path| path.contains(&file))
    }

    fn is_body(&self, engine: &str) -> bool {
        match &self.path {
            Some(path) => !path.contains(engine) && !LIBRARY.iter().any(|part| path.contains(part)),
            None => !self.is_named(&NAMES) && self.call.function != UNKNOWN,
        }
    }
}

impl Stack {
    /// Reads what a backtrace prints, which is the only way to its frames:
    ///
    /// ```text
    ///    3: program::body
    ///              at ./src/main.rs:10:5
    /// ```
    pub(crate) fn of(backtrace: &Backtrace) -> Self {
        let directory = env::current_dir().unwrap_or_default();
        // From the folder of this file, as debug information has it.
        let sources = Path::new(file!()).ancestors().nth(2).unwrap_or(Path::new(""));
        let engine = sources.join("engine").join("coroutine").join("");
        Self::read(&backtrace.to_string(), &directory.to_string_lossy(), &engine.to_string_lossy())
    }

    /// `directory` is the one that `./` stands for, `engine` that of the engine's files.
    fn read(text: &str, directory: &str, engine: &str) -> Self {
        let mut frames = Vec::<Frame>::new();
        for line in text.lines().map(str::trim_start) {
            if let Some(location) = line.strip_prefix("at ") {
                if let Some(frame) = frames.last_mut() {
                    let inside = location.strip_prefix("./");
                    frame.path = Some(match inside {
                        Some(inside) => format!("{directory}/{inside}"),
                        None => location.to_owned(),
                    });
                    frame.call.location = Some(inside.unwrap_or(location).to_owned());
                }
            } else {
                let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
                let numbered = line.split_once(": ").filter(|(number, _)| is_number(number));
                let function = numbered.map_or(line, |(_, function)| function).to_owned();
                frames.push(Frame { call: Call { function, location: None }, path: None });
            }
        }
        // Below the body: the loop that runs it, and then the caller, which may be another body.
        let end = frames.iter().position(|frame| frame.is_loop(engine)).unwrap_or(frames.len());
        frames.truncate(end);
        // Above it: the capture and the read. Between it and the loop: what catches a panic.
        let start = frames.iter().position(|frame| frame.is_body(engine)).unwrap_or(end);
        let end = frames.iter().rposition(|frame| frame.is_body(engine)).map_or(start, |at| at + 1);
        let calls = frames.into_iter().take(end).skip(start).map(|frame| frame.call);
        Self { calls: calls.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGINE: &str = "/home/me/.cargo/registry/src/pushdown-0.1.0/src/engine/coroutine/";

    /// The names of the body's functions in a backtrace of these calls, each with a file or `""`.
    fn body(calls: &[(&str, &str)]) -> Vec<String> {
        let mut text = String::new();
        for (number, (function, file)) in calls.iter().enumerate() {
            text += &format!("{number:4}: {function}\n");
            if !file.is_empty() {
                text += &format!("             at {file}:3:5\n");
            }
        }
        let stack = Stack::read(&text, "/home/me/app", ENGINE);
        stack.calls.into_iter().map(|call| call.function).collect()
    }

    #[test]
    fn files_of_the_program_may_have_names_like_those_of_the_engine_and_of_the_library() {
        for file in [
            "./src/engine/coroutine/mod.rs",
            "/home/me/corosensei-app/src/main.rs",
            "./src/coroutine/frame.rs",
            "/srv/library/core/src/read.rs",
        ] {
            let read = &*format!("{ENGINE}input.rs");
            let frame = &*format!("{ENGINE}frame.rs");
            let names = body(&[
                ("std::backtrace::Backtrace::create", "/rustc/1/library/std/src/backtrace.rs"),
                ("capture<()>", &format!("{ENGINE}suspended.rs")),
                ("fill<()>", read),
                ("app::inner", file),
                ("core::iter::try_for_each", "/rustc/1/library/core/src/iter.rs"),
                ("outer", file),
                ("__rust_try", ""),
                ("trampoline<app::outer>", frame),
                ("main", file),
            ]);
            assert_eq!(names, ["app::inner", "core::iter::try_for_each", "outer"], "{file}");
        }
    }

    #[test]
    fn without_files_the_names_tell() {
        let names = body(&[
            ("std::backtrace::Backtrace::create", ""),
            ("pushdown::engine::coroutine::suspended::capture", ""),
            ("pushdown::engine::coroutine::input::Input<E>::fill", ""),
            ("<pushdown::engine::coroutine::input::Input as app::Words>::word", ""),
            ("app::body::<pushdown::engine::coroutine::input::Input>", ""),
            ("<app::Chars as core::iter::Iterator>::next", ""),
            (
                "<core::panic::AssertUnwindSafe<F> as core::ops::function::FnOnce<()>>::call_once",
                "",
            ),
            ("corosensei::coroutine::Coroutine<I,Y,R,S>::with_stack::coroutine_func", ""),
            ("main", ""),
        ]);
        assert_eq!(
            names,
            [
                "<pushdown::engine::coroutine::input::Input as app::Words>::word",
                "app::body::<pushdown::engine::coroutine::input::Input>",
                "<app::Chars as core::iter::Iterator>::next",
            ]
        );
    }

    #[test]
    fn a_program_without_symbols_has_stacks_without_calls() {
        assert_eq!(body(&[(UNKNOWN, ""); 9]), [""; 0]);
    }
}
