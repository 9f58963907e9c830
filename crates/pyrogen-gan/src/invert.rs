//! Latents of examples, by optimisation.

use burn::module::Module;
use burn::tensor::Tensor;
use pyrogen_core::parallel::batches;
use pyrogen_core::{Condition, Noise};
use pyrogen_nn::ops;

use crate::dual::Dual;
use crate::given::Given;
use crate::{Discriminator, Gan, Generator};

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
    /// Weight, from 0 to 1, of the distance in the discriminator's features beside that of the examples
    /// themselves, which has the rest.
    pub features: f64,
}

impl Default for InvertOptions {
    fn default() -> Self {
        Self { steps: 200, rate: 0.1, starts: 1, prior: 1e-3, features: 0.0 }
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
    /// The mean squared difference of the discriminator's features of both; 0 where these have no weight.
    pub feature_errors: Vec<f64>,
}

impl Gan {
    /// Looks for the latents of which the generator makes these examples.
    ///
    /// ```text
    /// min over z of  (1 - features) mean((generator(z) - x)^2)
    ///                + features mean((f(generator(z)) - f(x))^2) + prior mean(z^2)      for each example
    /// ```
    ///
    /// where `f` are the features that the discriminator sees before its last layer. The error that is left
    /// says how well the model knows an example: unusual ones are far from everything it makes (Schlegl et
    /// al. 2017, equations 3 to 7; squares in the place of absolute differences, since they have a slope
    /// that vanishes at the minimum). The generator is used as for sampling, with running statistics; each row is found by itself.
    ///
    /// # Panics
    /// If `x` has another width, the condition does not fit the model, there is no start, or the weight of
    /// the features is not from 0 to 1.
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
        let weight = options.features;
        assert!((0.0..=1.0).contains(&weight), "Gan::invert: features {weight} is not from 0 to 1");
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
        let players = Players {
            generator: self.generator.valid().train().freeze(),
            discriminator: (weight > 0.0).then(|| self.discriminator.valid().train().freeze()),
            weight,
        };
        let found = batches(rows, ROWS, &device, |range| {
            let part = |t: &Tensor<2>| t.clone().slice([range.clone()]);
            let given = Given {
                classes: given.classes.as_ref().map(|t| Tensor::from_inner(part(t))),
                context: given.context.as_ref().map(|t| Tensor::from_inner(part(t))),
            };
            let tried = starts.iter().map(|start| {
                descend(&players, Tensor::from_inner(part(&x)), &given, part(start), options)
            });
            tried.reduce(better).expect("at least one start")
        });
        let shown = match self.config().output {
            crate::Output::Unit => 0.25, // the networks' units are twice as fine
            crate::Output::Real => 1.0,
        };
        let errors = found.iter().flat_map(|part| part.errors.iter().map(|e| e * shown)).collect();
        let feature_errors = found.iter().flat_map(|part| part.features.clone()).collect();
        let latents = Tensor::cat(found.into_iter().map(|part| part.latents).collect(), 0);
        Inversion { latents, errors, feature_errors }
    }
}

/// Without a graph.
fn model_side(condition: &Condition) -> Condition {
    Condition {
        labels: condition.labels.clone().map(Tensor::inner),
        context: condition.context.clone().map(Tensor::inner),
    }
}

/// Both players, whose weights stay.
struct Players {
    generator: Generator,
    /// Where its features have a weight.
    discriminator: Option<Discriminator>,
    weight: f64,
}

impl Players {
    fn features(&self, x: Tensor<2>, given: &Given) -> Option<Tensor<2>> {
        let seen = |discriminator: &Discriminator| discriminator.forward(Dual::plain(x), given);
        self.discriminator.as_ref().map(|discriminator| seen(discriminator).features)
    }
}

/// What was found from a start.
struct Descent {
    latents: Tensor<2>,
    errors: Vec<f64>,
    features: Vec<f64>,
    /// What the best start has least of.
    total: Vec<f64>,
}

/// Adam from a start.
fn descend(
    players: &Players,
    x: Tensor<2>,
    given: &Given,
    start: Tensor<2>,
    options: &InvertOptions,
) -> Descent {
    let mut z = start;
    let (mut first, mut second) = (z.zeros_like(), z.zeros_like());
    let wanted = players.features(x.clone(), given);
    // The error of each row, in the data and in the features.
    let apart = |z: Tensor<2>| {
        let made = players.generator.forward(z, given);
        let seen = players.features(made.clone(), given).zip(wanted.clone());
        let features = seen.map(|(made, wanted)| (made - wanted).square().mean_dim(1));
        ((made - x.clone()).square().mean_dim(1), features)
    };
    for step in 0..options.steps {
        let at = Tensor::from_inner(z.clone()).require_grad();
        let (error, features) = apart(at.clone());
        let mut loss = ops::sum(error) * (1.0 - players.weight);
        if let Some(features) = features {
            loss = loss + ops::sum(features) * players.weight;
        }
        let loss = loss + ops::sum(at.clone().square().mean_dim(1)) * options.prior;
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
    let (errors, features) = apart(Tensor::from_inner(z.clone()));
    let host = |t: Tensor<2>| t.into_data().iter::<f64>().collect::<Vec<f64>>();
    let errors = host(errors);
    let features = features.map_or_else(|| vec![0.0; errors.len()], host);
    let weigh = |(e, f): (&f64, &f64)| (1.0 - players.weight) * e + players.weight * f;
    let total = errors.iter().zip(&features).map(weigh).collect();
    Descent { latents: z, errors, features, total }
}

/// Of two results the better one, row by row.
fn better(a: Descent, b: Descent) -> Descent {
    let [rows, width] = a.latents.dims();
    let second: Vec<bool> = a.total.iter().zip(&b.total).map(|(a, b)| b < a).collect();
    let mask = burn::tensor::TensorData::new(second.clone(), [rows, 1]);
    let mask = Tensor::<2, burn::tensor::Bool>::from_data(mask, &a.latents.device());
    let pick = |a: &[f64], b: &[f64]| -> Vec<f64> {
        let pairs = a.iter().zip(b).zip(&second);
        pairs.map(|((a, b), second)| if *second { *b } else { *a }).collect()
    };
    Descent {
        latents: a.latents.mask_where(mask.expand([rows, width]), b.latents),
        errors: pick(&a.errors, &b.errors),
        features: pick(&a.features, &b.features),
        total: pick(&a.total, &b.total),
    }
}
