//! The work of a parser, and its limit.

/// Bytes that may be inspected for each byte fed: a parser may look at a byte before it consumes
/// it.
pub(super) const WORK_PER_BYTE: u64 = 2;

/// More bytes that may be inspected for each event and for each call: those past the stop of one
/// scan.
pub(super) const WORK_PER_EVENT: u64 = crate::scan::MAX_LOOKAHEAD as u64;

/// A parser that counts the bytes it inspects.
///
/// With the count the harness checks that the work is linear: at most two bytes inspected for each
/// byte fed, and [`MAX_LOOKAHEAD`](crate::scan::MAX_LOOKAHEAD) more for each event and each call.
///
/// The parsers of every engine count while the feature `testing` is on. For a parser of your own:
///
/// ```
/// use pushdown::testing::{self, Harness, Law, Work};
/// use pushdown::{Error, EventSink, Progress, PushParser, State};
///
/// /// Consumes everything, and reads it a thousand times.
/// #[derive(Default)]
/// struct Thorough {
///     state: State,
///     work: u64,
/// }
///
/// impl PushParser for Thorough {
///     type Events = ();
///     type Output = ();
///     fn feed_dyn(&mut self, chunk: &[u8], _: &mut EventSink<'_, ()>) -> Progress {
///         self.work += 1000 * chunk.len() as u64;
///         self.state.feed(chunk, |state| state.need_more(chunk.len()))
///     }
///     // …
/// #   fn finish_dyn(&mut self, _: &mut EventSink<'_, ()>) -> Result<(), Error> { self.state.finish() }
/// #   fn state(&self) -> &State { &self.state }
/// #   fn reset_at(&mut self, offset: u64) { self.state = State::at(offset) }
/// #   fn take_output(&mut self) -> Option<()> { None }
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
    /// Returns the number of bytes inspected so far. A byte that was inspected twice counts twice.
    ///
    /// Only differences are used, and never across a reset.
    fn work(&self) -> u64;

    /// Returns the number of steps made so far, if there can be several for a byte: transitions of a
    /// machine, polls of a future inside another.
    ///
    /// [`Harness::check_depth`](super::Harness::check_depth) adds them to the bytes. A parser that is
    /// resumed once for a chunk, wherever it stands, needs no count of its own.
    fn steps(&self) -> u64 {
        0
    }
}
