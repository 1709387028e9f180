//! One parser of each engine, all for the quoted string.

use pushdown::DynParser;
use pushdown::quoted::{self, Quoted};

pub(crate) type Parser = Box<DynParser<'static, Quoted>>;

pub(crate) fn quoted() -> [(&'static str, Parser); 5] {
    [
        ("machine", Box::new(quoted::Machine::new())),
        ("coroutine", Box::new(quoted::Coroutine::new())),
        ("generator", Box::new(quoted::Generator::new())),
        ("stackless", Box::new(quoted::Stackless::new())),
        ("combinator", Box::new(quoted::Combinator::new())),
    ]
}
