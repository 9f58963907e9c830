//! What two players train against each other.

use burn::module::Module;

use crate::{Loss, Noise};

/// Whose turn a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Player {
    /// The network that makes examples.
    Generator,
    /// The network that tells them from real ones; the critic of a Wasserstein GAN.
    Discriminator,
}

/// A generator and a discriminator with the losses that train them (Goodfellow et al. 2014).
///
/// The counterpart of [`Objective`](crate::Objective) for two players with an optimiser each. A loss
/// is a pure function of the batch and of the random numbers in `draws`, as there. The module holds
/// both networks; the learner takes them out, updates one at a time and puts them back.
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
    /// The network that tells them from real ones.
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
    fn draw(&self, player: Player, batch: &Self::Batch, noise: &mut Noise) -> Self::Draws;

    /// The loss terms that `player` minimises, each a mean over the batch. The other player is
    /// given without gradients.
    fn loss(&self, player: Player, batch: Self::Batch, draws: Self::Draws) -> Loss;

    /// What happens to the networks before a step of `player`.
    fn before_step(self, player: Player) -> Self {
        let _ = player;
        self
    }

    /// What happens to the networks after a step of `player`.
    fn after_step(self, player: Player) -> Self {
        let _ = player;
        self
    }
}
