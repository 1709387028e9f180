//! Bar charts with a logarithmic axis.

use super::axis::Axis;
use super::frame::{Frame, Key, Labels};
use super::style::{FAINT, GREY, colour, figure, is_ours, label, mark};
use super::svg::{Anchor, Font, Svg};

/// A set of bars to compare with one another.
pub(crate) struct Panel<'a> {
    pub(crate) title: String,
    pub(crate) bars: Vec<Bar<'a>>,
    /// The heading of the ratios.
    pub(crate) compared_with: Option<String>,
}

/// One function's result.
pub(crate) struct Bar<'a> {
    pub(crate) function: &'a str,
    pub(crate) value: f64,
    /// The value as it is printed.
    pub(crate) text: String,
    /// Relative to the function that the panel names.
    pub(crate) ratio: Option<f64>,
}

/// The width of a plot: with its names and figures, as much as a phone can show.
const PLOT: f64 = 170.0;
const ROW: f64 = 21.0;
/// Space left of a plot, right of it, above and below.
const NAMES: f64 = 134.0;
const FIGURES: f64 = 108.0;
const HEADING: f64 = 26.0;
const AXIS: f64 = 62.0;
/// Space between two panels.
const GAP: f64 = 30.0;

/// Draws the chart, its panels in one column. All share one scale.
pub(crate) fn draw(labels: &Labels<'_>, panels: &[Panel<'_>]) -> String {
    let bars = || panels.iter().flat_map(|panel| &panel.bars);
    let functions: Vec<&str> = bars().map(|bar| bar.function).collect();
    let mut legend = Key::ours(&functions);
    let mut others = functions.iter().filter(|function| colour(function) == GREY).peekable();
    if others.peek().is_some() {
        let peers = others.all(|function| function.starts_with("peer-"));
        let text = if peers { "other software" } else { "other code" };
        legend.push(Key { text: text.to_owned(), colour: GREY, dashed: false });
    }
    let height = |panel: &Panel<'_>| HEADING + panel.bars.len() as f64 * ROW + AXIS;
    let heights: Vec<f64> = panels.iter().map(height).collect();
    let mut frame = Frame::new(labels, &legend, 1, NAMES + PLOT + FIGURES + GAP, &heights);
    for (index, panel) in panels.iter().enumerate() {
        let (left, top) = frame.corner(index);
        let left = left + NAMES;
        // The axis begins below the shortest value, so that its bar is visible.
        let values = bars().flat_map(|bar| [bar.value, bar.value / 1.5]);
        let x = Axis::rounded(values, left, left + PLOT);
        draw_panel(&mut frame.svg, labels, panel, x, top + HEADING);
    }
    frame.svg.finish()
}

fn draw_panel(svg: &mut Svg, labels: &Labels<'_>, panel: &Panel<'_>, x: Axis, top: f64) {
    let (left, right) = x.ends();
    let bottom = top + panel.bars.len() as f64 * ROW;
    svg.text(left - NAMES, top - 8.0, Anchor::Start, Font::HEADING, &panel.title);
    let mut free = left - NAMES;
    for value in x.marks() {
        let (pixel, text) = (x.pixel(value), mark(value));
        svg.line(&[(pixel, top), (pixel, bottom)], FAINT, 1.0, false);
        let half = Font::SMALL.width(&text) / 2.0;
        if pixel - half > free {
            svg.text(pixel, bottom + 16.0, Anchor::Middle, Font::SMALL, &text);
            free = pixel + half + 6.0;
        }
    }
    svg.text((left + right) / 2.0, bottom + 36.0, Anchor::Middle, Font::PLAIN, labels.x);
    for (row, bar) in panel.bars.iter().enumerate() {
        let middle = top + (row as f64 + 0.5) * ROW;
        let baseline = middle + 4.5;
        let end = x.pixel(bar.value);
        let font = Font { bold: is_ours(bar.function), ..Font::PLAIN };
        svg.text(left - 8.0, baseline, Anchor::End, font, label(bar.function));
        svg.rectangle(left, middle - 7.5, end - left, 15.0, colour(bar.function));
        svg.text(end + 6.0, baseline, Anchor::Start, Font::PLAIN, &bar.text);
        if let Some(ratio) = bar.ratio {
            let text = format!("{} ×", figure(ratio));
            svg.text(right + FIGURES, baseline, Anchor::End, Font::SMALL, &text);
        }
    }
    if let Some(text) = &panel.compared_with {
        svg.text(right + FIGURES, top - 8.0, Anchor::End, Font::SMALL, text);
    }
}
