//! The noise of a flow: its density and its draws.

use std::f64::consts::{PI, TAU};

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::distribution::{Distribution, StudentT};
use pyrogen_core::{Noise, init};

use crate::{Base, NormalizingFlowConfig};

/// The fewest degrees of freedom: below, f32 has no room for the tails.
const FEWEST: f64 = 0.5;

/// The noise of each feature, all of them independent: uniform on `[-pi, pi)` for angles, else of the base.
#[derive(Module, Debug)]
pub(crate) struct BaseNoise {
    /// `ln(degrees - 1/2)` of each feature, where the base is Student's; angles have one without a use.
    log_degrees: Option<Param<Tensor<1>>>,
    #[module(skip)]
    circles: Vec<bool>,
}

impl BaseNoise {
    pub fn new(config: &NormalizingFlowConfig, device: &Device) -> Self {
        let log_degrees = match config.base {
            Base::Normal => None,
            Base::StudentT { degrees } => {
                let start = (degrees - FEWEST).max(1e-3).ln();
                Some(init::constant([config.features()], start, device))
            }
        };
        Self { log_degrees, circles: config.circles() }
    }

    /// The degrees of freedom of each feature, where the base is Student's.
    pub fn degrees(&self) -> Option<Tensor<1>> {
        Some(self.log_degrees.as_ref()?.val().exp() + FEWEST)
    }

    /// Student's distribution of each feature.
    fn student(&self) -> Option<StudentT<2>> {
        let degrees: Tensor<2> = self.degrees()?.unsqueeze();
        let one = Tensor::ones_like(&degrees);
        Some(StudentT::new_unchecked(degrees, one.zeros_like(), one))
    }

    /// The log-density of noise, `[rows]`.
    pub fn log_prob(&self, z: Tensor<2>) -> Tensor<1> {
        let angles = self.circles.iter().filter(|c| **c).count();
        let uniform = angles as f64 * TAU.ln();
        let lines = (self.circles.len() - angles) as f64;
        let sum = |x: Tensor<2>| -> Tensor<1> { self.off_circles(x).sum_dim(1).squeeze_dim(1) };
        match self.student() {
            Some(student) => sum(student.log_prob(z)) - uniform,
            None => sum(z.square()) * -0.5 - (0.5 * lines * TAU.ln() + uniform),
        }
    }

    /// `n` points of the noise, the spread scaled by a temperature.
    pub fn draw(
        &self,
        n: usize,
        temperature: f64,
        noise: &mut Noise,
        device: &Device,
    ) -> Tensor<2> {
        let shape = [n, self.circles.len()];
        let angles =
            |noise: &mut Noise| (noise.uniform(shape, device) * 2.0 - 1.0) * (PI * temperature);
        if self.circles.iter().all(|c| *c) {
            return angles(noise);
        }
        let line = match self.student() {
            Some(student) => self.of_student(student, n, noise),
            None => noise.normal(shape, device),
        };
        match self.circles.contains(&true) {
            true => {
                let angles = angles(noise);
                self.off_circles(line * temperature) + (angles.clone() - self.off_circles(angles))
            }
            false => line * temperature,
        }
    }

    fn of_student(&self, student: StudentT<2>, n: usize, noise: &mut Noise) -> Tensor<2> {
        let [_, features] = student.df().dims();
        let degrees = student.df().expand([n, features]);
        let one = Tensor::ones_like(&degrees);
        StudentT::new_unchecked(degrees, one.zeros_like(), one).sample(noise)
    }

    /// With 0 in the place of angles.
    fn off_circles(&self, x: Tensor<2>) -> Tensor<2> {
        if !self.circles.contains(&true) {
            return x;
        }
        let on: Vec<f32> = self.circles.iter().map(|c| if *c { 0.0 } else { 1.0 }).collect();
        let n = on.len();
        x.clone() * Tensor::<2>::from_data(TensorData::new(on, [1, n]), &x.device())
    }
}
