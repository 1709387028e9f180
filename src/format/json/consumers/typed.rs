//! One value as a type that serde reads: [`Typed`].

use core::marker::PhantomData;

use serde_core::de::DeserializeOwned;

use super::whole::{Build, Whole};
use crate::error::ErrorKind;
use crate::format::json::{Extent, Machine, Options};
use crate::parser::delegate;

/// A parser of one value, whose output is of a type that serde reads.
///
/// It is [`Raw`](super::Raw) with serde_json behind it. A value that does not fit the type is
/// [`ErrorKind::Message`] at the value's end, so the values after it can still be read; the reason is
/// [`serde_error`](Self::serde_error). So is a value that is nested more than 127 levels deep, the limit of
/// serde_json.
///
/// ```
/// use pushdown::{PushParser, json};
///
/// let mut parser = json::Typed::<Vec<u32>>::new();
/// let _ = parser.feed(b"[1, 2");
/// let _ = parser.feed(b", 3]");
/// assert_eq!(parser.take_output(), Some(vec![1, 2, 3]));
///
/// parser.next_value();
/// let _ = parser.feed(b" [1, true]");
/// let error = parser.error().unwrap();
/// assert_eq!(error.to_string(), "value of another type at offset 19, in the part that begins at 10");
/// let error = parser.serde_error().unwrap();
/// assert_eq!(error.to_string(), "invalid type: boolean `true`, expected u32 at line 1 column 8");
/// ```
///
/// # Files
/// The parser ends with the value, and what follows is left to the caller. In a file of one value that is
/// white space:
///
/// ```
/// use pushdown::json::Typed;
/// use pushdown::{PushParser, io};
///
/// fn read(mut file: impl std::io::BufRead) -> Result<Vec<u32>, Box<dyn std::error::Error>> {
///     let mut parser = Typed::new();
///     if let Err(error) = io::parse(&mut file, &mut parser) {
///         // Where there is a reason of serde, it says more.
///         let reason = parser.serde_error().map(ToString::to_string);
///         return Err(reason.unwrap_or(error.to_string()).into());
///     }
///     let mut rest = String::new();
///     file.read_to_string(&mut rest)?;
///     if !rest.trim_ascii().is_empty() {
///         return Err("more than one value".into());
///     }
///     parser.take_output().ok_or("no value".into())
/// }
/// assert_eq!(read(&b"[1, 2]\n"[..]).unwrap(), [1, 2]);
/// let cases = [("[1, 2", "unexpected end of input at offset 5"), ("[1] 2", "more than one value")];
/// for (file, error) in cases {
///     assert_eq!(read(file.as_bytes()).unwrap_err().to_string(), error);
/// }
/// ```
#[derive(Debug)]
pub struct Typed<T: DeserializeOwned>(Whole<Machine, Read<T>>);

#[derive(Debug)]
struct Read<T> {
    error: Option<serde_json::Error>,
    made: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Build for Read<T> {
    type Output = T;

    fn build(&mut self, text: &str) -> Result<T, ErrorKind> {
        serde_json::from_str(text).map_err(|error| {
            self.error = Some(error);
            ErrorKind::Message("value of another type")
        })
    }

    fn reset(&mut self) {
        self.error = None;
    }
}

impl<T: DeserializeOwned> Typed<T> {
    /// Creates a parser with the default limits.
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser with the limits of these options. Their extent is always [`Extent::Value`].
    pub fn with_options(options: Options) -> Self {
        let machine = Machine::with_options(options.extent(Extent::Value));
        Self(Whole::new(machine, Read { error: None, made: PhantomData }))
    }

    /// Limits the bytes of the value.
    #[must_use]
    pub fn max_len(self, bytes: usize) -> Self {
        Self(self.0.max_len(bytes))
    }

    /// The error of serde, if the value did not fit the type. Its line and column count from the value's
    /// first byte.
    pub fn serde_error(&self) -> Option<&serde_json::Error> {
        self.0.build.error.as_ref()
    }
}

impl<T: DeserializeOwned> Default for Typed<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned> crate::PushParser for Typed<T> {
    type Events = ();
    type Output = T;
    delegate!(self => self.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::parser::PushParser;

    #[test]
    fn serde_reads_127_levels() {
        for (levels, is_read) in [(127, true), (128, false)] {
            let text = ["[".repeat(levels), "]".repeat(levels)].concat();
            let mut parser = Typed::<serde_json::Value>::new();
            let _ = parser.feed(text.as_bytes());
            assert_eq!(parser.take_output().is_some(), is_read);
            assert_eq!(parser.offset(), text.len() as u64);
        }
    }

    #[test]
    fn the_error_of_serde_is_that_of_the_last_value() {
        let mut parser = Typed::<u8>::new();
        let _ = parser.feed(b"true");
        let message = ErrorKind::Message("value of another type");
        assert_eq!(parser.error(), Some(&Error::new(message, 4)));
        assert!(parser.serde_error().is_some());

        parser.next_value();
        assert!(parser.serde_error().is_none());
        let _ = parser.feed(b"25");
        assert_eq!(parser.finish(), Ok(()));
        assert_eq!(parser.take_output(), Some(25));

        parser.reset();
        let _ = parser.feed(b"2x");
        assert_eq!(parser.take_output(), Some(2), "a value ends before what is no part of it");
        parser.reset();
        let _ = parser.feed(b"?");
        assert_eq!(parser.error(), Some(&Error::new(ErrorKind::UnexpectedByte, 0)));
        assert!(parser.serde_error().is_none(), "this error is not serde's");
    }
}
