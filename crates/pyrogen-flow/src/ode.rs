//! Layers that are solutions of differential equations.

use std::f64::consts::PI;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::config::count;
use pyrogen_core::{ModelError, Noise};
use pyrogen_nn::{Activation, Mlp, forward};
use pyrogen_solve::{FlowSolver, SolveError, Times, Tolerance};

use crate::layer::Mapped;
use crate::{ContinuousConfig, NormalizingFlowConfig};

/// The flow of `dx/dt = v(x, t)` from 0 to 1, whose log-determinant is the integral of the divergence of
/// `v` along the way.
///
/// The network reads cosines and sines of the time, then the example, then the condition. Its divergence is
/// computed in forward mode, along unit vectors or random signs, so that it has gradients by the weights.
///
/// # References
/// Chen, Rubanova, Bettencourt and Duvenaud (2018), "Neural Ordinary Differential Equations", theorem 1;
/// Grathwohl, Chen, Bettencourt, Sutskever and Duvenaud (2019), "FFJORD", equations 4 and 7.
#[derive(Module, Debug)]
pub(crate) struct ContinuousLayer {
    network: Mlp,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    config: ContinuousConfig,
}

/// Along what a divergence is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Along<'a> {
    /// Every unit vector: exactly.
    Units,
    /// Random signs, `[rows, probes, features]`: without bias.
    Signs(&'a Tensor<3>),
}

impl ContinuousLayer {
    pub fn new(
        config: &NormalizingFlowConfig,
        continuous: ContinuousConfig,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let features = config.features();
        let network = config.network.init(Self::reads(config, continuous), features, noise, device);
        Self { network, activation: config.network.activation, config: continuous }
    }

    /// Number of parameters; `usize::MAX` where it does not fit.
    pub fn num_params(config: &NormalizingFlowConfig, continuous: ContinuousConfig) -> usize {
        config.network.num_params(Self::reads(config, continuous), config.features())
    }

    fn reads(config: &NormalizingFlowConfig, continuous: ContinuousConfig) -> usize {
        count::sum([2 * continuous.frequencies, config.features(), config.condition_width()])
    }

    /// By steps of equal size, which gradients go through.
    ///
    /// # Numerics
    /// The classical Runge-Kutta method, of order four: an error that falls with the fourth power of the
    /// number of steps.
    pub fn in_steps(
        &self,
        x: Tensor<2>,
        condition: Option<&Tensor<2>>,
        along: Along<'_>,
        inverse: bool,
    ) -> Mapped {
        let [rows, _] = x.dims();
        let steps = self.config.steps;
        let (start, direction) = if inverse { (1.0, -1.0) } else { (0.0, 1.0) };
        let h = direction / steps as f64;
        let mut state = (x.clone(), Tensor::zeros([rows, 1], &x.device()));
        for step in 0..steps {
            let t = start + h * step as f64;
            let at = |part: f64, slope: Option<&(Tensor<2>, Tensor<2>)>| {
                let x = match slope {
                    Some((slope, _)) => state.0.clone() + slope.clone() * (h * part),
                    None => state.0.clone(),
                };
                self.slope(x, &vec![t + h * part; rows], condition, along)
            };
            let first = at(0.0, None);
            let second = at(0.5, Some(&first));
            let third = at(0.5, Some(&second));
            let last = at(1.0, Some(&third));
            let mean = |[a, b, c, d]: [Tensor<2>; 4]| (a + (b + c) * 2.0 + d) * (h / 6.0);
            state = (
                state.0 + mean([first.0, second.0, third.0, last.0]),
                state.1 + mean([first.1, second.1, third.1, last.1]),
            );
        }
        (state.0, state.1.squeeze_dim(1))
    }

    /// By Dormand and Prince's method, each example with steps of its own.
    ///
    /// # Errors
    /// A velocity with NaN or infinity.
    pub fn by_tolerance(
        &self,
        x: Tensor<2>,
        condition: Option<&Tensor<2>>,
        tolerance: Tolerance,
        inverse: bool,
    ) -> Result<Mapped, ModelError> {
        let [rows, features] = x.dims();
        let solver = FlowSolver::Rk45(tolerance);
        let times = Times::sampling(1).map_err(failed)?;
        let times = if inverse { times } else { times.reversed() };
        let state = Tensor::cat(vec![x.clone(), Tensor::zeros([rows, 1], &x.device())], 1);
        let velocity = |state: Tensor<2>, times: &[f64]| {
            let x = state.narrow(1, 0, features);
            let (slope, divergence) = self.slope(x, times, condition, Along::Units);
            Tensor::cat(vec![slope, divergence], 1)
        };
        let end = solver.solve_rows(velocity, state, &times, |_| {}).map_err(failed)?.x;
        let log_det = end.clone().narrow(1, features, 1).squeeze_dim(1);
        Ok((end.narrow(1, 0, features), log_det))
    }

    /// The velocity, `[rows, features]`, and its divergence, `[rows, 1]`.
    fn slope(
        &self,
        x: Tensor<2>,
        times: &[f64],
        condition: Option<&Tensor<2>>,
        along: Along<'_>,
    ) -> (Tensor<2>, Tensor<2>) {
        let [rows, features] = x.dims();
        let mut parts = vec![self.clock(times, &x.device()), x];
        parts.extend(condition.cloned());
        let layers = self.network.layers();
        let (last, hidden) = layers.split_last().expect("at least one layer");
        // The rows of the first layer that read the example: what it makes of a direction.
        let reads = layers[0].weight.val().narrow(0, 2 * self.config.frequencies, features);
        let mut value = forward::linear(&layers[0], Tensor::cat(parts, 1));
        let mut tangent: Tensor<3> = match along {
            Along::Units => reads.unsqueeze_dim(0),
            Along::Signs(signs) => rows_times(signs.clone(), reads),
        };
        for layer in hidden.iter().skip(1).chain([last]) {
            tangent = tangent * self.activation.slope(value.clone()).unsqueeze_dim(1);
            value = self.activation.then(layer, value);
            // The last layer's rows are met below, where only their sums are needed.
            if !std::ptr::eq(layer, last) {
                tangent = rows_times(tangent, layer.weight.val());
            }
        }
        let out = last.weight.val();
        let directions = tangent.dims()[1];
        let each = match along {
            // Of the Jacobian only the diagonal.
            Along::Units => tangent * out.transpose().unsqueeze_dim(0),
            Along::Signs(signs) => rows_times(tangent, out) * signs.clone(),
        };
        let width = each.dims()[2];
        let sum = each.reshape([rows, directions * width]).sum_dim(1);
        let divergence = match along {
            Along::Units => sum,
            Along::Signs(_) => sum / directions as f64,
        };
        (value, divergence)
    }

    /// What the network reads of the time, `[rows, 2 frequencies]`.
    fn clock(&self, times: &[f64], device: &Device) -> Tensor<2> {
        let frequencies = self.config.frequencies;
        let row = |&t: &f64| {
            let angles: Vec<f64> = (1..=frequencies).map(|k| k as f64 * PI * t).collect();
            let both = angles.iter().map(|a| a.cos()).chain(angles.iter().map(|a| a.sin()));
            both.map(|v| v as f32).collect::<Vec<_>>()
        };
        let values: Vec<f32> = times.iter().flat_map(row).collect();
        Tensor::from_data(TensorData::new(values, [times.len(), 2 * frequencies]), device)
    }
}

/// Random signs, `[rows, probes, features]`.
pub(crate) fn signs(
    rows: usize,
    probes: usize,
    features: usize,
    noise: &mut Noise,
    device: &Device,
) -> Tensor<3> {
    let values = noise.uniform_rows(&[rows, probes, features]).into_iter();
    let values: Vec<f32> = values.map(|u| if u < 0.5 { -1.0 } else { 1.0 }).collect();
    Tensor::from_data(TensorData::new(values, [rows, probes, features]), device)
}

/// The last axis through a matrix: `[a, b, c]` and `[c, d]` to `[a, b, d]`.
fn rows_times(x: Tensor<3>, matrix: Tensor<2>) -> Tensor<3> {
    let [a, b, c] = x.dims();
    let d = matrix.dims()[1];
    x.reshape([a * b, c]).matmul(matrix).reshape([a, b, d])
}

fn failed(error: SolveError) -> ModelError {
    ModelError::Failed(Box::new(error))
}
