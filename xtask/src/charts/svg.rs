//! The subset of SVG that the charts need.

use std::fmt::Write;

use super::style::INK;

/// A drawing on a white background, so that it is readable on a dark page too.
///
/// Coordinates and sizes are in pixels.
pub(crate) struct Svg {
    width: f64,
    height: f64,
    title: String,
    shapes: String,
}

/// The point of a text that its coordinates name.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A text's size, weight and colour.
#[derive(Clone, Copy)]
pub(crate) struct Font {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: &'static str,
}

impl Font {
    pub(crate) const TITLE: Self = Self { size: 19.0, bold: true, colour: INK };
    pub(crate) const HEADING: Self = Self { size: 14.0, bold: true, colour: INK };
    pub(crate) const PLAIN: Self = Self { size: 12.5, bold: false, colour: INK };
    pub(crate) const SMALL: Self = Self { size: 11.0, bold: false, colour: "#666666" };

    /// Estimates a text's width.
    pub(crate) fn width(self, text: &str) -> f64 {
        text.chars().count() as f64 * self.size * if self.bold { 0.58 } else { 0.54 }
    }
}

impl Svg {
    pub(crate) fn new(title: &str, width: f64, height: f64) -> Self {
        Self { width, height, title: escaped(title), shapes: String::new() }
    }

    pub(crate) fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, fill: &str) {
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{fill}"/>"#
        ));
    }

    pub(crate) fn circle(&mut self, x: f64, y: f64, radius: f64, fill: &str) {
        self.add(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{fill}" stroke="white"/>"#
        ));
    }

    /// Draws a line through all points.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], stroke: &str, width: f64, dashed: bool) {
        let points: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let points = points.join(" ");
        let dashes = if dashed { r#" stroke-dasharray="5 4""# } else { "" };
        self.add(format_args!(
            r#"<polyline points="{points}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashes}/>"#
        ));
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, anchor: Anchor, font: Font, text: &str) {
        self.text_turned(x, y, 0, anchor, font, text);
    }

    pub(crate) fn text_turned(
        &mut self,
        x: f64,
        y: f64,
        degrees: i32,
        anchor: Anchor,
        Font { size, bold, colour }: Font,
        text: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let weight = if bold { "bold" } else { "normal" };
        let text = escaped(text);
        self.add(format_args!(
            r#"<text transform="translate({x:.1} {y:.1}) rotate({degrees})" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}">{text}</text>"#
        ));
    }

    fn add(&mut self, shape: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.shapes, "{shape}");
    }

    pub(crate) fn finish(self) -> String {
        let Self { width, height, title, shapes } = self;
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {height:.0}" width="{width:.0}" height="{height:.0}" role="img" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif">
<title>{title}</title>
<rect width="100%" height="100%" fill="white"/>
{shapes}</svg>
"#
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
