use std::sync::LazyLock;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};

use crate::{Recogniser, Status};

/// The dense DFA of regex-automata 0.4, stepped byte by byte as the documentation of
/// `Automaton::is_special_state` shows. Keeps its state between chunks.
///
/// A table without code, so it could not report text on the way.
#[derive(Debug)]
pub struct RegexAutomata {
    table: &'static Table,
    state: StateID,
}

#[derive(Debug)]
struct Table {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    /// The one state in which the end of the input would be a match. The DFA reports a match one
    /// byte late; comparing with this state avoids waiting for that byte.
    accept: StateID,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // Accelerated states would count as special, and serve only the crate's own searches.
    let config =
        dense::Config::new().accelerate(false).minimize(true).start_kind(StartKind::Anchored);
    let dfa = dense::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(r#"(?s)"([^"\\]|\\.)*""#)
        .expect("the expression is valid");
    let start = dfa
        .start_state(&start::Config::new().anchored(Anchored::Yes))
        .expect("the automaton is built for anchored searches");
    let accept = b"\"\"".iter().fold(start, |state, &byte| dfa.next_state(state, byte));
    Table { dfa, start, accept }
});

impl Default for RegexAutomata {
    fn default() -> Self {
        Self { table: &TABLE, state: TABLE.start }
    }
}

impl Recogniser for RegexAutomata {
    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Status {
        let Table { dfa, accept, .. } = self.table;
        let mut state = self.state;
        for &byte in chunk {
            state = dfa.next_state(state, byte);
            if state == *accept {
                return Status::Success;
            }
            if dfa.is_special_state(state) {
                return Status::BadInput;
            }
        }
        self.state = state;
        Status::NeedMoreInput
    }

    #[inline]
    fn reset(&mut self) {
        self.state = self.table.start;
    }
}
