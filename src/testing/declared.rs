//! Declarations, which make a parser exempt from laws.

use super::candidate::Declared;
use super::harness::Harness;

/// # Declarations
/// Each holds for the parser added last, and panics if no parser was added yet.
impl<R> Harness<'_, R> {
    /// Declares that the parser may succeed without consuming anything, say because the part that it
    /// reads is optional. It is then exempt from [`Law::Empty`](super::Law::Empty).
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::testing::{self, Harness, Law};
    /// use pushdown::{End, Failure};
    ///
    /// async fn spaces(input: &mut Input<'_>) -> Result<(), Failure> {
    ///     loop {
    ///         match input.next_if(|byte| byte == b' ').await {
    ///             Ok(Some(_)) => {}
    ///             Ok(None) | Err(End::Finished) => return Ok(()),
    ///             Err(end) => return Err(end.into()),
    ///         }
    ///     }
    /// }
    ///
    /// let spaces = || Parser::new(spaces);
    /// let harness = Harness::new(testing::no_events).parser("spaces", spaces);
    /// assert_eq!(harness.check(b"x").unwrap_err().law(), Law::Empty);
    /// harness.may_be_empty().check(b"x")?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn may_be_empty(self) -> Self {
        self.declare(|declared| declared.may_be_empty = true)
    }

    /// Declares that the parser has to see the byte behind its value, as one for numbers of JSON must. It
    /// is then exempt from [`Law::Lookahead`](super::Law::Lookahead).
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::testing::{self, Harness, Law};
    /// use pushdown::{End, ErrorKind, Failure};
    ///
    /// async fn digits(input: &mut Input<'_>) -> Result<(), Failure> {
    ///     let mut digits = 0;
    ///     loop {
    ///         match input.next_if(|byte| byte.is_ascii_digit()).await {
    ///             Ok(Some(_)) => digits += 1,
    ///             Ok(None) | Err(End::Finished) if digits > 0 => return Ok(()),
    ///             Ok(None) => return Err(input.fail(ErrorKind::UnexpectedByte)),
    ///             Err(end) => return Err(end.into()),
    ///         }
    ///     }
    /// }
    ///
    /// let harness = Harness::new(testing::no_events).parser("digits", || Parser::new(digits));
    /// assert_eq!(harness.check(b"42,").unwrap_err().law(), Law::Lookahead);
    /// harness.looks_ahead().check(b"42,")?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn looks_ahead(self) -> Self {
        self.declare(|declared| declared.looks_ahead = true)
    }

    /// Declares that the last byte of a value may be any, because the value ends by its length. The parser
    /// is then exempt from [`Law::Late`](super::Law::Late).
    ///
    /// ```
    /// use pushdown::engine::stackless::{Input, Parser};
    /// use pushdown::testing::{self, Harness, Law};
    ///
    /// let two_bytes = || {
    ///     Parser::new(async |input: &mut Input<'_>| {
    ///         input.next().await?;
    ///         input.next().await?;
    ///         Ok(())
    ///     })
    /// };
    /// let harness = Harness::new(testing::no_events).parser("two bytes", two_bytes);
    /// assert_eq!(harness.check(b"abc").unwrap_err().law(), Law::Late);
    /// harness.ends_with_any_byte().check(b"abc")?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn ends_with_any_byte(self) -> Self {
        self.declare(|declared| declared.ends_with_any_byte = true)
    }

    /// Declares that the parser may accept the end of the input and have no output, because its format
    /// discards a value that is not complete. It is then exempt from [`Law::Output`](super::Law::Output) there.
    ///
    /// ```
    /// use pushdown::sse::Messages;
    /// use pushdown::testing::{self, Harness, Law};
    ///
    /// let harness = Harness::new(testing::no_events).parser("messages", Messages::new);
    /// assert_eq!(harness.check(b"data: no end").unwrap_err().law(), Law::Output);
    /// harness.may_discard().check(b"data: no end")?;
    /// # Ok::<(), pushdown::testing::Violation>(())
    /// ```
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn may_discard(self) -> Self {
        self.declare(|declared| declared.may_discard = true)
    }

    /// Declares that only the verdict and the events of the parser count: its status after each prefix,
    /// accepted or refused at the end of the input, and what it has reported. For parsers that keep no
    /// offsets, such as [foreign](Self::foreign) ones.
    ///
    /// It is fed no empty chunk, and nothing after its end. It is not reset, and not fed without a
    /// sink, with one that pauses, or by characters. Other parsers are compared with it as loosely.
    ///
    /// # Panics
    /// If no parser was added yet.
    pub fn loose(self) -> Self {
        self.declare(|declared| declared.loose = true)
    }

    fn declare(mut self, declare: impl FnOnce(&mut Declared)) -> Self {
        let last = self.candidates.last_mut();
        declare(&mut last.expect("a parser was added").declared);
        self
    }
}
