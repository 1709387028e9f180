//! What the multiplexer has to know of a protocol.

/// A protocol in which each request carries a tag, and its reply the same.
///
/// ```
/// use pushdown_patterns::mux::Protocol;
///
/// /// Lines with a letter in front: `a What time is it?`, `a Noon`.
/// struct Letters;
///
/// impl Protocol for Letters {
///     type Tag = u8;
///     type Request = String;
///     type Reply = String;
///
///     fn tag(number: u64) -> Option<u8> {
///         (number < 26).then(|| b'a' + number as u8)
///     }
///
///     fn set_tag(&self, request: &mut String, tag: &u8) {
///         request.insert_str(0, &format!("{} ", char::from(*tag)));
///     }
///
///     fn read_tag(&self, reply: &String) -> Option<u8> {
///         reply.bytes().next()
///     }
/// }
/// ```
///
/// # Who calls what
/// The task of the connection calls `set_tag`, `read_tag`, `is_reply` and `cancel`, one at a time. A
/// panic there ends the connection, and every caller is told. Tags are made, compared, cloned and
/// dropped under the lock of the multiplexer: they are plain values, numbers or texts.
pub trait Protocol: Send + Sync + 'static {
    /// What replies are told apart by.
    type Tag: Ord + Clone + Send + 'static;
    /// What is sent: requests and, where the protocol has them, messages that have no reply.
    type Request: Send + 'static;
    /// What is received: replies, and whatever comes unasked.
    type Reply: Send + 'static;

    /// Whether a call is cancelled by another call, with a tag and a reply of its own. The tag of the
    /// cancelled one is then free when that reply has come, and not before, as with 9P's `Tflush`.
    const CANCEL_IS_CALL: bool = false;

    /// The tags that may be assigned, numbered from 0. `None` says that there are no more.
    fn tag(number: u64) -> Option<Self::Tag>;

    /// Marks a request.
    fn set_tag(&self, request: &mut Self::Request, tag: &Self::Tag);

    /// The tag of a reply. One without a tag is unexpected.
    fn read_tag(&self, reply: &Self::Reply) -> Option<Self::Tag>;

    /// Whether a message is a reply. What is not one is unsolicited.
    fn is_reply(&self, _message: &Self::Reply) -> bool {
        true
    }

    /// What tells the other side that a call was dropped, if there is such a message for it.
    ///
    /// The tag of the call stays in quarantine until its reply comes, until the reply to this message
    /// comes if [that is what counts](Self::CANCEL_IS_CALL), or until it comes of
    /// [age](super::Options::quarantine_age).
    fn cancel(&self, _tag: &Self::Tag) -> Option<Self::Request> {
        None
    }
}
