//! Line charts, both axes logarithmic.

use super::axis::Axis;
use super::frame::{Frame, Key, Labels};
use super::style::{ENGINES, FAINT, GREY, INK, colour, mark};
use super::svg::{Anchor, Font, Svg};

/// The lines that share a pair of axes.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
}

/// A function's results by parameter.
pub(crate) struct Line<'a> {
    pub(crate) function: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// `(function, legend, colour)`: drawn as a horizontal line at its last value, to compare with.
const LEVELS: [(&str, &str, &str); 2] =
    [("limit", "limit (memchr2 finds nothing)", INK), ("enum", "enum, byte by byte", GREY)];

/// Two plots beside one another are as much as a phone can show.
const COLUMNS: usize = 2;
const PLOT: (f64, f64) = (176.0, 190.0);
/// Space left of a plot and above it.
const MARGIN: (f64, f64) = (66.0, 26.0);
const CELL: (f64, f64) = (MARGIN.0 + PLOT.0 + 22.0, MARGIN.1 + PLOT.1 + 58.0);

/// Returns `true` if line charts include this function.
///
/// They leave out `combinator`: it parses again with every chunk, so its strings are shorter, and its
/// times would compress the scale of the others.
pub(crate) fn shows(function: &str) -> bool {
    let engine = ENGINES.contains(&function) && function != "combinator";
    engine || LEVELS.iter().any(|level| level.0 == function)
}

/// Draws the chart. All panels share their scales.
pub(crate) fn draw(labels: &Labels<'_>, panels: &[Panel<'_>]) -> String {
    let lines = || panels.iter().flat_map(|panel| &panel.lines);
    let functions: Vec<&str> = lines().map(|line| line.function).collect();
    let mut legend = Key::ours(&functions);
    for (function, text, colour) in LEVELS {
        if functions.contains(&function) {
            legend.push(Key { text: text.to_owned(), colour, dashed: true });
        }
    }
    let mut frame = Frame::new(labels, &legend, COLUMNS, CELL.0, &vec![CELL.1; panels.len()]);
    for (index, panel) in panels.iter().enumerate() {
        let (left, top) = frame.corner(index);
        let (left, top) = (left + MARGIN.0, top + MARGIN.1);
        let points = || lines().flat_map(|line| &line.points);
        let x = Axis::exact(points().map(|point| point.0), left, left + PLOT.0);
        let y = Axis::rounded(points().map(|point| point.1), top + PLOT.1, top);
        draw_axes(&mut frame.svg, labels, panel, x, y);
        for line in &panel.lines {
            draw_line(&mut frame.svg, line, x, y);
        }
    }
    frame.svg.finish()
}

fn draw_axes(svg: &mut Svg, labels: &Labels<'_>, panel: &Panel<'_>, x: Axis, y: Axis) {
    let (left, right) = x.ends();
    let (bottom, top) = y.ends();
    svg.text(left, top - 10.0, Anchor::Start, Font::HEADING, panel.title);
    for value in y.marks() {
        let pixel = y.pixel(value);
        svg.line(&[(left, pixel), (right, pixel)], FAINT, 1.0, false);
        svg.text(left - 8.0, pixel + 4.0, Anchor::End, Font::PLAIN, &mark(value));
    }
    let mut values: Vec<f64> =
        panel.lines.iter().flat_map(|line| &line.points).map(|point| point.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    for value in values {
        let pixel = x.pixel(value);
        svg.line(&[(pixel, top), (pixel, bottom)], FAINT, 1.0, false);
        svg.text(pixel, bottom + 18.0, Anchor::Middle, Font::PLAIN, &mark(value));
    }
    svg.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1.0, false);
    svg.text((left + right) / 2.0, bottom + 38.0, Anchor::Middle, Font::PLAIN, labels.x);
    svg.text_turned(left - 52.0, (top + bottom) / 2.0, -90, Anchor::Middle, Font::PLAIN, labels.y);
}

fn draw_line(svg: &mut Svg, line: &Line<'_>, x: Axis, y: Axis) {
    let function = line.function;
    if ENGINES.contains(&function) {
        let points: Vec<_> = line.points.iter().map(|at| (x.pixel(at.0), y.pixel(at.1))).collect();
        svg.line(&points, colour(function), 2.5, false);
        for (x, y) in points {
            svg.circle(x, y, 4.0, colour(function));
        }
    }
    let level = LEVELS.iter().find(|level| level.0 == function);
    if let (Some(level), Some(last)) = (level, line.points.last()) {
        let ((left, right), pixel) = (x.ends(), y.pixel(last.1));
        svg.line(&[(left, pixel), (right, pixel)], level.2, 1.5, true);
    }
}
