//! A network conditioned on a class and a context, or on neither.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use pyrogen_core::config::{check, count};
use pyrogen_core::{Condition, ConfigError, Noise, flatten};

use crate::TimeNetwork;
use crate::network::EventNetwork;

/// What a network is conditioned on beside noisy examples and their times.
#[derive(Debug, Clone)]
pub(crate) struct Conditioning {
    pub event: Vec<usize>,
    pub classes: Option<usize>,
    pub context: Option<Vec<usize>>,
    /// The share of training labels that are hidden.
    pub label_dropout: f64,
}

impl Conditioning {
    /// Checks the values.
    pub fn validate(&self, network: &TimeNetwork) -> Result<(), ConfigError> {
        check::shape("event", &self.event)?;
        network.validate("network", &self.event)?;
        if let Some(context) = &self.context {
            check::shape("context", context)?;
            let picture = !matches!(network, TimeNetwork::Mlp(_));
            if picture && (context.len() != 3 || context[1..] != self.event[1..]) {
                let expected = format!("pictures of the size of the examples, {:?}", self.event);
                return Err(ConfigError::value("context", expected, format!("{context:?}")));
            }
        }
        check::at_least_one("classes", self.classes.unwrap_or(1))?;
        if !(0.0..1.0).contains(&self.label_dropout) {
            return Err(ConfigError::value("label_dropout", "in [0, 1)", self.label_dropout));
        }
        check::params("network", self.num_params(network))
    }

    /// Elements of an example; `usize::MAX` where it does not fit.
    pub fn features(&self) -> usize {
        count::product(&self.event)
    }

    /// The label that stands for none, where some labels are hidden in training.
    pub fn no_label(&self) -> Option<usize> {
        self.classes.filter(|_| self.label_dropout > 0.0)
    }

    /// Rows of the label embedding.
    fn rows(&self) -> Option<usize> {
        let hidden = usize::from(self.no_label().is_some());
        self.classes.map(|classes| classes.saturating_add(hidden))
    }

    pub fn num_params(&self, network: &TimeNetwork) -> usize {
        network.num_params(&self.event, self.context.as_deref(), self.rows())
    }

    pub fn init(
        &self,
        network: &TimeNetwork,
        noise: &mut Noise,
        device: &Device,
    ) -> ConditionalNetwork {
        let body = network.init(&self.event, self.context.as_deref(), self.rows(), noise, device);
        ConditionalNetwork { body, unit: network.time_unit(), conditioning: self.clone() }
    }
}

/// A network with what it is conditioned on.
#[derive(Module, Debug)]
pub(crate) struct ConditionalNetwork {
    pub body: EventNetwork,
    /// What a time of one is given to the network as.
    #[module(skip)]
    pub unit: f64,
    #[module(skip)]
    conditioning: Conditioning,
}

/// The conditions of some examples: labels and flat contexts, checked.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    labels: Option<Tensor<1, Int>>,
    context: Option<Tensor<2>>,
}

impl ConditionalNetwork {
    pub fn conditioning(&self) -> &Conditioning {
        &self.conditioning
    }

    /// The condition of `rows` examples. Labels may be missing where the network was trained
    /// without some.
    ///
    /// # Panics
    /// If something is missing, not wanted or of another shape.
    pub fn conditions(&self, condition: &Condition, rows: usize) -> Conditions {
        let labels = match (self.conditioning.classes, &condition.labels) {
            (None, None) => None,
            (None, Some(_)) => panic!("Diffusion: a class was given to a model without classes"),
            (Some(classes), None) => {
                let none = self.conditioning.no_label();
                let none = none.unwrap_or_else(|| {
                    panic!("Diffusion: the model is conditional: give one label (of {classes}) an example")
                });
                let device = self.device();
                Some(Tensor::full([rows], none as i64, &device))
            }
            (Some(classes), Some(labels)) => {
                assert_eq!(labels.dims(), [rows], "Diffusion: expected one label an example");
                let given = labels.to_data();
                if let Some(wrong) = given.iter::<i64>().find(|l| *l < 0 || *l >= classes as i64) {
                    panic!("Diffusion: label {wrong} is not within 0..{classes}");
                }
                Some(labels.clone())
            }
        };
        let context = match (&self.conditioning.context, &condition.context) {
            (None, None) => None,
            (None, Some(_)) => panic!("Diffusion: a context was given to a model without"),
            (Some(shape), None) => panic!("Diffusion: give a context of shape {shape:?}"),
            (Some(shape), Some(context)) => {
                assert_eq!(context.dims()[0], rows, "Diffusion: expected one context an example");
                Some(flatten(context.clone(), shape))
            }
        };
        Conditions { labels, context }
    }

    /// The conditions in training: labels only where the model has classes, and none for dropped rows.
    pub fn training_conditions(&self, condition: Condition, dropped: &[bool]) -> Conditions {
        let labels = condition.labels.filter(|_| self.conditioning.classes.is_some());
        let conditions = self.conditions(&Condition { labels, ..condition }, dropped.len());
        match self.conditioning.no_label() {
            Some(none) if dropped.contains(&true) => {
                let hidden = conditions.labels.map(|labels| {
                    let kept = labels.to_data().iter::<i64>().collect::<Vec<_>>();
                    let pairs = kept.into_iter().zip(dropped);
                    let values: Vec<i32> = pairs
                        .map(|(label, &drop)| if drop { none as i32 } else { label as i32 })
                        .collect();
                    Tensor::from_data(values.as_slice(), &labels.device())
                });
                Conditions { labels: hidden, ..conditions }
            }
            _ => conditions,
        }
    }

    /// The same without labels; `None` where the network has not learned that.
    pub fn without_labels(&self, conditions: &Conditions) -> Option<Conditions> {
        let none = self.conditioning.no_label()?;
        let labels = conditions.labels.as_ref()?;
        let labels = Tensor::full(labels.dims(), none as i64, &labels.device());
        Some(Conditions { labels: Some(labels), context: conditions.context.clone() })
    }

    /// Which of the rows of a batch are trained without their labels.
    pub fn dropped(&self, rows: usize, noise: &mut Noise) -> Vec<bool> {
        if self.conditioning.no_label().is_none() {
            return vec![false; rows];
        }
        let draws = noise.uniform_rows(&[rows]);
        draws.into_iter().map(|u| u < self.conditioning.label_dropout).collect()
    }

    /// Flat examples at times (in units of training) to flat answers.
    pub fn forward(&self, x: Tensor<2>, times: &[f64], conditions: &Conditions) -> Tensor<2> {
        let time: Vec<f32> = times.iter().map(|&t| t as f32).collect();
        let time = Tensor::from_data(time.as_slice(), &x.device());
        let x = match &conditions.context {
            Some(context) => Tensor::cat(vec![x, context.clone()], 1),
            None => x,
        };
        self.body.forward(x, &self.conditioning.event, time, conditions.labels.clone())
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.devices()[0].clone()
    }
}

/// What every model of a conditional network shares, by its config:
/// `conditional_model!(Model, Config, Sampling)`. The config has the fields of [`Conditioning`], `network`,
/// `sampling` and `validate`; the model `network` and `config`.
macro_rules! conditional_model {
    ($model:ident, $config:ident, $sampling:ty) => {
        impl $config {
            /// Number of parameters of the model, without building it; `usize::MAX` where it does
            /// not fit.
            ///
            /// # Errors
            /// As [`validate`](Self::validate).
            pub fn num_params(&self) -> Result<usize, ::pyrogen_core::ConfigError> {
                self.validate()?;
                Ok(self.conditioning().num_params(&self.network))
            }

            /// Number of elements of one example; `usize::MAX` where it does not fit.
            pub fn features(&self) -> usize {
                self.conditioning().features()
            }

            pub(crate) fn conditioning(&self) -> $crate::conditional::Conditioning {
                $crate::conditional::Conditioning {
                    event: self.event.clone(),
                    classes: self.classes,
                    context: self.context.clone(),
                    label_dropout: self.label_dropout,
                }
            }
        }

        impl $model {
            /// The configuration that the model was built from.
            pub fn config(&self) -> &$config {
                &self.config
            }

            /// The device of the weights.
            pub fn device(&self) -> ::burn::tensor::Device {
                self.network.device()
            }

            /// The same weights with other settings of sampling.
            ///
            /// # Errors
            /// Settings that cannot be used with this model.
            pub fn with_sampling(
                self,
                sampling: $sampling,
            ) -> Result<Self, ::pyrogen_core::ConfigError> {
                sampling.validate("sampling", self.network.conditioning())?;
                let config = $config { sampling, ..self.config };
                Ok(Self { config, ..self })
            }
        }

        impl ::pyrogen_core::Describe for $model {
            fn event_shape(&self) -> Vec<usize> {
                self.config.event.clone()
            }

            fn classes(&self) -> Option<usize> {
                self.config.classes
            }

            fn classes_are_optional(&self) -> bool {
                self.network.conditioning().no_label().is_some()
            }

            fn context_shape(&self) -> Option<Vec<usize>> {
                self.config.context.clone()
            }
        }
    };
}
pub(crate) use conditional_model;

/// Numbers of rows as a column.
pub(crate) fn column(values: impl IntoIterator<Item = f64>, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = values.into_iter().map(|v| v as f32).collect();
    let rows = values.len();
    Tensor::from_data(TensorData::new(values, [rows, 1]), device)
}
