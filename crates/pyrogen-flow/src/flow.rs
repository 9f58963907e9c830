//! The model.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{
    Batch, Condition, ConfigError, Describe, ExactFlow, Loss, ModelError, Noise, Objective, Seed,
    flatten, init,
};
use pyrogen_nn::{one_hot, ops};
use pyrogen_solve::Tolerance;

use crate::cells::WithinCells;
use crate::layer::{Layer, Mapped};
use crate::noise::BaseNoise;
use crate::ode::{Along, signs};
use crate::{FlowKind, NormalizingFlowConfig};

/// A normalizing flow: a bijection from examples to noise of known density, by layers with networks.
///
/// ```text
/// z = f(x; condition)      ln p(x | condition) = ln p(z) + ln |det dz/dx|
/// ```
///
/// The noise is standard normal, or Student's ([`Base`](crate::Base)), and uniform on `[-pi, pi)` for angles.
///
/// # Numerics
/// In f32. Values that leave a spline's interval go on unchanged, with a slope of 1. Scales of affine
/// maps lie in (1/1000, 1000) a layer: an example may lie so far out that the square of its noise is
/// infinite, and its density 0.
///
/// A continuous flow trains and is a [`Bijection`] by steps of equal size; the capabilities (`Sample`,
/// `Score`, `Encode`, `Decode`) follow it with steps by tolerance.
///
/// # References
/// Papamakarios, Nalisnick, Rezende, Mohamed and Lakshminarayanan (2021), "Normalizing Flows for
/// Probabilistic Modeling and Inference", equation 6.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::Bijection;
/// use pyrogen_core::{Condition, Noise, Sample, SampleOptions, Seed};
/// use pyrogen_flow::{FlowKind, NormalizingFlowConfig};
///
/// let config = NormalizingFlowConfig { flow: FlowKind::maf(), ..Default::default() };
/// let flow = config.init(Seed(1), &Device::flex())?;
/// let x: Tensor<2> = flow.sample(5, &SampleOptions::default(), &mut Noise::new(Seed(2)))?;
/// let given = flow.given(&Condition::none(), 5);
/// let (z, _) = given.forward(x.clone());
/// assert!(given.inverse(z).0.all_close(x, None, Some(1e-4)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct NormalizingFlow {
    cells: Option<WithinCells>,
    layers: Vec<Layer>,
    log_scale: Option<Param<Tensor<1>>>,
    noise: BaseNoise,
    #[module(skip)]
    config: NormalizingFlowConfig,
}

impl NormalizingFlowConfig {
    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// A field that cannot be used.
    pub fn init(&self, seed: Seed, device: &Device) -> Result<NormalizingFlow, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("normalizing-flow");
        let layer = |i: usize| Layer::new(self, i, &mut noise.fork_index(i as u64), device);
        let features = self.features();
        Ok(NormalizingFlow {
            cells: WithinCells::new(self, &mut noise.fork("cells"), device),
            layers: (0..self.layers).map(layer).collect(),
            log_scale: self.has_scales().then(|| init::constant([features], 0.0, device)),
            noise: BaseNoise::new(self, device),
            config: self.clone(),
        })
    }
}

impl NormalizingFlow {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &NormalizingFlowConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    /// The degrees of freedom of each feature's noise, where it is Student's; those of angles mean nothing.
    pub fn degrees(&self) -> Option<Vec<f64>> {
        Some(self.noise.degrees()?.into_data().iter::<f64>().collect())
    }

    /// The bijection from `rows` flat examples, `[rows, features]`, to noise, given their condition.
    ///
    /// # Panics
    /// If the condition does not fit the model.
    pub fn given(&self, condition: &Condition, rows: usize) -> GivenFlow<'_> {
        assert!(
            self.config.classes.is_some() || condition.labels.is_none(),
            "NormalizingFlow: a class was given to a model without classes"
        );
        self.reading(condition, rows)
    }

    /// As [`given`](Self::given); labels that the model does not take are ignored.
    fn reading(&self, condition: &Condition, rows: usize) -> GivenFlow<'_> {
        let check = |got: usize, what: &str| {
            assert_eq!(got, rows, "NormalizingFlow: expected one {what} an example");
        };
        let classes = self.config.classes.map(|classes| {
            let labels = condition.labels.clone().unwrap_or_else(|| {
                panic!("NormalizingFlow: give one label (of {classes}) an example")
            });
            check(labels.dims()[0], "label");
            one_hot(labels, classes)
        });
        let context = self.context_shape().map(|shape| {
            let context = condition.context.clone().unwrap_or_else(|| {
                panic!("NormalizingFlow: give a context of shape {shape:?} with each example")
            });
            check(context.dims()[0], "context");
            flatten(context, &shape)
        });
        assert!(
            context.is_some() || condition.context.is_none(),
            "NormalizingFlow: a context was given to a model that takes none"
        );
        let parts: Vec<_> = [context, classes].into_iter().flatten().collect();
        let condition = (!parts.is_empty()).then(|| Tensor::cat(parts, 1));
        GivenFlow { flow: self, condition, signs: None }
    }
}

/// How exactly continuous flows are followed where nothing trains.
const TOLERANCE: Tolerance = Tolerance { relative: 2e-6, absolute: 2e-6 };

impl ExactFlow for NormalizingFlow {
    /// As [`GivenFlow`] goes, but with steps by tolerance where the flow is continuous.
    fn follow(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        inverse: bool,
    ) -> Result<Mapped, ModelError> {
        let given = self.given(condition, x.dims()[0]);
        if !matches!(self.config.flow, FlowKind::Continuous(_)) {
            return Ok(if inverse { given.inverse(x) } else { given.forward(x) });
        }
        let condition = given.condition.as_ref();
        let mut state = match inverse {
            true => (x.clone(), Tensor::zeros([x.dims()[0]], &x.device())),
            false => given.within_cells(x, false),
        };
        for i in 0..self.layers.len() {
            let i = if inverse { self.layers.len() - 1 - i } else { i };
            if let Layer::Continuous(layer) = &self.layers[i] {
                let (x, more) = layer.by_tolerance(state.0, condition, TOLERANCE, inverse)?;
                state = (x, state.1 + more);
            }
        }
        if inverse {
            let (x, more) = given.within_cells(state.0, true);
            state = (x, state.1 + more);
        }
        Ok(state)
    }

    fn base(&self, z: Tensor<2>) -> Tensor<1> {
        self.noise.log_prob(z)
    }

    fn noise(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2> {
        self.noise.draw(n, temperature, noise, &self.device())
    }
}

impl Describe for NormalizingFlow {
    fn event_shape(&self) -> Vec<usize> {
        self.config.event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config.classes
    }

    fn context_shape(&self) -> Option<Vec<usize>> {
        self.config.context.clone()
    }
}

/// A flow given the condition of some examples: a [`Bijection`] of these rows.
#[derive(Debug, Clone)]
pub struct GivenFlow<'a> {
    flow: &'a NormalizingFlow,
    condition: Option<Tensor<2>>,
    /// Random directions for the divergences of continuous layers, `[rows, probes, features]`.
    signs: Option<Tensor<3>>,
}

impl GivenFlow<'_> {
    /// The log-density of each row in nats, `[rows]`.
    ///
    /// # Panics
    /// If the rows have another width.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let (z, log_det) = self.forward(x);
        log_det + self.flow.base(z)
    }

    /// What enters each layer on the way of examples to noise.
    pub(crate) fn entering(&self, x: Tensor<2>) -> Vec<Tensor<2>> {
        let (mut x, _) = self.within_cells(x, false);
        let mut all = Vec::with_capacity(self.flow.layers.len());
        for layer in &self.flow.layers {
            all.push(x.clone());
            x = layer.forward(x, self.condition.as_ref()).0;
        }
        all
    }

    fn expect_width(&self, x: &Tensor<2>) {
        let features = self.flow.config.features();
        let got = x.dims();
        assert_eq!(got[1], features, "NormalizingFlow: expected [rows, {features}], got {got:?}");
    }

    /// What was spread over cells moved within them, or back.
    fn within_cells(&self, x: Tensor<2>, inverse: bool) -> Mapped {
        match &self.flow.cells {
            Some(cells) => cells.apply(x, self.condition.as_ref(), inverse),
            None => (x.clone(), Tensor::zeros([x.dims()[0]], &x.device())),
        }
    }

    /// The scale that follows the layers, and its log-determinant.
    fn scale(&self) -> Option<(Tensor<2>, Tensor<1>)> {
        let log_scale = self.flow.log_scale.as_ref()?.val();
        Some((log_scale.clone().unsqueeze(), ops::sum(log_scale)))
    }
}

impl Bijection<2, 2, 1> for GivenFlow<'_> {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.expect_width(&x);
        let (mut x, mut log_det) = self.within_cells(x, false);
        for layer in &self.flow.layers {
            let condition = self.condition.as_ref();
            let (y, more) = match (layer, &self.signs) {
                (Layer::Continuous(layer), Some(signs)) => {
                    layer.in_steps(x, condition, Along::Signs(signs), false)
                }
                _ => layer.forward(x, condition),
            };
            (x, log_det) = (y, log_det + more);
        }
        match self.scale() {
            Some((log_scale, sum)) => (x * log_scale.exp(), log_det + sum),
            None => (x, log_det),
        }
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        self.expect_width(&y);
        let log_det = Tensor::zeros([y.dims()[0]], &y.device());
        let (mut y, mut log_det) = match self.scale() {
            Some((log_scale, sum)) => (y * log_scale.neg().exp(), log_det - sum),
            None => (y, log_det),
        };
        for layer in self.flow.layers.iter().rev() {
            let (x, more) = layer.inverse(y, self.condition.as_ref());
            (y, log_det) = (x, log_det + more);
        }
        let (x, more) = self.within_cells(y, true);
        (x, log_det + more)
    }
}

/// The mean negative log-likelihood, in nats. Random directions are drawn for continuous flows that are
/// to train with some.
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels or contexts.
impl Objective for NormalizingFlow {
    type Batch = Batch<2>;
    type Draws = Option<Tensor<3>>;

    fn draw(&self, batch: &Batch<2>, noise: &mut Noise) -> Option<Tensor<3>> {
        let FlowKind::Continuous(config) = self.config.flow else { return None };
        let (rows, features) = (batch.x.dims()[0], self.config.features());
        let probes = config.probes?;
        Some(signs(rows, probes, features, noise, &batch.x.device()))
    }

    fn loss(&self, batch: Batch<2>, signs: Option<Tensor<3>>) -> Loss {
        let condition = batch.condition();
        let x = flatten(batch.x, &self.config.event);
        let given = GivenFlow { signs, ..self.reading(&condition, x.dims()[0]) };
        Loss::new().term("nll", given.log_prob(x).mean().neg())
    }
}
