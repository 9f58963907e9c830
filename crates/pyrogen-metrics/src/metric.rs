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
