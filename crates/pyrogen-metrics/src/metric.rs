//! Every sample metric by its name.

use std::str::FromStr;

use pyrogen_core::{Noise, Seed};

use crate::{
    Bandwidth, Features, KidOptions, MetricError, MetricReport, MmdOptions, Signature, frechet,
    kid, mmd, prdc,
};

/// A metric of generated against real features, with its options.
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_metrics::{Features, Metric};
///
/// let mut noise = Noise::new(Seed(1));
/// let real = Features::new(noise.normal_vec(40), 20, 2)?;
/// let generated = Features::new(noise.normal_vec(40), 20, 2)?;
///
/// let metric: Metric = "prdc".parse()?;
/// let report = metric.compute(&real, &generated, Seed(0))?;
/// assert!(report.get("coverage").unwrap() > 0.5);
/// assert!(report.signature().to_string().starts_with("prdc|features:given|real:20|generated:20|"));
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Metric {
    /// The squared Fréchet distance: [`frechet`](crate::frechet()).
    Frechet,
    /// The kernel distance over subsets: [`kid`](crate::kid()).
    Kid(KidOptions),
    /// Precision, recall, density and coverage: [`prdc`](crate::prdc()).
    Prdc {
        /// Nearest neighbours.
        k: usize,
    },
    /// The squared maximum mean discrepancy: [`mmd`](crate::mmd()).
    Mmd(MmdOptions),
}

/// Nearest neighbours of [`Metric::Prdc`] where nothing else is said (as in Naeem et al. 2020).
const DEFAULT_NEIGHBOURS: usize = 5;

impl Metric {
    /// Every metric with its default options.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Frechet,
            Self::Kid(KidOptions::default()),
            Self::Prdc { k: DEFAULT_NEIGHBOURS },
            Self::Mmd(MmdOptions::default()),
        ]
    }

    /// The names of all metrics, as [`FromStr`] reads them.
    pub fn names() -> Vec<&'static str> {
        Self::all().iter().map(Self::name).collect()
    }

    /// The metric's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Frechet => "frechet",
            Self::Kid(_) => "kid",
            Self::Prdc { .. } => "prdc",
            Self::Mmd(_) => "mmd",
        }
    }

    /// Computes the metric. The seed matters to metrics that draw subsets (KID) and is then in the
    /// signature.
    ///
    /// # Errors
    /// As the metric's function.
    pub fn compute(
        &self,
        real: &Features,
        generated: &Features,
        seed: Seed,
    ) -> Result<MetricReport, MetricError> {
        let base = Signature::new(self.name())
            .with("features", real.name())
            .with("real", real.rows())
            .with("generated", generated.rows());
        match self {
            Self::Frechet => {
                let d = frechet(real, generated)?;
                let signature = base.with("estimator", "n-1");
                Ok(report(signature, &[("frechet", d.distance())]))
            }
            Self::Kid(options) => {
                let d = kid(real, generated, options, &Noise::new(seed))?;
                let signature = base
                    .with("kernel", "cubic")
                    .with("subsets", format!("{}x{}", options.subsets, d.subset_size))
                    .with("seed", seed);
                Ok(report(signature, &[("kid", d.mean), ("kid_std", d.std)]))
            }
            Self::Prdc { k } => {
                let d = prdc(real, generated, *k)?;
                let values = [
                    ("precision", d.precision),
                    ("recall", d.recall),
                    ("density", d.density),
                    ("coverage", d.coverage),
                ];
                Ok(report(base.with("k", k), &values))
            }
            Self::Mmd(options) => {
                let d = mmd(real, generated, options)?;
                let signature = base
                    .with("kernel", "rbf")
                    .with("bandwidth", bandwidth(&options.bandwidth, &d.bandwidths))
                    .with("estimator", options.estimator.name());
                Ok(report(signature, &[("mmd", d.squared)]))
            }
        }
    }
}

/// What became of one of several metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    /// The metric.
    pub metric: Metric,
    /// Its values, or why there are none.
    pub report: Result<MetricReport, MetricError>,
}

/// Computes several metrics, in order. One that cannot be computed (as MMD where most rows are equal and
/// the median distance is 0, or PRDC with fewer rows than neighbours) says why and leaves the others
/// alone.
///
/// ```
/// use pyrogen_core::Seed;
/// use pyrogen_metrics::{Features, Metric, compute_each};
///
/// // Nine rows of ten are 0: no bandwidth, and all else is defined.
/// let rows = |one: f64| (0..40).map(|i| if i % 10 == 0 { one } else { 0.0 }).collect();
/// let real = Features::new(rows(1.0), 40, 1)?;
/// let generated = Features::new(rows(2.0), 40, 1)?;
/// let computed = compute_each(&Metric::all(), &real, &generated, Seed(0));
/// let failed: Vec<&str> =
///     computed.iter().filter(|c| c.report.is_err()).map(|c| c.metric.name()).collect();
/// assert_eq!(failed, ["mmd"]);
/// # Ok::<(), pyrogen_metrics::MetricError>(())
/// ```
pub fn compute_each(
    metrics: &[Metric],
    real: &Features,
    generated: &Features,
    seed: Seed,
) -> Vec<Computed> {
    let compute = |metric: &Metric| Computed {
        metric: metric.clone(),
        report: metric.compute(real, generated, seed),
    };
    metrics.iter().map(compute).collect()
}

fn report(signature: Signature, values: &[(&str, f64)]) -> MetricReport {
    MetricReport::new(signature.with_version(), values)
}

/// The rule and its outcome, to six digits: numbers of different kernels are not comparable.
fn bandwidth(rule: &Bandwidth, used: &[f64]) -> String {
    let used: Vec<String> = used.iter().map(|b| format!("{b:.5e}")).collect();
    let rule = match rule {
        Bandwidth::MedianReal => "median-real:",
        Bandwidth::MedianPooled => "median-pooled:",
        Bandwidth::Given(_) => "",
    };
    format!("{rule}{}", used.join(","))
}

/// A metric with its default options, by its name.
impl FromStr for Metric {
    type Err = MetricError;

    fn from_str(name: &str) -> Result<Self, MetricError> {
        let known = Self::names().join(", ");
        let named = Self::all().into_iter().find(|m| m.name() == name);
        named.ok_or_else(|| MetricError::UnknownMetric { name: name.to_string(), known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_that_fails_leaves_the_others() {
        let rows = |values: &[f64]| Features::new(values.to_vec(), values.len(), 1).unwrap();
        // Three rows: too few for five neighbours. Ten rows, all equal: no bandwidth.
        for (real, generated, failed) in [
            (rows(&[1.0, 2.0, 4.0]), rows(&[1.5, 2.5, 3.0]), vec!["prdc"]),
            (rows(&[1.0; 10]), rows(&[1.0; 10]), vec!["mmd"]),
        ] {
            let computed = compute_each(&Metric::all(), &real, &generated, Seed(1));
            assert_eq!(computed.len(), Metric::all().len());
            let names = computed.iter().filter(|c| c.report.is_err()).map(|c| c.metric.name());
            assert_eq!(names.collect::<Vec<_>>(), failed);
            for Computed { metric, report } in computed {
                match report {
                    Ok(report) => {
                        assert_eq!(metric.compute(&real, &generated, Seed(1)), Ok(report))
                    }
                    Err(error) => assert!(error.to_string().starts_with(metric.name()), "{error}"),
                }
            }
        }
    }

    #[test]
    fn a_spread_that_is_infinite_is_an_error() {
        // Values of a kernel near the largest number: each is finite, their squares are not.
        let rows = |scale: f64| {
            let values = (0..40).map(|i| scale * f64::from(i % 7 + 1)).collect();
            Features::new(values, 40, 1).unwrap()
        };
        let kid = Metric::Kid(KidOptions::default());
        let error = kid.compute(&rows(1e45), &rows(1e40), Seed(1)).unwrap_err();
        assert!(matches!(error, MetricError::Overflow { metric: "kid", .. }), "{error}");
        // And from the largest features on, the values themselves.
        for scale in [1e20, 1e60, 1e150, 1e300] {
            for metric in Metric::all() {
                let report = metric.compute(&rows(scale), &rows(1.0), Seed(1));
                let finite = |r: &MetricReport| r.values().all(|(_, v)| v.is_finite());
                assert!(report.as_ref().map_or(true, finite), "{scale}: {report:?}");
            }
        }
    }
}
