//! Plots, as SVG.

mod plane;
mod table;

pub use plane::rate_distortion;
pub use table::{Panel, columns, heat_map};

use std::fmt::Display;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use pyrogen_metrics::collapse::Sign;

use crate::error::TrainError;
use crate::metrics_log::Row;
use crate::monitor::MonitorRow;

/// One line of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

const SIZE: (u32, u32) = (720, 360);
/// Colours that differ in lightness too (after Okabe and Ito 2008).
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
];

/// How lines are broken, beside their colours: pixels that are drawn and left out.
const DASHES: [Option<(u32, u32)>; 5] =
    [None, Some((8, 4)), Some((2, 3)), Some((14, 5)), Some((5, 8))];

/// Pixels that a letter of a legend is wide, roughly.
const LETTER: i32 = 7;

/// A line plot with a legend beside it. Lines differ by colour and by how they are broken.
///
/// # Errors
/// When no series has a point, or the drawing library refuses.
pub fn lines(title: &str, x: &str, y: &str, series: &[Series]) -> Result<String, TrainError> {
    let mut svg = String::new();
    draw(&mut svg, title, x, y, series)
        .map_err(|message| TrainError::Draw { what: format!("the plot \"{title}\""), message })?;
    Ok(svg)
}

fn draw(svg: &mut String, title: &str, x: &str, y: &str, series: &[Series]) -> Result<(), String> {
    let finite = |s: &Series| -> Vec<(f64, f64)> {
        s.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
    };
    let all: Vec<(f64, f64)> = series.iter().flat_map(finite).collect();
    if all.is_empty() {
        return Err("there are no finite points".into());
    }
    let (xs, ys) = (range(all.iter().map(|p| p.0)), range(all.iter().map(|p| p.1)));
    let text = |e: &dyn Display| e.to_string();
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let longest = series.iter().map(|s| s.name.chars().count()).max().unwrap_or(0) as i32;
    let legend = if series.len() > 1 { 44 + longest * LETTER } else { 0 };
    let mut chart = frame(&root, title, xs, ys, legend)?;
    chart.configure_mesh().x_desc(x).y_desc(y).max_light_lines(0).draw().map_err(|e| text(&e))?;
    for (i, s) in series.iter().enumerate() {
        let style = COLOURS[i % COLOURS.len()].stroke_width(2);
        let drawn = match DASHES[i % DASHES.len()] {
            None => chart.draw_series(LineSeries::new(finite(s), style)).map(|_| ()),
            Some((on, off)) => {
                chart.draw_series(DashedLineSeries::new(finite(s), on, off, style)).map(|_| ())
            }
        };
        drawn.map_err(|e| text(&e))?;
    }
    drop(chart);
    if legend > 0 {
        let left = SIZE.0 as i32 - legend;
        series.iter().enumerate().try_for_each(|(i, s)| entry(&root, i, &s.name, left))?;
    }
    root.present().map_err(|e| text(&e))
}

/// One line of the legend.
fn entry(
    root: &DrawingArea<SVGBackend, Shift>,
    i: usize,
    name: &str,
    left: i32,
) -> Result<(), String> {
    let y = 44 + 20 * i as i32;
    let style = COLOURS[i % COLOURS.len()].stroke_width(2);
    let (on, off) = DASHES[i % DASHES.len()].unwrap_or((24, 0));
    let mut x = 0;
    while x < 24 {
        let end = (x + on as i32).min(24);
        let dash = PathElement::new([(left + x, y), (left + end, y)], style);
        root.draw(&dash).map_err(|e| e.to_string())?;
        x = end + off as i32;
    }
    let label = Text::new(name.to_string(), (left + 32, y - 7), ("sans-serif", 13));
    root.draw(&label).map_err(|e| e.to_string())
}

/// An empty chart on an SVG backend.
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A white area with a title and room for the axes' labels, and so many pixels on the right.
fn frame<'a, 'b>(
    root: &'a DrawingArea<SVGBackend<'b>, Shift>,
    title: &str,
    xs: Range<f64>,
    ys: Range<f64>,
    right: i32,
) -> Result<Chart<'a, 'b>, String> {
    let text = |e: &dyn Display| e.to_string();
    root.fill(&WHITE).map_err(|e| text(&e))?;
    ChartBuilder::on(root)
        .caption(title, ("sans-serif", 16))
        .margin(10)
        .margin_right(10 + right)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(xs, ys)
        .map_err(|e| text(&e))
}

/// The range of some numbers, never empty, with a little air.
fn range(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let air = if high > low { (high - low) * 0.04 } else { high.abs().max(1.0) * 0.1 };
    low - air..high + air
}

/// The losses of a run, training and validation, by step; of two players both.
///
/// # Errors
/// When the log has no losses.
pub fn loss_curve(rows: &[Row]) -> Result<String, TrainError> {
    let mut all: Vec<Series> = Vec::new();
    for row in rows {
        for (name, value) in &row.values {
            let name = match name.strip_suffix("loss") {
                Some("") => row.part.clone(),
                Some(player) if player.ends_with('.') => {
                    format!("{}, {}", player.trim_end_matches('.'), row.part)
                }
                _ => continue,
            };
            let point = (row.step as f64, *value);
            match all.iter_mut().find(|s| s.name == name) {
                Some(series) => series.points.push(point),
                None => all.push(Series { name, points: vec![point] }),
            }
        }
    }
    lines("Loss", "step", "loss", &all)
}

/// What a collapse monitor read, by step: of the generator, and of the discriminator.
///
/// # Errors
/// When there are no readings.
pub fn monitor_curves(rows: &[MonitorRow]) -> Result<[String; 2], TrainError> {
    let series = |sign: Sign| Series {
        name: sign.name().to_string(),
        points: rows
            .iter()
            .filter_map(|r| Some((r.reading.step as f64, sign.of(&r.reading)?)))
            .collect(),
    };
    let draw = |title: &str, signs: &[Sign]| {
        let all: Vec<Series> = signs.iter().map(|s| series(*s)).collect();
        let all: Vec<Series> = all.into_iter().filter(|s| !s.points.is_empty()).collect();
        lines(title, "step", "reading", &all)
    };
    Ok([
        draw("Generator", &[Sign::Recall, Sign::Coverage, Sign::Diversity, Sign::Modes])?,
        draw("Discriminator", &[Sign::Separation, Sign::Memory])?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_what_is_finite_and_refuses_nothing() {
        let s = |points: &[(f64, f64)]| Series { name: "a<b".into(), points: points.to_vec() };
        let svg = lines("t", "x", "y", &[s(&[(0.0, 1.0), (1.0, f64::NAN), (2.0, 1.0)])]).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("polyline"));
        // Two lines: a legend beside them, and dashes that tell them apart without colours.
        let many: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i), f64::from(i % 7))).collect();
        let two = [s(&many), Series { name: "other".into(), ..s(&many) }];
        let svg = lines("t", "x", "y", &two).unwrap();
        assert!(svg.contains("other") && svg.contains("a&lt;b"));
        assert!(svg.matches("polyline").count() > 20, "{svg}");
        let error = lines("t", "x", "y", &[s(&[(0.0, f64::NAN)])]).unwrap_err().to_string();
        assert_eq!(error, "cannot draw the plot \"t\": there are no finite points");
    }
}
