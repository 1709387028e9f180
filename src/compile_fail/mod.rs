//! Misuses of lent data that must not compile.
//!
//! Each attack is two doctests of the same code. One contains the attack and must not compile; the
//! other contains a harmless twin in its place and must compile. So it is the attack that the
//! compiler rejects, and nothing beside it. Nightly also checks the code of the error; "" stands for
//! errors that have none.

/// Declares the two doctests: `attack!(name, error, "code" ["attack" or "twin"] "code")`.
macro_rules! attack {
    (
        $name:ident, $error:literal,
        $before:literal [$attack:literal or $twin:literal] $after:literal
    ) => {
        #[doc = doctest!(concat!("compile_fail,", $error), $before, $attack, $after)]
        #[doc = doctest!("", $before, $twin, $after)]
        fn $name() {}
    };
}

macro_rules! doctest {
    ($flags:expr, $($code:literal),*) => {
        concat!(
            "```", $flags, "\n",
            "# use std::{cell::*, future::ready, mem, ops::ControlFlow, pin::{Pin, pin}, rc::Rc, sync::atomic::{AtomicUsize, Ordering::Relaxed}, thread};\n",
            "# use pushdown::{*, engine::*, quoted::*, scan::Stop};\n",
            $($code,)*
            "\n```\n"
        )
    };
}

mod coroutine;
mod stackless;

attack!(a_sink_cannot_keep_an_event, "E0521", r#"
let mut kept = None;
let _ = Stackless::new().feed_with(b"\"text\"", |event| kept = Some("# ["event" or "event == Event::Text(b\"\")"] r#"));
println!("{kept:?}");"#);

attack!(a_sink_cannot_keep_the_text_of_an_event, "E0521", r#"
let mut kept = None;
let _ = Coroutine::new().feed_with(b"\"text\"", |Event::Text(text)| kept = Some("# ["text" or "text.len()"] r#"));
println!("{kept:?}");"#);

attack!(a_sink_cannot_feed_its_own_parser, "E0499", r#"
let mut parser = Coroutine::new();
let mut other = Coroutine::new();
let _ = parser.feed_local(b"\"text\"", |_| drop("# ["parser" or "other"] r#".feed(b"more")));"#);

attack!(a_sink_cannot_reset_its_own_parser, "E0499", r#"
let mut parser = Stackless::new();
let mut other = Stackless::new();
let _ = parser.feed_with(b"\"text\"", |_| "# ["parser" or "other"] r#".reset());"#);

attack!(a_sink_that_is_not_send_is_refused_where_a_body_may_emit_elsewhere, "E0277", r#"
let count = Rc::new(Cell::new(0));
let _ = "# ["Stackless::new().feed_with" or "Coroutine::new().feed_local"] r#"(b"\"text\"", |_| count.set(1));"#);

attack!(a_stop_cannot_keep_the_bytes_it_searches, "", r#"
struct Keep<'k>(Cell<&'k [u8]>);
impl Stop for Keep<'_> {
    fn find(&self, bytes: &[u8]) -> Option<usize> {
        self.0.set("# ["bytes" or "b\"\""] r#");
        None
    }
}"#);

// Not an attack, but a trap: the constructor is for one lifetime.
attack!(a_constructor_of_events_is_not_general_enough, "", r#"
fn body(input: &mut coroutine::Input<'_, Quoted>) -> Result<u8, Failure> {
    Ok(input.text_until(b'"', "# ["Event::Text" or "|text| Event::Text(text)"] r#")?)
}"#);

attack!(a_machine_cannot_keep_a_slice, "", r#"
struct Keep(&'static [u8]);
impl machine::Machine for Keep {
    type Events = ();
    type Output = ();
    fn step(&mut self, input: &mut machine::Input<'_>) -> Result<ControlFlow<()>, Failure> {
        let slice = input.take(4)?;
        self.0 = "# ["slice" or "b\"\""] r#";
        Ok(ControlFlow::Continue(()))
    }
    fn reset(&mut self) {}
}"#);

attack!(two_inputs_of_machines_never_have_one_type, "E0621", "
fn swap<'c>(a: &mut machine::Input<'" ["_" or "c"] ">, b: &mut machine::Input<'c>) {
    mem::swap(a, b);
}");

attack!(a_machine_cannot_emit_from_another_thread, "E0277", r#"
struct Emit;
impl machine::Machine for Emit {
    type Events = Quoted;
    type Output = ();
    fn step(&mut self, input: &mut machine::Input<'_, Quoted>) -> Result<ControlFlow<()>, Failure> {
        let mut emit = || input.emit(Event::Text(b"text"));
        "# ["thread::scope(|scope| drop(scope.spawn(emit)));" or "emit();"] r#"
        Ok(ControlFlow::Continue(()))
    }
    fn reset(&mut self) {}
}"#);

attack!(a_combinator_cannot_emit_from_another_thread, "E0277", r#"
fn body<'i>(input: &'i [u8], emit: &combinator::Emit<'_, Quoted>) -> nom::IResult<&'i [u8], ()> {
    let emit = || emit.emit(Event::Text(b"text"));
    "# ["thread::scope(|scope| drop(scope.spawn(emit)));" or "emit();"] r#"
    Ok((input, ()))
}"#);

attack!(a_combinator_cannot_return_a_part_of_its_buffer, "E0308", r#"
fn body<'i>(input: &'i [u8], _: &combinator::Emit<'_, ()>) -> nom::IResult<&'i [u8], "# ["&'i [u8]" or "usize"] r#"> {
    Ok((input, Default::default()))
}
let parser = combinator::Parser::new(body);"#);

attack!(a_coroutine_cannot_change_its_thread, "E0277", "
fn send<T: Send>() {}
send::<" ["Coroutine" or "Stackless"] ">();");

attack!(a_generator_cannot_change_its_thread, "E0277", "
fn send<T: Send>() {}
send::<" ["Generator" or "Machine"] ">();");

attack!(a_coroutine_cannot_be_shared_between_threads, "E0277", "
fn sync<T: Sync>() {}
sync::<" ["Coroutine" or "Machine"] ">();");

attack!(a_status_cannot_be_ignored, "", "
#[deny(unused_must_use)]
fn caller() {
    " ["" or "let _ = "] "Machine::new().process_char('a');
}");

attack!(a_progress_cannot_be_ignored, "", r#"
#[deny(unused_must_use)]
fn caller() {
    "# ["" or "let _ = "] r#"Machine::new().feed(b"a");
}"#);

attack!(a_failure_cannot_be_ignored, "", "
#[deny(unused_must_use)]
fn body(input: &mut machine::Input<'_>) {
    " ["" or "let _ = "] "input.fail(ErrorKind::TooLong);
}");
