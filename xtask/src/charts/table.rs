//! A table of measurements, below comment lines with their origin.

use std::path::Path;
use std::str::Lines;
use std::time::SystemTime;

use super::criterion::{Id, Measurement};
use super::origin::Origin;

/// Formats the lines with the origin.
pub(crate) fn head(origin: &Origin) -> String {
    let Origin { command, processor, kernel, rustc, commit, date } = origin;
    format!(
        "# processor: {processor}\n# kernel: {kernel}\n# compiler: {rustc}\n# commit: {commit}\n\
         # date: {date}\n# command: {command}\n"
    )
}

/// Formats the measurements as comma-separated values, below the names of the columns.
///
/// Each row has the nanoseconds of an iteration, and the bytes or elements (characters, parsers) it
/// processes.
pub(crate) fn csv(measurements: &[Measurement]) -> String {
    let mut csv = "group,function,parameter,median_ns,low_ns,high_ns,bytes,elements\n".to_owned();
    let count = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
    for Measurement { id, median, low, high, bytes, elements, .. } in measurements {
        csv += &format!(
            "{},{},{},{median:.3},{low:.3},{high:.3},{},{}\n",
            id.group,
            id.function,
            id.parameter,
            count(*bytes),
            count(*elements),
        );
    }
    csv
}

/// Reads the lines that [`head`] wrote. A message about a fault names the path.
pub(crate) fn origin(path: &Path, lines: &mut Lines<'_>) -> Result<Origin, String> {
    let mut value = |key: &str| value(lines, key).ok_or(fault(path, key));
    let (processor, kernel) = (value("processor")?, value("kernel")?);
    let (rustc, commit) = (value("compiler")?, value("commit")?);
    let (date, command) = (value("date")?, value("command")?);
    Ok(Origin { command, processor, kernel, rustc, commit, date })
}

/// Reads the rows that [`csv`] wrote.
pub(crate) fn read(path: &Path, rows: Lines<'_>) -> Result<Vec<Measurement>, String> {
    rows.map(|row| measurement(row).ok_or(fault(path, row))).collect()
}

pub(crate) fn fault(path: &Path, what: &str) -> String {
    format!("{} is no table of results: {what}", path.display())
}

fn value(lines: &mut Lines<'_>, key: &str) -> Option<String> {
    let value = lines.next()?.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": ")?;
    Some(value.to_owned())
}

fn measurement(row: &str) -> Option<Measurement> {
    let [group, function, parameter, median, low, high, bytes, elements] =
        row.split(',').collect::<Vec<_>>().try_into().ok()?;
    let count =
        |count: &str| if count.is_empty() { Some(None) } else { count.parse().ok().map(Some) };
    Some(Measurement {
        id: Id {
            group: group.to_owned(),
            function: function.to_owned(),
            parameter: parameter.into(),
        },
        median: median.parse().ok()?,
        low: low.parse().ok()?,
        high: high.parse().ok()?,
        bytes: count(bytes)?,
        elements: count(elements)?,
        taken: SystemTime::UNIX_EPOCH,
    })
}
