//! What is measured of generated examples at one time.

use serde::{Deserialize, Serialize};

use crate::auroc::auroc;
use crate::classes::{check_labels, read_classes};
use crate::features::check_pair;
use crate::pairwise::{Distances, Row, rows_above_diagonal};
use crate::{Features, MetricError, prdc};

const METRIC: &str = "collapse";

/// A generated class counts as made when its share is at least this part of its share among the
/// real examples.
const MADE: f64 = 0.2;

/// What the discriminator said of examples, one number each; higher is more real.
#[derive(Debug, Clone, Copy)]
pub struct Judgements<'a> {
    /// Of real examples that are not trained on.
    pub held_out: &'a [f64],
    /// Of training examples.
    pub training: &'a [f64],
    /// Of generated examples.
    pub generated: &'a [f64],
}

/// The signs at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The step.
    pub step: u64,
    /// Share of held-out examples within reach of a generated one ([`prdc`]).
    pub recall: f64,
    /// Share of held-out examples that have a generated one in their reach ([`prdc`]).
    pub coverage: f64,
    /// Mean distance between two generated examples, divided by that between two held-out ones.
    pub diversity: f64,
    /// Share of the classes that are made, where classes are known: the class of a generated
    /// example is that of the closest held-out one, and a class is made when it has a fifth of its
    /// real share.
    pub modes: Option<f64>,
    /// Mean judgement of held-out examples minus that of generated ones, in the loss's own unit.
    pub margin: f64,
    /// Mean judgement of training examples minus that of held-out ones, in the same unit: the
    /// margin on training examples minus the margin on held-out ones.
    pub gap: f64,
    /// The probability that a held-out example is judged above a generated one ([`auroc`]): 0.5
    /// where the discriminator guesses, 1 where it is always right.
    pub separation: f64,
    /// The probability that a training example is judged above a held-out one: 0.5 where the
    /// discriminator knows none of them, 1 where it knows them by heart.
    pub memory: f64,
}

/// What training examples reach in place of generated ones: the best that can be expected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Their recall.
    pub recall: f64,
    /// Their coverage.
    pub coverage: f64,
}

/// Real examples that generated ones are held against.
#[derive(Debug, Clone)]
pub struct Reference {
    held_out: Features,
    labels: Option<Labels>,
    /// Mean distance between two held-out examples.
    spread: f64,
    reach: Reach,
    neighbours: usize,
}

#[derive(Debug, Clone)]
struct Labels {
    of: Vec<usize>,
    /// Held-out examples of each class.
    counts: Vec<usize>,
}

impl Reference {
    /// Held-out examples, with their classes where these are known, and as many training examples,
    /// which say what recall and coverage real examples reach with this number of `neighbours`.
    ///
    /// # Errors
    /// No more rows than neighbours, features of different widths or names, another number of
    /// labels than rows, or held-out examples that all coincide.
    pub fn new(
        held_out: Features,
        training: &Features,
        labels: Option<&[usize]>,
        neighbours: usize,
    ) -> Result<Self, MetricError> {
        check_pair(METRIC, &held_out, training, 2)?;
        let real = prdc(&held_out, training, neighbours)?;
        if let Some(labels) = labels {
            check_labels(METRIC, "labels", labels, &held_out)?;
        }
        let spread = mean_distance(&held_out)?;
        if spread == 0.0 {
            return Err(MetricError::Option {
                metric: METRIC,
                option: "held_out",
                expected: "different examples".into(),
                got: "examples all alike".into(),
            });
        }
        let labels = labels.map(|labels| {
            let classes = labels.iter().max().map_or(0, |&l| l + 1);
            let mut counts = vec![0; classes];
            labels.iter().for_each(|&l| counts[l] += 1);
            Labels { of: labels.to_vec(), counts }
        });
        let reach = Reach { recall: real.recall, coverage: real.coverage };
        Ok(Self { held_out, labels, spread, reach, neighbours })
    }

    /// What training examples reach.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Measures generated examples.
    ///
    /// # Errors
    /// Features of another width or name, too few of them, or judgements that are missing or NaN.
    pub fn read(
        &self,
        step: u64,
        generated: &Features,
        judgements: &Judgements,
    ) -> Result<Reading, MetricError> {
        let prdc = prdc(&self.held_out, generated, self.neighbours)?;
        let Judgements { held_out, training, generated: judged } = *judgements;
        let (separation, memory) = (auroc(held_out, judged)?, auroc(training, held_out)?);
        let [held_out, training, judged] = [held_out, training, judged].map(mean);
        Ok(Reading {
            step,
            recall: prdc.recall,
            coverage: prdc.coverage,
            diversity: mean_distance(generated)? / self.spread,
            modes: self.labels.as_ref().map(|l| self.modes(l, generated)).transpose()?,
            margin: held_out - judged,
            gap: training - held_out,
            separation,
            memory,
        })
    }

    /// The share of the classes that are made.
    fn modes(&self, labels: &Labels, generated: &Features) -> Result<f64, MetricError> {
        let mut counts = vec![0usize; labels.counts.len()];
        for class in read_classes(METRIC, &self.held_out, &labels.of, generated)? {
            counts[class] += 1;
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        let pairs = counts.iter().zip(&labels.counts).filter(|(_, real)| **real > 0);
        let made = pairs.clone().filter(|(made, real)| {
            let least = MADE * share(**real, self.held_out.rows());
            **made > 0 && share(**made, generated.rows()) >= least
        });
        Ok(share(made.count(), pairs.count()))
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The mean Euclidean distance between two different rows.
fn mean_distance(x: &Features) -> Result<f64, MetricError> {
    let distances = Distances::new(x, x);
    distances.check(METRIC)?;
    let sums =
        rows_above_diagonal(x, |i| RootRow { distances: &distances, i, sum: 0.0 }, |row| row.sum);
    let n = x.rows() as f64;
    Ok(sums.into_iter().sum::<f64>() / (n * (n - 1.0) / 2.0))
}

/// The sum of one row's distances.
struct RootRow<'a> {
    distances: &'a Distances,
    i: usize,
    sum: f64,
}

impl Row for RootRow<'_> {
    #[inline(always)]
    fn take(&mut self, first: usize, dots: &[f64]) {
        for (j, &dot) in (first..).zip(dots) {
            self.sum += self.distances.fast(self.i, j, dot).sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen_core::{Noise, Seed};

    /// Two clusters, one a class, at distance 10.
    fn clusters(n: usize, label: &str) -> (Features, Vec<usize>) {
        let noise = Noise::new(Seed(5)).fork(label).normal_vec(2 * n);
        let at = |i: usize| [0.0, 10.0][i % 2];
        let values = noise.iter().enumerate().map(|(i, v)| v + at(i / 2)).collect();
        (Features::new(values, n, 2).unwrap(), (0..n).map(|i| i % 2).collect())
    }

    fn reference() -> Reference {
        let (held_out, labels) = clusters(200, "held-out");
        Reference::new(held_out, &clusters(200, "train").0, Some(&labels), 5).unwrap()
    }

    const SAID: Judgements =
        Judgements { held_out: &[1.0, 2.0], training: &[2.0, 3.0], generated: &[0.0, 1.0] };

    #[test]
    fn a_good_generator_reads_as_real_data_does() {
        let reference = reference();
        let reading = reference.read(7, &clusters(200, "generated").0, &SAID).unwrap();
        // 200 draws of the same distribution: shares have a standard error of 0.03 at most.
        let Reach { recall, coverage } = reference.reach();
        assert!((reading.recall - recall).abs() < 0.1, "{reading:?}");
        assert!((reading.coverage - coverage).abs() < 0.1, "{reading:?}");
        assert!((reading.diversity - 1.0).abs() < 0.1, "{reading:?}");
        assert_eq!((reading.step, reading.modes), (7, Some(1.0)));
        assert_eq!((reading.margin, reading.gap), (1.0, 1.0));
        assert_eq!((reading.separation, reading.memory), (7.0 / 8.0, 7.0 / 8.0));
    }

    #[test]
    fn a_lost_mode_is_seen() {
        let (all, labels) = clusters(200, "generated");
        let one: Vec<usize> = (0..200).filter(|&i| labels[i] == 0).collect();
        let reading = reference().read(1, &all.select(&one).unwrap(), &SAID).unwrap();
        assert_eq!(reading.modes, Some(0.5));
        assert!(reading.coverage < 0.6 && reading.diversity < 0.5, "{reading:?}");
    }

    #[test]
    fn equal_examples_have_no_diversity() {
        let same = Features::new(vec![10.0; 20], 10, 2).unwrap();
        let reading = reference().read(1, &same, &SAID).unwrap();
        assert_eq!(reading.diversity, 0.0);
        let error = Reference::new(same.clone(), &same, None, 3).unwrap_err().to_string();
        assert_eq!(
            error,
            "collapse: `held_out` must be different examples, got examples all alike"
        );
    }

    #[test]
    fn labels_belong_to_rows() {
        let (x, labels) = clusters(20, "held-out");
        let error = Reference::new(x.clone(), &x, Some(&labels[1..]), 3).unwrap_err().to_string();
        assert_eq!(error, "collapse: `labels` must be one an example (20), got 19");
    }
}
