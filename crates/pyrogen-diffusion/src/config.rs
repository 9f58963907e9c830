//! What a diffusion model is made of.

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::{Prediction, Process, SamplingConfig, TimeNetwork, Weighting};

/// Configuration of a [`Diffusion`](crate::Diffusion).
///
/// ```
/// use pyrogen_core::config;
/// use pyrogen_diffusion::{DiffusionConfig, Prediction};
///
/// let text = r#"{
///     "event": [1, 8, 8],
///     "network": {"u_net": {"channels": [16, 32]}},
///     "prediction": "epsilon",
///     "weighting": {"min_snr": {"gamma": 5.0}}
/// }"#;
/// let diffusion: DiffusionConfig = config::from_json(text)?;
/// diffusion.validate()?;
/// assert_eq!(diffusion.prediction, Prediction::Epsilon);
/// # Ok::<(), pyrogen_core::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiffusionConfig {
    /// Shape of one example: `[channels, height, width]`, `[features]`, ..
    pub event: Vec<usize>,
    /// The network.
    pub network: TimeNetwork,
    /// Which noise levels training sees.
    pub process: Process,
    /// What the network is asked for.
    pub prediction: Prediction,
    /// How its errors are weighed.
    pub weighting: Weighting,
    /// Number of classes, for a model that is told the class of an example.
    pub classes: Option<usize>,
    /// Shape of what the model is told beside the noisy example, for pictures
    /// `[channels, height, width]` of the same size: a smaller picture, a sketch, the grey values.
    pub context: Option<Vec<usize>>,
    /// The share of training labels that are hidden, so that guidance without a classifier is
    /// possible (Ho and Salimans 2022: 0.1 to 0.2); 0 never hides one.
    pub label_dropout: f64,
    /// How samples are drawn.
    pub sampling: SamplingConfig,
}

impl Default for DiffusionConfig {
    /// A U-Net for the embedded digits, which predicts velocities.
    fn default() -> Self {
        Self {
            event: vec![1, 8, 8],
            network: TimeNetwork::default(),
            process: Process::default(),
            prediction: Prediction::default(),
            weighting: Weighting::default(),
            classes: None,
            context: None,
            label_dropout: 0.1,
            sampling: SamplingConfig::default(),
        }
    }
}

impl DiffusionConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// The first field that cannot be used, what it must be and what it is.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.telling().validate(&self.network)?;
        self.process.validate("process")?;
        self.prediction.validate("prediction")?;
        if let (Prediction::Epsilon, Process::Discrete { zero_terminal_snr: true, .. }) =
            (self.prediction, self.process)
        {
            let expected = "`velocity` or `example` with zero_terminal_snr";
            return Err(ConfigError::value("prediction", expected, "epsilon"));
        }
        self.weighting.validate("weighting")?;
        self.sampling.validate("sampling", &self.telling())
    }
}
