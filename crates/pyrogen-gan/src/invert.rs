//! Latents of examples, by optimisation.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::parallel::batches;
use pyrogen_core::{Condition, Noise};

use crate::given::Given;
use crate::{Gan, Generator};

/// Rows that are worked on at once.
const ROWS: usize = 64;

/// Adam's usual values (Kingma and Ba 2015, algorithm 1).
const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// How latents are looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InvertOptions {
    /// Steps of Adam, whose rate falls to zero along a half cosine.
    pub steps: usize,
    /// Its first rate.
    pub rate: f64,
    /// Starts: the first from zero, the others from the prior. The best of them counts.
    pub starts: usize,
    /// Weight of the mean square of the latents beside the error, which keeps them where the prior
    /// has mass.
    pub prior: f64,
}

impl Default for InvertOptions {
    fn default() -> Self {
        Self { steps: 200, rate: 0.1, starts: 1, prior: 1e-3 }
    }
}

/// What [`Gan::invert`] found.
#[derive(Debug, Clone)]
pub struct Inversion {
    /// The latents, `[batch, latents]`, without a graph.
    pub latents: Tensor<2>,
    /// The mean squared difference of each example and what the generator makes of its latents, in
    /// the units of the data, squared.
    pub errors: Vec<f64>,
}

impl Gan {
    /// Looks for the latents of which the generator makes these examples.
    ///
    /// ```text
    /// min over z of  mean((generator(z) - x)^2) + prior mean(z^2)      for each example
    /// ```
    ///
    /// The error that is left says how well the model knows an example: unusual ones are far from
    /// everything it makes (Schlegl et al. 2017, section 2.2, without the discriminator's term).
    /// The generator is used as for sampling, with running statistics; each row is found by itself.
    ///
    /// # Panics
    /// If `x` has another width, the condition does not fit the model, or there is no start.
    ///
    /// # References
    /// Creswell and Bharath 2018, "Inverting the generator of a generative adversarial network".
    pub fn invert(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &InvertOptions,
        noise: &mut Noise,
    ) -> Inversion {
        let ([rows, width], features) = (x.dims(), self.config().features());
        assert_eq!(
            width, features,
            "Gan: expected examples [batch, {features}], got [{rows}, {width}]"
        );
        assert!(options.starts > 0, "Gan::invert: needs at least one start");
        let model = self.valid();
        let given = Given::new(&model, &model_side(condition), rows);
        let x = model.seen(x.inner());
        let shape = [rows, self.config().latents];
        let device = x.device();
        let starts: Vec<Tensor<2>> =
            (0..options.starts)
                .map(|i| {
                    if i == 0 {
                        Tensor::zeros(shape, &device)
                    } else {
                        noise.normal(shape, &device)
                    }
                })
                .collect();
        let generator = self.generator.valid().train().freeze();
        let found = batches(rows, ROWS, &device, |range| {
            let part = |t: &Tensor<2>| t.clone().slice([range.clone()]);
            let given = Given {
                classes: given.classes.as_ref().map(|t| Tensor::from_inner(part(t))),
                context: given.context.as_ref().map(|t| Tensor::from_inner(part(t))),
            };
            let tried = starts.iter().map(|start| {
                descend(&generator, Tensor::from_inner(part(&x)), &given, part(start), options)
            });
            tried.reduce(better).expect("at least one start")
        });
        let (latents, errors): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let shown = match self.config().output {
            crate::Output::Unit => 0.25, // the networks' units are twice as fine
            crate::Output::Real => 1.0,
        };
        Inversion {
            latents: Tensor::cat(latents, 0),
            errors: errors.into_iter().flatten().map(|e| e * shown).collect(),
        }
    }
}

/// Without a graph.
fn model_side(condition: &Condition) -> Condition {
    Condition {
        labels: condition.labels.clone().map(Tensor::inner),
        context: condition.context.clone().map(Tensor::inner),
    }
}

/// Adam from a start: the latents and the error of each row.
fn descend(
    generator: &Generator,
    x: Tensor<2>,
    given: &Given,
    start: Tensor<2>,
    options: &InvertOptions,
) -> (Tensor<2>, Vec<f64>) {
    let mut z = start;
    let (mut first, mut second) = (z.zeros_like(), z.zeros_like());
    let apart = |z: Tensor<2>| (generator.forward(z, given) - x.clone()).square().mean_dim(1);
    for step in 0..options.steps {
        let at = Tensor::from_inner(z.clone()).require_grad();
        let loss = apart(at.clone()).sum() + at.clone().square().mean_dim(1).sum() * options.prior;
        let gradient = at.grad(&loss.backward()).expect("the latents are in the loss");
        first = first * BETA_1 + gradient.clone() * (1.0 - BETA_1);
        second = second * BETA_2 + gradient.square() * (1.0 - BETA_2);
        let t = step as i32 + 1;
        let done = step as f64 / options.steps as f64;
        let rate = options.rate * 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        let mean = first.clone() / (1.0 - BETA_1.powi(t));
        let spread = (second.clone() / (1.0 - BETA_2.powi(t))).sqrt() + EPSILON;
        z = z - mean / spread * rate;
    }
    let errors = apart(Tensor::from_inner(z.clone())).into_data().iter::<f64>().collect();
    (z, errors)
}

/// Of two results the better one, row by row.
fn better(a: (Tensor<2>, Vec<f64>), b: (Tensor<2>, Vec<f64>)) -> (Tensor<2>, Vec<f64>) {
    let [rows, width] = a.0.dims();
    let second: Vec<bool> = a.1.iter().zip(&b.1).map(|(a, b)| b < a).collect();
    let mask = burn::tensor::TensorData::new(second.clone(), [rows, 1]);
    let mask = Tensor::<2, burn::tensor::Bool>::from_data(mask, &a.0.device());
    let latents = a.0.mask_where(mask.expand([rows, width]), b.0);
    let errors = second.iter().zip(a.1.iter().zip(&b.1));
    (latents, errors.map(|(&second, (&a, &b))| if second { b } else { a }).collect())
}
