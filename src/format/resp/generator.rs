//! State as code, in a generator: the body of `stackless`.

use super::stackless::whole;
use super::{Options, Resp};
use crate::engine::generator::{self, Input};

/// RESP as straight-line `async` code in a genawaiter generator.
#[derive(Debug)]
pub struct Generator(generator::Parser<Resp>);

impl Generator {
    /// Creates a parser of one value, with the default [`Options`].
    pub fn new() -> Self {
        Self::with_options(Options::new())
    }

    /// Creates a parser.
    pub fn with_options(options: Options) -> Self {
        let body = async move |input: &mut Input<'_, Resp>| whole(input, &options).await;
        Self(generator::Parser::new(body))
    }
}

crate::format::parser! { @common Generator, Resp }
