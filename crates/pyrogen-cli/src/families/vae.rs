//! Variational autoencoders: one family a method, which differ in their defaults.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen::core::folder::ModelFolder;
use pyrogen::core::{
    Batch, Condition, Decode, Encode, Examples, Noise, RateDistortion, Sample, Score, config,
};
use pyrogen::data::{Binarise, Dataset, Preparation, PreparedColumn, Recipe};
use pyrogen::nn::{ConvConfig, MlpConfig, Network};
use pyrogen::train::{
    Decay, GradientConfig, Limits, OptimizerConfig, ScheduleConfig, TrainConfig, WorkerCount,
};
use pyrogen::vae::{
    BetaTc, Column, Decoder, Factor, Info, Prior, Scale, Vae, VaeConfig, VaeObjective, Wae,
};
use serde_json::Value;

use super::gradient::{self, fits_memory};
use super::ladder_vae::LadderFamily;
use super::vq_vae::VqFamily;
use crate::error::CliError;
use crate::family::{Asked, Capabilities, Defaults, Family, Model, TrainJob};

/// A method of the crate's one model.
struct Method {
    name: &'static str,
    about: &'static str,
    /// Objective and prior, for some training data.
    choose: fn(&Dataset) -> (VaeObjective, Prior),
}

/// Pseudo-inputs of the mixture prior.
const PSEUDO_INPUTS: usize = 100;

const METHODS: [Method; 7] = [
    Method {
        name: "vae",
        about: "variational autoencoder: beta, free bits, capacity, labels as condition; Gaussian, \
                Bernoulli, logistic (also mixtures), categorical and table decoders",
        choose: |_| (VaeObjective::Elbo, Prior::Standard),
    },
    Method {
        name: "iwae",
        about: "importance-weighted autoencoder: a tighter bound from several latent draws",
        choose: |_| (VaeObjective::Iwae { samples: 5 }, Prior::Standard),
    },
    Method {
        name: "beta-tc-vae",
        about: "latents that do not depend on each other: total correlation weighted by itself",
        choose: |data| {
            let tc = BetaTc { examples: data.len(), ..BetaTc::default() };
            (VaeObjective::BetaTc(tc), Prior::Standard)
        },
    },
    Method {
        name: "factor-vae",
        about: "latents that do not depend on each other: total correlation from a discriminator",
        choose: |_| (VaeObjective::Factor(Factor::default()), Prior::Standard),
    },
    Method {
        name: "info-vae",
        about: "InfoVAE and MMD-VAE: codes as precise as it takes, which together fill the prior",
        choose: |_| (VaeObjective::Info(Info::default()), Prior::Standard),
    },
    Method {
        name: "wae",
        about: "Wasserstein autoencoder: one code an example, an MMD penalty; no likelihood",
        choose: |_| (VaeObjective::Wae(Wae::default()), Prior::Standard),
    },
    Method {
        name: "vamp-vae",
        about: "a prior that is learned: the mixture of the posteriors of pseudo-inputs",
        choose: |_| (VaeObjective::Elbo, Prior::Vamp { components: PSEUDO_INPUTS }),
    },
];

/// Every method, in the order in which they are listed.
pub fn all() -> impl Iterator<Item = Box<dyn Family>> {
    let flat = METHODS.into_iter().map(|m| Box::new(VaeFamily(m)) as Box<dyn Family>);
    flat.chain([Box::new(LadderFamily) as Box<dyn Family>, Box::new(VqFamily)])
}

struct VaeFamily(Method);

/// Pictures from this side on are given to convolutions.
const SMALLEST_CONV: usize = 8;

/// Training examples that a new model looks at before training.
const START: usize = 512;

impl Family for VaeFamily {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn about(&self) -> &'static str {
        self.0.about
    }

    fn capabilities(&self) -> Capabilities {
        let (objective, prior) = (self.0.choose)(&pyrogen::data::digits());
        Capabilities {
            sample: true,
            condition: prior == Prior::Standard,
            context: prior == Prior::Standard,
            score: match objective.is_deterministic() {
                true => Vec::new(),
                false => vec!["estimate", "lower_bound"],
            },
            anomaly: None,
            latent: true,
            traverse: true,
            steer: false,
            inpaint: false,
        }
    }

    fn defaults(&self, Asked { data, .. }: Asked) -> Result<Defaults, CliError> {
        let recipe = Recipe::suited_to(data);
        let preparation = Preparation::fit(&recipe, data)?;
        let event = preparation.event_shape();
        let network = network_for(&event);
        let decoder = decoder_for(data, &recipe, &preparation);
        let (objective, prior) = (self.0.choose)(data);
        let model = VaeConfig { event, network, decoder, objective, prior, ..VaeConfig::default() };
        Ok(Defaults { model: config::to_value(&model), train: training() })
    }

    fn preparation(&self, model: &Value, data: &Dataset) -> Result<Preparation, CliError> {
        let model: VaeConfig = config::from_value(model.clone())?;
        prepare(&model.decoder, data)
    }

    fn train(&self, job: TrainJob) -> Result<(), CliError> {
        let config: VaeConfig = config::from_value(job.model.clone())?;
        fits_memory(config.num_params()?)?;
        let mut job = job;
        let workers = &mut job.train.gradient.workers;
        if config.objective.compares_examples() && *workers == WorkerCount::Auto {
            // Each worker would compare the examples of its own piece alone.
            *workers = WorkerCount::Exactly(1);
        }
        let model = config.init(job.seed, &job.device)?;
        gradient::check_data(&model, &job)?;
        let pseudo_inputs = match config.prior {
            Prior::Vamp { components } => components,
            _ => 0,
        };
        let (batch, mut noise) = first_batch(&job, pseudo_inputs)?;
        let condition = told(&batch, config.classes);
        let model = model.init_from_data(batch.x, &condition, &mut noise);
        gradient::train(job, model, |model: &Vae, folder, card| model.save(folder, card))
    }

    fn load(&self, folder: &ModelFolder, device: &Device) -> Result<Box<dyn Model>, CliError> {
        Ok(Box::new(Vae::load(folder.path(), device)?))
    }
}

/// How the family's models are trained where nothing else is asked for.
pub fn training() -> TrainConfig {
    TrainConfig {
        limits: Limits { epochs: Some(60), ..Limits::default() },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.02, warmup_steps: 50 },
        gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
        ..TrainConfig::default()
    }
}

/// The network that suits examples of a shape.
pub fn network_for(event: &[usize]) -> Network {
    match event {
        [_, h, w] if *h.min(w) >= SMALLEST_CONV => Network::Conv(ConvConfig::default()),
        _ => Network::Mlp(MlpConfig::default()),
    }
}

/// Some training examples in random order, at least so many where there are, for starting values.
pub fn first_batch(job: &TrainJob, at_least: usize) -> Result<(Batch<2>, Noise), CliError> {
    let mut noise = Noise::new(job.seed).fork("start");
    let mut rows = noise.permutation(job.data.len());
    rows.truncate(START.max(at_least));
    let data = gradient::examples(job.data.subset(&rows), &job.preparation, job.context)?;
    let rows: Vec<usize> = (0..rows.len()).collect();
    let batch = data.batch(&rows, &mut noise, &job.device);
    Ok((batch, noise))
}

/// What a model is told of a batch: labels only where it has classes.
pub fn told(batch: &Batch<2>, classes: Option<usize>) -> Condition {
    let labels = batch.labels.clone().filter(|_| classes.is_some());
    batch.condition().with_labels(labels)
}

/// The decoder that suits data which is prepared in the way that suits it.
pub fn decoder_for(data: &Dataset, recipe: &Recipe, preparation: &Preparation) -> Decoder {
    match (data.levels(), recipe) {
        (Some(levels), Recipe::Unit) => {
            Decoder::DiscretisedLogistic { levels, scale: Scale::Predicted }
        }
        _ => match columns(preparation) {
            Some(columns) => Decoder::Columns { columns },
            None => Decoder::Gaussian { scale: Scale::PerFeature },
        },
    }
}

/// What the prepared features hold, for a table.
fn columns(preparation: &Preparation) -> Option<Vec<Column>> {
    let column = |column: &PreparedColumn| match *column {
        PreparedColumn::Category(categories) => Column::Category(categories),
        PreparedColumn::Spiked(spikes) => Column::Spiked(spikes),
        _ => Column::Number,
    };
    Some(preparation.columns()?.iter().map(column).collect())
}

/// A table as the decoder's columns want it: with spikes, or plainly standardised.
fn prepare_columns(expected: &[Column], data: &Dataset) -> Result<Preparation, CliError> {
    let fitted = Preparation::fit(&Recipe::suited_to(data), data)?;
    match columns(&fitted).is_some_and(|columns| columns == expected) {
        true => Ok(fitted),
        false => Ok(Preparation::fit(&Recipe::Table, data)?),
    }
}

/// How raw values become what a decoder is for.
pub fn prepare(decoder: &Decoder, data: &Dataset) -> Result<Preparation, CliError> {
    let recipe = match decoder {
        Decoder::Bernoulli => Recipe::Binarised(Binarise::Dynamic),
        Decoder::DiscretisedLogistic { .. }
        | Decoder::LogisticMixture { .. }
        | Decoder::ColourMixture { .. }
        | Decoder::Categorical { .. } => Recipe::Unit,
        Decoder::Columns { columns } => return prepare_columns(columns, data),
        // A density of integers would be a density of points: they are spread over their cells.
        Decoder::Gaussian { .. } if data.levels().is_some() => Recipe::Dequantised { logit: None },
        _ => Recipe::suited_to(data),
    };
    Ok(Preparation::fit(&recipe, data)?)
}

impl Model for Vae {
    fn as_sample(&self) -> Option<&(dyn Sample<2> + Sync)> {
        Some(self)
    }

    fn as_score(&self) -> Option<&(dyn Score<2> + Sync)> {
        (!self.config().objective.is_deterministic()).then_some(self)
    }

    fn method(&self) -> Option<&'static str> {
        let config = self.config();
        Some(match (&config.objective, config.prior) {
            (VaeObjective::Iwae { .. }, _) => "iwae",
            (VaeObjective::BetaTc(_), _) => "beta-tc-vae",
            (VaeObjective::Factor(_), _) => "factor-vae",
            (VaeObjective::Info(_), _) => "info-vae",
            (VaeObjective::Wae(_), _) => "wae",
            (_, Prior::Vamp { .. }) => "vamp-vae",
            _ => "vae",
        })
    }

    fn why_no_score(&self) -> &'static str {
        "its encoder is deterministic, and a code has no density"
    }

    fn rate_distortion(
        &self,
        x: Tensor<2>,
        condition: &Condition,
        noise: &mut Noise,
    ) -> Option<RateDistortion> {
        self.as_score().map(|_| Vae::rate_distortion(self, x, condition, noise))
    }

    fn as_encode(&self) -> Option<&(dyn Encode<2> + Sync)> {
        Some(self)
    }

    fn as_decode(&self) -> Option<&(dyn Decode<2> + Sync)> {
        Some(self)
    }

    fn parameters(&self) -> usize {
        self.num_params()
    }

    fn is_density(&self) -> bool {
        self.config().decoder.is_density()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pyrogen::core::Seed;
    use serde_json::json;

    #[test]
    fn defaults_fit_the_data() {
        let data = pyrogen::data::digits();
        for family in all() {
            let defaults = family.defaults(Asked::of(&data)).unwrap();
            assert_eq!(defaults.model["event"], json!([1, 8, 8]), "{}", family.name());
            defaults.train.validate().unwrap();
            let preparation = family.preparation(&defaults.model, &data).unwrap();
            assert_eq!(preparation.event_shape(), [1, 8, 8]);
        }
        for method in METHODS {
            let name = method.name;
            let defaults = VaeFamily(method).defaults(Asked::of(&data)).unwrap();
            let model = config::from_value::<VaeConfig>(defaults.model).unwrap();
            let model = model.init(Seed(1), &Device::flex()).unwrap();
            assert_eq!(Model::method(&model), Some(name));
        }
    }
}
