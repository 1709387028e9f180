//! A subscriber that keeps what it sees, and calls back into the systems.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

type Hook = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Log {
    /// The lines of each system, by its name.
    lines: BTreeMap<String, Vec<String>>,
    /// The lines of all systems, and of all scenarios.
    texts: Vec<String>,
    /// The target and message of each event.
    seen: BTreeSet<(String, String)>,
    /// Events that are not in the table, or not so.
    wrong: Vec<String>,
    hooks: BTreeMap<String, Hook>,
}

static LOG: Mutex<Option<Log>> = Mutex::new(None);

fn with<T>(f: impl FnOnce(&mut Log) -> T) -> T {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| tracing::subscriber::set_global_default(Capture).unwrap());
    f(LOG.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default())
}

/// Takes the lines of the system of this name: level, message, and the other fields.
pub(crate) fn take(name: &str) -> Vec<String> {
    let (lines, wrong) = with(|log| (log.lines.remove(name), log.wrong.clone()));
    assert!(wrong.is_empty(), "{wrong:?}");
    lines.unwrap_or_default()
}

/// Calls this during each event of the system of this name, until the result is dropped.
#[must_use]
pub(crate) fn hook(name: &str, hook: impl Fn() + Send + Sync + 'static) -> Hooked {
    with(|log| log.hooks.insert(name.to_owned(), Arc::new(hook)));
    Hooked(name.to_owned())
}

pub(crate) struct Hooked(String);

impl Drop for Hooked {
    fn drop(&mut self) {
        // It may hold the last handle of a system, whose end is another event.
        let hook = with(|log| log.hooks.remove(&self.0));
        drop(hook);
    }
}

/// Forgets the lines of scenarios that are over.
pub(crate) fn clear() {
    with(|log| log.lines.clear());
}

/// Returns the lines of all systems and scenarios so far.
pub(crate) fn texts() -> Vec<String> {
    with(|log| log.texts.clone())
}

/// A row of the table: level and fields.
type Row = (String, Vec<String>);

/// Returns the rows of the table by target and message.
pub(crate) fn rows() -> BTreeMap<(String, String), Row> {
    let source = include_str!("../../src/trace.rs");
    let lines = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let words = |cell: &str| -> Vec<String> {
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let is_event = |cells: &Vec<&str>| cells.len() == 6;
    cells
        .filter(is_event)
        .map(|cells| {
            let target = format!("pushdown_patterns::{}", cells[0].trim_end_matches('`'));
            let message = words(cells[2]).remove(0);
            ((target, message), (cells[1].to_owned(), words(cells[3])))
        })
        .collect()
}

/// Returns the rows of the table that no event was like.
pub(crate) fn unseen() -> Vec<(String, String)> {
    let rows = rows().into_keys();
    with(|log| {
        assert!(log.wrong.is_empty(), "{:?}", log.wrong);
        rows.filter(|row| !log.seen.contains(row)).collect()
    })
}

struct Capture;

#[derive(Default)]
struct Fields {
    name: Option<String>,
    message: String,
    names: Vec<String>,
    text: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "name" => self.name = Some(format!("{value:?}")),
            "message" => self.message = format!("{value:?}"),
            other => {
                self.names.push(other.to_owned());
                let _ = write!(self.text, " {other}={value:?}");
            }
        }
    }
}

impl Subscriber for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("pushdown_patterns")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        thread_local! {
            static IS_CALLING: Cell<bool> = const { Cell::new(false) };
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields { name, message, names, text } = fields;
        let (target, level) = (event.metadata().target(), event.metadata().level());
        let key = (target.to_owned(), message);
        // An `Option` that is `None` records no field.
        let is_right = rows().get(&key).is_some_and(|(expected, fields)| {
            *expected == level.to_string()
                && fields
                    .iter()
                    .filter(|field| names.contains(field) || *field != "error")
                    .eq(&names)
                && name.is_some() != target.ends_with("panics")
        });
        let line = format!("{level} {}{text}", key.1);
        let name = name.unwrap_or_default();
        let hook = with(|log| {
            if !is_right {
                log.wrong.push(format!("{target} {name} {line}"));
            }
            log.seen.insert(key);
            log.texts.push(line.clone());
            log.lines.entry(name.clone()).or_default().push(line);
            log.hooks.get(&name).cloned()
        });
        if let Some(hook) = hook
            && !IS_CALLING.replace(true)
        {
            hook();
            IS_CALLING.set(false);
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
