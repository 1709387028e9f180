use std::sync::LazyLock;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};

use crate::{Recogniser, Status};

/// The dense DFA of regex-automata 0.4, stepped byte by byte as its documentation of
/// `Automaton::is_special_state` shows. The state is kept between the pieces.
///
/// A table and no code, so nothing could be done on the way, such as reporting text.
#[derive(Debug)]
pub struct RegexAutomata {
    table: &'static Table,
    state: StateID,
}

#[derive(Debug)]
struct Table {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
    /// A match shows only with the byte after it. For this expression there is one state in which
    /// the end of the input would be a match: whoever sees that state need not wait for the byte.
    accept: StateID,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    // A state with an accelerator would count as special, and be of use only to the searches of
    // the crate.
    let config =
        dense::Config::new().accelerate(false).minimize(true).start_kind(StartKind::Anchored);
    let dfa = dense::Builder::new()
        .configure(config)
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false))
        .build(r#"(?s)"([^"\\]|\\.)*""#)
        .expect("the expression is right");
    let start = dfa
        .start_state(&start::Config::new().anchored(Anchored::Yes))
        .expect("the automaton is made for anchored searches");
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
