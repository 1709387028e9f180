//! The protocol trait: everything the multiplexer knows about messages.

/// The part that a received message plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It answers a request.
    Reply,
    /// It belongs to the answer of a request whose [`Reply`](Self::Reply) is still to come. It is dropped.
    Interim,
    /// It answers no request. It is delivered to [`Unsolicited`](super::Unsolicited).
    Unsolicited,
    /// It shows that the peer has broken the protocol, so that no message can be trusted any more. The
    /// connection ends, and the message reaches no caller.
    Violation,
}

/// A protocol in which each request carries a tag, and its reply carries the same tag.
///
/// ```
/// use pushdown_patterns::mux::Protocol;
///
/// /// Lines that start with a letter: `a What time is it?`, `a Noon`.
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
/// # Where user code runs
/// The connection's task calls the methods that take `&self`, one at a time and without a lock. A panic
/// there ends the connection, and every caller gets the reason. [`is_answered`](Self::is_answered) runs
/// in the caller's task, without a lock.
///
/// [`tag`](Self::tag) and the tag's `Ord`, `Clone` and `Drop` run **under the lock** that the
/// connection shares with its callers. They must neither block, nor panic, nor call the multiplexer:
/// tags are plain values such as numbers or short texts.
pub trait Protocol: Send + Sync + 'static {
    /// Tells replies apart.
    type Tag: Ord + Clone + Send + 'static;
    /// A message to send: a request or, if the protocol has them, a message without a reply.
    type Request: Send + 'static;
    /// A message received: a reply or an unsolicited message.
    type Reply: Send + 'static;

    /// Set if a call is cancelled by another call, with a tag and a reply of its own. The tag of the
    /// cancelled call is then free once that reply has come, and not before, as with 9P's `Tflush`.
    const CANCEL_IS_CALL: bool = false;

    /// Set if the peer answers in order, and the place in the order decides which request a reply belongs to.
    ///
    /// Then a tag is free when its reply has come, and not before: a place that is given up would shift all
    /// later ones. [`Options::quarantine_age`](super::Options::quarantine_age) does not apply, and
    /// [`WhenFull::Forget`](super::WhenFull::Forget) is [`WhenFull::Fail`](super::WhenFull::Fail).
    const IN_ORDER: bool = false;

    /// Returns the tag with this number, from 0, or `None` if there are no more. Runs under the lock.
    fn tag(number: u64) -> Option<Self::Tag>;

    /// Returns true if the peer answers this message, false if it does not, and `None` if the message
    /// alone does not say.
    ///
    /// A message that is answered is refused by [`send`](super::Mux::send) and
    /// [`answer`](super::Mux::answer), where its reply would belong to no call, and one that is not by
    /// [`call`](super::Mux::call), which would wait forever.
    fn is_answered(_message: &Self::Request) -> Option<bool> {
        None
    }

    /// Writes the tag into a request, which is sent next.
    fn set_tag(&self, request: &mut Self::Request, tag: &Self::Tag);

    /// Reads the tag of a reply. A reply without a tag is unexpected.
    fn read_tag(&self, reply: &Self::Reply) -> Option<Self::Tag>;

    /// Decides what a message is. By default it is a reply. Only then is it [asked](Self::read_tag) for its
    /// tag.
    fn role(&self, _message: &Self::Reply) -> Role {
        Role::Reply
    }

    /// Returns the message that tells the peer that a call was dropped, if the protocol has one.
    ///
    /// The tag of the call stays in quarantine until its reply comes, until the reply to this message
    /// comes if [that one counts](Self::CANCEL_IS_CALL), or until it comes of
    /// [age](super::Options::quarantine_age).
    fn cancel(&self, _tag: &Self::Tag) -> Option<Self::Request> {
        None
    }

    /// Takes the late reply to a dropped call, and returns a request that undoes the call if it has to
    /// be: a 9P walk that was flushed too late has made a fid, which must be clunked.
    ///
    /// The request is sent once, ahead of calls. Unless it [has no reply](Self::is_answered), it has a tag
    /// of its own, and its reply is dropped.
    fn late(&self, _tag: &Self::Tag, _reply: Self::Reply) -> Option<Self::Request> {
        None
    }
}
