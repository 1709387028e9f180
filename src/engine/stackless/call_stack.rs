//! The call stack of `async` bodies: each [nested](super::Input::nested) call gets a frame on the heap.
//!
//! ```text
//!   frames, from the root up            arena: blocks that are filled in order and kept
//!  ┌──────────┐   ┌─────────┐
//!  │ root     │   │ group   │──┐         block 0 [ group │ group │ …   ]
//!  │  nested ─┼──►│  nested ┼──┼──► …    block 1 [ group │ at ──►       ]
//!  └──────────┘   └─────────┘  │
//!    in the task    frame 1    └ below
//! ```
//!
//! The caller of `nested` owns a [`Nested`](super::nested::Nested), and that owns the frame above it.
//! The driver polls the frame on top, and the one below it when that has ended. So a resume costs the
//! same at any depth, and neither running nor dropping a deep stack recurses.
//!
//! # The invariants
//! The numbers go on where those of `port/mod.rs` end. After each: the test that fails without it, in
//! `tests/nested/attacks.rs`.
//!
//! * **I9. A frame is on the stack only while the `Nested` that owns it is pinned inside the memory of
//!   a future below it, and has not been dropped.** [`CallStack::is_inline`] compares addresses: the
//!   `Nested` lies in the memory of the future that is being polled. A pinned value cannot be
//!   forgotten without forgetting the memory it lies in. Here that is the memory of the future below,
//!   in a frame of the arena or in the task itself; both run its destructor before the memory is used
//!   again (the drop guarantee of [`Pin`](core::pin)). That destructor drops the `Nested`, which drops
//!   its frame. So whatever the callee borrows from its caller is alive whenever the callee is polled
//!   or dropped. A `Nested` that is pinned anywhere else, in a box for instance, can be forgotten; it
//!   never gets a frame. (`a_boxed_call_that_is_forgotten_is_not_polled_again`)
//! * **I10. Frames are dropped from the top down.** Each is unlinked first, and its memory is free after
//!   its destructor has run. Meanwhile `polled` is [`NOTHING`], so no destructor gets a frame. A frame
//!   that ends drops its future, and with it the frames above, before it is unlinked.
//!   (`a_body_that_is_ready_with_a_call_inside_drops_the_call`, and `drops.rs`)
//! * **I11. A frame is recognised by its number, never by its address.** The arena uses memory again.
//!   (`an_owner_whose_frame_is_gone_takes_no_output`)
//! * **I12. Only a frame that is [`Stage::Live`] is polled.**
//!   (`a_call_beside_another_that_has_ended_stalls`)

use core::alloc::Layout;
use core::cell::Cell;
use core::mem::{ManuallyDrop, offset_of};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

use super::arena::{Arena, Mark};

/// The most calls that are polled on top of one another on the thread's stack. A deeper one is polled by
/// the driver, which costs a return to it; a call that is polled in place costs none.
const MAX_IN_PLACE: u32 = 16;

/// The most calls without a frame that are polled on top of one another on the thread's stack.
const MAX_BOXED: u32 = 64;

/// Where the root future lies, seen from the port.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) offset: usize,
    pub(super) size: usize,
}

/// The frames of one task.
pub(super) struct CallStack {
    top: Cell<*mut Frame>,
    /// The frame whose future is being polled; null for the root.
    polled: Cell<*mut Frame>,
    /// Calls under way, with a frame or without.
    depth: Cell<u32>,
    /// Calls being polled on the thread's stack.
    in_place: Cell<u32>,
    next_number: Cell<u64>,
    arena: Arena,
}

/// Stands in [`CallStack::polled`] while no future of the task is being polled.
const NOTHING: *mut Frame = ptr::dangling_mut();

/// The head of a frame; the future or its output follow.
struct Frame {
    below: *mut Frame,
    table: &'static Table,
    /// The arena before the frame was pushed.
    mark: Mark,
    level: u32,
    number: u64,
    stage: Cell<Stage>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The content is a future that has not ended.
    Live,
    /// The content is what the future returned.
    Done,
    /// The content has been moved out or dropped, or is being dropped.
    Empty,
}

/// Access to a frame's future where its type is not known.
struct Table {
    /// Polls the future. True if it has ended, and its output has taken its place.
    poll: unsafe fn(*mut Frame, &mut Context<'_>) -> bool,
    /// Drops the content.
    drop: unsafe fn(*mut Frame, Stage),
    /// Where the future lies, seen from the frame.
    offset: usize,
    size: usize,
}

#[repr(C)]
struct Whole<F: Future> {
    frame: Frame,
    content: Content<F>,
}

union Content<F: Future> {
    future: ManuallyDrop<F>,
    output: ManuallyDrop<F::Output>,
}

/// The owner's end of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handle {
    level: u32,
    number: u64,
}

/// The next future to poll.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Root,
    Frame(FramePtr),
    /// The frame on top has ended, and its owner, which has to take the output, cannot be polled.
    Stuck,
}

/// A frame that is on the stack.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FramePtr(*mut Frame);

impl<F: Future> Whole<F> {
    const TABLE: &'static Table = &Table {
        poll: Self::poll,
        drop: Self::drop_content,
        offset: offset_of!(Self, content),
        size: size_of::<F>(),
    };

    /// # Safety
    /// `frame` is the head of a live `Whole<F>` on the stack.
    unsafe fn poll(frame: *mut Frame, cx: &mut Context<'_>) -> bool {
        let whole = frame.cast::<Self>();
        // SAFETY: upheld by the caller; a future stays where it is until it is dropped.
        let future = unsafe { Pin::new_unchecked(&mut *(*whole).content.future) };
        let Poll::Ready(output) = future.poll(cx) else { return false };
        // SAFETY: upheld by the caller. The future is not used again.
        unsafe { Self::drop_future(whole) };
        // SAFETY: upheld by the caller; the content is empty.
        unsafe {
            (*whole).content.output = ManuallyDrop::new(output);
            (*frame).stage.set(Stage::Done);
        }
        true
    }

    /// Drops the future of a frame that stays on the stack.
    ///
    /// # Safety
    /// `whole` is a live frame on the stack.
    unsafe fn drop_future(whole: *mut Self) {
        // SAFETY: upheld by the caller. The stage changes first, so that a destructor that panics does
        // not run twice.
        unsafe {
            (*whole).frame.stage.set(Stage::Empty);
            ManuallyDrop::drop(&mut (*whole).content.future);
        }
    }

    /// # Safety
    /// `frame` is the head of a `Whole<F>` that was at this stage, and is not used again.
    unsafe fn drop_content(frame: *mut Frame, stage: Stage) {
        let whole = frame.cast::<Self>();
        match stage {
            // SAFETY: upheld by the caller.
            Stage::Live => unsafe { ManuallyDrop::drop(&mut (*whole).content.future) },
            // SAFETY: upheld by the caller.
            Stage::Done => unsafe { ManuallyDrop::drop(&mut (*whole).content.output) },
            Stage::Empty => {}
        }
    }
}

impl CallStack {
    pub(super) fn new() -> Self {
        Self {
            top: Cell::new(ptr::null_mut()),
            polled: Cell::new(ptr::null_mut()),
            depth: Cell::new(0),
            in_place: Cell::new(0),
            next_number: Cell::new(0),
            arena: Arena::new(),
        }
    }

    /// Counts a call in, unless there are as many already. Each is counted out by [`exit`](Self::exit).
    pub(super) fn enter(&self, max_depth: u32) -> bool {
        let may = self.depth.get() < max_depth;
        if may {
            self.depth.set(self.depth.get() + 1);
        }
        may
    }

    pub(super) fn exit(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }

    /// A run begins: a call of an earlier one that was forgotten counts no more.
    pub(super) fn begin(&self) {
        self.depth.set(0);
    }

    /// Returns `true` for an address inside the future that is being polled (I9). `root` is the address
    /// and the size of the root future.
    pub(super) fn is_inline(&self, root: (usize, usize), address: usize) -> bool {
        let polled = self.polled.get();
        let (start, size) = if polled.is_null() {
            root
        } else if polled == NOTHING {
            return false;
        } else {
            // SAFETY: a frame is popped only after `polled` has moved on from it.
            let table = unsafe { (*polled).table };
            (polled.addr() + table.offset, table.size)
        };
        address.wrapping_sub(start) < size
    }

    /// Pushes a frame.
    ///
    /// # Safety
    /// I9: the caller is a `Nested` that [is inline](Self::is_inline). It pops the frame when it is
    /// dropped.
    pub(super) unsafe fn push<F: Future>(&self, future: F) -> Handle {
        let below = self.top.get();
        let (memory, mark) = self.arena.alloc(Layout::new::<Whole<F>>());
        // SAFETY: frames on the stack are alive.
        let level = if below.is_null() { 1 } else { 1 + unsafe { (*below).level } };
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        let stage = Cell::new(Stage::Live);
        let frame = Frame { below, table: Whole::<F>::TABLE, mark, level, number, stage };
        let content = Content { future: ManuallyDrop::new(future) };
        // SAFETY: the arena has just given out memory for it.
        unsafe { memory.cast::<Whole<F>>().write(Whole { frame, content }) };
        self.top.set(memory.cast());
        Handle { level, number }
    }

    /// Polls the frame that was just pushed from where it was called, unless too many are being
    /// polled so. `None` leaves it to the driver.
    pub(super) fn poll_in_place<F: Future>(
        &self,
        handle: Handle,
        cx: &mut Context<'_>,
    ) -> Option<Poll<F::Output>> {
        if self.in_place.get() >= MAX_IN_PLACE {
            return None;
        }
        let frame = self.top.get();
        debug_assert_eq!(self.number(frame), Some(handle.number));
        let whole = frame.cast::<Whole<F>>();
        let poll = {
            let _polling = Polling::new(self, frame, self.in_place.get() + 1);
            // SAFETY: it was just pushed with this type, is live, and stays where it is.
            unsafe { Pin::new_unchecked(&mut *(*whole).content.future) }.poll(cx)
        };
        let Poll::Ready(output) = poll else { return Some(Poll::Pending) };
        // The future may still own calls above it, so it is dropped before the frame is unlinked.
        // SAFETY: as above.
        unsafe { Whole::drop_future(whole) };
        assert_eq!(self.top.get(), frame, "the calls of a future end with it");
        self.pop();
        Some(Poll::Ready(output))
    }

    /// Returns `true` if a call without a frame may be polled on top of those that are.
    pub(super) fn may_poll_boxed(&self) -> bool {
        self.in_place.get() < MAX_BOXED
    }

    /// Polls a call without a frame.
    pub(super) fn poll_boxed<T>(&self, poll: impl FnOnce() -> T) -> T {
        let _polling = Polling::new(self, self.polled.get(), self.in_place.get() + 1);
        poll()
    }

    /// Takes the output of a frame, if it is on top and has ended (I11).
    ///
    /// # Safety
    /// The frame was pushed with this type.
    pub(super) unsafe fn take_output<F: Future>(&self, handle: Handle) -> Option<F::Output> {
        let frame = self.top.get();
        if self.number(frame) != Some(handle.number) {
            return None;
        }
        let whole = frame.cast::<Whole<F>>();
        // SAFETY: frames on the stack are alive.
        let stage = unsafe { &(*frame).stage };
        if stage.get() != Stage::Done {
            return None;
        }
        stage.set(Stage::Empty);
        // SAFETY: numbers are unique, so the frame is the one that was pushed with this type.
        let output = unsafe { ManuallyDrop::take(&mut (*whole).content.output) };
        self.pop();
        Some(output)
    }

    /// Drops a frame and all above it. Does nothing if the frame is gone.
    pub(super) fn drop_frame(&self, handle: Handle) {
        let mut frame = self.top.get();
        // SAFETY: frames on the stack are alive.
        while !frame.is_null() && unsafe { (*frame).level } > handle.level {
            // SAFETY: as above.
            frame = unsafe { (*frame).below };
        }
        if self.number(frame) == Some(handle.number) {
            self.unwind_to(handle.level);
        }
    }

    pub(super) fn next(&self) -> Next {
        let top = self.top.get();
        if top.is_null() {
            return Next::Root;
        }
        // SAFETY: frames on the stack are alive.
        let (stage, below) = unsafe { ((*top).stage.get(), (*top).below) };
        match stage {
            Stage::Live => Next::Frame(FramePtr(top)),
            Stage::Done if below.is_null() => Next::Root,
            // SAFETY: as above.
            Stage::Done if unsafe { (*below).stage.get() } == Stage::Live => {
                Next::Frame(FramePtr(below))
            }
            Stage::Done | Stage::Empty => Next::Stuck,
        }
    }

    /// Polls the frame that [`next`](Self::next) has just named. True if it has ended.
    pub(super) fn poll(&self, frame: &FramePtr, cx: &mut Context<'_>) -> bool {
        let _polling = Polling::new(self, frame.0, 0);
        // SAFETY: it is on the stack, and live (I12).
        unsafe { ((*frame.0).table.poll)(frame.0, cx) }
    }

    /// The number of a frame on the stack.
    fn number(&self, frame: *mut Frame) -> Option<u64> {
        // SAFETY: frames on the stack are alive.
        (!frame.is_null()).then(|| unsafe { (*frame).number })
    }

    /// Unlinks the frame on top, which is empty, and frees its memory.
    fn pop(&self) {
        let top = self.top.get();
        // SAFETY: frames on the stack are alive.
        let (below, mark) = unsafe { ((*top).below, (*top).mark) };
        self.top.set(below);
        self.arena.free(mark);
    }

    /// Drops all frames from this level on, from the top down (I10).
    fn unwind_to(&self, level: u32) {
        let _polling = Polling::new(self, NOTHING, self.in_place.get());
        let unwinding = Unwinding { calls: self, level };
        unwinding.run();
    }
}

/// Frames being dropped. If a destructor panics, the rest are still dropped.
struct Unwinding<'a> {
    calls: &'a CallStack,
    level: u32,
}

impl Unwinding<'_> {
    fn run(&self) {
        /// Frees a frame's memory even if its destructor panics.
        struct Free<'a>(&'a Arena, Mark);

        impl Drop for Free<'_> {
            fn drop(&mut self) {
                self.0.free(self.1);
            }
        }

        loop {
            let top = self.calls.top.get();
            // SAFETY: frames on the stack are alive.
            if top.is_null() || unsafe { (*top).level } < self.level {
                return;
            }
            // SAFETY: as above.
            let Frame { below, table, mark, ref stage, .. } = *unsafe { &*top };
            self.calls.top.set(below);
            let _free = Free(&self.calls.arena, mark);
            // SAFETY: it was at this stage, and is no longer on the stack.
            unsafe { (table.drop)(top, stage.replace(Stage::Empty)) };
        }
    }
}

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        self.run();
    }
}

/// While this is there no call gets a frame: the root future is being dropped.
pub(super) struct NoFrames<'a> {
    _polling: Polling<'a>,
}

impl<'a> NoFrames<'a> {
    pub(super) fn new(calls: &'a CallStack) -> Self {
        Self { _polling: Polling::new(calls, NOTHING, 0) }
    }
}

/// A frame being polled. The one polled before is restored even if this one panics.
struct Polling<'a> {
    calls: &'a CallStack,
    before: (*mut Frame, u32),
}

impl<'a> Polling<'a> {
    fn new(calls: &'a CallStack, frame: *mut Frame, in_place: u32) -> Self {
        Self { calls, before: (calls.polled.replace(frame), calls.in_place.replace(in_place)) }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        self.calls.polled.set(self.before.0);
        self.calls.in_place.set(self.before.1);
    }
}
