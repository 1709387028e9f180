//! Joins pieces into whole texts: [`Joiner`].

use alloc::string::String;

use super::DEFAULT_MAX_LEN;
use crate::error::ErrorKind;
use crate::text::Text;

/// Joins the pieces of a text.
///
/// A text that comes whole is passed through without a copy. One joiner serves all keys and strings of
/// a document, one after the other. It holds at most 16 MiB, or as [`max_len`](Self::max_len) says.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::json::{Event, Joiner, Machine};
///
/// let (mut joiner, mut texts) = (Joiner::new(), Vec::new());
/// let mut parser = Machine::new();
/// for chunk in [&br#"["came whole", "came in "#[..], br#"p\u0069eces"]"#] {
///     let (_, result) = parser.try_feed_with(chunk, |event| {
///         if let Event::String(piece) = event {
///             texts.extend(joiner.join(piece)?.map(String::from));
///         }
///         Ok::<_, pushdown::ErrorKind>(())
///     });
///     assert_eq!(result, Ok(()));
/// }
/// assert_eq!(texts, ["came whole", "came in pieces"]);
/// ```
#[derive(Clone, Debug)]
pub struct Joiner {
    /// The text so far. After its end it stays until the next text that is cut.
    buffer: String,
    state: State,
    max_len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The next piece begins a text.
    Between,
    /// In the middle of a text.
    Inside,
    /// In the middle of a text that is too long.
    TooLong,
}

impl Joiner {
    /// Creates a joiner. It allocates when a text is cut.
    pub const fn new() -> Self {
        Self { buffer: String::new(), state: State::Between, max_len: DEFAULT_MAX_LEN }
    }

    /// Limits the bytes of a text.
    #[must_use]
    pub fn max_len(self, bytes: usize) -> Self {
        Self { max_len: bytes, ..self }
    }

    /// Takes the next piece. Returns the text with its last piece, before that `None`.
    ///
    /// # Errors
    /// [`ErrorKind::TooLong`] if the text is longer than the limit, whether it is cut or not, and again
    /// for every further piece of it. The next text is not affected.
    #[inline]
    pub fn join<'t>(&'t mut self, piece: Text<'t>) -> Result<Option<&'t str>, ErrorKind> {
        if self.state == State::Between && !piece.more && piece.text.len() <= self.max_len {
            return Ok(Some(piece.text));
        }
        self.append(piece)
    }

    /// Forgets the pieces of a text whose end will not come, because its parser has failed.
    pub fn clear(&mut self) {
        self.state = State::Between;
    }

    fn append(&mut self, piece: Text<'_>) -> Result<Option<&str>, ErrorKind> {
        if self.state == State::Between {
            self.buffer.clear();
        }
        let fits = self.state != State::TooLong
            && piece.text.len() <= self.max_len.saturating_sub(self.buffer.len());
        self.state = match (piece.more, fits) {
            (false, _) => State::Between,
            (true, true) => State::Inside,
            (true, false) => State::TooLong,
        };
        if !fits {
            return Err(ErrorKind::TooLong);
        }
        self.buffer.push_str(piece.text);
        Ok((!piece.more).then_some(&self.buffer))
    }
}

impl Default for Joiner {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str) -> Text<'_> {
        Text { text, more: true }
    }

    fn last(text: &str) -> Text<'_> {
        Text { text, more: false }
    }

    #[test]
    fn a_whole_text_is_the_slice_that_came() {
        let text = String::from("text");
        let mut joiner = Joiner::new();
        let joined = joiner.join(last(&text)).unwrap().unwrap();
        assert_eq!(joined.as_ptr(), text.as_ptr());
        assert_eq!(joiner.buffer.capacity(), 0);
    }

    #[test]
    fn the_pieces_of_one_text_do_not_reach_the_next() {
        let mut joiner = Joiner::new();
        assert_eq!(joiner.join(piece("a")), Ok(None));
        assert_eq!(joiner.join(piece("b")), Ok(None));
        assert_eq!(joiner.join(last("")), Ok(Some("ab")));
        assert_eq!(joiner.join(last("")), Ok(Some("")));
        assert_eq!(joiner.join(piece("c")), Ok(None));
        assert_eq!(joiner.join(last("d")), Ok(Some("cd")));
    }

    #[test]
    fn a_text_is_too_long_at_the_same_length_whole_and_in_pieces() {
        let mut joiner = Joiner::new().max_len(3);
        assert_eq!(joiner.join(last("abc")), Ok(Some("abc")));
        assert_eq!(joiner.join(last("abcd")), Err(ErrorKind::TooLong));
        assert_eq!(joiner.join(piece("abc")), Ok(None));
        assert_eq!(joiner.join(last("")), Ok(Some("abc")));
        assert_eq!(joiner.join(piece("ab")), Ok(None));
        assert_eq!(joiner.join(piece("cd")), Err(ErrorKind::TooLong));
        assert_eq!(joiner.join(piece("e")), Err(ErrorKind::TooLong));
        assert_eq!(joiner.join(last("")), Err(ErrorKind::TooLong));
        assert_eq!(joiner.join(last("abc")), Ok(Some("abc")));
    }

    #[test]
    fn a_text_too_long_is_not_held() {
        let mut joiner = Joiner::new().max_len(8);
        for _ in 0..1_000 {
            let _ = joiner.join(piece("0123"));
        }
        assert!(joiner.buffer.capacity() <= 16, "{}", joiner.buffer.capacity());
    }

    #[test]
    fn a_cleared_joiner_begins_a_new_text() {
        let mut joiner = Joiner::new();
        assert_eq!(joiner.join(piece("lost")), Ok(None));
        joiner.clear();
        assert_eq!(joiner.join(piece("new")), Ok(None));
        assert_eq!(joiner.join(last(".")), Ok(Some("new.")));
    }
}
