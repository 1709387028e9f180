//! State as code, in a generator: the body of `stackless`.

use super::{Sse, stackless};
use crate::format::parser;

parser! {
    /// The event stream as straight-line `async` code in a genawaiter generator.
    pub struct Generator(generator, stackless::body) for Sse;
}
