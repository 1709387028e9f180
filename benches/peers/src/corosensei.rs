use corosensei::Coroutine;

use crate::resumed::{Resumed, read_strings};
use crate::{Recogniser, Status};

/// corosensei by itself: a switch of stacks there and one back for every character.
pub fn corosensei() -> impl Recogniser {
    let mut coroutine = Coroutine::<char, Status, _>::new(|yielder, _| {
        read_strings(|answer| Some(yielder.suspend(answer)))
    });
    Resumed::begun(move |c| coroutine.resume(c).as_yield().expect("the code has no end"))
}
