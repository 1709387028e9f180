//! The stack of a suspended coroutine.

use core::fmt;
use std::string::String;
use std::vec::Vec;

/// The calls of a body that waits, the innermost first, without those of the engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stack {
    pub(super) calls: Vec<Call>,
}

/// A function on a [`Stack`], at the line that it has reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Call {
    /// The name of the function.
    pub function: String,
    /// The line and column in its file, `src/main.rs:10:5`, if the program has debug information.
    pub location: Option<String>,
}

impl Stack {
    /// Returns the calls, the innermost first.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }
}

/// One line for each call.
impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls.iter().try_for_each(|call| writeln!(f, "{call}"))
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        self.location.iter().try_for_each(|location| write!(f, ", {location}"))
    }
}
