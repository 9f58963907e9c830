//! Flows of pictures by transformers.

mod block;
mod config;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{
    Batch, Condition, ConfigError, Describe, ExactFlow, Loss, ModelError, Noise, Objective, Seed,
    flatten,
};

use crate::picture::{normal, one_class_each};
use crate::report::{InverseReport, report_of_pictures};
use block::{FlowBlock, Mapped};
pub use config::TarFlowConfig;

/// A flow of pictures whose patches are tokens: each block is an affine autoregressive flow over the
/// patches, with shift and scale of a patch from a causal transformer that reads those before it. Blocks
/// read in turn from the first patch to the last and from the last to the first.
///
/// ```text
/// y_i = (x_i - shift_i(x_<i, class)) exp(-log_scale_i(x_<i, class))          each block
/// ln p(x | class) = ln N(z; 0, 1) - sum of all log_scale
/// ```
///
/// Pictures have their whole numbers spread over cells (dequantised), as [`Pixels`](crate::Pixels) says, so the
/// density bounds their probability from below. The noise is standard normal and has as many numbers as
/// the picture. Scoring is one pass of each transformer; sampling goes patch after patch, with a cache of
/// keys and values.
///
/// A learned vector, one for each class, stands before the first patch, so that this one has a shift and a
/// scale, too, and the class is read by all; the paper leaves the first patch alone and adds the class to
/// each.
///
/// # Numerics
/// In f32. Scales lie in (1/1000, 1000) a block. The last layers start near zero: an untrained flow is
/// nearly the identity.
///
/// # References
/// Zhai et al. (2024), "Normalizing Flows are Capable Generative Models", equations 3 to 6.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::Bijection;
/// use pyrogen_core::{Condition, Noise, Sample, SampleOptions, Seed};
/// use pyrogen_flow::TarFlowConfig;
///
/// let event = vec![1, 4, 4];
/// let config = TarFlowConfig { event, blocks: 2, width: 8, ..TarFlowConfig::default() };
/// let flow = config.init(Seed(1), &Device::flex())?;
/// let x: Tensor<4> = flow.sample(3, &SampleOptions::default(), &mut Noise::new(Seed(2)))?;
/// let given = flow.given(&Condition::none(), 3);
/// let flat: Tensor<2> = x.flatten(1, 3);
/// let (z, _) = given.forward(flat.clone());
/// assert!(given.inverse(z).0.all_close(flat, None, Some(1e-4)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct TarFlow {
    blocks: Vec<FlowBlock>,
    #[module(skip)]
    config: TarFlowConfig,
}

impl TarFlowConfig {
    /// A model with initial weights from the seed.
    ///
    /// # Errors
    /// A field that cannot be used.
    pub fn init(&self, seed: Seed, device: &Device) -> Result<TarFlow, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("tarflow");
        let block = |i: usize| FlowBlock::new(self, &mut noise.fork_index(i as u64), device);
        Ok(TarFlow { blocks: (0..self.blocks).map(block).collect(), config: self.clone() })
    }
}

impl TarFlow {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &TarFlowConfig {
        &self.config
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }

    /// The bijection from `rows` flat pictures, `[rows, features]`, to noise, given their classes.
    ///
    /// # Panics
    /// If the condition does not fit the model.
    pub fn given(&self, condition: &Condition, rows: usize) -> GivenTarFlow<'_> {
        assert!(
            self.config.classes.is_some() || condition.labels.is_none(),
            "TarFlow: a class was given to a model without classes"
        );
        self.reading(condition, rows)
    }

    /// As [`given`](Self::given); labels that the model does not take are ignored.
    fn reading(&self, condition: &Condition, rows: usize) -> GivenTarFlow<'_> {
        let class = one_class_each("TarFlow", self.config.classes, condition, rows);
        let class = class.unwrap_or_else(|| Tensor::ones([rows, 1], &self.device()));
        GivenTarFlow { flow: self, class }
    }

    /// How well the flow inverts on these pictures and in its tails.
    ///
    /// # Errors
    /// A condition that does not fit.
    ///
    /// # Panics
    /// If `x` is not a batch of events.
    pub fn inverse_report<const D: usize>(
        &self,
        x: Tensor<D>,
        condition: &Condition,
    ) -> Result<InverseReport, ModelError> {
        report_of_pictures(self, x, condition)
    }
}

impl Describe for TarFlow {
    fn event_shape(&self) -> Vec<usize> {
        self.config.event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config.classes
    }
}

impl ExactFlow for TarFlow {
    fn follow(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        inverse: bool,
    ) -> Result<(Tensor<2>, Tensor<1>), ModelError> {
        let given = self.given(condition, x.dims()[0]);
        Ok(if inverse { given.inverse(x) } else { given.forward(x) })
    }

    fn base(&self, z: Tensor<2>) -> Tensor<1> {
        normal(z)
    }

    fn noise(&self, n: usize, temperature: f64, noise: &mut Noise) -> Tensor<2> {
        noise.normal([n, self.config.features()], &self.device()) * temperature
    }
}

/// A [`TarFlow`] given the classes of some pictures: a [`Bijection`] of these rows.
#[derive(Debug, Clone)]
pub struct GivenTarFlow<'a> {
    flow: &'a TarFlow,
    /// One-hot rows, or ones without classes.
    class: Tensor<2>,
}

impl GivenTarFlow<'_> {
    /// The log-density of each row in nats, `[rows]`.
    ///
    /// # Panics
    /// If the rows have another width.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let (z, log_det) = self.forward(x);
        log_det + normal(z)
    }

    /// Rows of pixels to patches, `[rows, patches, channels patch patch]`.
    fn patches(&self, x: Tensor<2>) -> Tensor<3> {
        let config = &self.flow.config;
        let ([rows, got], features) = (x.dims(), config.features());
        assert_eq!(got, features, "TarFlow: expected [rows, {features}], got [rows, {got}]");
        let (p, [c, tall, wide]) = (config.patch, self.grid());
        let x: Tensor<6> = x.reshape([rows, c, tall, p, wide, p]);
        x.permute([0, 2, 4, 1, 3, 5]).reshape([rows, tall * wide, c * p * p])
    }

    fn pixels(&self, patches: Tensor<3>) -> Tensor<2> {
        let (rows, p, [c, tall, wide]) = (patches.dims()[0], self.flow.config.patch, self.grid());
        let x: Tensor<6> = patches.reshape([rows, tall, wide, c, p, p]);
        x.permute([0, 3, 1, 4, 2, 5]).reshape([rows, c * tall * p * wide * p])
    }

    /// Channels, and patches along height and width.
    fn grid(&self) -> [usize; 3] {
        let TarFlowConfig { event, patch, .. } = &self.flow.config;
        [event[0], event[1] / patch, event[2] / patch]
    }

    /// Block `i` in its direction.
    fn block(&self, i: usize, x: Tensor<3>, inverse: bool) -> Mapped {
        let block = &self.flow.blocks[i];
        let turned = |x: Tensor<3>| if i.is_multiple_of(2) { x } else { x.flip([1]) };
        let x = turned(x);
        let (y, log_det) = match inverse {
            false => block.forward(x, &self.class),
            true => block.inverse(x, &self.class),
        };
        (turned(y), log_det)
    }
}

impl Bijection<2, 2, 1> for GivenTarFlow<'_> {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let log_det = Tensor::zeros([x.dims()[0]], &x.device());
        let start = (self.patches(x - self.flow.config.pixels.middle()), log_det);
        let (z, log_det) = (0..self.flow.blocks.len()).fold(start, |(x, log_det), i| {
            let (y, more) = self.block(i, x, false);
            (y, log_det + more)
        });
        (self.pixels(z), log_det)
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let log_det = Tensor::zeros([y.dims()[0]], &y.device());
        let start = (self.patches(y), log_det);
        let (x, log_det) = (0..self.flow.blocks.len()).rev().fold(start, |(y, log_det), i| {
            let (x, more) = self.block(i, y, true);
            (x, log_det + more)
        });
        (self.pixels(x) + self.flow.config.pixels.middle(), log_det)
    }
}

/// The mean negative log-likelihood, in nats. Nothing is drawn.
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels.
impl Objective for TarFlow {
    type Batch = Batch<2>;
    type Draws = ();

    fn draw(&self, _batch: &Batch<2>, _noise: &mut Noise) {}

    fn loss(&self, batch: Batch<2>, (): ()) -> Loss {
        let condition = batch.condition();
        let x = flatten(batch.x, &self.config.event);
        let given = self.reading(&condition, x.dims()[0]);
        Loss::new().term("nll", given.log_prob(x).mean().neg())
    }
}
