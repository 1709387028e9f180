//! Requests: what a head says about the body that follows it.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::mem;

use pushdown::io::{ReadError, parse_with};
use pushdown::{DynParser, ErrorKind, PushParser};

use crate::parsers::{Event, Http, Limits, coroutine, machine, stackless};

/// A request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    /// The digit after `HTTP/1.`.
    pub(crate) version: u8,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    /// The fields behind a chunked body.
    pub(crate) trailers: Fields,
}

/// Fields, collected from their pieces.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fields {
    pub(crate) list: Vec<(Vec<u8>, Vec<u8>)>,
    /// The field whose pieces are arriving.
    next: (Vec<u8>, Vec<u8>),
}

impl Fields {
    fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Name(text) => self.next.0.extend(text),
            Event::Value(text) => self.next.1.extend(text),
            Event::FieldEnd => {
                let (name, mut value) = mem::take(&mut self.next);
                value.truncate(value.trim_ascii_end().len());
                self.list.push((name, value));
            }
            _ => {}
        }
    }

    /// The values of the fields of this name, in order.
    fn values(&self, name: &[u8]) -> impl Iterator<Item = &[u8]> {
        let named = self.list.iter().filter(move |field| field.0.eq_ignore_ascii_case(name));
        named.map(|field| &field.1[..])
    }
}

/// The end of a body.
enum Framing {
    Length(u64),
    Chunked,
}

impl Request {
    fn add(&mut self, event: Event<'_>) {
        match event {
            Event::Method(text) => self.method.extend(text),
            Event::Target(text) => self.target.extend(text),
            Event::Version(digit) => self.version = digit,
            field => self.fields.add(field),
        }
    }

    /// Decides where the body ends: RFC 9112, section 6.3. What another server might decide otherwise
    /// is an error.
    fn framing(&self) -> Result<Framing, Error> {
        let lengths: Vec<&[u8]> = self.fields.values(b"content-length").collect();
        let codings: Vec<&[u8]> = self
            .fields
            .values(b"transfer-encoding")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii)
            .collect();
        let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
        match (&lengths[..], codings.split_last()) {
            ([], None) => Ok(Framing::Length(0)),
            ([length], None) if length.iter().all(u8::is_ascii_digit) => {
                let length = str::from_utf8(length).ok().and_then(|length| length.parse().ok());
                length.map(Framing::Length).ok_or(Error::Framing("bad Content-Length"))
            }
            (_, None) => Err(Error::Framing("bad Content-Length")),
            ([_, ..], Some(_)) => Err(Error::Framing("both Content-Length and Transfer-Encoding")),
            ([], Some((last, before)))
                if self.version > 0 && is_chunked(last) && !before.iter().any(is_chunked) =>
            {
                Ok(Framing::Chunked)
            }
            ([], Some(_)) => Err(Error::Framing("bad Transfer-Encoding")),
        }
    }
}

/// The parsers of a connection, in one engine.
pub(crate) struct Parsers {
    head: Box<DynParser<'static, Http>>,
    body: Box<DynParser<'static, Http>>,
}

impl Parsers {
    pub(crate) const ENGINES: [&'static str; 3] = ["machine", "coroutine", "stackless"];

    /// Creates the parsers of one of the [`ENGINES`](Self::ENGINES).
    pub(crate) fn new(engine: &str, limits: Limits) -> Option<Self> {
        Some(match engine {
            "machine" => Self::of(machine::head_parser(limits), machine::body_parser(limits)),
            "coroutine" => Self::of(coroutine::head_parser(limits), coroutine::body_parser(limits)),
            "stackless" => Self::of(stackless::head_parser(limits), stackless::body_parser(limits)),
            _ => return None,
        })
    }

    fn of(
        head: impl PushParser<Events = Http, Output = ()> + 'static,
        body: impl PushParser<Events = Http, Output = ()> + 'static,
    ) -> Self {
        Self { head: Box::new(head), body: Box::new(body) }
    }

    /// Reads a request, or `None` at the end of the connection. Offsets are counted on from request
    /// to request.
    pub(crate) fn read(&mut self, reader: &mut impl BufRead) -> Result<Option<Request>, Error> {
        let mut request = Request::default();
        self.head.next_value();
        match parse_with(reader, &mut self.head, |event| request.add(event)) {
            Err(ReadError::Parse(error))
                if error.kind == ErrorKind::UnexpectedEnd && !self.head.has_begun() =>
            {
                return Ok(None);
            }
            parsed => parsed?,
        }
        let start = self.head.offset();
        let end = match request.framing()? {
            Framing::Length(length) => {
                let copied = io::copy(&mut reader.take(length), &mut request.body)?;
                if copied < length {
                    let error = pushdown::Error::new(ErrorKind::UnexpectedEnd, start + copied);
                    return Err(ReadError::from(error).into());
                }
                start + length
            }
            Framing::Chunked => {
                self.body.reset_at(start);
                let Request { body, trailers, .. } = &mut request;
                parse_with(reader, &mut self.body, |event| match event {
                    Event::Data(text) => body.extend(text),
                    field => trailers.add(field),
                })?;
                self.body.offset()
            }
        };
        self.head.reset_at(end);
        Ok(Some(request))
    }
}

/// The reason why there is no further request.
#[derive(Debug)]
pub(crate) enum Error {
    Read(ReadError),
    /// The head does not say, or says twice, where its body ends.
    Framing(&'static str),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Read(error.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::Framing(reason) => f.write_str(reason),
        }
    }
}
