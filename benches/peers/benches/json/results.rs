//! The results as Criterion writes them, which `cargo xtask charts` reads.

use std::path::PathBuf;
use std::{env, fs, io};

use serde_json::json;

use crate::entries::{Entry, Field};
use crate::medians::Median;

/// Writes the results beside those of Criterion. Returns the folder.
pub(crate) fn write(fields: &[Field]) -> io::Result<PathBuf> {
    // Of `target/release/deps/json-0123456789abcdef`.
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).ok_or(io::ErrorKind::NotFound)?;
    let criterion = target.join("criterion");
    for Field { document, entries, .. } in fields {
        for entry in entries {
            let Entry { group, function, size, .. } = entry;
            let folder = criterion.join(format!("{group}_{}", document.name));
            let folder = folder.join(function).join(size.name()).join("new");
            fs::create_dir_all(&folder)?;
            let benchmark = json!({
                "group_id": format!("{group}/{}", document.name),
                "function_id": function,
                "value_str": size.name(),
                "throughput": { "Bytes": document.bytes.len() },
            });
            let Median { point, low, high, .. } = Median::of(entry, document.bytes.len());
            let estimates = json!({
                "median": {
                    "confidence_interval": {
                        "confidence_level": 0.95,
                        "lower_bound": low,
                        "upper_bound": high,
                    },
                    "point_estimate": point,
                },
            });
            fs::write(folder.join("benchmark.json"), benchmark.to_string())?;
            fs::write(folder.join("estimates.json"), estimates.to_string())?;
        }
    }
    Ok(criterion)
}
