//! The table of all measurements.

use super::criterion::Measurement;
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
