//! `pushdown::debug`: where the parsers of a thread wait.

mod coroutines;
mod lines;
mod list;

use pushdown::debug::{self, Group};

/// The groups of this thread. Each test has a thread of its own.
fn groups() -> Vec<Group> {
    debug::dump().groups().to_vec()
}

/// The engine, the line and the number of each group.
fn summary() -> Vec<(&'static str, Option<u32>, usize)> {
    let line = |group: &Group| group.location.map(std::panic::Location::line);
    groups().iter().map(|group| (group.engine, line(group), group.count)).collect()
}
