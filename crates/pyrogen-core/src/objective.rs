//! What training minimises.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::{HiddenMatrix, Noise};

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

    /// The matrices that map features to features, which the optimiser Muon takes; it leaves all other
    /// parameters to AdamW. Unless a model says otherwise: all parameters of two axes but the first
    /// and the last.
    fn hidden_matrices(&self) -> Vec<HiddenMatrix> {
        HiddenMatrix::inner(self)
    }
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
    /// What the value is drawn to: the term is then its distance from here, `|value - target|`.
    pub target: Option<f64>,
}

impl LossTerm {
    /// What is minimised and logged: the value, or its distance from so much of the target.
    fn shown(&self, share: f64) -> Tensor<1> {
        match self.target {
            None => self.value.clone(),
            Some(target) => (self.value.clone() - target * share).abs(),
        }
    }
}

/// What a schedule multiplies a term with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TermFactors {
    /// The factor on the weight.
    pub weight: f64,
    /// The factor on the target, where the term has one.
    pub target: f64,
}

impl Default for TermFactors {
    /// The term as it is.
    fn default() -> Self {
        Self { weight: 1.0, target: 1.0 }
    }
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
        self.terms.push(LossTerm { name, value, weight, target: None });
        self
    }

    /// Adds the distance of a value from a target, with a weight. A schedule may move the target,
    /// as it may change the weight, without the objective knowing its step.
    pub fn toward(
        mut self,
        name: &'static str,
        value: Tensor<1>,
        target: f64,
        weight: f64,
    ) -> Self {
        self.terms.push(LossTerm { name, value, weight, target: Some(target) });
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
        self.total_scaled(|_| TermFactors::default())
    }

    /// The weighted sum with further factors a term, by name: how an annealing schedule acts.
    ///
    /// # Panics
    /// If no term has a weight.
    pub fn total_scaled(&self, factors: impl Fn(&str) -> TermFactors) -> Tensor<1> {
        self.terms
            .iter()
            .filter(|t| t.weight != 0.0)
            .map(|t| {
                let factors = factors(t.name);
                let (value, w) = (t.shown(factors.target), t.weight * factors.weight);
                if w == 1.0 { value } else { value * w }
            })
            .reduce(|a, b| a + b)
            .expect("Loss::total: a loss needs a term with a weight")
    }

    /// The terms' values on the host, in order; of a term with a target the distance from it.
    pub fn values(&self) -> Vec<(&'static str, f64)> {
        self.values_scaled(|_| TermFactors::default())
    }

    /// The same where a schedule moves targets. Weights change nothing here.
    pub fn values_scaled(&self, factors: impl Fn(&str) -> TermFactors) -> Vec<(&'static str, f64)> {
        if self.terms.is_empty() {
            return Vec::new();
        }
        let (names, values) = self.tensors_scaled(factors);
        names.into_iter().zip(values.into_data().iter::<f64>()).collect()
    }

    /// The same on the device, `[terms]`, without a graph: a device that computes while the host goes
    /// on is not waited for.
    ///
    /// # Panics
    /// If there are no terms.
    pub fn tensors_scaled(
        &self,
        factors: impl Fn(&str) -> TermFactors,
    ) -> (Vec<&'static str>, Tensor<1>) {
        let plain = |x: Tensor<1>| if x.device().is_autodiff() { x.inner() } else { x };
        let shown = |t: &LossTerm| plain(t.shown(factors(t.name).target)).reshape([1]);
        let names = self.terms.iter().map(|t| t.name).collect();
        (names, Tensor::cat(self.terms.iter().map(shown).collect(), 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_testkit::{device, host};

    #[test]
    fn weights_and_targets_are_scaled_by_name() {
        let number = |v: f32| Tensor::<1>::from_floats([v], &device());
        let loss = Loss::new()
            .weighted("a", number(3.0), 2.0)
            .toward("b", number(5.0), 8.0, 10.0)
            .logged("c", number(7.0));
        assert_eq!(host(loss.total()), [36.0]);
        assert_eq!(loss.values(), [("a", 3.0), ("b", 3.0), ("c", 7.0)]);
        let half = |name: &str| match name {
            "a" => TermFactors { weight: 0.5, ..TermFactors::default() },
            _ => TermFactors { weight: 1.0, target: 0.5 },
        };
        assert_eq!(host(loss.total_scaled(half)), [13.0]);
        assert_eq!(loss.values_scaled(half), [("a", 3.0), ("b", 1.0), ("c", 7.0)]);
    }
}
