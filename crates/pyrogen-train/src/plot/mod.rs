//! Plots, as SVG.

mod plane;

pub use plane::rate_distortion;

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

/// A line plot with a legend.
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
    let mut chart = frame(&root, title, xs, ys)?;
    chart
        .configure_mesh()
        .x_desc(x)
        .y_desc(y)
        .light_line_style(WHITE)
        .draw()
        .map_err(|e| text(&e))?;
    for (i, s) in series.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()];
        chart
            .draw_series(LineSeries::new(finite(s), colour.stroke_width(2)))
            .map_err(|e| text(&e))?
            .label(&s.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|e| text(&e))?;
    root.present().map_err(|e| text(&e))
}

/// An empty chart on an SVG backend.
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A white area with a title and room for the axes' labels.
fn frame<'a, 'b>(
    root: &'a DrawingArea<SVGBackend<'b>, Shift>,
    title: &str,
    xs: Range<f64>,
    ys: Range<f64>,
) -> Result<Chart<'a, 'b>, String> {
    let text = |e: &dyn Display| e.to_string();
    root.fill(&WHITE).map_err(|e| text(&e))?;
    ChartBuilder::on(root)
        .caption(title, ("sans-serif", 16))
        .margin(10)
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
        assert!(svg.starts_with("<svg") && svg.contains("polyline") && svg.contains("a&lt;b"));
        let error = lines("t", "x", "y", &[s(&[(0.0, f64::NAN)])]).unwrap_err().to_string();
        assert_eq!(error, "cannot draw the plot \"t\": there are no finite points");
    }
}
