use genawaiter::{GeneratorState, rc, stack, sync};

use crate::resumed::Resumed;
use crate::{Recogniser, Status};

/// `read_strings` as `async` code. A macro, since the three `Co` types of genawaiter share no trait.
macro_rules! read_strings {
    ($co:ident) => {
        async move {
            let mut answer = Status::NeedMoreInput;
            loop {
                if $co.yield_(answer).await != '"' {
                    answer = Status::BadInput;
                    continue;
                }
                loop {
                    match $co.yield_(Status::NeedMoreInput).await {
                        '"' => break,
                        '\\' => _ = $co.yield_(Status::NeedMoreInput).await,
                        _ => {}
                    }
                }
                answer = Status::Success;
            }
        }
    };
}

fn yielded<R>(state: GeneratorState<Status, R>) -> Status {
    match state {
        GeneratorState::Yielded(status) => status,
        GeneratorState::Complete(_) => unreachable!("the code does not end"),
    }
}

/// genawaiter's `rc` generator, resumed for each character. Allocates.
pub fn genawaiter_rc() -> impl Recogniser {
    let mut generator = rc::Gen::<_, char, _>::new(|co| read_strings!(co));
    Resumed::begun(move |c| yielded(generator.resume_with(c)))
}

/// genawaiter's `sync` generator, resumed for each character. Allocates and locks.
pub fn genawaiter_sync() -> impl Recogniser {
    let mut generator = sync::Gen::<_, char, _>::new(|co| read_strings!(co));
    Resumed::begun(move |c| yielded(generator.resume_with(c)))
}

/// genawaiter's `stack` generator, resumed for each character. Used as documented it does not
/// allocate, but cannot leave the function that created it; here its shelf is leaked.
#[allow(unsafe_code, reason = "the safe macro ties the generator to a function")]
pub fn genawaiter_stack() -> impl Recogniser {
    let shelf = Box::leak(Box::new(stack::Shelf::new()));
    // SAFETY: `co` must not outlive the generator. It is moved into the future, which the generator
    // owns.
    let mut generator =
        unsafe { stack::Gen::new(shelf, |co: stack::Co<'_, _, char>| read_strings!(co)) };
    Resumed::begun(move |c| yielded(generator.resume_with(c)))
}
