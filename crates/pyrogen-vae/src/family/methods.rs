//! The methods of the crate's first model: one family a method, which differ in their defaults.

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{ScorePolicy, TensorModel, latent_finding};
use pyrogen_model::{Ability, Error, Family, LatentKind, Model};

use super::findings;
use crate::{BetaTc, Decoder, Factor, Info, Prior, Vae, VaeObjective, Wae};

/// A method of the crate's first model, [`Vae`].
#[derive(Debug, Clone, Copy)]
pub struct VaeFamily {
    name: &'static str,
    about: &'static str,
    /// Objective and prior, for so many training examples.
    choose: fn(usize) -> (VaeObjective, Prior),
}

/// Pseudo-inputs of the mixture prior.
const PSEUDO_INPUTS: usize = 100;

/// What the family's models learn.
pub(super) const TAKES: &[Modality] = &[Modality::Pictures, Modality::Table, Modality::Points];

impl VaeFamily {
    /// Every method, in the order in which they are listed.
    pub fn all() -> [Self; 7] {
        [
            Self {
                name: "vae",
                about: "variational autoencoder: beta, free bits, capacity, labels as condition; \
                        Gaussian, Bernoulli, logistic (also mixtures), categorical and table \
                        decoders",
                choose: |_| (VaeObjective::Elbo, Prior::Standard),
            },
            Self {
                name: "iwae",
                about: "importance-weighted autoencoder: a tighter bound from several latent draws",
                choose: |_| (VaeObjective::Iwae { samples: 5 }, Prior::Standard),
            },
            Self {
                name: "beta-tc-vae",
                about: "latents that do not depend on each other: total correlation weighted by \
                        itself",
                choose: |examples| {
                    let tc = BetaTc { examples, ..BetaTc::default() };
                    (VaeObjective::BetaTc(tc), Prior::Standard)
                },
            },
            Self {
                name: "factor-vae",
                about: "latents that do not depend on each other: total correlation from a \
                        discriminator",
                choose: |_| (VaeObjective::Factor(Factor::default()), Prior::Standard),
            },
            Self {
                name: "info-vae",
                about: "InfoVAE and MMD-VAE: codes as precise as it takes, which together fill the \
                        prior",
                choose: |_| (VaeObjective::Info(Info::default()), Prior::Standard),
            },
            Self {
                name: "wae",
                about: "Wasserstein autoencoder: one code an example, an MMD penalty; no likelihood",
                choose: |_| (VaeObjective::Wae(Wae::default()), Prior::Standard),
            },
            Self {
                name: "vamp-vae",
                about: "a prior that is learned: the mixture of the posteriors of pseudo-inputs",
                choose: |_| (VaeObjective::Elbo, Prior::Vamp { components: PSEUDO_INPUTS }),
            },
        ]
    }

    /// Objective and prior, for so many training examples.
    pub(super) fn choose(&self, examples: usize) -> (VaeObjective, Prior) {
        (self.choose)(examples)
    }
}

impl Family for VaeFamily {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn takes(&self) -> &'static [Modality] {
        TAKES
    }

    fn abilities(&self) -> Vec<Ability> {
        let mut abilities = vec![Ability::Generate, Ability::Latent, Ability::Inspect];
        if !self.choose(1).0.is_deterministic() {
            abilities.push(Ability::Score);
        }
        abilities.sort();
        abilities
    }

    fn takes_class(&self) -> bool {
        self.choose(1).1 == Prior::Standard
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        match self.choose(1).0.is_deterministic() {
            true => Vec::new(),
            false => vec!["estimate", "lower_bound"],
        }
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(match self.choose(1).0.is_deterministic() {
            true => LatentKind::Point,
            false => LatentKind::Gaussian,
        })
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = Vae::load(folder.path(), device)?;
        let (parameters, density) = (model.num_params(), model.config().decoder.is_density());
        let deterministic = model.config().objective.is_deterministic();
        let method = method(&model);
        let columns = matches!(model.config().decoder, Decoder::Columns { .. });
        let door = TensorModel::new(model, parameters, density, folder, device)?
            .method(method)
            .decoder(deterministic && !columns);
        let door = match deterministic {
            true => door.latent(LatentKind::Point).because(
                Ability::Score,
                "its encoder is deterministic, and a code has no density; evaluate it by its \
                 samples",
            ),
            false => door.latent(LatentKind::Gaussian).score(ScorePolicy::default()),
        };
        let door = door.generate().inspect(move |model: &Vae, batches| {
            let mut found = Vec::new();
            if !deterministic {
                let point = |x, condition: &_, noise: &mut _| {
                    Vae::rate_distortion(model, x, condition, noise)
                };
                found.extend(findings::rate_distortion(batches, point)?);
            }
            found.extend(latent_finding(model, batches)?);
            Ok(found)
        });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// The method that a model was trained by.
fn method(model: &Vae) -> &'static str {
    let config = model.config();
    match (&config.objective, config.prior) {
        (VaeObjective::Iwae { .. }, _) => "iwae",
        (VaeObjective::BetaTc(_), _) => "beta-tc-vae",
        (VaeObjective::Factor(_), _) => "factor-vae",
        (VaeObjective::Info(_), _) => "info-vae",
        (VaeObjective::Wae(_), _) => "wae",
        (_, Prior::Vamp { .. }) => "vamp-vae",
        _ => "vae",
    }
}

#[cfg(all(test, feature = "train"))]
mod tests {
    use pyrogen_core::{Seed, config};
    use pyrogen_data::{Data, digits};
    use pyrogen_model::train::{Train, Wanted};

    use super::*;
    use crate::VaeConfig;

    #[test]
    fn defaults_fit_the_data() {
        let data = Data::from_dataset(digits());
        let wanted = Wanted { data: &data, context: None, context_shape: None };
        for family in VaeFamily::all() {
            let defaults = family.defaults(&wanted).unwrap();
            assert_eq!(defaults.model["event"], serde_json::json!([1, 8, 8]), "{}", family.name());
            let plan = family.plan(defaults.clone(), &wanted).unwrap();
            assert_eq!(plan.preparation.unwrap().event_shape(), [1, 8, 8]);
            let model = config::from_value::<VaeConfig>(defaults.model).unwrap();
            let model = model.init(Seed(1), &Device::flex()).unwrap();
            assert_eq!(method(&model), family.name());
        }
    }
}
