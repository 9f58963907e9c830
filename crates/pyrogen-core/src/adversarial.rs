//! What two players train against each other.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{Loss, Noise};

/// Whose turn a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Player {
    /// The network that makes examples.
    Generator,
    /// The network that separates them from real ones; the critic of a Wasserstein GAN.
    Discriminator,
}

impl Player {
    /// Both, in the order in which they take their turns.
    pub const BOTH: [Self; 2] = [Self::Discriminator, Self::Generator];

    /// Its name in logs and configurations: `generator`, `discriminator`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Discriminator => "discriminator",
        }
    }
}

/// A generator and a discriminator with the losses that train them (Goodfellow et al. 2014).
///
/// The counterpart of [`Objective`](crate::Objective) for two players with an optimiser each. A loss
/// is a pure function of the batch and of the random numbers in `draws`, as there. The module holds
/// both networks and nothing else that learns; the learner gives gradients to one of them at a time.
///
/// What a step changes beside the gradient is in [`before_step`](Self::before_step) and
/// [`after_step`](Self::after_step), called once a step and not once a piece of the batch: a power
/// iteration of spectral normalisation, the clipping of weights. A loss itself changes nothing but
/// the running statistics of batch normalisation.
///
/// A family implements this; `pyrogen-train` drives it.
pub trait Adversarial: Module {
    /// What one step sees.
    type Batch: Send + Clone;
    /// The random numbers of one step.
    type Draws: Send;
    /// The network that makes examples.
    type Generator: Module;
    /// The network that separates them from real ones.
    type Discriminator: Module;

    /// The generator.
    fn generator(&self) -> &Self::Generator;

    /// The discriminator.
    fn discriminator(&self) -> &Self::Discriminator;

    /// The same with this generator.
    fn with_generator(self, generator: Self::Generator) -> Self;

    /// The same with this discriminator.
    fn with_discriminator(self, discriminator: Self::Discriminator) -> Self;

    /// Draws the random numbers of a step of `player` on this batch. Every draw has the batch as
    /// its first axis, so that a batch may be split by rows.
    ///
    /// `step` is the step of the run, counted from 1: what changes over a run (noise that fades)
    /// is in the draws, and the loss stays a function of batch and draws. A run that goes on or
    /// back knows its step, so nothing is to be saved. Validation draws for `u64::MAX`, the end of
    /// whatever changes.
    fn draw(
        &self,
        player: Player,
        step: u64,
        batch: &Self::Batch,
        noise: &mut Noise,
    ) -> Self::Draws;

    /// The loss terms that `player` minimises, each a mean over the batch. The other player is
    /// given without gradients.
    fn loss(&self, player: Player, batch: Self::Batch, draws: Self::Draws) -> Loss;

    /// What happens to the networks before a step of `player`. Parameters stay leaves of their
    /// graph, with a gradient where they had one.
    fn before_step(self, player: Player) -> Self {
        let _ = player;
        self
    }

    /// What happens to the networks after a step of `player`. Parameters stay leaves of their
    /// graph, with a gradient where they had one.
    fn after_step(self, player: Player) -> Self {
        let _ = player;
        self
    }
}

/// What a collapse monitor asks of two players while they train.
///
/// Both are answered without gradients, by networks that do not learn meanwhile (batch
/// normalisation uses its running statistics).
pub trait Watch: Adversarial {
    /// As many generated examples as the batch has, made for its conditions: a batch of the same
    /// shapes with the same labels. The first axis of each draw is the batch, so that a batch may be
    /// split by rows.
    fn generate(&self, batch: &Self::Batch, noise: &mut Noise) -> Self::Batch;

    /// What the discriminator says of each example, given its conditions: `[batch]`, higher is more
    /// real. The unit is the loss's own; only the order and differences are used.
    fn judge(&self, batch: Self::Batch) -> Tensor<1>;
}
