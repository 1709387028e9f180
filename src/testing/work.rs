//! How much a parser has looked at.

/// How many bytes may be inspected for each byte fed.
pub const WORK_PER_BYTE: u64 = 2;

/// How many more bytes may be inspected for each event and for each call.
pub const WORK_PER_EVENT: u64 = 64;

/// A parser that counts the bytes it inspects.
///
/// That is how the harness finds out whether its work is linear: whether it keeps to
/// [`WORK_PER_BYTE`] and [`WORK_PER_EVENT`].
///
/// Every engine's parser does so while the feature `testing` is on. For one of your own:
///
/// ```
/// use pushdown::testing::{self, Harness, Law, Work};
/// use pushdown::{Error, EventSink, Progress, PushParser, State};
///
/// /// Consumes all that it is fed, and reads it a thousand times.
/// #[derive(Default)]
/// struct Thorough {
///     state: State,
///     work: u64,
/// }
///
/// impl PushParser for Thorough {
///     type Events = ();
///     fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
///         self.work += 1000 * chunk.len() as u64;
///         self.state.feed(chunk, |state| state.need_more(chunk.len()))
///     }
///     // …
/// #   fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> { self.state.finish() }
/// #   fn state(&self) -> &State { &self.state }
/// #   fn reset_at(&mut self, offset: u64) { self.state = State::at(offset) }
/// }
///
/// impl Work for Thorough {
///     fn work(&self) -> u64 {
///         self.work
///     }
/// }
///
/// let harness = Harness::new(testing::no_events).with_work("thorough", Thorough::default);
/// assert_eq!(harness.check(b"abc").unwrap_err().law(), Law::Work);
/// ```
pub trait Work {
    /// How many bytes the parser has inspected: a byte that was inspected twice counts twice.
    ///
    /// Only differences matter, and no difference is taken across a reset.
    fn work(&self) -> u64;
}
