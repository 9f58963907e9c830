//! Numbers on circles.

use std::f64::consts::{PI, TAU};

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::{Transform, step_error};
use crate::DataError;

/// Takes numbers on a circle to angles in `[-pi, pi)`, `y = 2 pi (x - origin) / period - pi`, wrapped; elements
/// without a period stay.
///
/// Numbers that lie on a grid are spread evenly over their cells first, as by
/// [`Dequantise`](super::Dequantise). The inverse gives numbers in `[origin, origin + period)`.
///
/// # Units
/// The log-determinant is `ln(2 pi / period)` an element. With a grid it is `ln(2 pi cell / period)`, and a
/// density of `y` bounds the probability of the grid's number.
///
/// # References
/// L. Theis, A. van den Oord, M. Bethge (2016), "A note on the evaluation of generative models", section 3.1,
/// for numbers on a grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Periodic {
    /// The circle of each element; none for an element on the line.
    pub elements: Vec<Option<Circle>>,
}

/// The circle that a number is on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Circle {
    /// Where the numbers begin that are given back.
    pub origin: f64,
    /// The number that is the same as 0.
    pub period: f64,
    /// The distance of a number to the next one, where numbers lie on a grid from the origin on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<f64>,
}

/// The part of a cell that draws keep to, so that rounding to f32 leaves them within. The density of the draws
/// is higher by its inverse, which the log-determinant counts.
const WITHIN: f64 = 1.0 - 2e-4;

impl Circle {
    fn is_valid(&self) -> bool {
        let cell = self.cell.is_none_or(|cell| cell > 0.0 && cell <= self.period);
        self.origin.is_finite() && self.period.is_normal() && self.period > 0.0 && cell
    }

    /// The angle of a number; `r` in [0, 1) is its place in its cell.
    fn angle(&self, x: f64, r: f64) -> f64 {
        let within = self.cell.map_or(0.0, |cell| cell * (0.5 + (r - 0.5) * WITHIN));
        let turns = (x + within - self.origin) / self.period;
        // A number below 0 by less than a rounding is a whole turn, which is 0.
        let part = turns - turns.floor();
        if part >= 1.0 { -PI } else { TAU * part - PI }
    }

    fn number(&self, angle: f64) -> f64 {
        let turns = (angle + PI) / TAU;
        let part = self.period * (turns - turns.floor());
        let part = self.cell.map_or(part, |cell| (part / cell).floor() * cell);
        let x = self.origin + part;
        // Rounding to f32 may not give the end, which is the origin.
        if x as f32 >= (self.origin + self.period) as f32 { self.origin } else { x }
    }

    fn log_det(&self) -> f64 {
        let cell = self.cell.map_or(0.0, |cell| (cell * WITHIN).ln());
        (TAU / self.period).ln() + cell
    }
}

impl Transform for Periodic {
    fn name(&self) -> &'static str {
        "periodic"
    }

    fn output_width(&self, width: usize) -> Result<usize, DataError> {
        if self.elements.len() != width {
            let got = format!("{} entries", self.elements.len());
            return Err(step_error(self.name(), format!("one entry an element ({width})"), got));
        }
        match self.elements.iter().flatten().all(Circle::is_valid) {
            true => Ok(width),
            false => Err(step_error(
                self.name(),
                "periods above 0 and cells of at most a period",
                format!("{:?}", self.elements),
            )),
        }
    }

    fn is_random(&self) -> bool {
        self.elements.iter().flatten().any(|circle| circle.cell.is_some())
    }

    fn forward(&self, mut x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64> {
        let draws = match self.is_random() {
            true => noise.uniform_rows(&[x.len() / width, width]),
            false => vec![0.5; x.len()],
        };
        for (row, draws) in x.chunks_exact_mut(width).zip(draws.chunks_exact(width)) {
            for ((x, &r), circle) in row.iter_mut().zip(draws).zip(&self.elements) {
                if let Some(circle) = circle {
                    *x = circle.angle(*x, r);
                }
            }
        }
        x
    }

    fn inverse(&self, mut y: Vec<f64>, width: usize) -> Vec<f64> {
        for row in y.chunks_exact_mut(width) {
            for (y, circle) in row.iter_mut().zip(&self.elements) {
                if let Some(circle) = circle {
                    *y = circle.number(*y);
                }
            }
        }
        y
    }

    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64> {
        let all = self.elements.iter().flatten().map(Circle::log_det).sum();
        vec![all; y.len() / width]
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::Seed;

    use super::*;

    #[test]
    fn angles_begin_and_end_at_the_seam() {
        let circle = Circle { origin: 0.0, period: 360.0, cell: None };
        for (x, angle) in
            [(0.0, -PI), (90.0, -PI / 2.0), (180.0, 0.0), (360.0, -PI), (-90.0, PI / 2.0)]
        {
            assert!((circle.angle(x, 0.5) - angle).abs() < 1e-12, "{x}");
        }
        for x in [0.0, 12.5, 359.99] {
            assert!((circle.number(circle.angle(x, 0.5)) - x).abs() < 1e-9);
        }
        // Whatever a model gives, a sample is on the circle, in f32 too.
        for angle in [PI, -PI, PI - 1e-12, 100.0, -3.0 * PI] {
            let x = circle.number(angle) as f32;
            assert!((0.0..360.0).contains(&x), "{angle}: {x}");
        }
    }

    #[test]
    fn whole_hours_come_back_and_bound_their_probability() {
        let hours = Circle { origin: 0.0, period: 24.0, cell: Some(1.0) };
        let step = Periodic { elements: vec![Some(hours), None] };
        assert_eq!(step.output_width(2).unwrap(), 2);
        assert!(step.is_random());
        let x: Vec<f64> = (0..240).flat_map(|i| [f64::from(i % 24), 7.0]).collect();
        let y = step.forward(x.clone(), 2, &mut Noise::new(Seed(3)));
        let rounded: Vec<f64> = y.iter().map(|&v| f64::from(v as f32)).collect();
        assert_eq!(step.inverse(rounded, 2), x);
        // A uniform density over the circle gives each hour a 24th, less what draws leave of their cells.
        let bound = -TAU.ln() + step.log_det(&y, 2)[0];
        assert!(bound <= (1.0f64 / 24.0).ln() && bound > (1.0f64 / 24.0).ln() - 3e-4, "{bound}");
        let bad = Circle { cell: Some(30.0), ..hours };
        assert!(Periodic { elements: vec![Some(bad)] }.output_width(1).is_err());
        assert!(step.output_width(3).is_err());
    }
}
