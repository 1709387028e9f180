//! CSV in three engines: one grammar, written in the same order in each.
//!
//! ```text
//! document = [byte order mark] *(record line-end)
//! record   = field *("," field)
//! field    = text / DQUOTE *(quoted / DQUOTE DQUOTE) DQUOTE
//! line-end = CR / LF / CR LF / end of the input
//! ```
//!
//! # Differences from RFC 4180
//! Where the RFC leaves a choice, the parsers accept what csv-core accepts by default:
//!
//! * CR and LF each end a line, and a blank line is no record. So a CR LF is a line end and a blank
//!   line, and a record is reported at its CR.
//! * A byte order mark in UTF-8 is skipped at the start of the input. csv-core keeps one that is cut.
//! * Text is any bytes, where the RFC has ASCII.
//! * Records may differ in their number of fields.
//!
//! A quote in unquoted text, text after a closing quote, and a quote that is never closed are errors,
//! as in the RFC. csv-core reads them as text.
//!
//! # Bounds
//! A record and its line end have at most as many bytes as the parser was made for: then its fields are
//! neither too long nor too many.

use std::ops::ControlFlow::{self, Break};

use pushdown::engine::{Limit, coroutine, machine, stackless};
use pushdown::{End, ErrorKind, Events, Failure};

pub(crate) enum Csv {}

impl Events for Csv {
    type Event<'a> = Event<'a>;
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event<'a> {
    /// A piece of a field's text.
    Text(&'a [u8]),
    /// The end of a field that is not the last of its record.
    Field,
    /// The end of a record and of its last field.
    Record,
}

const MARK: &[u8] = "\u{feff}".as_bytes();

/// The bytes that unquoted text stops at. It must not hold a quote.
const STOPS: [u8; 4] = *b",\r\n\"";

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// The end of the input is as good as a line end.
fn or_line_end(read: Result<u8, End>) -> Result<u8, End> {
    if read == Err(End::Finished) { Ok(b'\n') } else { read }
}

/// State as data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    state: State,
    longest: u64,
    /// The bound outside the record.
    outer: Option<Limit>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In a byte order mark, or in text that begins like one: the bytes taken.
    Mark(usize),
    BetweenRecords,
    FieldStart,
    Unquoted,
    Quoted,
    /// After a quote in quoted text, which closes it or is the first of two.
    Quote,
}

pub(crate) fn machine(longest: u64) -> machine::Parser<Machine> {
    machine::Parser::new(Machine { state: State::Mark(0), longest, outer: None })
}

impl machine::Machine for Machine {
    type Events = Csv;
    type Output = ();

    #[inline]
    fn step(&mut self, input: &mut machine::Input<'_, Csv>) -> Result<ControlFlow<()>, Failure> {
        loop {
            let stop = match self.state {
                State::Mark(taken) => {
                    self.state = match input.next_if(|byte| MARK.get(taken) == Some(&byte)) {
                        Ok(Some(_)) => State::Mark(taken + 1),
                        Err(end @ End::InputEmpty) => return Err(end.into()),
                        _ if taken % MARK.len() == 0 => State::BetweenRecords,
                        _ => {
                            input.emit(Event::Text(&MARK[..taken]));
                            self.outer = Some(input.at_most(self.longest));
                            State::Unquoted
                        }
                    };
                    continue;
                }
                State::BetweenRecords => {
                    match input.skip_between(is_line_end) {
                        Ok(_) => {}
                        Err(End::Finished) => return Ok(Break(())),
                        Err(end) => return Err(end.into()),
                    }
                    self.outer = Some(input.at_most(self.longest));
                    self.state = State::FieldStart;
                    continue;
                }
                // One arm for both: most fields begin and end in one chunk.
                State::FieldStart | State::Unquoted => {
                    if let State::FieldStart = self.state {
                        match input.next_if(|byte| byte == b'"') {
                            Ok(Some(_)) => {
                                self.state = State::Quoted;
                                continue;
                            }
                            Ok(None) | Err(End::Finished) => self.state = State::Unquoted,
                            Err(end) => return Err(end.into()),
                        }
                    }
                    or_line_end(input.text_until(STOPS, |text| Event::Text(text)))?
                }
                State::Quoted => {
                    input.text_until(b'"', |text| Event::Text(text))?;
                    self.state = State::Quote;
                    continue;
                }
                State::Quote => match or_line_end(input.next())? {
                    b'"' => {
                        input.emit(Event::Text(b"\""));
                        self.state = State::Quoted;
                        continue;
                    }
                    stop => stop,
                },
            };
            match stop {
                b',' => {
                    input.emit(Event::Field);
                    self.state = State::FieldStart;
                }
                b'\r' | b'\n' => {
                    input.emit(Event::Record);
                    if let Some(outer) = self.outer.take() {
                        input.set_limit(outer);
                    }
                    self.state = State::BetweenRecords;
                }
                _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
            }
        }
    }

    fn reset(&mut self) {
        self.state = State::Mark(0);
    }
}

pub(crate) fn coroutine(longest: u64) -> coroutine::Parser<Csv> {
    coroutine::Parser::new(move |input: &mut coroutine::Input<'_, Csv>| document(input, longest))
}

/// State as code, on a stack.
fn document(input: &mut coroutine::Input<'_, Csv>, longest: u64) -> Result<(), Failure> {
    let mut taken = 0;
    while let Ok(Some(_)) = input.next_if(|byte| MARK.get(taken) == Some(&byte)) {
        taken += 1;
    }
    // Text that begins like a byte order mark.
    let mut in_text = taken % MARK.len() != 0;
    if in_text {
        input.emit(Event::Text(&MARK[..taken]));
    }
    loop {
        if !in_text {
            match input.skip_between(is_line_end) {
                Ok(_) => {}
                Err(End::Finished) => return Ok(()),
                Err(end) => return Err(end.into()),
            }
        }
        let mut input = input.at_most(longest);
        loop {
            let stop = if !in_text && let Ok(Some(_)) = input.next_if(|byte| byte == b'"') {
                loop {
                    input.text_until(b'"', |text| Event::Text(text))?;
                    match or_line_end(input.next())? {
                        b'"' => input.emit(Event::Text(b"\"")),
                        stop => break stop,
                    }
                }
            } else {
                or_line_end(input.text_until(STOPS, |text| Event::Text(text)))?
            };
            in_text = false;
            match stop {
                b',' => input.emit(Event::Field),
                b'\r' | b'\n' => break,
                _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
            }
        }
        input.emit(Event::Record);
    }
}

pub(crate) fn stackless(longest: u64) -> stackless::Boxed<Csv> {
    let body =
        async move |input: &mut stackless::Input<'_, Csv>| document_async(input, longest).await;
    stackless::Parser::new(body).erase()
}

/// State as code, in a future: the same with `.await`.
async fn document_async(
    input: &mut stackless::Input<'_, Csv>,
    longest: u64,
) -> Result<(), Failure> {
    let mut taken = 0;
    while let Ok(Some(_)) = input.next_if(|byte| MARK.get(taken) == Some(&byte)).await {
        taken += 1;
    }
    // Text that begins like a byte order mark.
    let mut in_text = taken % MARK.len() != 0;
    if in_text {
        input.emit(Event::Text(&MARK[..taken]));
    }
    loop {
        if !in_text {
            match input.skip_between(is_line_end).await {
                Ok(_) => {}
                Err(End::Finished) => return Ok(()),
                Err(end) => return Err(end.into()),
            }
        }
        let mut input = input.at_most(longest);
        loop {
            let stop = if !in_text && let Ok(Some(_)) = input.next_if(|byte| byte == b'"').await {
                loop {
                    input.text_until(b'"', |text| Event::Text(text)).await?;
                    match or_line_end(input.next().await)? {
                        b'"' => input.emit(Event::Text(b"\"")),
                        stop => break stop,
                    }
                }
            } else {
                or_line_end(input.text_until(STOPS, |text| Event::Text(text)).await)?
            };
            in_text = false;
            match stop {
                b',' => input.emit(Event::Field),
                b'\r' | b'\n' => break,
                _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
            }
        }
        input.emit(Event::Record);
    }
}
