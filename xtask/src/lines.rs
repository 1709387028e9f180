//! Charts of lines, both axes logarithmic.

use crate::axis::Axis;
use crate::frame::{Frame, Key, Labels};
use crate::style::{ENGINES, FAINT, GREY, INK, colour, mark};
use crate::svg::{Anchor, Font, Svg};

/// The lines that share a pair of axes.
pub(crate) struct Panel<'a> {
    pub(crate) title: &'a str,
    pub(crate) lines: Vec<Line<'a>>,
}

/// What a function does with growing parameters.
pub(crate) struct Line<'a> {
    pub(crate) function: &'a str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is shown beside the engines: the level of its last point, to compare with.
const LEVELS: [(&str, &str, &str); 2] =
    [("limit", "limit (memchr2 finds nothing)", INK), ("enum", "enum, byte by byte", GREY)];

const COLUMNS: usize = 3;
const PLOT: (f64, f64) = (250.0, 260.0);
/// What stands left of a plot and above it.
const MARGIN: (f64, f64) = (66.0, 26.0);
const CELL: (f64, f64) = (MARGIN.0 + PLOT.0 + 22.0, MARGIN.1 + PLOT.1 + 58.0);

/// Whether a function has a place here. `combinator` has none: it parses again what came before, so
/// it is given shorter strings, and would press the others together.
pub(crate) fn shows(function: &str) -> bool {
    let engine = ENGINES.contains(&function) && function != "combinator";
    engine || LEVELS.iter().any(|level| level.0 == function)
}

/// The chart. All panels have the same scales.
pub(crate) fn draw(labels: &Labels<'_>, panels: &[Panel<'_>]) -> String {
    let lines = || panels.iter().flat_map(|panel| &panel.lines);
    let functions: Vec<&str> = lines().map(|line| line.function).collect();
    let mut legend = Key::engines(&functions);
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
        let place = y.place(value);
        svg.line(&[(left, place), (right, place)], FAINT, 1.0, false);
        svg.text(left - 8.0, place + 4.0, Anchor::End, Font::PLAIN, &mark(value));
    }
    let mut values: Vec<f64> =
        panel.lines.iter().flat_map(|line| &line.points).map(|point| point.0).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    for value in values {
        let place = x.place(value);
        svg.line(&[(place, top), (place, bottom)], FAINT, 1.0, false);
        svg.text(place, bottom + 18.0, Anchor::Middle, Font::PLAIN, &mark(value));
    }
    svg.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1.0, false);
    svg.text((left + right) / 2.0, bottom + 38.0, Anchor::Middle, Font::PLAIN, labels.x);
    svg.text_turned(left - 52.0, (top + bottom) / 2.0, -90, Anchor::Middle, Font::PLAIN, labels.y);
}

fn draw_line(svg: &mut Svg, line: &Line<'_>, x: Axis, y: Axis) {
    let function = line.function;
    if ENGINES.contains(&function) {
        let points: Vec<_> = line.points.iter().map(|at| (x.place(at.0), y.place(at.1))).collect();
        svg.line(&points, colour(function), 2.5, false);
        for (x, y) in points {
            svg.circle(x, y, 4.0, colour(function));
        }
    }
    let level = LEVELS.iter().find(|level| level.0 == function);
    if let (Some(level), Some(last)) = (level, line.points.last()) {
        let ((left, right), place) = (x.ends(), y.place(last.1));
        svg.line(&[(left, place), (right, place)], level.2, 1.5, true);
    }
}
