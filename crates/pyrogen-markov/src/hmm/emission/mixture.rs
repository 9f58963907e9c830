//! Mixtures of Gaussians as emissions.

use pyrogen_core::Draws;
use serde::{Deserialize, Serialize};

use super::gaussian_kernel::GaussianKernel;
use super::{Density, Gaussian, Kernel, Rules};
use crate::MarkovError;
use crate::sequences::View;
use crate::special::log_sum_exp;

/// A mixture of Gaussians a state:
/// `p(x | k) = Σ_m weights[k][m] N(x; Gaussian k * components + m)`.
///
/// A tied covariance is shared by all components of all states. Missing values are summed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaussianMixture {
    /// `[states][components]`; rows add up to 1.
    pub weights: Vec<Vec<f64>>,
    /// `states * components` Gaussians, components of a state next to each other.
    pub gaussians: Gaussian,
}

struct MixtureKernel<'a> {
    states: usize,
    components: usize,
    log_weights: Vec<f64>,
    gaussians: GaussianKernel<'a>,
}

impl Density for GaussianMixture {
    fn classes(&self) -> usize {
        self.weights.len()
    }

    fn kernel(&self) -> Result<Box<dyn Kernel + '_>, MarkovError> {
        let log_weights = self.weights.iter().flatten().map(|w| w.ln()).collect();
        let (states, components) = (self.weights.len(), self.weights[0].len());
        let gaussians = GaussianKernel::new(&self.gaussians)?;
        Ok(Box::new(MixtureKernel { states, components, log_weights, gaussians }))
    }

    fn maximise(&mut self, statistics: &[f64], rules: &Rules) -> Vec<usize> {
        let m = self.weights[0].len();
        let (counts, rest) = statistics.split_at(self.weights.len() * m);
        for (row, counts) in self.weights.iter_mut().zip(counts.chunks_exact(m)) {
            let seen: f64 = counts.iter().sum();
            if seen > 0.0 {
                let total = seen + rules.count_prior * m as f64;
                row.iter_mut().zip(counts).for_each(|(w, n)| *w = (n + rules.count_prior) / total);
            }
        }
        let mut held: Vec<usize> =
            self.gaussians.maximise(rest, rules).into_iter().map(|g| g / m).collect();
        held.dedup();
        held
    }

    fn free_parameters(&self) -> usize {
        self.weights.len() * (self.weights[0].len() - 1) + self.gaussians.free_parameters()
    }

    fn draw(&self, class: usize, history: &[f64], input: &[f64], draws: &mut Draws) -> Vec<f64> {
        let component = draws.place(&self.weights[class]);
        let gaussian = class * self.weights[class].len() + component;
        self.gaussians.draw(gaussian, history, input, draws)
    }

    fn log_prior(&self, rules: &Rules) -> f64 {
        if rules.count_prior == 0.0 {
            return 0.0;
        }
        rules.count_prior * self.weights.iter().flatten().map(|w| w.ln()).sum::<f64>()
    }
}

impl MixtureKernel<'_> {
    /// Log of weight and density, `[steps, states * components]`.
    fn joint(&self, view: &View<'_>) -> Vec<f64> {
        let n = self.states * self.components;
        let mut joint = vec![0.0; view.len() * n];
        self.gaussians.log_prob(view, &mut joint);
        for row in joint.chunks_exact_mut(n) {
            row.iter_mut().zip(&self.log_weights).for_each(|(v, w)| *v += w);
        }
        joint
    }
}

impl Kernel for MixtureKernel<'_> {
    fn log_prob(&self, view: &View<'_>, out: &mut [f64]) {
        let joint = self.joint(view);
        let parts = joint.chunks_exact(self.components);
        out.iter_mut().zip(parts).for_each(|(out, part)| *out = log_sum_exp(part));
    }

    fn statistics(&self) -> usize {
        self.states * self.components + self.gaussians.statistics()
    }

    fn accumulate(&self, view: &View<'_>, share: &[f64], out: &mut [f64]) {
        let mut joint = self.joint(view);
        for (part, share) in joint.chunks_exact_mut(self.components).zip(share) {
            let log_total = log_sum_exp(part);
            part.iter_mut().for_each(|v| *v = share * (*v - log_total).exp());
        }
        let n = self.states * self.components;
        let (counts, rest) = out.split_at_mut(n);
        for row in joint.chunks_exact(n) {
            counts.iter_mut().zip(row).for_each(|(c, r)| *c += r);
        }
        self.gaussians.accumulate(view, &joint, rest);
    }
}
