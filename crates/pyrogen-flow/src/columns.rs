//! Flows of some features of a row given its others.

use std::fmt;

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use pyrogen_core::{
    Batch, Condition, ConfigError, Decode, Describe, Encode, ExactFlow, Likelihood, Loss,
    ModelError, Noise, Objective, Posterior, RequestError, Sample, SampleOptions, Score,
    ScoreOptions,
};
use serde::Serialize;

use crate::{InverseReport, NormalizingFlow};

/// A flow over rows of which some features are the condition of the others: regression with whole
/// distributions.
///
/// ```text
/// ln p(learnt | given)      x = (learnt, given)
/// ```
///
/// Rows hold all features, so that data, scores and samples have the same columns. Samples take the given
/// features as the context of their condition, and have them unchanged. The latent of a row is the noise of the
/// learnt features, with the given ones in their places.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::{Condition, Noise, Sample, SampleOptions, Seed};
/// use pyrogen_flow::{ConditionalFlow, NormalizingFlowConfig};
///
/// let config =
///     NormalizingFlowConfig { event: vec![1], context: Some(vec![2]), ..Default::default() };
/// let flow = config.init(Seed(1), &Device::flex())?;
/// // The second of three features is learnt given the first and the third.
/// let flow = ConditionalFlow::new(flow, vec![0, 2])?;
/// let given = Tensor::<2>::from_data([[0.5, -1.0], [2.0, 3.0]], &Device::flex());
/// let condition = Condition::context(given);
/// let options = SampleOptions { condition, ..SampleOptions::default() };
/// let rows: Tensor<2> = flow.sample(2, &options, &mut Noise::new(Seed(2)))?;
/// let values: Vec<f32> = rows.into_data().iter().collect();
/// assert_eq!([values[0], values[2], values[3], values[5]], [0.5, -1.0, 2.0, 3.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct ConditionalFlow {
    flow: NormalizingFlow,
    #[module(skip)]
    given: Vec<usize>,
    #[module(skip)]
    learnt: Vec<usize>,
    /// Where each feature is when the learnt ones come first.
    #[module(skip)]
    places: Vec<usize>,
}

impl ConditionalFlow {
    /// A flow whose context are the features `given` of a row, and whose examples are the others, both in their
    /// order.
    ///
    /// # Errors
    /// Features that are not ascending or that are none of the row's, or another number of them than the flow's
    /// context has.
    pub fn new(flow: NormalizingFlow, given: Vec<usize>) -> Result<Self, ConfigError> {
        let width = flow.config().features() + given.len();
        let ascending = given.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || given.last().is_none_or(|&last| last >= width) {
            let expected = format!("one or more ascending features of {width}");
            return Err(ConfigError::value("given", expected, format!("{given:?}")));
        }
        if flow.context_shape() != Some(vec![given.len()]) {
            let got = flow.context_shape().map_or("null".into(), |shape| format!("{shape:?}"));
            return Err(ConfigError::value("context", format!("[{}]", given.len()), got));
        }
        let learnt: Vec<usize> = (0..width).filter(|j| !given.contains(j)).collect();
        let mut places = vec![0; width];
        let order = learnt.iter().chain(&given);
        order.enumerate().for_each(|(place, &feature)| places[feature] = place);
        Ok(Self { flow, given, learnt, places })
    }

    /// The flow of the learnt features.
    pub fn flow(&self) -> &NormalizingFlow {
        &self.flow
    }

    /// The features that are the condition.
    pub fn given(&self) -> &[usize] {
        &self.given
    }

    /// The features that are learnt.
    pub fn learnt(&self) -> &[usize] {
        &self.learnt
    }

    /// The learnt features of rows, and the condition that their others are.
    fn split(&self, x: &Tensor<2>, condition: &Condition) -> (Tensor<2>, Condition) {
        let [_, got] = x.dims();
        let width = self.places.len();
        assert_eq!(got, width, "ConditionalFlow: expected rows of {width} features, got {got}");
        let context = Some(pick(x, &self.given));
        (pick(x, &self.learnt), Condition { labels: condition.labels.clone(), context })
    }

    /// Rows of both kinds of features.
    fn join(&self, learnt: Tensor<2>, given: Tensor<2>) -> Tensor<2> {
        pick(&Tensor::cat(vec![learnt, given], 1), &self.places)
    }

    /// How well the flow inverts on these rows.
    ///
    /// # Errors
    /// A condition that does not fit.
    pub fn inverse_report(
        &self,
        x: Tensor<2>,
        condition: &Condition,
    ) -> Result<InverseReport, ModelError> {
        let (x, condition) = self.split(&x, condition);
        self.flow.inverse_report(x, &condition)
    }

    /// Where each learnt number is in its distribution given the row's condition: the share of so many draws
    /// that is below it, with a random place among equal ones (the probability integral transform). Under the
    /// model's distribution all places are uniform on (0, 1), whatever the number of draws.
    ///
    /// # Shapes
    /// `[rows, width]` to `rows * learnt` numbers, row after row.
    ///
    /// # Errors
    /// A condition that does not fit, or a draw that is not finite.
    ///
    /// # References
    /// Dawid (1984), "Statistical theory: the prequential approach"; Gneiting, Balabdaoui and Raftery (2007),
    /// "Probabilistic forecasts, calibration and sharpness".
    pub fn places(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        draws: usize,
        noise: &mut Noise,
    ) -> Result<Vec<f64>, ModelError> {
        let rows = x.dims()[0];
        let (x, condition) = self.split(&x, condition);
        let n = rows * self.learnt.len();
        let ties: Vec<f64> = noise.uniform_rows(&[rows, self.learnt.len()]);
        let z: Vec<_> = (0..draws).map(|_| self.flow.noise(rows, 1.0, noise)).collect();
        let (drawn, _) = self.flow.follow(Tensor::cat(z, 0), &condition.repeat(draws), true)?;
        let drawn: Vec<f32> = drawn.into_data().iter().collect();
        let seen: Vec<f32> = x.into_data().iter().collect();
        let place = |k: usize| {
            let (mut below, mut equal) = (0usize, 0usize);
            for value in drawn.iter().skip(k).step_by(n) {
                below += usize::from(*value < seen[k]);
                equal += usize::from(*value == seen[k]);
            }
            (below as f64 + ties[k] * (equal as f64 + 1.0)) / (draws as f64 + 1.0)
        };
        Ok((0..n).map(place).collect())
    }
}

/// Columns of a matrix.
pub(crate) fn pick(x: &Tensor<2>, columns: &[usize]) -> Tensor<2> {
    let columns: Vec<i32> = columns.iter().map(|&j| j as i32).collect();
    x.clone().select(1, Tensor::<1, Int>::from_data(columns.as_slice(), &x.device()))
}

impl Describe for ConditionalFlow {
    fn event_shape(&self) -> Vec<usize> {
        vec![self.places.len()]
    }

    fn classes(&self) -> Option<usize> {
        self.flow.classes()
    }
}

/// The mean negative log-likelihood of the learnt features, in nats.
impl Objective for ConditionalFlow {
    type Batch = Batch<2>;
    type Draws = Option<Tensor<3>>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Option<Tensor<3>> {
        self.flow.draw(&Batch::new(pick(&batch.x, &self.learnt)), noise)
    }

    fn loss(&self, batch: Batch<2>, signs: Option<Tensor<3>>) -> Loss {
        let (x, condition) = self.split(&batch.x, &batch.condition());
        let batch = Batch::new(x).with_labels(condition.labels).with_context(condition.context);
        self.flow.loss(batch, signs)
    }
}

/// The exact log-density of the learnt features given the others.
///
/// # Errors
/// A condition that does not fit.
impl Score<2> for ConditionalFlow {
    fn log_likelihood(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        options: &ScoreOptions,
        noise: &mut Noise,
    ) -> Result<Likelihood, ModelError> {
        let (x, condition) = self.split(&x, condition);
        self.flow.log_likelihood(x, &condition, options, noise)
    }
}

/// Rows with the given features, which are the context of the condition, and draws of the others.
///
/// # Errors
/// A condition that does not fit, or a number that is not finite.
impl Sample<2> for ConditionalFlow {
    fn sample(
        &self,
        n: usize,
        options: &SampleOptions,
        noise: &mut Noise,
    ) -> Result<Tensor<2>, ModelError> {
        let expected = vec![self.given.len()];
        let given = options.condition.context.clone();
        let given = given.ok_or(RequestError::MissingContext { expected })?;
        let learnt: Tensor<2> = self.flow.sample(n, options, noise)?;
        Ok(self.join(learnt, given))
    }
}

/// The noise of the learnt features with the given ones in their places.
///
/// # Errors
/// A condition that does not fit, or a number that is not finite.
impl Encode<2> for ConditionalFlow {
    fn encode(&self, x: Tensor<2>, condition: &Condition) -> Result<Posterior, ModelError> {
        let given = pick(&x, &self.given);
        let (x, condition) = self.split(&x, condition);
        Ok(match self.flow.encode(x, &condition)? {
            Posterior::Point(z) => Posterior::Point(self.join(z, given)),
            other => other,
        })
    }
}

impl Decode<2> for ConditionalFlow {
    fn latent_dim(&self) -> usize {
        self.places.len()
    }

    fn decode(&self, z: Tensor<2>, condition: &Condition) -> Result<Tensor<2>, ModelError> {
        let given = pick(&z, &self.given);
        let (z, condition) = self.split(&z, condition);
        Ok(self.join(self.flow.decode(z, &condition)?, given))
    }
}

/// Whether the intervals of a conditional distribution hold as many held-out numbers as they say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibration {
    /// Numbers that were looked at.
    pub examples: usize,
    /// The probability of each central interval, and the share of numbers in it.
    pub intervals: [[f64; 2]; 3],
    /// The largest distance of the places' distribution function from the uniform one (Kolmogorov and
    /// Smirnov).
    pub distance: f64,
}

/// The central intervals.
const LEVELS: [f64; 3] = [0.5, 0.8, 0.95];

/// An interval that holds so much more or less than it says is a warning.
const OFF: f64 = 0.05;

impl Calibration {
    /// Of places in (0, 1), as [`ConditionalFlow::places`] gives them.
    pub fn of(places: &[f64]) -> Self {
        let n = places.len().max(1) as f64;
        let held = |level: f64| {
            let inside = |place: &&f64| (**place - 0.5).abs() <= 0.5 * level;
            [level, places.iter().filter(inside).count() as f64 / n]
        };
        let mut sorted = places.to_vec();
        sorted.sort_by(f64::total_cmp);
        let gap = |(i, &p): (usize, &f64)| {
            let i = i as f64;
            (p - i / n).abs().max(((i + 1.0) / n - p).abs())
        };
        let distance = sorted.iter().enumerate().map(gap).fold(0.0, f64::max);
        Self { examples: places.len(), intervals: LEVELS.map(held), distance }
    }

    /// The standard error of the share in an interval.
    fn error(&self, level: f64) -> f64 {
        (level * (1.0 - level) / self.examples.max(1) as f64).sqrt()
    }

    /// Whether an interval holds more than 5 % of the numbers more or less than it says, and more than three
    /// standard errors.
    pub fn is_faulty(&self) -> bool {
        let off =
            |[level, share]: [f64; 2]| (share - level).abs() > OFF.max(3.0 * self.error(level));
        self.intervals.into_iter().any(off)
    }
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, [level, share]) in self.intervals.into_iter().enumerate() {
            let lead = if i == 0 { "" } else { ", " };
            let error = 100.0 * self.error(level);
            let (level, share) = (100.0 * level, 100.0 * share);
            write!(f, "{lead}{level:.0} % intervals hold {share:.1} ± {error:.1} %")?;
        }
        write!(f, " of {} numbers; distance from uniform {:.3}", self.examples, self.distance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_hold_what_they_hold() {
        let even: Vec<f64> = (0..1000).map(|i| (i as f64 + 0.5) / 1000.0).collect();
        let good = Calibration::of(&even);
        assert_eq!(good.intervals, [[0.5, 0.5], [0.8, 0.8], [0.95, 0.95]]);
        assert!((good.distance - 0.0005).abs() < 1e-12 && !good.is_faulty());
        // Distributions that are too narrow: places near the ends.
        let ends: Vec<f64> =
            even.iter().map(|p| if *p < 0.5 { p * 0.2 } else { 1.0 - 0.2 * (1.0 - p) }).collect();
        let narrow = Calibration::of(&ends);
        assert_eq!(narrow.intervals[0][1], 0.0);
        assert!(narrow.is_faulty() && narrow.distance > 0.3);
        // A hundred numbers say little.
        let few =
            Calibration::of(&even[..1000].iter().step_by(10).map(|p| p * 0.9).collect::<Vec<_>>());
        assert!(!few.is_faulty(), "{few}");
        assert!(good.to_string().starts_with("50 % intervals hold 50.0 ± 1.6 %, 80 %"));
    }
}
