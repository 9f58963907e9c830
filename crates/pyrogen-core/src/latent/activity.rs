//! Which latent dimensions carry information, and whether the posterior collapsed.

use std::fmt;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::host;
use crate::RequestError;
use crate::distribution::{Independent, KlDivergence, Moments, Normal};

/// Collects posteriors batch by batch, for a [`LatentReport`].
///
/// # Numerics
/// Means and variances are merged in f64 (Chan, Golub and LeVeque 1983), so the report does not
/// depend on how the data was cut into batches, up to rounding.
#[derive(Debug, Clone)]
pub struct LatentStatistics {
    examples: usize,
    dims: Vec<Running>,
}

/// One dimension over the examples so far.
#[derive(Debug, Clone, Default)]
struct Running {
    /// Mean of the posterior means.
    mean: f64,
    /// Sum of their squared distances from it.
    squares: f64,
    /// Sum of the divergences from the prior.
    kl: f64,
}

impl LatentStatistics {
    /// Of no examples yet.
    pub fn new(latents: usize) -> Self {
        Self { examples: 0, dims: vec![Running::default(); latents] }
    }

    /// Adds the posteriors of some examples, `[batch, latents]`. The prior is standard normal.
    ///
    /// # Errors
    /// When a posterior is not finite; the statistics are then unchanged.
    ///
    /// # Panics
    /// If the posterior has another number of latents.
    pub fn add(&mut self, posterior: &Independent<Normal<2>>) -> Result<(), RequestError> {
        let base = posterior.base();
        let means = base.mean();
        let [batch, latents] = means.dims();
        assert_eq!(
            latents,
            self.dims.len(),
            "LatentStatistics::add: a posterior of another number of latents"
        );
        let prior = Normal::standard([1, latents], &means.device());
        let kl: Tensor<2> = base.kl_divergence(&prior);
        let (means, kl) = (host(means), host(kl));
        if let Some(bad) = means.iter().chain(&kl).find(|v| !v.is_finite()) {
            return Err(RequestError::Value {
                name: "posterior",
                expected: "finite in mean and log-variance",
                got: bad.to_string(),
            });
        }
        if batch == 0 {
            return Ok(());
        }
        let (seen, new) = (self.examples as f64, batch as f64);
        for (d, running) in self.dims.iter_mut().enumerate() {
            let column = || means.iter().skip(d).step_by(latents);
            let mean = column().sum::<f64>() / new;
            let squares: f64 = column().map(|v| (v - mean).powi(2)).sum();
            let shift = mean - running.mean;
            running.squares += squares + shift * shift * seen * new / (seen + new);
            running.mean += shift * new / (seen + new);
            running.kl += kl.iter().skip(d).step_by(latents).sum::<f64>();
        }
        self.examples += batch;
        Ok(())
    }

    /// The report, with the usual criteria.
    ///
    /// # Errors
    /// Fewer than two examples.
    pub fn report(&self) -> Result<LatentReport, RequestError> {
        self.report_with(CollapseCriteria::default())
    }

    /// The report, with criteria of one's own.
    ///
    /// # Errors
    /// Fewer than two examples.
    pub fn report_with(&self, criteria: CollapseCriteria) -> Result<LatentReport, RequestError> {
        if self.examples < 2 {
            return Err(RequestError::Value {
                name: "examples",
                expected: "at least 2 (a variance over the examples is taken)",
                got: self.examples.to_string(),
            });
        }
        let n = self.examples as f64;
        let mut dimensions: Vec<LatentDimension> = self
            .dims
            .iter()
            .enumerate()
            .map(|(index, running)| {
                let activity = running.squares / (n - 1.0);
                LatentDimension {
                    index,
                    kl: running.kl / n,
                    activity,
                    active: activity > criteria.activity,
                }
            })
            .collect();
        dimensions.sort_by(|a, b| b.kl.total_cmp(&a.kl).then(a.index.cmp(&b.index)));
        let total_kl = dimensions.iter().map(|d| d.kl).sum();
        let collapse = criteria.judge(&dimensions, total_kl);
        Ok(LatentReport { examples: self.examples, criteria, total_kl, collapse, dimensions })
    }
}

/// When a dimension counts as inactive and a model as collapsed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollapseCriteria {
    /// A dimension is active if its posterior mean varies by more than this over the examples:
    /// 0.01 (Burda et al. 2016, who find the logarithms of the variances in two well separated
    /// groups, so that the number hardly matters).
    pub activity: f64,
    /// The model as a whole has collapsed if a smaller share of its dimensions is active: 0.1.
    pub active_share: f64,
    /// Or if the divergence from the prior, summed over the dimensions, is below this many nats:
    /// 0.1. In the mean over the examples it bounds what the latents can tell about them: at
    /// 0.1 nats, a seventh of a bit.
    pub total_kl: f64,
}

impl Default for CollapseCriteria {
    fn default() -> Self {
        Self { activity: 0.01, active_share: 0.1, total_kl: 0.1 }
    }
}

impl CollapseCriteria {
    fn judge(&self, dimensions: &[LatentDimension], total_kl: f64) -> Collapse {
        let active = dimensions.iter().filter(|d| d.active).count();
        let share = active as f64 / dimensions.len() as f64;
        if active == 0 || share < self.active_share || total_kl < self.total_kl {
            Collapse::Whole
        } else if active < dimensions.len() {
            Collapse::Partial
        } else {
            Collapse::None
        }
    }
}

/// How far the posterior has fallen back on the prior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Collapse {
    /// Every dimension is active.
    None,
    /// Some dimensions are not used: harmless where the latent space is larger than the data
    /// needs.
    Partial,
    /// The latents say next to nothing about the examples: samples do not depend on them, and
    /// neither do reconstructions.
    Whole,
}

/// One latent dimension over a data set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatentDimension {
    /// Which dimension, counted from 0.
    pub index: usize,
    /// Mean divergence of the posterior from the prior, in nats.
    pub kl: f64,
    /// `Cov_x(E_q[u])`: the variance over the examples of the posterior mean, with `n - 1`.
    pub activity: f64,
    /// Whether the activity is above the threshold.
    pub active: bool,
}

/// What a model makes of its latent space, over a data set.
///
/// A dimension is active where the posterior mean depends on the example:
/// `Cov_x(E_{u ~ q(u | x)}[u]) > 0.01`. Displayed, the report is one line; where something
/// looks wrong, it says what to try.
///
/// # References
/// Burda, Grosse and Salakhutdinov (2016), "Importance Weighted Autoencoders", section 5.2, for
/// active units; Hoffman and Johnson (2016), "ELBO surgery", for the divergence as a bound on the
/// information between example and latents; Bowman et al. (2016) and Kingma et al. (2016,
/// "Inverse Autoregressive Flow", free bits) for what to try.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::distribution::{Independent, Normal};
/// use pyrogen_core::latent::{Collapse, LatentStatistics};
///
/// // An encoder that gives the prior, whatever it sees.
/// let prior = Independent::new(Normal::standard([4, 2], &Device::flex()));
/// let mut statistics = LatentStatistics::new(2);
/// statistics.add(&prior)?;
/// let report = statistics.report()?;
/// assert_eq!(report.collapse, Collapse::Whole);
/// assert!(report.to_string().contains("lower beta"));
/// # Ok::<(), pyrogen_core::RequestError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatentReport {
    /// How many examples were seen.
    pub examples: usize,
    /// What counts as inactive and as collapsed.
    pub criteria: CollapseCriteria,
    /// Mean divergence from the prior over all dimensions, in nats.
    pub total_kl: f64,
    /// The verdict.
    pub collapse: Collapse,
    /// The dimensions, the largest divergence first.
    pub dimensions: Vec<LatentDimension>,
}

impl LatentReport {
    /// How many dimensions are active.
    pub fn active(&self) -> usize {
        self.dimensions.iter().filter(|d| d.active).count()
    }

    /// The dimensions that are not active, in rising order.
    pub fn inactive(&self) -> Vec<usize> {
        let mut inactive: Vec<usize> =
            self.dimensions.iter().filter(|d| !d.active).map(|d| d.index).collect();
        inactive.sort_unstable();
        inactive
    }

    /// Whether the model as a whole has collapsed.
    pub fn is_collapsed(&self) -> bool {
        self.collapse == Collapse::Whole
    }
}

/// How many inactive dimensions the one-line display names.
const NAMED: usize = 8;

impl fmt::Display for LatentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_collapsed() {
            write!(f, "posterior collapse: ")?;
        }
        write!(
            f,
            "{} of {} latent dimensions active, KL {:.2} nats",
            self.active(),
            self.dimensions.len(),
            self.total_kl
        )?;
        match self.collapse {
            Collapse::None => Ok(()),
            Collapse::Partial => {
                let inactive = self.inactive();
                let names: Vec<String> =
                    inactive.iter().take(NAMED).map(usize::to_string).collect();
                write!(f, "; inactive: {}", names.join(", "))?;
                if inactive.len() > NAMED {
                    write!(f, " and {} more", inactive.len() - NAMED)?;
                }
                write!(f, " (fewer latents would do, or try a lower beta)")
            }
            Collapse::Whole => write!(
                f,
                "; the latents say next to nothing about the examples: try a lower beta or KL \
                 warm-up"
            ),
        }
    }
}
