//! The game: what each player's step sees and minimises.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, activation};
use pyrogen_core::{Adversarial, Batch, Loss, Noise, Player, unflatten};
use pyrogen_nn::ops;

use crate::augment::{self, augment};
use crate::dual::Dual;
use crate::given::Given;
use crate::head::Conditioning;
use crate::head::Verdict;
use crate::loss::feature_matching;
use crate::penalty::{self, penalty};
use crate::{Discriminator, Gan, GanLoss, Generator, Penalty};

/// The random numbers of a step; each has the batch as its first axis.
#[derive(Debug, Clone)]
pub struct GanDraws {
    /// Latents of the generated examples, `[batch, latents]`.
    pub latents: Tensor<2>,
    /// Where between a real and a generated example the slope is taken, in (0, 1), `[batch, 1]`.
    pub between: Option<Tensor<2>>,
    /// Latents of other examples of the same condition, `[batch, latents]`, for a generator that is
    /// to make different ones.
    pub apart: Option<Tensor<2>>,
    /// Numbers for instance noise on real and on generated examples, `[batch, features]`: normal,
    /// times what the noise has fallen to.
    pub noise: Option<[Tensor<2>; 2]>,
    /// Uniform numbers that change real and generated pictures, `[batch, 7]`.
    pub changes: Option<[Tensor<2>; 2]>,
}

/// What the distance of equal examples counts as where it is divided by.
const SAME: f64 = 1e-5;

/// Which examples are shown.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Real = 0,
    Fake = 1,
}

impl Adversarial for Gan {
    type Batch = Batch<2>;
    type Draws = GanDraws;
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(&self) -> &Generator {
        &self.generator
    }

    fn discriminator(&self) -> &Discriminator {
        &self.discriminator
    }

    fn with_generator(mut self, generator: Generator) -> Self {
        self.generator = generator;
        self
    }

    fn with_discriminator(mut self, discriminator: Discriminator) -> Self {
        self.discriminator = discriminator;
        self
    }

    /// Generated examples have the classes and contexts of the batch's real ones.
    fn draw(&self, player: Player, step: u64, batch: &Batch<2>, noise: &mut Noise) -> GanDraws {
        let [rows, features] = batch.x.dims();
        let (config, device) = (self.config(), batch.x.device());
        let regularise = &config.regularise;
        let latents = noise.normal([rows, config.latents], &device);
        let mixes = matches!(regularise.penalty, Some(Penalty::Gradient { .. }));
        let between =
            (mixes && player == Player::Discriminator).then(|| noise.uniform([rows, 1], &device));
        let seeks = regularise.diversity > 0.0 && player == Player::Generator;
        let apart = seeks.then(|| noise.normal([rows, config.latents], &device));
        let share = regularise.noise_share(step);
        let pair = |draw: &mut dyn FnMut() -> Tensor<2>| [draw(), draw()];
        GanDraws {
            latents,
            between,
            apart,
            noise: (regularise.instance_noise * share > 0.0)
                .then(|| pair(&mut || noise.normal([rows, features], &device) * share)),
            changes: (!regularise.augment.is_empty())
                .then(|| pair(&mut || noise.uniform([rows, augment::NUMBERS], &device))),
        }
    }

    /// Terms of the discriminator: `adversarial`, `penalty`, `class`, and the mean logits `real` and
    /// `fake`, which are logged. Of the generator: `adversarial`, `class`, `features`,
    /// `reconstruction`, `diversity`.
    ///
    /// # Panics
    /// If the batch does not fit the model.
    fn loss(&self, player: Player, batch: Batch<2>, draws: GanDraws) -> Loss {
        let rows = batch.x.dims()[0];
        let given = Given::read(self, &batch.condition(), rows);
        match player {
            Player::Discriminator => self.discriminator_loss(batch, &draws, &given),
            Player::Generator => self.generator_loss(batch, &draws, &given),
        }
    }

    /// Before the discriminator's step the power iterations of spectral normalisation go one step on.
    fn before_step(mut self, player: Player) -> Self {
        if player == Player::Discriminator && self.config().regularise.spectral {
            self.discriminator = self.discriminator.iterate();
        }
        self
    }

    /// After the critic's step its weights are clipped, where the loss says so.
    fn after_step(mut self, player: Player) -> Self {
        if let (Player::Discriminator, GanLoss::Wasserstein { clip: Some(bound) }) =
            (player, self.config().loss)
        {
            self.discriminator = self.discriminator.map(&mut Clip(bound));
        }
        self
    }
}

impl Gan {
    fn discriminator_loss(&self, batch: Batch<2>, draws: &GanDraws, given: &Given) -> Loss {
        let config = self.config();
        let fake = self.generator.forward(draws.latents.clone(), given);
        let fake = self.prepared(fake.set_require_grad(false), draws, Kind::Fake);
        let labels = batch.labels;
        let real = self.prepared(self.seen(batch.x), draws, Kind::Real);
        let of_real = self.discriminator.forward(Dual::plain(real.clone()), given);
        let of_fake = self.discriminator.forward(Dual::plain(fake.clone()), given);
        let (r, f) = (of_real.logits.value.clone(), of_fake.logits.value.clone());
        let smoothing = config.regularise.label_smoothing;
        let mut loss = Loss::new()
            .term("adversarial", config.loss.discriminator(r.clone(), f.clone(), smoothing));
        if let Some(kind) = &config.regularise.penalty {
            let (weight, at) = match (kind, &draws.between) {
                (Penalty::R1 { weight }, _) => (*weight, real),
                (Penalty::Gradient { weight }, Some(t)) => {
                    (*weight, real * t.clone() + fake * (t.clone().neg() + 1.0))
                }
                (Penalty::Gradient { .. }, None) => {
                    panic!("Gan::loss: the draws of a discriminator's step have `between`")
                }
            };
            loss = loss.weighted("penalty", self.penalty(kind, at, given), weight);
        }
        loss = self.with_class(loss, &of_real, labels);
        loss.logged("real", r.mean()).logged("fake", f.mean())
    }

    fn generator_loss(&self, batch: Batch<2>, draws: &GanDraws, given: &Given) -> Loss {
        let (config, regularise) = (self.config(), &self.config().regularise);
        let made = self.generator.forward(draws.latents.clone(), given);
        let real = self.seen(batch.x);
        let shown = self.prepared(made.clone(), draws, Kind::Fake);
        let of_fake = self.discriminator.forward(Dual::plain(shown), given);
        let looks = config.loss.compares() || regularise.feature_matching > 0.0;
        let of_real = looks.then(|| {
            let real = self.prepared(real.clone(), draws, Kind::Real);
            self.discriminator.forward(Dual::plain(real), given)
        });
        let r = of_real.as_ref().map(|verdict| verdict.logits.value.clone());
        let mut loss =
            Loss::new().term("adversarial", config.loss.generator(r, of_fake.logits.value.clone()));
        loss = self.with_class(loss, &of_fake, batch.labels);
        if let Some(of_real) = of_real.filter(|_| regularise.feature_matching > 0.0) {
            let apart = feature_matching(of_real.features, of_fake.features);
            loss = loss.weighted("features", apart, regularise.feature_matching);
        }
        if regularise.reconstruction > 0.0 {
            let apart = (made.clone() - real).abs().mean();
            loss = loss.weighted("reconstruction", apart, regularise.reconstruction);
        }
        if regularise.diversity > 0.0 {
            let other = draws.apart.clone();
            let other = other.expect("the draws of a generator's step have `apart`");
            let made_apart = (made - self.generator.forward(other.clone(), given)).abs().mean();
            let apart = (draws.latents.clone() - other).abs().mean();
            let alike = (made_apart / apart + SAME).recip();
            loss = loss.weighted("diversity", alike, regularise.diversity);
        }
        loss
    }

    /// The cross entropy of the classes that an auxiliary classifier gives.
    fn with_class(
        &self,
        loss: Loss,
        verdict: &Verdict,
        labels: Option<Tensor<1, burn::tensor::Int>>,
    ) -> Loss {
        let Conditioning::Auxiliary { weight } = self.config().conditioning else { return loss };
        let (Some(logits), Some(labels)) = (&verdict.classes, labels) else { return loss };
        let log_p = activation::log_softmax(logits.clone(), 1);
        let entropy = log_p.gather(1, labels.unsqueeze_dim(1)).mean().neg();
        loss.weighted("class", entropy, weight)
    }

    /// The penalty, whatever the device: without gradients its value alone is computed.
    fn penalty(&self, kind: &Penalty, x: Tensor<2>, given: &Given) -> Tensor<1> {
        // The logit of an example is the mean over its places.
        let sum = |logits: Tensor<2>| {
            let places = logits.dims()[1] as f64;
            ops::sum(logits) / places
        };
        // New leaves, so that the backward pass for the slope has a graph of its own.
        let fixed = self.discriminator.valid().train().no_grad();
        let value = |x, given: &Given| sum(fixed.forward(Dual::plain(x), given).logits.value);
        if x.device().is_autodiff() {
            let rise = |x: Dual<2>| {
                let logits = self.discriminator.forward(x, given).logits;
                sum(logits.tangent.expect("the direction of the slope was given"))
            };
            return penalty(kind, x, rise, |x| value(x, given));
        }
        let lifted = Given {
            classes: given.classes.clone().map(Tensor::from_inner),
            context: given.context.clone().map(Tensor::from_inner),
        };
        penalty::value(kind, Tensor::from_inner(x), |x| value(x, &lifted)).inner()
    }

    /// What the discriminator sees of examples: changed, and with noise on them.
    fn prepared(&self, x: Tensor<2>, draws: &GanDraws, kind: Kind) -> Tensor<2> {
        let config = self.config();
        let mut x = x;
        if let Some(numbers) = &draws.changes {
            let pictures = unflatten::<4>(x, &config.event);
            let numbers = numbers[kind as usize].clone();
            x = augment(pictures, &config.regularise.augment, numbers).flatten(1, 3);
        }
        match &draws.noise {
            Some(noise) => x + noise[kind as usize].clone() * config.regularise.instance_noise,
            None => x,
        }
    }
}

/// Keeps weights within a distance of zero; what has no gradient is left alone.
struct Clip(f64);

impl ModuleMapper for Clip {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        param.map(|x| x.set_require_grad(false).clamp(-self.0, self.0).require_grad())
    }
}
