//! A parser as the harness was given it.

use std::boxed::Box;
use std::string::String;

use super::law::Breach;
use super::loose;
use super::outcome::Outcome;
use super::scenario::Scenario;
use super::subject::{Feed, Subject};

/// A parser as the harness was given it.
pub(super) struct Candidate<'a> {
    pub(super) name: String,
    pub(super) make: Make<'a>,
    pub(super) declared: Declared,
}

/// The constructor of a parser.
pub(super) enum Make<'a> {
    Parser(Box<dyn Fn() -> Box<dyn Subject + 'a> + 'a>),
    Foreign(Box<dyn Fn() -> Box<dyn Feed + 'a> + 'a>),
}

/// The declarations for a parser.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declared {
    /// It reports its events only when it succeeds.
    pub(super) deferred: bool,
    pub(super) may_be_empty: bool,
    pub(super) looks_ahead: bool,
    pub(super) ends_with_any_byte: bool,
    pub(super) may_discard: bool,
    /// Only its verdict and its events count.
    pub(super) loose: bool,
}

impl<'a> Candidate<'a> {
    /// Runs a new parser. The input is known to hold at least `events` events.
    pub(super) fn run(
        &self,
        scenario: &Scenario,
        input: &[u8],
        events: u64,
    ) -> Result<Outcome, Breach> {
        match &self.make {
            Make::Parser(make) if self.declared.loose => loose::run(scenario, &mut *make(), input),
            Make::Parser(make) => scenario.run(&mut *make(), input, events),
            Make::Foreign(make) => loose::run(scenario, &mut *make(), input),
        }
    }

    /// Returns a new parser, to be fed.
    pub(super) fn feed(&self) -> Box<dyn Feed + 'a> {
        match &self.make {
            Make::Parser(make) => make(),
            Make::Foreign(make) => make(),
        }
    }

    /// Returns a new parser, if the whole contract holds for it.
    pub(super) fn subject(&self) -> Option<Box<dyn Subject + 'a>> {
        match &self.make {
            Make::Parser(make) if !self.declared.loose => Some(make()),
            _ => None,
        }
    }

    pub(super) fn counts_work(&self) -> bool {
        self.subject().is_some_and(|subject| subject.work().is_some())
    }
}
