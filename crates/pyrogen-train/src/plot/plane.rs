//! The rate-distortion plane, as SVG.

use plotters::prelude::*;
use pyrogen_core::RateDistortion;

use super::{COLOURS, Chart, frame, range};
use crate::error::TrainError;

const SIZE: (u32, u32) = (720, 480);
/// Pixels that a letter is wide and high, roughly: a browser has the last word.
const LETTER: (i32, i32) = (7, 14);
/// Pixels from a point's centre to its edge.
const DOT: i32 = 5;

/// Models as points in the rate-distortion plane, each with its name, over lines of equal bound.
///
/// Towards the lower left is better; on a line the bound is the same, and models differ in what
/// they put into their latents.
///
/// # Errors
/// When there are no points or one is not finite, or the drawing library refuses.
///
/// # References
/// Alemi et al. (2018), "Fixing a Broken ELBO", figure 1.
///
/// # Examples
/// ```
/// use pyrogen_core::RateDistortion;
/// use pyrogen_train::plot::rate_distortion;
///
/// let point = |rate, distortion| RateDistortion { examples: 100, rate, distortion };
/// let points = [("vae", point(10.0, 77.0)), ("info-vae", point(46.0, 69.0))];
/// let svg = rate_distortion("Two models", &points)?;
/// assert!(svg.starts_with("<svg") && svg.contains("info-vae"));
/// # Ok::<(), pyrogen_train::TrainError>(())
/// ```
pub fn rate_distortion(
    title: &str,
    points: &[(&str, RateDistortion)],
) -> Result<String, TrainError> {
    let mut svg = String::new();
    draw(&mut svg, title, points)
        .map_err(|message| TrainError::Draw { what: format!("the plot \"{title}\""), message })?;
    Ok(svg)
}

fn draw(svg: &mut String, title: &str, points: &[(&str, RateDistortion)]) -> Result<(), String> {
    if points.is_empty() || points.iter().any(|(_, p)| !p.bound().is_finite()) {
        return Err("it takes one finite point or more".into());
    }
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let rates = range(points.iter().map(|(_, p)| p.rate).chain([0.0]));
    let distortions = range(points.iter().map(|(_, p)| p.distortion));
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = frame(&root, title, 0.0..rates.end * 1.1, distortions, 0)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_desc("rate, nats an example")
        .y_desc("distortion, nats an example")
        .draw()
        .map_err(|e| text(&e))?;
    let mut taken = Vec::new();
    equal_bounds(&mut chart, &mut taken)?;
    for (i, (_, point)) in points.iter().enumerate() {
        let at = (point.rate, point.distortion);
        let colour = COLOURS[i % COLOURS.len()];
        let dot = Circle::new(at, DOT, colour.filled());
        chart.draw_series([dot]).map_err(|e| text(&e))?;
        taken.push(around(chart.backend_coord(&at), (DOT, DOT)));
    }
    for (i, (name, point)) in points.iter().enumerate() {
        let at = chart.backend_coord(&(point.rate, point.distortion));
        let place = place(at, name, &taken);
        taken.push(place);
        let font = ("sans-serif", 13).into_font().color(&COLOURS[i % COLOURS.len()]);
        let label = Text::new(*name, (place[0], place[1]), font);
        root.draw(&label).map_err(|e| text(&e))?;
    }
    root.present().map_err(|e| text(&e))
}

/// Lines on which the bound is a multiple of ten nats, with the bound at their lower end.
fn equal_bounds(chart: &mut Chart, taken: &mut Vec<[i32; 4]>) -> Result<(), String> {
    let (rates, distortions) = (chart.x_range(), chart.y_range());
    let (low, high) = (rates.start + distortions.start, rates.end + distortions.end);
    let area = chart.plotting_area().clone();
    for ten in (low / 10.0).ceil() as i64..=(high / 10.0).floor() as i64 {
        let sum = ten as f64 * 10.0;
        let from = rates.start.max(sum - distortions.end);
        let to = rates.end.min(sum - distortions.start);
        if to - from < 0.1 * (rates.end - rates.start) {
            continue; // a corner is cut off
        }
        let ends = [(from, sum - from), (to, sum - to)];
        let grey = RGBColor(170, 170, 170);
        let line = PathElement::new(ends, grey.stroke_width(1));
        area.draw(&line).map_err(|e| e.to_string())?;
        let name = format!("-{sum:.0}");
        let (x, y) = chart.backend_coord(&ends[1]);
        let corner = (x - (name.len() as i32 + 1) * LETTER.0, y - LETTER.1 - 2);
        let font = ("sans-serif", 11).into_font().color(&grey);
        let plain = area.strip_coord_spec();
        let (dx, dy) = plain.get_base_pixel();
        let label = Text::new(name.clone(), (corner.0 - dx, corner.1 - dy), font);
        plain.draw(&label).map_err(|e| e.to_string())?;
        taken.push([corner.0, corner.1, x, y]);
    }
    Ok(())
}

/// Left, top, right and bottom of a box around a place.
fn around((x, y): (i32, i32), (width, height): (i32, i32)) -> [i32; 4] {
    [x - width, y - height, x + width, y + height]
}

/// Where a name goes: the first place beside its point that nothing else has.
fn place((x, y): (i32, i32), name: &str, taken: &[[i32; 4]]) -> [i32; 4] {
    let (width, height) = (name.chars().count() as i32 * LETTER.0, LETTER.1);
    let (gap, half) = (DOT + 4, height / 2);
    let corners = [
        (x + gap, y - half),
        (x - gap - width, y - half),
        (x - width / 2, y - gap - height),
        (x - width / 2, y + gap),
        (x + gap, y - half - height),
        (x + gap, y + half),
        (x - gap - width, y + half),
    ];
    let boxes = corners.map(|(x, y)| [x, y, x + width, y + height]);
    let free = |b: &&[i32; 4]| {
        b[0] > 60 && !taken.iter().any(|t| b[0] < t[2] && t[0] < b[2] && b[1] < t[3] && t[1] < b[3])
    };
    *boxes.iter().find(free).unwrap_or(&boxes[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(rate: f64, distortion: f64) -> RateDistortion {
        RateDistortion { examples: 10, rate, distortion }
    }

    #[test]
    fn names_do_not_cover_each_other() {
        let mut taken = vec![around((100, 100), (DOT, DOT)), around((104, 103), (DOT, DOT))];
        for name in ["vae", "iwae", "a-long-name"] {
            let place = place((100, 100), name, &taken);
            let over = |t: &[i32; 4]| {
                place[0] < t[2] && t[0] < place[2] && place[1] < t[3] && t[1] < place[3]
            };
            assert!(!taken.iter().any(over), "{name}: {place:?} of {taken:?}");
            taken.push(place);
        }
    }

    #[test]
    fn a_plane_shows_points_and_bounds() {
        let points = [("a", point(10.0, 70.0)), ("b", point(0.0, 85.0))];
        let svg = rate_distortion("plane", &points).unwrap();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("-80") && svg.contains("distortion, nats"));
        let error = rate_distortion("plane", &[("a", point(f64::NAN, 1.0))]).unwrap_err();
        let message = "cannot draw the plot \"plane\": it takes one finite point or more";
        assert_eq!(error.to_string(), message);
        assert!(rate_distortion("plane", &[]).is_err());
    }
}
