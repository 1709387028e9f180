//! State as code, in a generator: the body of `stackless`.

use super::{Quoted, stackless};
use crate::engine::generator::Parser;
use crate::parser::{PushParser, delegate};

/// The quoted string as straight-line `async` code in a genawaiter generator.
#[derive(Debug)]
pub struct Generator(Parser<Quoted>);

impl Generator {
    /// A parser before the opening quote.
    pub fn new() -> Self {
        Self(Parser::new(stackless::body))
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

impl PushParser for Generator {
    type Events = Quoted;
    delegate!(self => self.0);
}

#[cfg(feature = "testing")]
crate::testing::delegate_work!(Generator);
