//! What a diffusion model is made of.

use pyrogen_core::ConfigError;
use serde::{Deserialize, Serialize};

use crate::sampling::in_config;
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
#[cfg_attr(feature = "train", derive(schemars::JsonSchema))]
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
    /// Number of classes, for a model that is conditioned on the class of an example.
    pub classes: Option<usize>,
    /// Shape of the context beside the noisy example, for pictures
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
        self.conditioning().validate(&self.network)?;
        self.process.validate("process")?;
        self.prediction.validate("prediction")?;
        if let (Prediction::Epsilon, Process::Discrete { zero_terminal_snr: true, .. }) =
            (self.prediction, self.process)
        {
            let expected = "`velocity` or `example` with zero_terminal_snr";
            return Err(ConfigError::value("prediction", expected, "epsilon"));
        }
        self.weighting.validate("weighting")?;
        self.sampling.validate("sampling", &self.conditioning())?;
        // What cannot give samples is not worth training: a spacing that the process does not have, more
        // steps than it has.
        let levels = self.process.noise_levels()?;
        let sampling = levels.sampling(self.sampling.spacing, self.sampling.steps);
        sampling.map(|_| ()).map_err(|e| in_config(e, "sampling"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        let config: DiffusionConfig = serde_json::from_str(json).unwrap();
        config.validate().unwrap_err().to_string()
    }

    const EDM: &str = r#""process": {"edm": {"mean": -1.2, "std": 1.2, "sigma_min": 0.002,
        "sigma_max": 80.0}}"#;

    #[test]
    fn what_cannot_sample_is_refused() {
        let discrete = |spacing: &str, steps: usize| {
            format!(r#"{{"sampling": {{"spacing": {spacing}, "steps": {steps}}}}}"#)
        };
        for spacing in [r#""leading""#, r#""trailing""#, r#""linspace""#, r#""exponential""#] {
            let text = error(&discrete(spacing, 1001));
            assert!(text.contains("1001") && text.contains("1000"), "{spacing}: {text}");
            let config: DiffusionConfig = serde_json::from_str(&discrete(spacing, 1000)).unwrap();
            config.validate().unwrap();
        }
        for rho in ["0", "-7"] {
            let karras = format!(r#"{{"karras": {{"rho": {rho}}}}}"#);
            let text = error(&discrete(&karras, 20));
            assert!(text.contains("sampling.rho"), "{text}");
            let edm = format!(r#"{{{EDM}, "sampling": {{"spacing": {karras}}}}}"#);
            assert!(error(&edm).contains("sampling.rho"));
        }
        for spacing in ["leading", "trailing", "linspace"] {
            let text = error(&format!(r#"{{{EDM}, "sampling": {{"spacing": "{spacing}"}}}}"#));
            assert!(text.contains("`sampling.spacing` must be karras or exponential"), "{text}");
        }
        // A process of continuous levels has as many steps as are asked for.
        let many = format!(
            r#"{{{EDM}, "sampling": {{"spacing": {{"karras": {{"rho": 7}}}}, "steps": 1001}}}}"#
        );
        serde_json::from_str::<DiffusionConfig>(&many).unwrap().validate().unwrap();
    }

    #[test]
    fn no_count_asks_for_all_memory() {
        for (json, field) in [
            (
                r#"{"process": {"discrete": {"steps": 1000000000000, "schedule": {"cosine":
                    {"offset": 0.008, "max_beta": 0.999}}, "zero_terminal_snr": false}}}"#,
                "process.discrete.steps",
            ),
            (r#"{"sampling": {"steps": 1000000000000}}"#, "sampling.steps"),
            (r#"{"network": {"u_net": {"blocks": 1000000000}}}"#, "network.u_net.blocks"),
            (r#"{"network": {"dit": {"blocks": 1000000000}}}"#, "network.dit.blocks"),
            (r#"{"network": {"mlp": {"blocks": 1000000000}}}"#, "network.mlp.blocks"),
            (r#"{"network": {"mlp": {"width": 1000000000}}}"#, "network.mlp.width"),
            (r#"{"classes": 18446744073709551615}"#, "classes"),
        ] {
            let text = error(json);
            assert!(text.contains(&format!("`{field}` must be at most")), "{text}");
        }
        let text = error(r#"{"event": [18446744073709551615], "network": {"mlp": {}}}"#);
        assert!(text.contains("`event` must be sizes of at most"), "{text}");
        let text = error(r#"{"network": {"mlp": {"width": 1000000, "blocks": 1000}}}"#);
        assert!(text.contains("a model of at most 4294967296 parameters"), "{text}");
        let flow = r#"{"sampling": {"steps": 1000000000000}}"#;
        let flow: crate::FlowConfig = serde_json::from_str(flow).unwrap();
        assert!(flow.validate().unwrap_err().to_string().contains("`sampling.steps` must be at"));
    }
}
