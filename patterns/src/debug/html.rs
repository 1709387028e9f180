//! A dump as a page for a browser: no scripts, and nothing from elsewhere.
//!
//! The groups are a table. On a narrow screen each row is laid out as a card, for which the style sheet
//! takes the rows out of the table's layout. Browsers then no longer announce a table, so the roles are
//! written out.

use core::fmt;
use std::collections::BTreeMap;

use super::text::Total;
use super::{Dump, Group, count};

/// A dump as an HTML page, to be formatted with `to_string`.
///
/// It has the totals, a link for each pattern, and the groups with their shares. Names come from user code
/// and are escaped. The links lead to the same path with a query, which [`query`](Self::query) reads. A
/// `content-security-policy` of `default-src 'none'; style-src 'unsafe-inline'` lets it look as it should.
#[derive(Clone, Copy, Debug)]
pub struct Html<'a> {
    dump: &'a Dump,
    pattern: Option<&'a str>,
}

impl<'a> Html<'a> {
    pub(super) fn new(dump: &'a Dump) -> Self {
        Self { dump, pattern: None }
    }

    /// Shows what the query of a request asks for: one pattern if it has `pattern=NAME`. Everything else in
    /// it is ignored.
    #[must_use]
    pub fn query(self, query: &'a str) -> Self {
        let wanted = |pair: &&str| pair.starts_with(KEY) && pair.len() > KEY.len();
        Self { pattern: query.split('&').find(wanted).map(|pair| &pair[KEY.len()..]), ..self }
    }
}

const KEY: &str = "pattern=";

/// The style sheet: readable at the width of a phone, in the light and in the dark.
const STYLE: &str = include_str!("page.css");

impl fmt::Display for Html<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dump, pattern } = *self;
        let all = dump.groups();
        let is_shown = |group: &&Group| pattern.is_none_or(|pattern| group.pattern == pattern);
        let total = Total(dump.waiting(), dump.running());
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{total}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{total}</h1>\n"
        )?;
        links(f, all, pattern)?;
        writeln!(f, "<main>")?;
        let largest = all.iter().filter(is_shown).map(|group| group.count).max();
        match largest {
            Some(largest) => table(f, all.iter().filter(is_shown), largest)?,
            None => writeln!(f, "<p>Nothing waits.</p>")?,
        }
        write!(f, "</main>\n</body>\n</html>\n")
    }
}

/// Writes a link for everything and one for each pattern. The current one is marked.
fn links(f: &mut fmt::Formatter<'_>, groups: &[Group], pattern: Option<&str>) -> fmt::Result {
    let mut counts = BTreeMap::new();
    groups.iter().for_each(|group| *counts.entry(group.pattern).or_insert(0) += group.count);
    pattern.into_iter().for_each(|pattern| _ = counts.entry(pattern).or_insert(0));
    let link =
        |f: &mut fmt::Formatter<'_>, href: &str, label: &str, sum: usize, is_current: bool| {
            let current = if is_current { " aria-current=\"page\"" } else { "" };
            writeln!(f, "<a href=\"?{href}\"{current}>{label} <b>{sum}</b></a>")
        };
    writeln!(f, "<nav aria-label=\"Patterns\">")?;
    link(f, "", "all", count(groups.iter()), pattern.is_none())?;
    for (name, sum) in counts {
        let label = Escaped(name).to_string();
        link(f, &format!("{KEY}{label}"), &label, sum, pattern == Some(name))?;
    }
    writeln!(f, "</nav>")
}

const COLUMNS: [&str; 7] = ["Count", "Pattern", "System", "Function", "State", "Time", "Line"];

fn table<'a>(
    f: &mut fmt::Formatter<'_>,
    groups: impl Iterator<Item = &'a Group>,
    largest: usize,
) -> fmt::Result {
    writeln!(f, "<table role=\"table\">\n<caption>Groups of equals, the largest first</caption>")?;
    write!(f, "<thead role=\"rowgroup\">\n<tr role=\"row\">")?;
    for column in COLUMNS {
        write!(f, "<th scope=\"col\" role=\"columnheader\">{column}</th>")?;
    }
    writeln!(f, "</tr>\n</thead>\n<tbody role=\"rowgroup\">")?;
    groups.into_iter().try_for_each(|group| row(f, group, largest))?;
    writeln!(f, "</tbody>\n</table>")
}

fn row(f: &mut fmt::Formatter<'_>, group: &Group, largest: usize) -> fmt::Result {
    let state = if group.waits_for.is_some() { "waits" } else { "runs" };
    writeln!(f, "<tr role=\"row\" class=\"{state}\">")?;
    let width = 100.0 * group.count as f64 / largest as f64;
    let bar = format!("<i aria-hidden=\"true\"><i style=\"width:{width:.1}%\"></i></i>");
    writeln!(f, "<td role=\"cell\" class=\"count\">{}{bar}</td>", group.count)?;
    let (system, reason) = (group.system_label().unwrap_or_default(), group.reason());
    let (times, line) = (group.times(), group.line().unwrap_or_default());
    let cells = [group.pattern, &system, group.name, &reason, &times, &line];
    let classes = ["pattern", "system", "function", "state", "time", "line"];
    for (class, text) in classes.into_iter().zip(cells) {
        // Isolated, so that a name that is written from right to left turns no other text around.
        writeln!(f, "<td role=\"cell\" class=\"{class}\"><bdi>{}</bdi></td>", Escaped(text))?;
    }
    writeln!(f, "</tr>")
}

/// Text in an element or an attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = |character: char| matches!(character, '&' | '<' | '>' | '"' | '\'');
        for part in self.0.split_inclusive(special) {
            let text = part.strip_suffix(special).unwrap_or(part);
            f.write_str(text)?;
            f.write_str(match part.as_bytes().get(text.len()) {
                Some(b'&') => "&amp;",
                Some(b'<') => "&lt;",
                Some(b'>') => "&gt;",
                Some(b'"') => "&quot;",
                Some(_) => "&#39;",
                None => "",
            })?;
        }
        Ok(())
    }
}
