//! Logarithmic axes.

/// Values on a line of pixels, so that equal ratios are equally long.
#[derive(Clone, Copy)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// From pixel `from` to pixel `to`, for all of these values, which are positive.
    pub(crate) fn exact(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values
            .fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        Self { low, high, from, to }
    }

    /// The same, from one mark to another.
    pub(crate) fn rounded(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let Self { low, high, .. } = Self::exact(values, from, to);
        let low = marks(low / 10.0, low).last().unwrap_or(low);
        let high = marks(high, 10.0 * high).next().unwrap_or(high);
        Self { low, high, from, to }
    }

    /// The pixel of a value.
    pub(crate) fn place(self, value: f64) -> f64 {
        let part = (value / self.low).ln() / (self.high / self.low).ln();
        self.from + part * (self.to - self.from)
    }

    /// The pixels of the lowest and of the highest value.
    pub(crate) fn ends(self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// The values to mark: powers of ten, or more if there are few.
    pub(crate) fn marks(self) -> Vec<f64> {
        let tens: Vec<f64> =
            marks(self.low, self.high).filter(|mark| is_power_of_ten(*mark)).collect();
        if tens.len() > 2 { tens } else { marks(self.low, self.high).collect() }
    }
}

/// 1, 2, 5, 10, 20, 50 and so on, from `low` to `high`.
fn marks(low: f64, high: f64) -> impl Iterator<Item = f64> {
    // A little more than needed, so that a mark at either end is not lost by rounding.
    let range = low * (1.0 - 1e-9)..=high * (1.0 + 1e-9);
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    powers
        .flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(power)))
        .filter(move |mark| range.contains(mark))
}

fn is_power_of_ten(mark: f64) -> bool {
    let power = mark.log10();
    (power - power.round()).abs() < 1e-9
}
