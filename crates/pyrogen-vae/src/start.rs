//! Starting values from data.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use pyrogen_core::distribution::{Moments, Reparameterized};
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
            let expected = self.reconstructed(x.clone(), condition, noise);
            let decoder = &self.config().decoder;
            self.log_scale = Some(own_log_scales(decoder, x.clone(), expected, &device));
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

    /// What the untrained network expects of these examples, without a graph.
    fn reconstructed(&self, x: Tensor<2>, condition: &Condition, noise: &mut Noise) -> Tensor<2> {
        let model = self.valid();
        let shape = [x.dims()[0], self.config().latents];
        let posterior = model.posterior(x.inner(), condition);
        let epsilon = noise.normal(shape, &model.device());
        let z = match posterior.gaussian() {
            Some(normal) => normal.reparameterize(epsilon),
            None => posterior.point(),
        };
        model.likelihood(z, condition).mean()
    }
}

/// The raw log-scales of a decoder's own laws at the residuals of examples.
///
/// # Panics
/// If there are no examples.
pub(crate) fn own_log_scales(
    decoder: &Decoder,
    x: Tensor<2>,
    reconstructed: Tensor<2>,
    device: &Device,
) -> Param<Tensor<1>> {
    let [rows, features] = x.dims();
    assert!(rows > 0, "Vae::init_from_data: no examples");
    let squares = host((x.inner() - reconstructed).square().mean_dim(0));
    let unit = match decoder {
        Decoder::DiscretisedLogistic { .. } => LOGISTIC,
        _ => 1.0,
    };
    let raw = |square: f64| own_raw((square.sqrt().max(SMALLEST) / unit).ln()) as f32;
    let raw: Vec<f32> = match decoder {
        Decoder::Columns { columns, .. } => numbers(columns).map(|j| raw(squares[j])).collect(),
        decoder if decoder.scale() == Some(&Scale::Shared) => {
            vec![raw(squares.iter().sum::<f64>() / features as f64)]
        }
        _ => squares.into_iter().map(raw).collect(),
    };
    let count = raw.len();
    Param::from_tensor(Tensor::from_data(TensorData::new(raw, [count]), device))
}

/// The features that hold numbers: the last of their column.
fn numbers(columns: &[Column]) -> impl Iterator<Item = usize> + '_ {
    let lasts = columns.iter().scan(0, |at, column| {
        *at += column.width();
        Some((*at - 1, column))
    });
    lasts.filter(|(_, c)| c.has_number()).map(|(last, _)| last)
}
