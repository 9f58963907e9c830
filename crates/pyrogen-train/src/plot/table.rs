//! Plots of tables: columns side by side, pairs as a heat map, as SVG.

use std::fmt::Write;

use crate::report::escape;

/// One column of two tables: how often which values occur.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Panel<'a> {
    /// The column's name.
    pub name: &'a str,
    /// The values, or the lower ends of bins of numbers.
    pub values: &'a [String],
    /// Whether the values are bins: then only the first and the last are written.
    pub bins: bool,
    /// The share of each value among the real rows.
    pub real: &'a [f64],
    /// The share of each value among the generated rows.
    pub generated: &'a [f64],
}

/// Panels in a line.
const LINE: usize = 2;
/// Width and height of a panel, with the room around it.
const PANEL: (f64, f64) = (360.0, 220.0);
/// Left, top, right and bottom of a panel's bars within it.
const ROOM: [f64; 4] = [12.0, 28.0, 12.0, 74.0];
/// Letters of a name that are shown.
const LETTERS: usize = 14;

/// The first letters of a text.
fn short(text: &str, letters: usize) -> String {
    match text.chars().count() > letters {
        true => text.chars().take(letters - 1).chain(['…']).collect(),
        false => text.to_string(),
    }
}

fn text(svg: &mut String, x: f64, y: f64, size: u32, more: &str, content: &str) {
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" font-family=\"sans-serif\" {more}>{}</text>",
        escape(content)
    );
}

fn open(width: f64, height: f64) -> String {
    format!(
        "<svg width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         xmlns=\"http://www.w3.org/2000/svg\">"
    )
}

/// Columns of a real and of a generated table side by side: filled bars are real rows, open ones
/// generated. Each column has its own height.
///
/// ```
/// use pyrogen_train::plot::{Panel, columns};
///
/// let values = ["Oslo".to_string(), "Rome".to_string()];
/// let panel = Panel {
///     name: "town",
///     values: &values,
///     bins: false,
///     real: &[0.75, 0.25],
///     generated: &[0.5, 0.5],
/// };
/// let svg = columns(&[panel]);
/// assert!(svg.contains("town") && svg.contains("Rome"));
/// ```
pub fn columns(panels: &[Panel]) -> String {
    let lines = panels.len().div_ceil(LINE).max(1);
    let (width, height) = (PANEL.0 * LINE as f64, PANEL.1 * lines as f64 + 24.0);
    let mut svg = open(width, height);
    let _ = write!(
        svg,
        "<rect x=\"12\" y=\"6\" width=\"12\" height=\"12\" fill=\"#0072b2\"/>\
         <rect x=\"113\" y=\"7\" width=\"10\" height=\"10\" fill=\"#fff\" stroke=\"#d55e00\" \
         stroke-width=\"2\"/>"
    );
    text(&mut svg, 30.0, 16.0, 13, "", "real rows");
    text(&mut svg, 130.0, 16.0, 13, "", "samples");
    for (i, panel) in panels.iter().enumerate() {
        let left = PANEL.0 * (i % LINE) as f64;
        let top = 24.0 + PANEL.1 * (i / LINE) as f64;
        draw(&mut svg, panel, left, top);
    }
    svg + "</svg>"
}

fn draw(svg: &mut String, panel: &Panel, left: f64, top: f64) {
    let (x, y) = (left + ROOM[0], top + ROOM[1]);
    let (width, height) = (PANEL.0 - ROOM[0] - ROOM[2], PANEL.1 - ROOM[1] - ROOM[3]);
    let highest =
        panel.real.iter().chain(panel.generated).copied().fold(f64::MIN_POSITIVE, f64::max);
    let bold = "font-weight=\"bold\"";
    text(svg, x, y - 10.0, 13, bold, &short(panel.name, 3 * LETTERS));
    let step = width / panel.values.len().max(1) as f64;
    for (k, (real, generated)) in panel.real.iter().zip(panel.generated).enumerate() {
        let at = x + step * k as f64;
        let (a, b) = (height * real / highest, height * generated / highest);
        let bar = (step * 0.42).max(1.0);
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{a:.1}\" fill=\"#0072b2\"/>\
             <rect x=\"{:.1}\" y=\"{:.1}\" width=\"{bar:.1}\" height=\"{b:.1}\" fill=\"none\" \
             stroke=\"#d55e00\" stroke-width=\"1.5\"/>",
            at + step * 0.05,
            y + height - a,
            at + step * 0.52,
            y + height - b,
        );
    }
    let base = y + height;
    let _ = write!(
        svg,
        "<path d=\"M{x:.1} {base:.1}h{width:.1}\" stroke=\"#333\" stroke-width=\"1\"/>"
    );
    let last = panel.values.len().saturating_sub(1);
    for (k, value) in panel.values.iter().enumerate() {
        let at = x + step * (k as f64 + 0.5);
        match panel.bins {
            true if k == 0 => text(svg, x, base + 16.0, 12, "", value),
            true if k == last => {
                text(svg, x + width, base + 16.0, 12, "text-anchor=\"end\"", value);
            }
            true => {}
            false => {
                let turned = format!(
                    "text-anchor=\"end\" transform=\"rotate(-40 {at:.1} {:.1})\"",
                    base + 12.0
                );
                text(svg, at, base + 12.0, 11, &turned, &short(value, LETTERS));
            }
        }
    }
}

/// Side of a cell.
const CELL: f64 = 34.0;
/// Columns whose cells still have room for numbers.
const NUMBERED: usize = 24;

/// A matrix of numbers from 0 to 1, a row and a column for each name: the darker, the nearer to 1. The
/// diagonal is left out.
///
/// # Panics
/// If the matrix has not a row and a column for each name.
///
/// ```
/// use pyrogen_train::plot::heat_map;
///
/// let names = ["age".to_string(), "income".to_string()];
/// let svg = heat_map(&names, &[vec![0.0, 0.3], vec![0.3, 0.0]]);
/// assert!(svg.contains("income") && svg.contains("0.30"));
/// ```
pub fn heat_map(names: &[String], values: &[Vec<f64>]) -> String {
    let n = names.len();
    assert!(values.len() == n && values.iter().all(|row| row.len() == n), "heat_map: not square");
    let cell = if n > NUMBERED { CELL / 2.0 } else { CELL };
    let (left, top) = (150.0, 110.0);
    let side = cell * n as f64;
    let mut svg = open(left + side + 60.0, top + side + 10.0);
    for (i, name) in names.iter().enumerate() {
        let middle = cell * (i as f64 + 0.5);
        let name = short(name, LETTERS + 4);
        text(&mut svg, left - 6.0, top + middle + 4.0, 12, "text-anchor=\"end\"", &name);
        let (x, y) = (left + middle, top - 6.0);
        text(&mut svg, x, y, 12, &format!("transform=\"rotate(-40 {x:.1} {y:.1})\""), &name);
        for (j, &value) in values[i].iter().enumerate().filter(|(j, _)| *j != i) {
            let (x, y) = (left + cell * j as f64, top + cell * i as f64);
            let value = value.clamp(0.0, 1.0);
            // From white to a dark blue; the numbers say it without the colour.
            let mix = |full: f64| 255.0 - (255.0 - full) * value.sqrt();
            let _ = write!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{cell:.1}\" height=\"{cell:.1}\" \
                 fill=\"rgb({:.0},{:.0},{:.0})\" stroke=\"#ddd\"/>",
                mix(0.0),
                mix(60.0),
                mix(110.0),
            );
            if n <= NUMBERED {
                let ink = if value > 0.25 { "fill=\"#fff\" " } else { "" };
                let more = format!("{ink}text-anchor=\"middle\"");
                let (x, y) = (x + cell / 2.0, y + cell / 2.0 + 4.0);
                text(&mut svg, x, y, 11, &more, &format!("{value:.2}"));
            }
        }
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_shares() {
        let values: Vec<String> = ["a<b", "c"].map(String::from).to_vec();
        let (real, generated) = ([1.0, 0.5], [0.25, 0.0]);
        let panel =
            Panel { name: "x&y", values: &values, bins: false, real: &real, generated: &generated };
        let svg = columns(&[panel, panel, panel]);
        assert!(svg.contains("a&lt;b") && svg.contains("x&amp;y"));
        let full = PANEL.1 - ROOM[1] - ROOM[3];
        for (share, count) in [(1.0, 3), (0.5, 3), (0.25, 3), (0.0, 3)] {
            let height = format!("height=\"{:.1}\"", full * share);
            assert_eq!(svg.matches(&height).count(), count, "{height}");
        }
        // Three panels are two lines.
        assert!(svg.contains(&format!("height=\"{:.0}\"", 2.0 * PANEL.1 + 24.0)));
    }

    #[test]
    fn a_heat_map_has_a_cell_a_pair() {
        let names: Vec<String> = (0..30).map(|i| format!("column{i}")).collect();
        let values = vec![vec![0.5; 30]; 30];
        let svg = heat_map(&names, &values);
        assert_eq!(svg.matches("<rect").count(), 30 * 29);
        assert!(!svg.contains("0.50"), "too many for numbers");
        assert!(heat_map(&names[..2], &[vec![0.0, 0.5], vec![0.5, 0.0]]).contains("0.50"));
    }
}
