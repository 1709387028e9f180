//! The frame around the panels of a chart: title, legend, footer.

use super::style::{ENGINES, FORMS, colour, first_word};
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
    /// The entries for those functions that are ours, or variants of ours.
    pub(crate) fn ours(functions: &[&str]) -> Vec<Self> {
        let ours = ENGINES.iter().chain(&FORMS).filter(|name| {
            functions.iter().any(|function| first_word(function) == first_word(name))
        });
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

/// Space above the panels, with one line of a subtitle and one of a legend.
const TOP: f64 = 104.0;
const SIDE: f64 = 20.0;
const BOTTOM: f64 = 34.0;
const LINE: f64 = 16.0;
const LEGEND_LINE: f64 = 20.0;
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
        let text_width = (columns as f64 * width).max(Font::TITLE.width(labels.title));
        let subtitle = wrapped(labels.subtitle, " ", Font::PLAIN, text_width);
        let legend = rows(legend, text_width);
        let footer = wrapped(labels.footer, ", ", Font::SMALL, text_width);
        let extra = |lines: usize, height: f64| lines.saturating_sub(1) as f64 * height;

        let subtitle_end = 54.0 + extra(subtitle.len(), LINE);
        let mut tops = Vec::new();
        let mut bottom = TOP + extra(subtitle.len(), LINE) + extra(legend.len(), LEGEND_LINE);
        for row in heights.chunks(columns) {
            tops.push(bottom);
            bottom += row.iter().copied().fold(0.0, f64::max);
        }
        let height = bottom + BOTTOM + extra(footer.len(), LINE);
        let mut svg = Svg::new(labels.title, text_width + 2.0 * SIDE, height);
        svg.text(SIDE, 32.0, Anchor::Start, Font::TITLE, labels.title);
        for (line, text) in subtitle.iter().enumerate() {
            let baseline = 54.0 + line as f64 * LINE;
            svg.text(SIDE, baseline, Anchor::Start, Font::PLAIN, text.trim_end());
        }
        for (line, keys) in legend.iter().enumerate() {
            let (mut x, y) = (SIDE, subtitle_end + 24.0 + line as f64 * LEGEND_LINE);
            for key in keys {
                svg.line(&[(x, y), (x + SWATCH, y)], key.colour, 4.0, key.dashed);
                svg.text(x + SWATCH + 6.0, y + 4.0, Anchor::Start, Font::PLAIN, &key.text);
                x += key_width(key);
            }
        }
        for (line, text) in footer.iter().rev().enumerate() {
            let baseline = height - 14.0 - line as f64 * LINE;
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

/// Breaks a text behind separators into lines of at most this width.
fn wrapped(text: &str, separator: &str, font: Font, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for entry in text.split_inclusive(separator) {
        match lines.last_mut() {
            Some(line) if font.width(format!("{line}{entry}").trim_end()) <= width => {
                *line += entry;
            }
            _ => lines.push(entry.to_owned()),
        }
    }
    lines
}

/// Breaks a legend into lines of at most this width.
fn rows(legend: &[Key], width: f64) -> Vec<Vec<&Key>> {
    let mut rows: Vec<Vec<&Key>> = Vec::new();
    let mut free = 0.0;
    for key in legend {
        match rows.last_mut() {
            Some(row) if key_width(key) <= free => row.push(key),
            _ => {
                rows.push(vec![key]);
                free = width;
            }
        }
        free -= key_width(key);
    }
    rows
}

fn key_width(key: &Key) -> f64 {
    SWATCH + 6.0 + Font::PLAIN.width(&key.text) + 18.0
}
