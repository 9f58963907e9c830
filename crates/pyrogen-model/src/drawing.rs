//! Pictures made of a few shapes, for what a report shows of a model.

use std::fmt::Write as _;

use crate::Figure;

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// Its first letter.
    Start,
    /// Its middle.
    Middle,
    /// Its last letter.
    End,
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// An SVG picture while it is drawn. Places are `(x, y)` in pixels from the upper left corner; what is
/// drawn later lies above.
#[derive(Debug, Clone)]
pub struct Drawing {
    svg: String,
}

impl Drawing {
    /// An empty picture of a width and a height.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            svg: format!(
                r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">"#
            ),
        }
    }

    /// A filled circle that lets half of what is below it through.
    pub fn circle(&mut self, (x, y): (f64, f64), radius: f64, colour: &str) {
        let _ = write!(
            self.svg,
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" fill="{colour}" fill-opacity="0.5"/>"#
        );
    }

    /// A filled rectangle from its upper left corner.
    pub fn rectangle(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        let _ = write!(
            self.svg,
            r#"<rect x="{x:.2}" y="{y:.2}" width="{width:.2}" height="{height:.2}" fill="{colour}"/>"#
        );
    }

    /// A thin line through points; a single point is a dot.
    pub fn line(&mut self, points: &[(f64, f64)], colour: &str) {
        match points {
            [] => {}
            [(x, y)] => {
                let _ =
                    write!(self.svg, r#"<circle cx="{x:.1}" cy="{y:.1}" r="1" fill="{colour}"/>"#);
            }
            points => {
                let points: Vec<String> =
                    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                let points = points.join(" ");
                let _ = write!(
                    self.svg,
                    r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1"/>"#
                );
            }
        }
    }

    /// A text.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let anchor = anchor.name();
        let _ =
            write!(self.svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#);
    }

    /// The picture, with its name in files and what it shows.
    pub fn figure(mut self, name: &str, caption: String) -> Figure {
        self.svg.push_str("</svg>");
        Figure { name: name.into(), caption, svg: self.svg }
    }
}

/// The colour of the `k`-th of many things: hues a golden section of the circle apart, so that
/// neighbours differ. `lightness` is in per cent.
pub fn colour(k: usize, lightness: usize) -> String {
    let hue = (k as f64 * 222.5) % 360.0;
    format!("hsl({hue:.0},55%,{lightness}%)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_written_and_texts_are_escaped() {
        let mut drawing = Drawing::new(10.0, 20.0);
        drawing.rectangle((1.0, 2.0), (3.0, 4.0), "red");
        drawing.line(&[(0.0, 0.0), (1.0, 1.5)], "blue");
        drawing.line(&[], "blue");
        drawing.line(&[(2.0, 2.0)], "blue");
        drawing.text((5.0, 6.0), Anchor::End, "a < b & c");
        let figure = drawing.figure("name", "caption".into());
        assert!(figure.svg.starts_with("<svg") && figure.svg.ends_with("</svg>"));
        assert!(figure.svg.contains(r#"viewBox="0 0 10 20""#));
        assert!(figure.svg.contains(r#"points="0.0,0.0 1.0,1.5""#));
        assert!(figure.svg.contains(r#"text-anchor="end">a &lt; b &amp; c<"#));
        assert_eq!(figure.svg.matches("<circle").count(), 1);
        assert_eq!(figure.svg.matches("<polyline").count(), 1);
    }

    #[test]
    fn neighbours_have_other_colours() {
        assert_eq!(colour(0, 45), "hsl(0,55%,45%)");
        assert!((0..20).all(|k| colour(k, 45) != colour(k + 1, 45)));
    }
}
