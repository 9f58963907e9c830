//! Flows of pictures.

mod config;
mod layers;
mod mixing;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::bijection::Bijection;
use pyrogen_core::{
    Batch, Condition, ConfigError, Describe, ExactFlow, Loss, ModelError, Noise, Objective, Seed,
    flatten,
};

use crate::picture::{normal, one_class_each};
use crate::report::{InverseReport, report_of_pictures};
pub use config::GlowConfig;
use layers::{ActNorm, AffineCoupling, Split, squeeze, unsqueeze};
use mixing::Mixing;

/// A flow of pictures: levels of actnorm, mixing of channels by an invertible 1x1 convolution, and affine
/// coupling by convolutions, at ever smaller sizes.
///
/// ```text
/// z = f(x; class)      ln p(x | class) = ln p(z) + ln |det dz/dx|
/// ```
///
/// Pictures have their whole numbers spread over cells (dequantised), as [`Pixels`](crate::Pixels) says. The
/// noise is standard normal and has as many numbers as the picture.
///
/// # Numerics
/// In f32. Scales lie in (1/1000, 1000) a coupling.
///
/// # References
/// Kingma and Dhariwal (2018), "Glow: Generative Flow with Invertible 1x1 Convolutions"; the split's means
/// and scales are functions of what stays, as in its published code.
///
/// # Examples
/// ```
/// use burn::tensor::{Device, Tensor};
/// use pyrogen_core::bijection::Bijection;
/// use pyrogen_core::{Condition, Noise, Sample, SampleOptions, Seed};
/// use pyrogen_flow::GlowConfig;
///
/// let config = GlowConfig { event: vec![1, 4, 4], levels: 2, steps: 2, width: 8, ..GlowConfig::default() };
/// let flow = config.init(Seed(1), &Device::flex())?;
/// let x: Tensor<4> = flow.sample(3, &SampleOptions::default(), &mut Noise::new(Seed(2)))?;
/// let given = flow.given(&Condition::none(), 3);
/// let flat: Tensor<2> = x.flatten(1, 3);
/// let (z, _) = given.forward(flat.clone());
/// assert!(given.inverse(z).0.all_close(flat, None, Some(1e-4)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct Glow {
    levels: Vec<Level>,
    #[module(skip)]
    config: GlowConfig,
}

#[derive(Module, Debug)]
struct Level {
    steps: Vec<Step>,
    split: Option<Split>,
}

#[derive(Module, Debug)]
struct Step {
    norm: ActNorm,
    mixing: Mixing,
    coupling: AffineCoupling,
}

impl Step {
    fn forward(&self, x: Tensor<4>, class: Option<&Tensor<2>>) -> layers::Mapped {
        let (x, first) = self.mixing.forward(&self.norm, x);
        let (x, second) = self.coupling.apply(x, class, false);
        (x, second + first)
    }

    fn inverse(&self, y: Tensor<4>, class: Option<&Tensor<2>>) -> layers::Mapped {
        let (y, second) = self.coupling.apply(y, class, true);
        let (y, first) = self.mixing.inverse(&self.norm, y);
        (y, second + first)
    }
}

impl GlowConfig {
    /// A model with initial weights from the seed. The mixings start at rotations that are part of the
    /// model's definition, the same for every seed.
    ///
    /// # Errors
    /// A field that cannot be used.
    pub fn init(&self, seed: Seed, device: &Device) -> Result<Glow, ConfigError> {
        self.validate()?;
        let noise = Noise::new(seed).fork("glow");
        let level = |i: usize| {
            let channels = self.channels(i);
            let noise = noise.fork_index(i as u64);
            let step = |k: usize| {
                let mut noise = noise.fork_index(k as u64);
                let classes = self.classes;
                Step {
                    norm: ActNorm::new(channels, device),
                    mixing: Mixing::new(channels, k, device),
                    coupling: AffineCoupling::new(
                        channels, self.width, classes, &mut noise, device,
                    ),
                }
            };
            let split = (i + 1 < self.levels)
                .then(|| Split::new(channels, &mut noise.fork("split"), device));
            Level { steps: (0..self.steps).map(step).collect(), split }
        };
        Ok(Glow { levels: (0..self.levels).map(level).collect(), config: self.clone() })
    }
}

impl Glow {
    /// The configuration that the model was built from.
    pub fn config(&self) -> &GlowConfig {
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
    pub fn given(&self, condition: &Condition, rows: usize) -> GivenGlow<'_> {
        assert!(
            self.config.classes.is_some() || condition.labels.is_none(),
            "Glow: a class was given to a model without classes"
        );
        self.reading(condition, rows)
    }

    /// As [`given`](Self::given); labels that the model does not take are ignored.
    fn reading(&self, condition: &Condition, rows: usize) -> GivenGlow<'_> {
        let class = one_class_each("Glow", self.config.classes, condition, rows);
        GivenGlow { flow: self, class }
    }

    /// The model with actnorms that start at the means and standard deviations which these examples have
    /// there. A few hundred examples do.
    ///
    /// # Shapes
    /// `x` is `[examples, features]`.
    ///
    /// # Panics
    /// If `x` is empty or of another width, or the condition does not fit the model.
    pub fn init_from_data(mut self, x: Tensor<2>, condition: &Condition) -> Self {
        assert!(x.dims()[0] > 0, "Glow::init_from_data: no examples");
        let (device, plain) = (self.device(), self.valid());
        let given = plain.reading(condition, x.dims()[0]);
        let (mut x, class) = (given.picture(x.inner()), given.class.as_ref());
        for (level, own) in plain.levels.iter().zip(&mut self.levels) {
            x = squeeze(x);
            for (step, own) in level.steps.iter().zip(&mut own.steps) {
                own.norm = ActNorm::of(&x, &device);
                let norm = ActNorm::of(&x, &x.device());
                x = Step { norm, ..step.clone() }.forward(x, class).0;
            }
            if let Some(split) = &level.split {
                x = split.forward(x).0;
            }
        }
        self
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

impl Describe for Glow {
    fn event_shape(&self) -> Vec<usize> {
        self.config.event.clone()
    }

    fn classes(&self) -> Option<usize> {
        self.config.classes
    }
}

impl ExactFlow for Glow {
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

/// A [`Glow`] given the classes of some pictures: a [`Bijection`] of these rows.
#[derive(Debug, Clone)]
pub struct GivenGlow<'a> {
    flow: &'a Glow,
    class: Option<Tensor<2>>,
}

impl GivenGlow<'_> {
    /// The log-density of each row in nats, `[rows]`.
    ///
    /// # Panics
    /// If the rows have another width.
    pub fn log_prob(&self, x: Tensor<2>) -> Tensor<1> {
        let (z, log_det) = self.forward(x);
        log_det + self.flow.base(z)
    }

    fn picture(&self, x: Tensor<2>) -> Tensor<4> {
        let event = &self.flow.config.event;
        let [rows, got] = x.dims();
        let features = self.flow.config.features();
        assert_eq!(got, features, "Glow: expected [rows, {features}], got [rows, {got}]");
        x.reshape([rows, event[0], event[1], event[2]]) - self.flow.config.pixels.middle()
    }

    /// Channels and sides of what level `i` gives away: half of it, or all of the last one.
    fn leaves(&self, i: usize) -> [usize; 3] {
        let config = &self.flow.config;
        let side = |s: usize| s >> (i + 1);
        let channels = config.channels(i);
        let channels = if i + 1 < config.levels { channels / 2 } else { channels };
        [channels, side(config.event[1]), side(config.event[2])]
    }
}

impl Bijection<2, 2, 1> for GivenGlow<'_> {
    fn forward(&self, x: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let class = self.class.as_ref();
        let mut log_det = Tensor::zeros([x.dims()[0]], &x.device());
        let mut x = self.picture(x);
        let mut parts: Vec<Tensor<2>> = Vec::with_capacity(self.flow.levels.len());
        for level in &self.flow.levels {
            x = squeeze(x);
            for step in &level.steps {
                let (y, more) = step.forward(x, class);
                (x, log_det) = (y, log_det + more);
            }
            if let Some(split) = &level.split {
                let (stays, (noise, more)) = split.forward(x);
                parts.push(noise.flatten(1, 3));
                (x, log_det) = (stays, log_det + more);
            }
        }
        parts.push(x.flatten(1, 3));
        (Tensor::cat(parts, 1), log_det)
    }

    fn inverse(&self, y: Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let class = self.class.as_ref();
        let [rows, width] = y.dims();
        let features = self.flow.config.features();
        assert_eq!(width, features, "Glow: expected [rows, {features}], got [rows, {width}]");
        let mut log_det = Tensor::zeros([rows], &y.device());
        // The parts lie level after level.
        let mut end = width;
        let mut x: Option<Tensor<4>> = None;
        for (i, level) in self.flow.levels.iter().enumerate().rev() {
            let [c, h, w] = self.leaves(i);
            end -= c * h * w;
            let noise = y.clone().narrow(1, end, c * h * w).reshape([rows, c, h, w]);
            let mut at = match (&level.split, x) {
                (Some(split), Some(stays)) => {
                    let (x, more) = split.inverse(stays, noise);
                    log_det = log_det + more;
                    x
                }
                _ => noise,
            };
            for step in level.steps.iter().rev() {
                let (x, more) = step.inverse(at, class);
                (at, log_det) = (x, log_det + more);
            }
            x = Some(unsqueeze(at));
        }
        let x = x.expect("at least one level") + self.flow.config.pixels.middle();
        (x.flatten(1, 3), log_det)
    }
}

/// The mean negative log-likelihood, in nats. Nothing is drawn.
///
/// # Panics
/// If a shape is another, or a conditional model sees a batch without labels.
impl Objective for Glow {
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
