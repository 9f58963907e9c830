//! From raw values to what a model sees, and back.

mod binarise;
mod card;
mod cells;
mod columns;
mod conditions;
mod density;
mod dequantise;
mod level_quantiles;
mod logit;
mod missing;
mod one_hot;
mod periodic;
mod quantiles;
mod rare;
mod recipe;
mod scale;
mod spread_missing;
mod standardise;

use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

pub use binarise::Binarise;
pub use columns::{PreparedColumn, PreparedFeature};
pub use conditions::ConditionColumns;
pub use density::SpreadColumns;
pub use dequantise::Dequantise;
pub use level_quantiles::LevelQuantiles;
pub use logit::Logit;
pub use missing::MissingNumbers;
pub use one_hot::OneHot;
pub use periodic::{Circle, Periodic};
pub use quantiles::{
    Blocks, Bounds, DistributionFunction, Grid, MixedDistribution, Quantiles, RestDistribution,
    SpikedDistribution, Tail,
};
pub use recipe::Recipe;
pub use scale::Scale;
pub use spread_missing::SpreadMissing;
pub use standardise::Standardise;

use crate::{DataError, Layout};

/// A map of rows of numbers with an inverse and a log-determinant.
///
/// `width` is always the number of elements of a row before the forward map.
pub trait Transform {
    /// The name in messages.
    fn name(&self) -> &'static str;

    /// Elements of a row after the map.
    ///
    /// # Errors
    /// If the parameters are out of range or do not fit rows of that width.
    fn output_width(&self, width: usize) -> Result<usize, DataError>;

    /// Whether [`forward`](Self::forward) draws from its noise.
    fn is_random(&self) -> bool {
        false
    }

    /// The map, row by row; a random one draws `[rows, width]` numbers, so that
    /// [`Noise::rows`] may look at a part of a batch.
    fn forward(&self, x: Vec<f64>, width: usize, noise: &mut Noise) -> Vec<f64>;

    /// Back to a value that the map takes to `y` (for some draw).
    fn inverse(&self, y: Vec<f64>, width: usize) -> Vec<f64>;

    /// `log |det dy/dx|` of each row, at the mapped values `y`; 0 for maps between counts, which
    /// have none.
    fn log_det(&self, y: &[f64], width: usize) -> Vec<f64>;
}

/// One step of a [`Preparation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Integers to real numbers in (0, 1).
    Dequantise(Dequantise),
    /// Integers to normal numbers, by how often each is there.
    LevelQuantiles(LevelQuantiles),
    /// `(x - shift) / scale`.
    Scale(Scale),
    /// (0, 1) to all real numbers.
    Logit(Logit),
    /// Elements that are the condition of the others, standardised.
    ConditionColumns(ConditionColumns),
    /// Mean 0 and standard deviation 1, element by element.
    Standardise(Standardise),
    /// Numbers on circles to angles.
    Periodic(Periodic),
    /// Numbers of any distribution to normal ones.
    Quantiles(Quantiles),
    /// Missing numbers to an indicator beside the number.
    MissingNumbers(MissingNumbers),
    /// Indicators of missing numbers spread, and the missing numbers drawn.
    SpreadMissing(SpreadMissing),
    /// Categories to indicators.
    OneHot(OneHot),
    /// [0, 1] to 0 or 1.
    Binarise(Binarise),
}

impl Step {
    fn transform(&self) -> &dyn Transform {
        match self {
            Self::Dequantise(t) => t,
            Self::LevelQuantiles(t) => t,
            Self::Scale(t) => t,
            Self::Logit(t) => t,
            Self::ConditionColumns(t) => t,
            Self::Standardise(t) => t,
            Self::Periodic(t) => t,
            Self::Quantiles(t) => t,
            Self::MissingNumbers(t) => t,
            Self::SpreadMissing(t) => t,
            Self::OneHot(t) => t,
            Self::Binarise(t) => t,
        }
    }
}

/// How raw values become what a model sees: a list of [`Step`]s, with the [`Layout`] of the raw
/// values. It is saved with a model, so that a loaded model can write samples in raw units.
///
/// With `y = apply(x)`, densities relate by `log p(x) = log p(y) + log_det(y)`. For integers that
/// were dequantised this is a lower bound on the log-probability of the integers (Theis et al.
/// 2016).
///
/// ```
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_data::{Preparation, Recipe, digits};
///
/// let digits = digits();
/// let preparation = Preparation::fit(&Recipe::Unit, &digits)?;
/// let raw = digits.row(0);
/// let seen = preparation.apply(raw, &mut Noise::new(Seed(0)));
/// assert_eq!(seen[3], raw[3] / 16.0);
/// assert_eq!(preparation.inverse(&seen), raw);
/// let log_det = preparation.log_det(&seen)[0];
/// assert!((log_det - -64.0 * 16f64.ln()).abs() < 1e-9);
/// # Ok::<(), pyrogen_data::DataError>(())
/// ```
///
/// # References
/// L. Theis, A. van den Oord, M. Bethge (2016), "A note on the evaluation of generative models",
/// section 3.1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Preparation {
    layout: Layout,
    steps: Vec<Step>,
    /// Elements of a row before each step, and after the last.
    widths: Vec<usize>,
}

/// What is saved of a preparation.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    layout: Layout,
    steps: Vec<Step>,
}

impl TryFrom<Parts> for Preparation {
    type Error = DataError;

    fn try_from(parts: Parts) -> Result<Self, DataError> {
        Self::new(parts.layout, parts.steps)
    }
}

impl From<Preparation> for Parts {
    fn from(p: Preparation) -> Self {
        Self { layout: p.layout, steps: p.steps }
    }
}

impl Preparation {
    /// The steps, checked for rows of that layout.
    ///
    /// # Errors
    /// A step with parameters out of range, or of another width than the rows have.
    pub fn new(layout: Layout, steps: Vec<Step>) -> Result<Self, DataError> {
        let mut width = layout.width();
        if width == 0 || layout.event.is_empty() {
            let expected = "a shape of one element or more";
            return Err(DataError::part("event", expected, format!("{:?}", layout.event)));
        }
        let mut widths = vec![width];
        for step in &steps {
            width = step.transform().output_width(width)?;
            widths.push(width);
        }
        Ok(Self { layout, steps, widths })
    }

    /// What the raw values mean.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether a batch depends on the noise, and not on its rows alone.
    pub fn is_random(&self) -> bool {
        self.steps.iter().any(|s| s.transform().is_random())
    }

    /// Whether a prepared row holds indicators: of categories, of numbers that recur, of missing cells.
    /// Such rows fill no space, so no density of them has an upper bound. Indicators of columns that are a
    /// condition do not count: they need no density.
    pub fn has_indicators(&self) -> bool {
        let may = |step: &Step| matches!(step, Step::OneHot(_) | Step::MissingNumbers(_));
        let indicator = |feature: &PreparedFeature| feature.indicator && !feature.condition;
        self.steps.iter().any(may) && self.features().iter().any(indicator)
    }

    /// Shape of one prepared example: the raw shape, or `[features]` where a step changes the
    /// number of elements.
    pub fn event_shape(&self) -> Vec<usize> {
        match self.prepared_width() {
            width if width == self.layout.width() => self.layout.event.clone(),
            width => vec![width],
        }
    }

    fn prepared_width(&self) -> usize {
        *self.widths.last().expect("made with one or more")
    }

    /// Rows of raw values as a model sees them. The result is a pure function of the values and
    /// the noise; random steps draw one number an element, in the order of the steps.
    ///
    /// # Panics
    /// If `raw` is not whole rows, or a category is out of range.
    pub fn apply(&self, raw: &[f32], noise: &mut Noise) -> Vec<f32> {
        let x = raw.iter().map(|&v| f64::from(v)).collect();
        self.forward(x, noise).iter().map(|&v| v as f32).collect()
    }

    fn forward(&self, x: Vec<f64>, noise: &mut Noise) -> Vec<f64> {
        assert_rows("apply", x.len(), self.widths[0]);
        self.steps
            .iter()
            .zip(&self.widths)
            .fold(x, |x, (step, &width)| step.transform().forward(x, width, noise))
    }

    /// Prepared rows (samples of a model) in raw units.
    ///
    /// Integers that were dequantised come back as integers, indicators as the category of the
    /// largest; what was binarised stays binary.
    ///
    /// # Panics
    /// If `prepared` is not whole rows.
    pub fn inverse(&self, prepared: &[f32]) -> Vec<f32> {
        let (raw, _) = self.backward(prepared.iter().map(|&v| f64::from(v)).collect());
        raw.iter().map(|&v| v as f32).collect()
    }

    /// `log |det d prepared / d raw|` of each prepared row, in nats: added to a model's
    /// log-density of prepared values it gives that of raw values.
    ///
    /// # Panics
    /// If `prepared` is not whole rows.
    pub fn log_det(&self, prepared: &[f32]) -> Vec<f64> {
        self.backward(prepared.iter().map(|&v| f64::from(v)).collect()).1
    }

    fn backward(&self, y: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
        assert_rows("inverse", y.len(), self.prepared_width());
        let zero = vec![0.0; y.len() / self.prepared_width()];
        let steps = self.steps.iter().zip(&self.widths).rev();
        steps.fold((y, zero), |(y, mut sum), (step, &width)| {
            let step = step.transform();
            for (sum, term) in sum.iter_mut().zip(step.log_det(&y, width)) {
                *sum += term;
            }
            (step.inverse(y, width), sum)
        })
    }
}

fn assert_rows(method: &str, len: usize, width: usize) {
    assert!(
        len.is_multiple_of(width),
        "Preparation::{method}: {len} values are not whole rows of {width}"
    );
}

/// The error of a step.
fn step_error(step: &'static str, expected: impl Into<String>, got: impl ToString) -> DataError {
    DataError::Preparation { step, expected: expected.into(), got: got.to_string() }
}

#[cfg(test)]
mod tests;
