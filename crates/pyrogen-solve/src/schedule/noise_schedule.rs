//! The arrays of a schedule, and the way between its steps and noise levels.

use pyrogen_core::ConfigError;

/// What is left of the signal, where nothing is left: a noise level of 4096 and not of infinity.
const LEAST_ALPHA: f64 = 1.0 / (1u64 << 24) as f64;

/// The noise of each training step, in f64 on the host.
///
/// The forward process at step `t` (from 0) is
/// `x_t = sqrt(abar_t) clean + sqrt(1 - abar_t) noise` with `abar_t = prod_{i <= t} (1 - beta_i)`.
/// Divided by `sqrt(abar_t)` it is `clean + sigma_t noise` with
/// `sigma_t = sqrt((1 - abar_t) / abar_t)`: these are the coordinates in which this crate samples.
///
/// # Numerics
/// Where `abar_t` is below 2^-24 (a zero terminal signal-to-noise ratio), its level is that of 2^-24,
/// 4096: f32 cannot tell the signal there from none.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseSchedule {
    betas: Vec<f64>,
    alphas_cumprod: Vec<f64>,
    sigmas: Vec<f64>,
}

impl NoiseSchedule {
    /// The schedule with these betas.
    ///
    /// # Errors
    /// Fewer than two, or one outside `(0, 1)`; the last may be 1.
    pub fn from_betas(betas: Vec<f64>) -> Result<Self, ConfigError> {
        if betas.len() < 2 {
            return Err(ConfigError::value("betas", "a list of at least 2", betas.len()));
        }
        for (i, &beta) in betas.iter().enumerate() {
            let last = i + 1 == betas.len();
            if !(beta > 0.0 && (beta < 1.0 || (last && beta == 1.0))) {
                return Err(ConfigError::value(format!("betas.{i}"), "above 0 and below 1", beta));
            }
        }
        let mut left = 1.0;
        let alphas_cumprod = betas.iter().map(|beta| {
            left *= 1.0 - beta;
            left
        });
        let alphas_cumprod: Vec<f64> = alphas_cumprod.collect();
        let sigmas = alphas_cumprod.iter().map(|&a| sigma_of(a)).collect();
        Ok(Self { betas, alphas_cumprod, sigmas })
    }

    /// Number of training steps.
    pub fn steps(&self) -> usize {
        self.betas.len()
    }

    /// The noise that each step adds.
    pub fn betas(&self) -> &[f64] {
        &self.betas
    }

    /// The share of the signal's variance that is left after each step.
    pub fn alphas_cumprod(&self) -> &[f64] {
        &self.alphas_cumprod
    }

    /// The noise level of each step, relative to the signal; increasing.
    pub fn sigmas(&self) -> &[f64] {
        &self.sigmas
    }

    /// The same schedule, shifted and scaled so that nothing of the signal is left at the last step
    /// and the first step is as it was:
    /// `sqrt(abar'_t) = (sqrt(abar_t) - sqrt(abar_T)) sqrt(abar_1) / (sqrt(abar_1) - sqrt(abar_T))`.
    ///
    /// A network that predicts the noise cannot work at the last step, where its input has no
    /// signal; one that predicts the velocity or the example can.
    ///
    /// # References
    /// Lin, Liu, Li and Yang 2024, "Common Diffusion Noise Schedules and Sample Steps are Flawed",
    /// algorithm 1.
    pub fn zero_terminal_snr(&self) -> Self {
        let roots: Vec<f64> = self.alphas_cumprod.iter().map(|a| a.sqrt()).collect();
        let (first, last) = (roots[0], roots[roots.len() - 1]);
        let rescaled = |r: &f64| ((r - last) * first / (first - last)).powi(2);
        let alphas_cumprod: Vec<f64> = roots.iter().map(rescaled).collect();
        let mut before = 1.0;
        let betas = alphas_cumprod.iter().map(|&a| 1.0 - a / std::mem::replace(&mut before, a));
        let betas = betas.collect();
        let sigmas = alphas_cumprod.iter().map(|&a| sigma_of(a)).collect();
        Self { betas, alphas_cumprod, sigmas }
    }

    /// The noise level at a step that may lie between two: linear in the logarithm.
    ///
    /// # Numerics
    /// Below step 0 and above the last it is theirs.
    pub fn sigma_at(&self, t: f64) -> f64 {
        let last = self.steps() - 1;
        let t = t.clamp(0.0, last as f64);
        let low = (t.floor() as usize).min(last - 1);
        let share = t - low as f64;
        let (a, b) = (self.sigmas[low].ln(), self.sigmas[low + 1].ln());
        ((1.0 - share) * a + share * b).exp()
    }

    /// The step of a noise level, the inverse of [`sigma_at`](Self::sigma_at).
    ///
    /// # Numerics
    /// Levels below the first step's give 0, levels above the last step's the last.
    pub fn time_at(&self, sigma: f64) -> f64 {
        let last = self.steps() - 1;
        let above = self.sigmas.partition_point(|&s| s <= sigma);
        let low = above.saturating_sub(1).min(last - 1);
        let (a, b) = (self.sigmas[low].ln(), self.sigmas[low + 1].ln());
        if b <= a {
            return low as f64; // two steps at the largest level
        }
        low as f64 + ((sigma.ln() - a) / (b - a)).clamp(0.0, 1.0)
    }
}

fn sigma_of(alpha_cumprod: f64) -> f64 {
    let alpha = alpha_cumprod.max(LEAST_ALPHA);
    ((1.0 - alpha) / alpha).sqrt()
}
