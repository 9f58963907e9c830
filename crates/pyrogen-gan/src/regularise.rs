//! What holds the players back.

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::{Augment, GanLoss};
use pyrogen_core::config::check::{not_negative, positive};

/// What is added to the game so that it stays one. The default is spectral normalisation alone.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Regularisers {
    /// Whether each weight of the discriminator is divided by its largest singular value
    /// ([`SpectralNorm`](crate::SpectralNorm)).
    pub spectral: bool,
    /// A penalty on the discriminator's slope.
    pub penalty: Option<Penalty>,
    /// How far below 1 the discriminator's target for real examples is (Salimans et al. 2016,
    /// section 3.4).
    pub label_smoothing: f64,
    /// Standard deviation of noise that is added to everything the discriminator sees, where
    /// pictures are in [-1, 1].
    ///
    /// Real and generated examples lie on thin sheets that hardly meet, so that a discriminator can
    /// tell them apart without error and its slope says nothing; with noise both laws are
    /// everywhere (Arjovsky and Bottou 2017, section 3; Sønderby et al. 2017, appendix C).
    pub instance_noise: f64,
    /// Steps of the run over which instance noise falls linearly to nothing (Sønderby et al. 2017
    /// anneal it, too): what noise blurs is learnt after it. 0 keeps the noise as it is.
    pub instance_noise_steps: u64,
    /// Weight of [`feature_matching`](crate::feature_matching) in the generator's loss.
    pub feature_matching: f64,
    /// Weight of the mean absolute difference between the generated and the real example in the
    /// generator's loss (Isola et al. 2017, eq. 3): for models with a context.
    pub reconstruction: f64,
    /// Weight of mode seeking in the generator's loss: for models whose condition says so much of an
    /// example that they take no notice of their latents.
    ///
    /// ```text
    /// 1 / (mean |x_1 - x_2| / mean |z_1 - z_2| + 1e-5)    x_i = generator(z_i, its condition)
    /// ```
    ///
    /// Both means are over the batch, and over the numbers of the networks' examples (pictures are
    /// in [-1, 1]) and of the latents. The generator runs a second time for it (Mao et al. 2019,
    /// "Mode seeking generative adversarial networks for diverse image synthesis", eq. 3, as its
    /// inverse is minimised in the authors' program).
    pub diversity: f64,
    /// Whether the discriminator sees how much the examples of a batch differ
    /// ([`minibatch_deviation`](crate::minibatch_deviation)).
    pub minibatch_deviation: bool,
    /// How pictures are changed before the discriminator sees them: for few data.
    pub augment: Vec<Augment>,
}

impl Default for Regularisers {
    fn default() -> Self {
        Self {
            spectral: true,
            penalty: None,
            label_smoothing: 0.0,
            instance_noise: 0.0,
            instance_noise_steps: 0,
            feature_matching: 0.0,
            reconstruction: 0.0,
            diversity: 0.0,
            minibatch_deviation: false,
            augment: Vec::new(),
        }
    }
}

/// A penalty on the discriminator's slope `g`, its gradient by an example.
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Penalty {
    /// `weight / 2 E[|g|^2]` at real examples (Mescheder et al. 2018, eq. 9).
    R1 {
        /// Its weight, `gamma` there.
        weight: f64,
    },
    /// `weight E[(|g| - 1)^2]` between real and generated examples (Gulrajani et al. 2017, eq. 3).
    Gradient {
        /// Its weight, `lambda` there.
        weight: f64,
    },
}

impl Penalty {
    fn validate(&self, field: &str) -> Result<(), ConfigError> {
        match self {
            Self::R1 { weight } => positive(&format!("{field}.r1.weight"), *weight),
            Self::Gradient { weight } => positive(&format!("{field}.gradient.weight"), *weight),
        }
    }
}

impl Regularisers {
    /// How much of the instance noise there is at a step, counted from 1.
    pub(crate) fn noise_share(&self, step: u64) -> f64 {
        match self.instance_noise_steps {
            0 => 1.0,
            steps => (1.0 - step.saturating_sub(1) as f64 / steps as f64).max(0.0),
        }
    }

    /// Checks the values for examples of a shape; `field` is the path that an error names.
    ///
    /// # Errors
    /// A value outside its range, a smoothing for a loss without a target, changes of pictures for
    /// examples that are none, a distance from the real example for a model without a context.
    pub fn validate(
        &self,
        field: &str,
        loss: &GanLoss,
        event: &[usize],
        has_context: bool,
    ) -> Result<(), ConfigError> {
        let at = |name: &str| format!("{field}.{name}");
        if let Some(penalty) = &self.penalty {
            penalty.validate(&at("penalty"))?;
        }
        not_negative(&at("instance_noise"), self.instance_noise)?;
        not_negative(&at("feature_matching"), self.feature_matching)?;
        not_negative(&at("reconstruction"), self.reconstruction)?;
        not_negative(&at("diversity"), self.diversity)?;
        if self.instance_noise_steps > 0 && self.instance_noise == 0.0 {
            let expected = "0 without instance_noise";
            let got = self.instance_noise_steps;
            return Err(ConfigError::value(at("instance_noise_steps"), expected, got));
        }
        if !(0.0..0.5).contains(&self.label_smoothing) {
            let expected = "at least 0 and below 0.5";
            return Err(ConfigError::value(at("label_smoothing"), expected, self.label_smoothing));
        }
        if self.label_smoothing > 0.0 && !loss.takes_smoothing() {
            let expected = format!("0 with the loss `{}`, which has no target", loss.name());
            return Err(ConfigError::value(at("label_smoothing"), expected, self.label_smoothing));
        }
        if self.reconstruction > 0.0 && !has_context {
            let expected = "0 for a model without `context`";
            return Err(ConfigError::value(at("reconstruction"), expected, self.reconstruction));
        }
        if !self.augment.is_empty() && event.len() != 3 {
            let expected = format!("empty for examples of shape {event:?}, which are no pictures");
            let got = format!("{:?}", self.augment);
            return Err(ConfigError::value(at("augment"), expected, got));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_noise_falls_to_nothing_and_stays_there() {
        let at = |steps: u64| {
            let regularise = Regularisers { instance_noise_steps: steps, ..Default::default() };
            [1, 2, 4, 5, 6, u64::MAX].map(|step| regularise.noise_share(step))
        };
        assert_eq!(at(4), [1.0, 0.75, 0.25, 0.0, 0.0, 0.0]);
        assert_eq!(at(0), [1.0; 6]);
    }
}
