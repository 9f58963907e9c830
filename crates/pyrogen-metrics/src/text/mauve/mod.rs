//! MAUVE from given features.

mod clusters;
mod curve;

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use super::TextError;
use crate::features::check_pair;
use crate::{Features, MetricError, MetricReport, Signature};

/// Options of [`mauve()`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MauveOptions {
    /// Number of clusters; where none is given, a tenth of the smaller sample.
    pub clusters: Option<usize>,
    /// The share of the variance that is kept before clustering, from 0 to 1.
    pub explained_variance: f64,
    /// How strongly a divergence lowers the value: the constant `c` of the paper.
    pub scaling: f64,
    /// Points of the curve between its ends.
    pub points: usize,
    /// Clusterings of which the best is taken.
    pub restarts: usize,
    /// Rounds of a clustering at most.
    pub rounds: usize,
}

impl Default for MauveOptions {
    fn default() -> Self {
        Self {
            clusters: None,
            explained_variance: 0.9,
            scaling: 5.0,
            points: 25,
            restarts: 5,
            rounds: 500,
        }
    }
}

impl MauveOptions {
    /// Checks the ranges.
    ///
    /// # Errors
    /// An option outside its range.
    pub fn validate(&self) -> Result<(), TextError> {
        let require = |holds, option, expected, got: &dyn std::fmt::Display| {
            TextError::require(holds, "mauve", option, expected, got)
        };
        let clusters = self.clusters.unwrap_or(2);
        require(clusters >= 2, "clusters", "at least 2", &clusters)?;
        let share = self.explained_variance > 0.0 && self.explained_variance <= 1.0;
        require(share, "explained_variance", "above 0 and at most 1", &self.explained_variance)?;
        let scaling = self.scaling.is_finite() && self.scaling > 0.0;
        require(scaling, "scaling", "a number above 0", &self.scaling)?;
        require(self.points >= 2, "points", "at least 2", &self.points)?;
        require(self.restarts >= 1, "restarts", "at least 1", &self.restarts)?;
        require(self.rounds >= 1, "rounds", "at least 1", &self.rounds)
    }
}

/// MAUVE and its relatives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Mauve {
    /// The area under the divergence curve, from 0 to 1; 1 where the samples cannot be distinguished.
    pub mauve: f64,
    /// The same with half a count added to each cluster of both samples.
    pub mauve_star: f64,
    /// The frontier integral, from 0 to 1; 0 where the samples cannot be distinguished.
    pub frontier_integral: f64,
    /// The frontier integral with half a count added.
    pub frontier_integral_star: f64,
    /// Number of clusters.
    pub clusters: usize,
}

impl Mauve {
    /// The values with a signature.
    pub fn report(
        &self,
        real: &Features,
        generated: &Features,
        options: &MauveOptions,
        seed: pyrogen_core::Seed,
    ) -> MetricReport {
        let signature = Signature::new("mauve")
            .with("features", real.name())
            .with("real", real.rows())
            .with("generated", generated.rows())
            .with("clusters", self.clusters)
            .with("variance", options.explained_variance)
            .with("scaling", options.scaling)
            .with("points", options.points)
            .with("restarts", options.restarts)
            .with("seed", seed)
            .with_version();
        let values = [
            ("mauve", self.mauve),
            ("mauve_star", self.mauve_star),
            ("frontier_integral", self.frontier_integral),
            ("frontier_integral_star", self.frontier_integral_star),
        ];
        MetricReport::new(signature, &values)
    }
}

/// MAUVE: how near generated texts are to real ones, by the divergences of both from their mixtures.
///
/// ```text
/// p, q  = shares of the clusters in the generated and in the real sample
/// r_w   = w p + (1 - w) q
/// curve = (exp(-scaling KL(q | r_w)), exp(-scaling KL(p | r_w))) for w from 0 to 1
/// mauve = area under the curve
/// ```
///
/// Features are those of a language model at the last token of each text. They are scaled to length 1,
/// projected on the principal components that hold `explained_variance` of the variance, and clustered
/// by k-means on both samples together. The value depends on sizes, features and clusters: compare
/// values with one signature, and use thousands of texts.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_metrics::Features;
/// use pyrogen_metrics::text::{MauveOptions, mauve};
///
/// let mut noise = Noise::new(Seed(1));
/// let mut sample = |shift: f64| {
///     Features::new(noise.normal_vec(1200).iter().map(|x| x + shift).collect(), 300, 4)
/// };
/// let (real, same, other) = (sample(0.0)?, sample(0.0)?, sample(1.0)?);
/// let value = |generated| mauve(&real, generated, &MauveOptions::default(), &Noise::new(Seed(2)));
/// assert!(value(&same)?.mauve > 0.9 && value(&other)?.mauve < 0.7);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Numerics
/// Equal to mauve-text 0.4.0 to 1e-9 for equal clusters. The clusters are found with random numbers of
/// our own and in f64, so values differ from that package's by what the clustering differs.
///
/// # Errors
/// Samples with different features or widths, fewer rows than clusters, or an option outside its range.
///
/// # References
/// Pillutla et al. (2021), "MAUVE: Measuring the Gap Between Neural Text and Human Text using
/// Divergence Frontiers", section 2; Pillutla et al. (2023), "MAUVE Scores for Generative Models:
/// Theory and Practice"; Liu et al. (2021), "Divergence Frontiers for Generative Models".
pub fn mauve(
    real: &Features,
    generated: &Features,
    options: &MauveOptions,
    noise: &Noise,
) -> Result<Mauve, TextError> {
    options.validate()?;
    check_pair("mauve", real, generated, 1)?;
    let smaller = real.rows().min(generated.rows());
    let clusters = options.clusters.unwrap_or((smaller as f64 / 10.0).round_ties_even() as usize);
    let clusters = clusters.max(2);
    let rows = real.rows() + generated.rows();
    if rows < clusters {
        let (metric, set) = ("mauve", "pooled");
        return Err(MetricError::TooFewRows { metric, set, needed: clusters, got: rows }.into());
    }
    let labels = clusters::of(real, generated, clusters, options, noise)?;
    let count = |labels: &[usize]| {
        let mut counts = vec![0.0; clusters];
        labels.iter().for_each(|&label| counts[label] += 1.0);
        counts
    };
    let (in_real, in_generated) = labels.split_at(real.rows());
    mauve_of_counts(&count(in_real), &count(in_generated), options)
}

/// MAUVE of the numbers of samples in each cluster.
///
/// ```
/// use pyrogen_metrics::text::{MauveOptions, mauve_of_counts};
///
/// let same = mauve_of_counts(&[3.0, 5.0], &[6.0, 10.0], &MauveOptions::default())?;
/// assert!((same.mauve - 1.0).abs() < 1e-9 && same.frontier_integral < 1e-9);
/// # Ok::<(), pyrogen_metrics::text::TextError>(())
/// ```
///
/// # Errors
/// An option outside its range, or counts that are not both of one length, at least 0, finite, and of a
/// sum above 0.
pub fn mauve_of_counts(
    real: &[f64],
    generated: &[f64],
    options: &MauveOptions,
) -> Result<Mauve, TextError> {
    options.validate()?;
    let usable = |counts: &[f64]| {
        let sum: f64 = counts.iter().sum();
        counts.iter().all(|&c| c >= 0.0) && sum.is_finite() && sum > 0.0
    };
    let holds = real.len() == generated.len() && usable(real) && usable(generated);
    let expected = "as many of both samples, at least 0, and not all 0";
    let got = format!("{} and {}", real.len(), generated.len());
    TextError::require(holds, "mauve", "counts", expected, got)?;
    let shares = |added: f64| {
        [generated, real].map(|counts| {
            let sum: f64 = counts.iter().map(|c| c + added).sum();
            counts.iter().map(|c| (c + added) / sum).collect::<Vec<f64>>()
        })
    };
    let area = |[p, q]: &[Vec<f64>; 2]| curve::area(p, q, options.points, options.scaling);
    let integral = |[p, q]: &[Vec<f64>; 2]| curve::frontier_integral(p, q);
    let (plain, smooth) = (shares(0.0), shares(0.5));
    Ok(Mauve {
        mauve: area(&plain),
        mauve_star: area(&smooth),
        frontier_integral: integral(&plain),
        frontier_integral_star: integral(&smooth),
        clusters: real.len(),
    })
}
