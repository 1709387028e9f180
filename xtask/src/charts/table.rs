//! The table of all measurements.

use std::path::Path;
use std::str::Lines;
use std::time::SystemTime;

use super::criterion::{Id, Measurement};
use super::origin::Origin;

/// Formats the measurements as comma-separated values, below comment lines with their origin.
///
/// Each row has the nanoseconds of an iteration, and the bytes or elements (characters, parsers) it
/// processes.
pub(crate) fn csv(measurements: &[Measurement], origin: &Origin) -> String {
    let Origin { command, processor, kernel, rustc, commit, date } = origin;
    let mut csv = format!(
        "# processor: {processor}\n# kernel: {kernel}\n# compiler: {rustc}\n# commit: {commit}\n\
         # date: {date}\n# command: {command}\n\
         group,function,parameter,median_ns,low_ns,high_ns,bytes,elements\n"
    );
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

/// Reads a table that [`csv`] wrote. A message about a fault names the path.
pub(crate) fn read(path: &Path, text: &str) -> Result<(Vec<Measurement>, Origin), String> {
    let fault = |what: &str| format!("{} is no table of results: {what}", path.display());
    let mut lines = text.lines();
    let mut origin = |key: &str| origin(&mut lines, key).ok_or(fault(key));
    let (processor, kernel) = (origin("processor")?, origin("kernel")?);
    let (rustc, commit) = (origin("compiler")?, origin("commit")?);
    let (date, command) = (origin("date")?, origin("command")?);
    let rows = lines.skip(1).map(|row| measurement(row).ok_or(fault(row)));
    let measurements = rows.collect::<Result<_, _>>()?;
    Ok((measurements, Origin { command, processor, kernel, rustc, commit, date }))
}

fn origin(lines: &mut Lines<'_>, key: &str) -> Option<String> {
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
