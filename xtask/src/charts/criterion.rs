//! Reads the results of Criterion 0.8: for each benchmark a directory `new` with `benchmark.json`,
//! which names it, and `estimates.json`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

/// The result of one benchmark.
#[derive(Clone)]
pub(crate) struct Measurement {
    pub(crate) id: Id,
    /// Median nanoseconds per iteration, with the bounds of its 95 % confidence interval.
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Throughput per iteration.
    pub(crate) bytes: Option<u64>,
    pub(crate) elements: Option<u64>,
    pub(crate) taken: SystemTime,
}

/// A benchmark's identity, ordered as in the table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id {
    pub(crate) group: String,
    pub(crate) function: String,
    pub(crate) parameter: Parameter,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Parameter {
    Number(u64),
    Name(String),
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Number)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl Measurement {
    /// Nanoseconds per byte or element.
    pub(crate) fn cost(&self) -> f64 {
        self.median / self.bytes.or(self.elements).unwrap_or(1) as f64
    }

    /// Gigabytes per second.
    pub(crate) fn throughput(&self) -> f64 {
        1.0 / self.cost()
    }
}

/// Reads all benchmarks below these directories. Of several results with one name the latest counts,
/// as if all had been run in one directory.
pub(crate) fn read(directories: &[PathBuf]) -> Result<Vec<Measurement>, String> {
    let mut all = BTreeMap::new();
    for directory in directories {
        let mut found = Vec::new();
        collect(directory, &mut found)?;
        if found.is_empty() {
            eprintln!("xtask: no Criterion results in {}", directory.display());
        }
        for measurement in found {
            match all.entry(measurement.id.clone()) {
                Entry::Vacant(entry) => _ = entry.insert(measurement),
                Entry::Occupied(mut entry) if entry.get().taken < measurement.taken => {
                    entry.insert(measurement);
                }
                Entry::Occupied(_) => {}
            }
        }
    }
    Ok(all.into_values().collect())
}

/// Collects the benchmarks below a directory. A missing directory has none.
fn collect(directory: &Path, found: &mut Vec<Measurement>) -> Result<(), String> {
    let cannot_read = |error| format!("cannot read {}: {error}", directory.display());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(cannot_read)?,
    };
    for entry in entries {
        let path = entry.map_err(cannot_read)?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.ends_with("new/benchmark.json") {
            found.push(measurement(&path, &path.with_file_name("estimates.json"))?);
        }
    }
    Ok(())
}

fn measurement(benchmark: &Path, estimates: &Path) -> Result<Measurement, String> {
    let (name, _) = json(benchmark)?;
    let (cost, taken) = json(estimates)?;
    let text = |key: &str| name[key].as_str().unwrap_or_default().to_owned();
    let parameter = text("value_str");
    let nanoseconds = |pointer| {
        let number = cost.pointer(pointer).and_then(Value::as_f64).filter(|number| *number > 0.0);
        number.ok_or(format!("no duration {pointer} in {}", estimates.display()))
    };
    Ok(Measurement {
        id: Id {
            group: text("group_id"),
            function: text("function_id"),
            parameter: parameter[..].into(),
        },
        median: nanoseconds("/median/point_estimate")?,
        low: nanoseconds("/median/confidence_interval/lower_bound")?,
        high: nanoseconds("/median/confidence_interval/upper_bound")?,
        bytes: name["throughput"]["Bytes"].as_u64(),
        elements: name["throughput"]["Elements"].as_u64(),
        taken,
    })
}

/// Reads a JSON file. Returns its value and the time it was written.
fn json(path: &Path) -> Result<(Value, SystemTime), String> {
    let cannot_read = |error| format!("cannot read {}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(cannot_read)?;
    let written = path.metadata().and_then(|metadata| metadata.modified()).map_err(cannot_read)?;
    let value = serde_json::from_str(&text)
        .map_err(|error| format!("{} is not JSON: {error}", path.display()))?;
    Ok((value, written))
}
