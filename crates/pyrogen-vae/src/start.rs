//! Starting values from data.

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};
use pyrogen_core::distribution::Moments;
use pyrogen_core::{Condition, Noise};

use crate::decoder::own_raw;
use crate::numerics::host;
use crate::{Column, Decoder, Scale, Vae};

/// Scales are not started below this, in the units of the data: a network that happens to be
/// right at once should not be sure of it.
const SMALLEST: f64 = 1e-3;

/// The standard deviation of a logistic law of scale 1, `pi / sqrt(3)`.
const LOGISTIC: f64 = 1.813_799_364_234_217_8;

impl Vae {
    /// The model with what it can take from examples before training: its own scales at the root
    /// mean squared error of the untrained network, the best constants for it (Rybkin et al. 2021,
    /// eq. 6), and its pseudo-inputs at the first examples. A few hundred examples do.
    ///
    /// # Shapes
    /// `x` is `[examples, features]`.
    ///
    /// # Panics
    /// If `x` is empty or of another width, or the condition does not fit the model.
    pub fn init_from_data(
        mut self,
        x: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Self {
        let rows = x.dims()[0];
        assert!(rows > 0, "Vae::init_from_data: no examples");
        let device = self.device();
        if self.log_scale.is_some() {
            let scales = self.valid().residual_scales(x.clone().inner(), condition, noise);
            let raw: Vec<f32> = scales.iter().map(|s| own_raw(s.ln()) as f32).collect();
            let raw = TensorData::new(raw, [scales.len()]);
            self.log_scale = Some(Param::from_tensor(Tensor::from_data(raw, &device)));
        }
        let count = self.config().prior.pseudo_inputs();
        if count > 0 {
            let picked: Vec<i32> = (0..count).map(|i| (i % rows) as i32).collect();
            let picked = Tensor::from_data(TensorData::new(picked, [count]), &x.device());
            let values = x.select(0, picked).into_data();
            self.pseudo_inputs = Some(Param::from_tensor(Tensor::from_data(values, &device)));
        }
        self
    }

    /// The scale of each of the model's own laws at the residuals of these examples.
    fn residual_scales(&self, x: Tensor<2>, condition: &Condition, noise: &mut Noise) -> Vec<f64> {
        let config = self.config();
        let [rows, features] = x.dims();
        let posterior = self.posterior(x.clone(), condition);
        let epsilon = noise.normal([rows, config.latents], &x.device());
        let z = posterior.base().mean() + posterior.base().std() * epsilon;
        let mean = self.likelihood(z, condition).mean();
        let squares = host((x - mean).square().mean_dim(0));
        let unit = match config.decoder {
            Decoder::DiscretisedLogistic { .. } => LOGISTIC,
            _ => 1.0,
        };
        let scale = |square: f64| square.sqrt().max(SMALLEST) / unit;
        match &config.decoder {
            Decoder::Columns { columns } => numbers(columns).map(|j| scale(squares[j])).collect(),
            decoder if decoder.scale() == Some(&Scale::Shared) => {
                vec![scale(squares.iter().sum::<f64>() / features as f64)]
            }
            _ => squares.into_iter().map(scale).collect(),
        }
    }
}

/// The features that hold numbers.
fn numbers(columns: &[Column]) -> impl Iterator<Item = usize> + '_ {
    let starts = columns.iter().scan(0, |at, column| {
        let start = *at;
        *at += column.width();
        Some((start, column))
    });
    starts.filter(|(_, c)| **c == Column::Number).map(|(start, _)| start)
}
