//! The results.

use std::collections::BTreeMap;

use crate::entries::{Entry, Field, Size};

/// The median nanoseconds of each entry.
pub(crate) struct Medians(BTreeMap<(&'static str, &'static str, String, &'static str), Median>);

/// The median of some times, and the bounds of its 95 % confidence interval.
#[derive(Clone, Copy)]
pub(crate) struct Median {
    pub(crate) point: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Bytes of the document.
    bytes: usize,
}

impl Medians {
    pub(crate) fn of(fields: &[Field]) -> Self {
        let mut all = BTreeMap::new();
        for field in fields {
            let Field { document, entries, .. } = field;
            for entry in entries {
                let key = (entry.group, entry.function, entry.size.name(), document.name);
                all.insert(key, Median::of(entry, document.bytes.len()));
            }
        }
        Self(all)
    }

    /// Bytes in a nanosecond.
    pub(crate) fn speed(
        &self,
        group: &'static str,
        function: &'static str,
        size: Size,
        document: &'static str,
    ) -> Option<f64> {
        let median = self.0.get(&(group, function, size.name(), document))?;
        Some(median.bytes as f64 / median.point)
    }
}

impl Median {
    /// The interval is that of the order statistics.
    pub(crate) fn of(entry: &Entry, bytes: usize) -> Self {
        let mut times = entry.times.clone();
        times.sort_by(f64::total_cmp);
        let half = times.len() as f64 / 2.0;
        let reach = 0.98 * (times.len() as f64).sqrt();
        let at = |rank: f64| times[(rank.max(0.0) as usize).min(times.len() - 1)];
        Self { point: at(half), low: at(half - reach), high: at(half + reach), bytes }
    }
}
