//! Samplers: from noise to an example through a list of levels.

pub(crate) mod ancestral;
mod dpmpp_2m;
mod dpmpp_2s;
mod dpmpp_3m;
mod dpmpp_sde;
mod euler;
mod heun;
mod lms;
mod name;
mod uni_pc;
mod walk;

use burn::tensor::Tensor;
use pyrogen_core::Noise;
use serde::{Deserialize, Serialize};

use crate::finite::Checks;
use crate::{Levels, SolveError};
pub use walk::Step;
pub(crate) use walk::{Walk, slope};

/// How an example is made from noise, through a list of levels.
///
/// All work in the coordinates `x = clean + sigma noise` and share one interface; each is a short
/// function in a file of its own, and what it remembers ends with it.
///
/// | sampler | order | denoisings of `n` steps | noise in each step |
/// |---|---|---|---|
/// | `Euler` (DDIM without noise) | 1 | n | |
/// | `Ddpm`, `DdpmLarge`, `Ddim`, `EulerAncestral` | 1 | n | by `eta`; DDPM is `eta = 1` |
/// | `Heun` | 2 | 2n - 1 | |
/// | `Edm` | 2 | 2n - 1 | churn |
/// | `Dpmpp2s`, `Dpmpp2sAncestral` | 2 | 2n - 1 | by `eta` |
/// | `Dpmpp2m`, `Dpmpp2mSde` | 2 | n | by `eta` |
/// | `Dpmpp3m` | 3 | n | |
/// | `Dpmpp3mSde` | 2 | n | by `eta` |
/// | `DpmppSde` | 2 (without noise) | 2n - 1 | by `eta` |
/// | `UniPc` | `order + 1` | n | |
/// | `Lms` | `order` | n | |
///
/// The order is that of the ODE's error in the step length, for a smooth denoiser and steps that
/// are small; `tests/order.rs` measures it.
///
/// As text, for a command line: `"dpmpp-2m".parse()`, see [`Sampler::NAMES`].
///
/// # References
/// Ho, Jain and Abbeel 2020 (DDPM); Song, Meng and Ermon 2021 (DDIM); Karras, Aittala, Aila and Laine
/// 2022 (Heun, churn); Lu et al. 2022, "DPM-Solver++"; Zhao et al. 2023 (UniPC); Crowson's k-diffusion
/// (ancestral steps, LMS, the SDE forms).
///
/// ```
/// use burn::tensor::Device;
/// use pyrogen_core::{Noise, Seed};
/// use pyrogen_solve::{GaussianMixture, Levels, Sampler};
///
/// let mixture = GaussianMixture::ring(8, 2.0, 0.1);
/// let levels = Levels::karras(20, 0.01, 20.0, 7.0)?;
/// let mut noise = Noise::new(Seed(1));
/// let x = levels.start([64, 2], &mut noise, &Device::flex());
/// let denoiser = |x, sigma| mixture.denoise(x, sigma);
/// let x = Sampler::Dpmpp2m.sample(denoiser, x, &levels, &mut noise, |step| {
///     assert!(step.sigma > step.sigma_next);
/// })?;
/// assert_eq!(x.dims(), [64, 2]);
/// # Ok::<(), pyrogen_solve::SolveError>(())
/// ```
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Sampler {
    /// The reverse Markov chain with the posterior's variance ("fixed small").
    Ddpm,
    /// The reverse Markov chain with the forward step's variance ("fixed large").
    DdpmLarge,
    /// The implicit model: a share `eta` of DDPM's noise.
    Ddim {
        /// Noise: 0 for none, 1 for DDPM.
        eta: f64,
    },
    /// Euler's method.
    Euler,
    /// Euler's method to a lower level, then noise up to the wanted one; the same as DDIM.
    EulerAncestral {
        /// Noise: 0 for none, 1 for DDPM.
        eta: f64,
    },
    /// Heun's method.
    Heun,
    /// Heun's method, with noise added before each step.
    Edm {
        /// How much noise over all steps (`S_churn`); 0 for none.
        churn: f64,
        /// The least level that gets noise (`S_tmin`).
        sigma_min: f64,
        /// The largest level that gets noise (`S_tmax`).
        sigma_max: f64,
        /// Standard deviation of the noise (`S_noise`), a little above 1 against lost detail.
        noise: f64,
    },
    /// DPM-Solver++(2S).
    #[serde(rename = "dpmpp_2s")]
    Dpmpp2s,
    /// DPM-Solver++(2S) to a lower level, then noise up to the wanted one.
    #[serde(rename = "dpmpp_2s_ancestral")]
    Dpmpp2sAncestral {
        /// Noise: 0 for none, 1 for DDPM's.
        eta: f64,
    },
    /// DPM-Solver++(2M): a good choice from ten steps on.
    #[default]
    #[serde(rename = "dpmpp_2m")]
    Dpmpp2m,
    /// DPM-Solver++(2M) for the SDE.
    #[serde(rename = "dpmpp_2m_sde")]
    Dpmpp2mSde {
        /// Noise: 0 for none.
        eta: f64,
    },
    /// DPM-Solver++(3M), with the second difference in full: order 3. The published code and
    /// k-diffusion, which weigh it by half, are [`Dpmpp3mSde`](Self::Dpmpp3mSde) with `eta = 0`.
    #[serde(rename = "dpmpp_3m")]
    Dpmpp3m,
    /// DPM-Solver++(3M) for the SDE, as k-diffusion has it.
    #[serde(rename = "dpmpp_3m_sde")]
    Dpmpp3mSde {
        /// Noise: 0 for none.
        eta: f64,
    },
    /// DPM-Solver++ for the SDE, single-step.
    DpmppSde {
        /// Noise: 0 for none.
        eta: f64,
    },
    /// UniPC, data prediction, `B(h) = e^h - 1`.
    #[serde(rename = "unipc")]
    UniPc {
        /// Clean examples a prediction uses: 1 to 3.
        order: usize,
    },
    /// Linear multistep (Adams and Bashforth).
    Lms {
        /// Slopes a step uses: 1 to 4.
        order: usize,
    },
}

impl Sampler {
    /// Samples: `x` is noise of the first level (see [`Levels::start`] and
    /// [`Levels::start_from`]), `denoiser(x, sigma)` the clean example that the model expects.
    ///
    /// `on_step` sees every step. Rows do not know of each other: through [`Noise::items`] an item
    /// does not depend on those beside it.
    ///
    /// # Errors
    /// A number of the sampler outside its range, or a denoiser that gives NaN or infinity; the
    /// error names step and level.
    ///
    /// # Panics
    /// If the denoiser gives a tensor of another shape.
    ///
    /// # Numerics
    /// Coefficients in f64 on the host; tensors in the type of `x`. Each denoising is checked for
    /// numbers that are not finite, so a GPU waits for it.
    pub fn sample<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        levels: &Levels,
        noise: &mut Noise,
        on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        let (shape, device) = (x.dims(), x.device());
        self.sample_with(denoiser, x, levels, || noise.normal(shape, &device), on_step)
    }

    /// As [`sample`](Self::sample), with the noise of another source: `draw` gives standard normal
    /// numbers of the shape of `x`, once for each noise that a step adds.
    ///
    /// # Errors
    /// As [`sample`](Self::sample).
    ///
    /// # Panics
    /// As [`sample`](Self::sample).
    pub fn sample_with<const D: usize>(
        &self,
        denoiser: impl Fn(Tensor<D>, f64) -> Tensor<D>,
        x: Tensor<D>,
        levels: &Levels,
        mut draw: impl FnMut() -> Tensor<D>,
        mut on_step: impl FnMut(&Step<D>),
    ) -> Result<Tensor<D>, SolveError> {
        self.validate()?;
        let (draw, on_step) = (&mut draw, &mut on_step);
        let checks = Checks::new();
        let mut walk = Walk { denoiser: &denoiser, levels, draw, on_step, checks };
        let x = self.run(&mut walk, x)?;
        walk.end(x)
    }

    fn run<const D: usize>(
        &self,
        walk: &mut Walk<'_, D>,
        x: Tensor<D>,
    ) -> Result<Tensor<D>, SolveError> {
        match *self {
            Self::Ddpm => ancestral::sample(walk, x, 1.0),
            Self::DdpmLarge => ancestral::sample_large(walk, x),
            Self::Ddim { eta } | Self::EulerAncestral { eta } => ancestral::sample(walk, x, eta),
            Self::Euler => euler::sample(walk, x),
            Self::Heun => heun::sample(walk, x, heun::Churn::NONE),
            Self::Edm { churn, sigma_min, sigma_max, noise } => {
                let churn = heun::Churn { amount: churn, sigma_min, sigma_max, scale: noise };
                heun::sample(walk, x, churn)
            }
            Self::Dpmpp2s => dpmpp_2s::sample(walk, x, 0.0),
            Self::Dpmpp2sAncestral { eta } => dpmpp_2s::sample(walk, x, eta),
            Self::Dpmpp2m => dpmpp_2m::sample(walk, x, 0.0),
            Self::Dpmpp2mSde { eta } => dpmpp_2m::sample(walk, x, eta),
            Self::Dpmpp3m => dpmpp_3m::sample(walk, x, 0.0, dpmpp_3m::EXACT),
            Self::Dpmpp3mSde { eta } => dpmpp_3m::sample(walk, x, eta, dpmpp_3m::PUBLISHED),
            Self::DpmppSde { eta } => dpmpp_sde::sample(walk, x, eta),
            Self::UniPc { order } => uni_pc::sample(walk, x, order),
            Self::Lms { order } => lms::sample(walk, x, order),
        }
    }

    /// Checks the sampler's own numbers.
    ///
    /// # Errors
    /// Names the number that is outside its range.
    pub fn validate(&self) -> Result<(), SolveError> {
        let check = SolveError::check;
        let at_least_0 = |v: f64| v >= 0.0 && v.is_finite();
        match *self {
            Self::Ddim { eta }
            | Self::EulerAncestral { eta }
            | Self::Dpmpp2sAncestral { eta }
            | Self::Dpmpp2mSde { eta }
            | Self::Dpmpp3mSde { eta }
            | Self::DpmppSde { eta } => check("eta", eta, at_least_0(eta), "at least 0"),
            Self::Edm { churn, sigma_min, sigma_max, noise } => {
                check("churn", churn, at_least_0(churn), "at least 0")?;
                check("sigma_min", sigma_min, at_least_0(sigma_min), "at least 0")?;
                check("sigma_max", sigma_max, sigma_max >= sigma_min, "at least sigma_min")?;
                check("noise", noise, noise > 0.0 && noise.is_finite(), "above 0")
            }
            Self::UniPc { order } => {
                check("order", order as f64, (1..=3).contains(&order), "from 1 to 3")
            }
            Self::Lms { order } => {
                check("order", order as f64, (1..=4).contains(&order), "from 1 to 4")
            }
            _ => Ok(()),
        }
    }

    /// The sampler with another amount of noise in its steps (`eta`); None for a sampler without such a
    /// number.
    pub fn with_eta(self, eta: f64) -> Option<Self> {
        Some(match self {
            Self::Ddim { .. } => Self::Ddim { eta },
            Self::EulerAncestral { .. } => Self::EulerAncestral { eta },
            Self::Dpmpp2sAncestral { .. } => Self::Dpmpp2sAncestral { eta },
            Self::Dpmpp2mSde { .. } => Self::Dpmpp2mSde { eta },
            Self::Dpmpp3mSde { .. } => Self::Dpmpp3mSde { eta },
            Self::DpmppSde { .. } => Self::DpmppSde { eta },
            _ => return None,
        })
    }

    /// Whether steps add noise of their own. Without, samples are a function of the noise that they
    /// start from.
    pub fn adds_noise(&self) -> bool {
        match *self {
            Self::Ddpm | Self::DdpmLarge => true,
            Self::Ddim { eta }
            | Self::EulerAncestral { eta }
            | Self::Dpmpp2sAncestral { eta }
            | Self::Dpmpp2mSde { eta }
            | Self::Dpmpp3mSde { eta }
            | Self::DpmppSde { eta } => eta > 0.0,
            Self::Edm { churn, .. } => churn > 0.0,
            _ => false,
        }
    }

    /// How often a run of `steps` steps calls the denoiser.
    pub fn evaluations(&self, steps: usize) -> usize {
        match self {
            Self::Heun
            | Self::Edm { .. }
            | Self::Dpmpp2s
            | Self::Dpmpp2sAncestral { .. }
            | Self::DpmppSde { .. } => (2 * steps).saturating_sub(1),
            _ => steps,
        }
    }
}
