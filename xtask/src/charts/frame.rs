//! The frame around the panels of a chart: title, legend, footer.

use super::style::{ENGINES, FORMS, colour};
use super::svg::{Anchor, Font, Svg};

/// The texts of a chart.
pub(crate) struct Labels<'a> {
    pub(crate) title: &'a str,
    /// Describes the measurement.
    pub(crate) subtitle: &'a str,
    /// The axes' quantities, with units.
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
    /// Describes the machine and the commit.
    pub(crate) footer: &'a str,
}

/// An entry of the legend.
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) colour: &'static str,
    pub(crate) dashed: bool,
}

impl Key {
    /// The entries for those functions that are ours.
    pub(crate) fn ours(functions: &[&str]) -> Vec<Self> {
        let ours = ENGINES.iter().chain(&FORMS).filter(|name| functions.contains(name));
        ours.map(|name| Self { text: (*name).to_owned(), colour: colour(name), dashed: false })
            .collect()
    }
}

/// A chart of panels in rows and columns.
pub(crate) struct Frame {
    pub(crate) svg: Svg,
    columns: usize,
    /// A panel's width, including its margins.
    width: f64,
    /// The top of each row.
    tops: Vec<f64>,
}

const TOP: f64 = 104.0;
const SIDE: f64 = 20.0;
const BOTTOM: f64 = 34.0;
const FOOTER_LINE: f64 = 16.0;
const SWATCH: f64 = 22.0;

impl Frame {
    /// Creates a frame for panels of these heights and one width, in at most `columns` columns.
    pub(crate) fn new(
        labels: &Labels<'_>,
        legend: &[Key],
        columns: usize,
        width: f64,
        heights: &[f64],
    ) -> Self {
        let columns = heights.len().min(columns);
        let mut tops = Vec::new();
        let mut bottom = TOP;
        for row in heights.chunks(columns) {
            tops.push(bottom);
            bottom += row.iter().copied().fold(0.0, f64::max);
        }
        let legend_width: f64 = legend.iter().map(key_width).sum();
        let text_width = Font::PLAIN.width(labels.subtitle).max(Font::TITLE.width(labels.title));
        let full_width = (columns as f64 * width).max(legend_width).max(text_width) + 2.0 * SIDE;
        let footer = wrapped(labels.footer, full_width - 2.0 * SIDE);
        let height = bottom + BOTTOM + (footer.len() - 1) as f64 * FOOTER_LINE;
        let mut svg = Svg::new(labels.title, full_width, height);
        svg.text(SIDE, 32.0, Anchor::Start, Font::TITLE, labels.title);
        svg.text(SIDE, 54.0, Anchor::Start, Font::PLAIN, labels.subtitle);
        let mut x = SIDE;
        for key in legend {
            svg.line(&[(x, 78.0), (x + SWATCH, 78.0)], key.colour, 4.0, key.dashed);
            svg.text(x + SWATCH + 6.0, 82.0, Anchor::Start, Font::PLAIN, &key.text);
            x += key_width(key);
        }
        for (line, text) in footer.iter().rev().enumerate() {
            let baseline = height - 14.0 - line as f64 * FOOTER_LINE;
            svg.text(SIDE, baseline, Anchor::Start, Font::SMALL, text);
        }
        Self { svg, columns, width, tops }
    }

    /// The upper left corner of a panel.
    pub(crate) fn corner(&self, index: usize) -> (f64, f64) {
        let (column, row) = (index % self.columns, index / self.columns);
        (SIDE + column as f64 * self.width, self.tops[row])
    }
}

/// Breaks a list in small print into lines of at most this width.
fn wrapped(list: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for entry in list.split_inclusive(", ") {
        match lines.last_mut() {
            Some(line) if Font::SMALL.width(&format!("{line}{entry}")) <= width => *line += entry,
            _ => lines.push(entry.to_owned()),
        }
    }
    lines
}

fn key_width(key: &Key) -> f64 {
    SWATCH + 6.0 + Font::PLAIN.width(&key.text) + 18.0
}
