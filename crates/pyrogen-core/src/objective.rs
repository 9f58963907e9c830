//! What training minimises.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::Noise;

/// A model together with the loss that trains it.
///
/// The loss is a pure function of the batch and of the random numbers in `draws`; drawing them is
/// a method of its own. So a loss can be repeated, compared with another implementation on the
/// same numbers, or split over workers.
///
/// A family implements this; `pyrogen-train` drives it.
pub trait Objective: Module {
    /// What one step sees.
    type Batch: Send;
    /// The random numbers of one step.
    type Draws: Send;

    /// Draws the random numbers that [`loss`](Self::loss) needs for this batch. Every draw has
    /// the batch as its first axis, so that a batch may be split by rows.
    fn draw(&self, batch: &Self::Batch, noise: &mut Noise) -> Self::Draws;

    /// The loss terms, each a mean over the batch.
    fn loss(&self, batch: Self::Batch, draws: Self::Draws) -> Loss;
}

/// One named part of a loss.
#[derive(Debug, Clone)]
pub struct LossTerm {
    /// A short name that appears in logs: `reconstruction`, `kl`.
    pub name: &'static str,
    /// Mean over the batch, shape `[1]`.
    pub value: Tensor<1>,
    /// Its weight in the total; 0 for a value that is only logged.
    pub weight: f64,
}

/// A loss: named terms whose weighted sum is minimised.
///
/// Keeping the terms apart lets the trainer log each, anneal one by its name (KL warm-up) and say
/// which of them stopped being a number.
#[derive(Debug, Clone, Default)]
pub struct Loss {
    terms: Vec<LossTerm>,
}

impl Loss {
    /// A loss of no terms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a term with weight 1.
    pub fn term(self, name: &'static str, value: Tensor<1>) -> Self {
        self.weighted(name, value, 1.0)
    }

    /// Adds a term with a weight.
    pub fn weighted(mut self, name: &'static str, value: Tensor<1>, weight: f64) -> Self {
        self.terms.push(LossTerm { name, value, weight });
        self
    }

    /// Adds a value that is logged and not minimised.
    pub fn logged(self, name: &'static str, value: Tensor<1>) -> Self {
        self.weighted(name, value, 0.0)
    }

    /// The terms, in the order they were added.
    pub fn terms(&self) -> &[LossTerm] {
        &self.terms
    }

    /// The weighted sum.
    ///
    /// # Panics
    /// If no term has a weight.
    pub fn total(&self) -> Tensor<1> {
        self.total_scaled(|_| 1.0)
    }

    /// The weighted sum with a further factor a term, by name: how an annealing schedule acts.
    ///
    /// # Panics
    /// If no term has a weight.
    pub fn total_scaled(&self, factor: impl Fn(&str) -> f64) -> Tensor<1> {
        self.terms
            .iter()
            .filter(|t| t.weight != 0.0)
            .map(|t| {
                let w = t.weight * factor(t.name);
                if w == 1.0 { t.value.clone() } else { t.value.clone() * w }
            })
            .reduce(|a, b| a + b)
            .expect("Loss::total: a loss needs a term with a weight")
    }

    /// The terms' values on the host, in order.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        self.terms
            .iter()
            .map(|t| {
                let value = t.value.to_data().convert::<f64>();
                (t.name, value.as_slice::<f64>().expect("converted above")[0])
            })
            .collect()
    }
}
