//! State as code, in a generator: the body of `stackless`.

use super::{Quoted, stackless};
use crate::format::parser;

parser! {
    /// The quoted string as straight-line `async` code in a genawaiter generator.
    pub struct Generator(generator, stackless::body) for Quoted;
}
