use corosensei::Coroutine;

use crate::resumed::{Resumed, read_strings};
use crate::{Recogniser, Status};

/// corosensei alone: two switches of stacks for each character.
pub fn corosensei() -> impl Recogniser {
    let mut coroutine = Coroutine::<char, Status, _>::new(|yielder, _| {
        read_strings(|answer| Some(yielder.suspend(answer)))
    });
    Resumed::begun(move |c| coroutine.resume(c).as_yield().expect("the code does not end"))
}
