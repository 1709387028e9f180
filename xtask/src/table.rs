//! The table.

use crate::COMMAND;
use crate::criterion::Measurement;
use crate::origin::Origin;

/// Comma-separated values, below lines that say where they come from.
///
/// An iteration takes the nanoseconds and gets through the bytes, or elements: characters, or
/// parsers.
pub(crate) fn csv(measurements: &[Measurement], origin: &Origin) -> String {
    let Origin { processor, kernel, rustc, commit, date } = origin;
    let mut csv = format!(
        "# processor: {processor}\n# kernel: {kernel}\n# compiler: {rustc}\n# commit: {commit}\n\
         # date: {date}\n# command: {COMMAND}\n\
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
