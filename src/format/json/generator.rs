//! State as code, in a generator: the body of `stackless`.

use super::stackless::whole;
use super::{Json, Located, Marker, Options};
use crate::engine::generator::{self, Input};

/// JSON as straight-line `async` code in a genawaiter generator.
#[derive(Debug)]
pub struct Generator<E: Marker = Json>(generator::Parser<E>);

super::parser! { Generator }

impl Generator {
    /// Creates a parser of one document, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        Self(make(options))
    }
}

impl Generator<Located> {
    /// Creates a parser whose events have their places in the input.
    pub fn located(options: Options) -> Self {
        Self(make(options))
    }
}

impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

fn make<E: Marker>(options: Options) -> generator::Parser<E> {
    generator::Parser::new(async move |input: &mut Input<'_, E>| whole(input, options).await)
}
