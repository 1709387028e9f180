//! Logarithmic axes.

/// Maps values to pixels so that equal ratios have equal lengths.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// Spans exactly these positive values, from pixel `from` to pixel `to`.
    pub(crate) fn exact(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        // A single value spans no range.
        let high = if high > low { high } else { 10.0 * low };
        Self { low, high, from, to }
    }

    /// Spans these values, extended to the nearest marks.
    pub(crate) fn rounded(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let Self { low, high, .. } = Self::exact(values, from, to);
        let low = marks(DIGITS, low / 10.0, low).last().unwrap_or(low);
        let high = marks(DIGITS, high, 10.0 * high).next().unwrap_or(high);
        Self { low, high, from, to }
    }

    /// The pixel of a value.
    pub(crate) fn pixel(self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// The pixels of the lowest and of the highest value.
    pub(crate) fn ends(self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// Values to mark: powers of ten, or digits 1, 2 and 5 if those are few.
    pub(crate) fn marks(self) -> Vec<f64> {
        let tens: Vec<f64> = marks(&[1.0], self.low, self.high).collect();
        if tens.len() > 2 { tens } else { marks(DIGITS, self.low, self.high).collect() }
    }
}

const DIGITS: &[f64] = &[1.0, 2.0, 5.0];

/// The numbers from `low` to `high` that are one of these digits times a power of ten.
fn marks(digits: &[f64], low: f64, high: f64) -> impl Iterator<Item = f64> {
    // Widened a little, so that rounding loses no mark at either end.
    let range = low * (1.0 - 1e-9)..=high * (1.0 + 1e-9);
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    powers
        .flat_map(|power| digits.iter().map(move |digit| digit * 10_f64.powi(power)))
        .filter(move |mark| range.contains(mark))
}
