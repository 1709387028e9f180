//! The head of an HTTP/1.1 request and a chunked body in three engines: one grammar, written in the same
//! order in each.
//!
//! ```text
//! head      = *( CR / LF ) method SP target SP "HTTP/1." DIGIT CRLF fields   RFC 9112, sections 2 to 5
//! fields    = *( name ":" *blank value CRLF ) CRLF
//!
//! body      = *( size [extension] CRLF data CRLF )                           RFC 9112, section 7.1
//!             1*"0" [extension] CRLF fields
//! extension = *blank ";" text
//! ```
//!
//! # Differences from RFC 9112
//! * Only CR LF ends a line, and a field on several lines is an error. Before a request, any CR and LF are
//!   skipped.
//! * A target is any bytes but controls and the space. An extension is any bytes of a value.
//! * Blanks after a value are reported with it. Whether they are its end is known at the line end, when
//!   the chunk with them may be gone.
//!
//! Out of scope: responses, and what fields mean. Two lengths, or a length beside chunks, are for `message.rs`.
//!
//! # Bounds
//! [`Limits`] bound a head, and the extensions and last fields of a body. A size has at most 16 digits.

use core::ops::ControlFlow::{self, Break};

use pushdown::engine::Limit;
use pushdown::scan::Set;
use pushdown::{ErrorKind, Events, Failure};

/// The events of the parsers.
#[derive(Debug)]
pub(crate) enum Http {}

impl Events for Http {
    type Event<'a> = Event<'a>;
}

/// A part of a head or of a body. Texts come in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event<'a> {
    Method(&'a [u8]),
    Target(&'a [u8]),
    /// The digit after `HTTP/1.`.
    Version(u8),
    /// The name of a field.
    Name(&'a [u8]),
    /// Its value, without the blanks before it, but with those after it.
    Value(&'a [u8]),
    FieldEnd,
    Extension(&'a [u8]),
    Data(&'a [u8]),
}

/// Bounds on what a peer may send.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a head, or of the fields behind a chunked body.
    pub(crate) head: u64,
    /// Fields there.
    pub(crate) fields: u32,
    /// Bytes of all extensions of a chunked body. They carry nothing, and cost as much as data.
    pub(crate) extensions: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head: 64 << 10, fields: 100, extensions: 16 << 10 }
    }
}

/// The bytes of methods and names: RFC 9110, section 5.6.2.
const TOKEN: Set = Set::range(b'0'..=b'9')
    .union(Set::range(b'A'..=b'Z'))
    .union(Set::range(b'a'..=b'z'))
    .union(Set::of(b"!#$%&'*+-.^_`|~"));

/// The bytes of targets: all but controls and the space.
const TARGET: Set = Set::range(0..=b' ').union(Set::of(b"\x7f")).not();

/// The bytes of values: RFC 9110, section 5.5.
const VALUE: Set = TARGET.union(Set::of(b" \t"));

/// The stops. An `async` body keeps the stop of a read in its future: these are borrowed, not copied.
static AFTER_TOKEN: Set = TOKEN.not();
static AFTER_TARGET: Set = TARGET.not();
static AFTER_VALUE: Set = VALUE.not();

const CRLF: &[u8] = b"\r\n";

/// Empty lines before a request are skipped: RFC 9112, section 2.2.
fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The size of a chunk, of 1 to 16 digits.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    value: u64,
    digits: u32,
}

impl Size {
    /// Adds a digit. Returns false for the byte after the last.
    fn add(&mut self, byte: u8) -> Result<bool, ErrorKind> {
        match char::from(byte).to_digit(16) {
            Some(_) if self.digits == 16 => Err(ErrorKind::TooLong),
            Some(digit) => {
                self.value = 16 * self.value + u64::from(digit);
                self.digits += 1;
                Ok(true)
            }
            None if self.digits == 0 => Err(ErrorKind::UnexpectedByte),
            None => Ok(false),
        }
    }
}

/// State as data. A chunk may end in any state, and the next one begins the state's reads again: a text
/// goes on, and a literal counts in `matched` what was there.
pub(crate) mod machine {
    use pushdown::engine::machine::{Input, Machine, Parser};

    use super::*;

    /// Creates a parser of a head.
    pub(crate) fn head_parser(limits: Limits) -> Parser<Head> {
        Parser::new(Head { limits, state: HeadState::Start, matched: 0 })
    }

    /// Creates a parser of a chunked body.
    pub(crate) fn body_parser(limits: Limits) -> Parser<Body> {
        let Limits { extensions, .. } = limits;
        Parser::new(Body { limits, state: BodyState::START, extensions, outside: None, matched: 0 })
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Head {
        limits: Limits,
        state: HeadState,
        matched: usize,
    }

    #[derive(Clone, Copy, Debug)]
    enum HeadState {
        Start,
        Before,
        Method,
        BeforeTarget,
        Target,
        Version,
        Minor,
        LineEnd,
        Fields(Fields),
    }

    impl Machine for Head {
        type Events = Http;
        type Output = ();

        #[inline]
        fn step(&mut self, input: &mut Input<'_, Http>) -> Result<ControlFlow<()>, Failure> {
            loop {
                self.state = match &mut self.state {
                    HeadState::Start => {
                        input.at_most(self.limits.head);
                        HeadState::Before
                    }
                    HeadState::Before => {
                        let first = input.skip_between(is_line_end)?;
                        require(input, TOKEN.contains(first))?;
                        HeadState::Method
                    }
                    HeadState::Method => {
                        let stop = input.text_until(&AFTER_TOKEN, |text| Event::Method(text))?;
                        require(input, stop == b' ')?;
                        HeadState::BeforeTarget
                    }
                    HeadState::BeforeTarget => {
                        let first = input.peek()?;
                        require(input, TARGET.contains(first))?;
                        HeadState::Target
                    }
                    HeadState::Target => {
                        let stop = input.text_until(&AFTER_TARGET, |text| Event::Target(text))?;
                        require(input, stop == b' ')?;
                        HeadState::Version
                    }
                    HeadState::Version => {
                        input.expect_all(b"HTTP/1.", &mut self.matched)?;
                        HeadState::Minor
                    }
                    HeadState::Minor => {
                        let digit = input.next()?;
                        require(input, digit.is_ascii_digit())?;
                        input.emit(Event::Version(digit - b'0'));
                        HeadState::LineEnd
                    }
                    HeadState::LineEnd => {
                        input.expect_all(CRLF, &mut self.matched)?;
                        HeadState::Fields(Fields::new(self.limits.fields))
                    }
                    HeadState::Fields(fields) => return fields.step(input, &mut self.matched),
                };
            }
        }

        fn reset(&mut self) {
            (self.state, self.matched) = (HeadState::Start, 0);
        }
    }

    #[derive(Clone, Copy, Debug)]
    struct Fields {
        left: u32,
        state: FieldState,
    }

    #[derive(Clone, Copy, Debug)]
    enum FieldState {
        Start,
        Name,
        Blanks,
        Value,
        LineEnd,
        End,
    }

    impl Fields {
        fn new(left: u32) -> Self {
            Self { left, state: FieldState::Start }
        }

        fn step(
            &mut self,
            input: &mut Input<'_, Http>,
            matched: &mut usize,
        ) -> Result<ControlFlow<()>, Failure> {
            loop {
                self.state = match self.state {
                    FieldState::Start => match input.peek()? {
                        b'\r' => FieldState::End,
                        _ if self.left == 0 => return Err(input.fail(ErrorKind::TooLong)),
                        first => {
                            require(input, TOKEN.contains(first))?;
                            self.left -= 1;
                            FieldState::Name
                        }
                    },
                    FieldState::Name => {
                        let stop = input.text_until(&AFTER_TOKEN, |text| Event::Name(text))?;
                        require(input, stop == b':')?;
                        FieldState::Blanks
                    }
                    FieldState::Blanks => {
                        while input.next_if(is_blank)?.is_some() {}
                        FieldState::Value
                    }
                    FieldState::Value => {
                        let stop = input.text_until(&AFTER_VALUE, |text| Event::Value(text))?;
                        require(input, stop == b'\r')?;
                        FieldState::LineEnd
                    }
                    FieldState::LineEnd => {
                        input.expect(b'\n')?;
                        input.emit(Event::FieldEnd);
                        FieldState::Start
                    }
                    FieldState::End => return input.expect_all(CRLF, matched).map(Break),
                };
            }
        }
    }

    #[derive(Clone, Debug)]
    pub(crate) struct Body {
        limits: Limits,
        state: BodyState,
        /// The rest of the limit.
        extensions: u64,
        /// The offset where the extension begins, and the bound outside of it.
        outside: Option<(u64, Limit)>,
        matched: usize,
    }

    #[derive(Clone, Copy, Debug)]
    enum BodyState {
        Size(Size),
        /// The size is kept until the line ends.
        ExtensionStart(u64),
        Extension(u64),
        LineEnd(u64),
        /// The bytes left.
        Data(u64),
        Fields(Fields),
    }

    impl BodyState {
        const START: Self = Self::Size(Size { value: 0, digits: 0 });
    }

    impl Machine for Body {
        type Events = Http;
        type Output = ();

        #[inline]
        fn step(&mut self, input: &mut Input<'_, Http>) -> Result<ControlFlow<()>, Failure> {
            loop {
                self.state = match &mut self.state {
                    BodyState::Size(size) => {
                        while size.add(input.peek()?).map_err(|kind| input.fail(kind))? {
                            input.next()?;
                        }
                        match input.peek()? {
                            b'\r' => BodyState::LineEnd(size.value),
                            _ => {
                                let start = input.offset();
                                let outer = input.at_most(self.extensions.saturating_add(1));
                                self.outside = Some((start, outer));
                                BodyState::ExtensionStart(size.value)
                            }
                        }
                    }
                    BodyState::ExtensionStart(size) => {
                        while input.next_if(is_blank)?.is_some() {}
                        input.expect(b';')?;
                        BodyState::Extension(*size)
                    }
                    BodyState::Extension(size) => {
                        input.text_while(VALUE, |text| Event::Extension(text))?;
                        if let Some((start, outer)) = self.outside.take() {
                            self.extensions -= input.offset() - start;
                            input.set_limit(outer);
                        }
                        BodyState::LineEnd(*size)
                    }
                    BodyState::LineEnd(size) => {
                        input.expect_all(CRLF, &mut self.matched)?;
                        match *size {
                            0 => {
                                input.at_most(self.limits.head);
                                BodyState::Fields(Fields::new(self.limits.fields))
                            }
                            size => BodyState::Data(size),
                        }
                    }
                    BodyState::Data(0) => {
                        input.expect_all(CRLF, &mut self.matched)?;
                        BodyState::START
                    }
                    BodyState::Data(left) => {
                        let count = input.take_text(at_once(*left), |text| Event::Data(text))?;
                        BodyState::Data(*left - count as u64)
                    }
                    BodyState::Fields(fields) => return fields.step(input, &mut self.matched),
                };
            }
        }

        fn reset(&mut self) {
            *self = body_parser(self.limits).machine().clone();
        }
    }

    /// Fails at the byte that was read last if it is wrong.
    fn require(input: &mut Input<'_, Http>, is_right: bool) -> Result<(), Failure> {
        if is_right { Ok(()) } else { Err(input.fail(ErrorKind::UnexpectedByte)) }
    }
}

/// State as code, on a stack.
pub(crate) mod coroutine {
    use pushdown::engine::coroutine::{Input, Parser};

    use super::*;

    /// Creates a parser of a head.
    pub(crate) fn head_parser(limits: Limits) -> Parser<Http> {
        Parser::new(move |input: &mut Input<'_, Http>| head(input, limits))
    }

    /// Creates a parser of a chunked body.
    pub(crate) fn body_parser(limits: Limits) -> Parser<Http> {
        Parser::new(move |input: &mut Input<'_, Http>| body(input, limits))
    }

    fn head(input: &mut Input<'_, Http>, limits: Limits) -> Result<(), Failure> {
        let mut input = input.at_most(limits.head);
        let first = input.skip_between(is_line_end)?;
        require(&mut input, TOKEN.contains(first))?;
        let stop = input.text_until(&AFTER_TOKEN, |text| Event::Method(text))?;
        require(&mut input, stop == b' ')?;
        let first = input.peek()?;
        require(&mut input, TARGET.contains(first))?;
        let stop = input.text_until(&AFTER_TARGET, |text| Event::Target(text))?;
        require(&mut input, stop == b' ')?;
        input.expect_all(b"HTTP/1.")?;
        let digit = input.next()?;
        require(&mut input, digit.is_ascii_digit())?;
        input.emit(Event::Version(digit - b'0'));
        input.expect_all(CRLF)?;
        fields(&mut input, limits.fields)
    }

    fn fields(input: &mut Input<'_, Http>, mut left: u32) -> Result<(), Failure> {
        loop {
            match input.peek()? {
                b'\r' => return input.expect_all(CRLF),
                _ if left == 0 => return Err(input.fail(ErrorKind::TooLong)),
                first => require(input, TOKEN.contains(first))?,
            }
            left -= 1;
            let stop = input.text_until(&AFTER_TOKEN, |text| Event::Name(text))?;
            require(input, stop == b':')?;
            while input.next_if(is_blank)?.is_some() {}
            let stop = input.text_until(&AFTER_VALUE, |text| Event::Value(text))?;
            require(input, stop == b'\r')?;
            input.expect(b'\n')?;
            input.emit(Event::FieldEnd);
        }
    }

    fn body(input: &mut Input<'_, Http>, limits: Limits) -> Result<(), Failure> {
        let mut extensions = limits.extensions;
        loop {
            let mut size = Size::default();
            while size.add(input.peek()?).map_err(|kind| input.fail(kind))? {
                input.next()?;
            }
            if input.peek()? != b'\r' {
                extensions -= extension(input, extensions)?;
            }
            input.expect_all(CRLF)?;
            if size.value == 0 {
                return fields(&mut input.at_most(limits.head), limits.fields);
            }
            let mut left = size.value;
            while left > 0 {
                left -= input.take_text(at_once(left), |text| Event::Data(text))? as u64;
            }
            input.expect_all(CRLF)?;
        }
    }

    /// Returns the length.
    fn extension(input: &mut Input<'_, Http>, most: u64) -> Result<u64, Failure> {
        let start = input.offset();
        // And the byte that ends it.
        let mut input = input.at_most(most.saturating_add(1));
        while input.next_if(is_blank)?.is_some() {}
        input.expect(b';')?;
        input.text_while(VALUE, |text| Event::Extension(text))?;
        Ok(input.offset() - start)
    }

    /// Fails at the byte that was read last if it is wrong.
    fn require(input: &mut Input<'_, Http>, is_right: bool) -> Result<(), Failure> {
        if is_right { Ok(()) } else { Err(input.fail(ErrorKind::UnexpectedByte)) }
    }
}

/// State as code, in a future: the same with `.await`.
pub(crate) mod stackless {
    use pushdown::engine::stackless::{Boxed, Input, Parser};

    use super::*;

    /// Creates a parser of a head.
    pub(crate) fn head_parser(limits: Limits) -> Boxed<Http> {
        Parser::new(async move |input: &mut Input<'_, Http>| head(input, limits).await).erase()
    }

    /// Creates a parser of a chunked body.
    pub(crate) fn body_parser(limits: Limits) -> Boxed<Http> {
        Parser::new(async move |input: &mut Input<'_, Http>| body(input, limits).await).erase()
    }

    async fn head(input: &mut Input<'_, Http>, limits: Limits) -> Result<(), Failure> {
        let mut input = input.at_most(limits.head);
        let first = input.skip_between(is_line_end).await?;
        require(&mut input, TOKEN.contains(first))?;
        let stop = input.text_until(&AFTER_TOKEN, |text| Event::Method(text)).await?;
        require(&mut input, stop == b' ')?;
        let first = input.peek().await?;
        require(&mut input, TARGET.contains(first))?;
        let stop = input.text_until(&AFTER_TARGET, |text| Event::Target(text)).await?;
        require(&mut input, stop == b' ')?;
        input.expect_all(b"HTTP/1.").await?;
        let digit = input.next().await?;
        require(&mut input, digit.is_ascii_digit())?;
        input.emit(Event::Version(digit - b'0'));
        input.expect_all(CRLF).await?;
        fields(&mut input, limits.fields).await
    }

    async fn fields(input: &mut Input<'_, Http>, mut left: u32) -> Result<(), Failure> {
        loop {
            match input.peek().await? {
                b'\r' => return input.expect_all(CRLF).await,
                _ if left == 0 => return Err(input.fail(ErrorKind::TooLong)),
                first => require(input, TOKEN.contains(first))?,
            }
            left -= 1;
            let stop = input.text_until(&AFTER_TOKEN, |text| Event::Name(text)).await?;
            require(input, stop == b':')?;
            while input.next_if(is_blank).await?.is_some() {}
            let stop = input.text_until(&AFTER_VALUE, |text| Event::Value(text)).await?;
            require(input, stop == b'\r')?;
            input.expect(b'\n').await?;
            input.emit(Event::FieldEnd);
        }
    }

    async fn body(input: &mut Input<'_, Http>, limits: Limits) -> Result<(), Failure> {
        let mut extensions = limits.extensions;
        loop {
            let mut size = Size::default();
            while size.add(input.peek().await?).map_err(|kind| input.fail(kind))? {
                input.next().await?;
            }
            if input.peek().await? != b'\r' {
                extensions -= extension(input, extensions).await?;
            }
            input.expect_all(CRLF).await?;
            if size.value == 0 {
                return fields(&mut input.at_most(limits.head), limits.fields).await;
            }
            let mut left = size.value;
            while left > 0 {
                left -= input.take_text(at_once(left), |text| Event::Data(text)).await? as u64;
            }
            input.expect_all(CRLF).await?;
        }
    }

    /// Returns the length.
    async fn extension(input: &mut Input<'_, Http>, most: u64) -> Result<u64, Failure> {
        let start = input.offset();
        // And the byte that ends it.
        let mut input = input.at_most(most.saturating_add(1));
        while input.next_if(is_blank).await?.is_some() {}
        input.expect(b';').await?;
        input.text_while(VALUE, |text| Event::Extension(text)).await?;
        Ok(input.offset() - start)
    }

    /// Fails at the byte that was read last if it is wrong.
    fn require(input: &mut Input<'_, Http>, is_right: bool) -> Result<(), Failure> {
        if is_right { Ok(()) } else { Err(input.fail(ErrorKind::UnexpectedByte)) }
    }
}

/// The bytes that one read can take.
fn at_once(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
