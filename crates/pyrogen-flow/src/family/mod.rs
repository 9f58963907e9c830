//! How flows join the one door: one family a method, which differ in their defaults.

#[cfg(feature = "train")]
mod training;

use burn::module::Module;
use burn::tensor::Device;
use pyrogen_core::ScoreMethod;
use pyrogen_core::folder::ModelFolder;
use pyrogen_data::Modality;
use pyrogen_model::tensor::{InspectBatches, ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, Finding, LatentKind, Model, Registry};
use serde_json::json;

use crate::{FlowKind, InverseReport, NormalizingFlow};

/// A method of [`NormalizingFlow`].
#[derive(Debug, Clone, Copy)]
pub struct FlowMethod {
    about: &'static str,
    flow: fn() -> FlowKind,
}

impl FlowMethod {
    /// Every method, in the order in which they are listed.
    pub fn all() -> [Self; 5] {
        [
            Self {
                about: "masked autoregressive flow: affine maps, exact likelihood, sampling feature \
                        after feature",
                flow: FlowKind::maf,
            },
            Self {
                about: "neural spline flow: rational-quadratic splines, autoregressive or by \
                        coupling, exact likelihood",
                flow: FlowKind::nsf,
            },
            Self {
                about: "affine coupling: exact likelihood, scoring and sampling in one pass",
                flow: FlowKind::realnvp,
            },
            Self {
                about: "additive coupling, which keeps volumes: exact likelihood, the simplest flow",
                flow: FlowKind::nice,
            },
            Self {
                about: "inverse autoregressive flow: sampling in one pass, scoring feature after \
                        feature",
                flow: FlowKind::iaf,
            },
        ]
    }

    /// What each layer does where nothing else is wished.
    pub(super) fn flow(&self) -> FlowKind {
        (self.flow)()
    }
}

/// The registry with every method of this crate.
pub fn register(registry: Registry) -> Registry {
    FlowMethod::all().into_iter().fold(registry, Registry::with)
}

impl Family for FlowMethod {
    fn name(&self) -> &'static str {
        self.flow().method()
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn takes(&self) -> &'static [Modality] {
        &[Modality::Table, Modality::Points]
    }

    fn abilities(&self) -> Vec<Ability> {
        vec![Ability::Generate, Ability::Score, Ability::Latent, Ability::Inspect]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec!["exact", "lower_bound (of categories, whole numbers and numbers that recur)"]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Point)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = NormalizingFlow::load(folder.path(), device)?;
        let parameters = model.num_params();
        let policy = ScorePolicy {
            draws: |_| 1,
            evaluated: |method, _| (method == ScoreMethod::Estimate).then_some(1),
        };
        let door = TensorModel::new(model, parameters, true, folder, device)?
            .generate()
            .density(policy)
            .latent(LatentKind::Point)
            .inspect(|model: &NormalizingFlow, batches| {
                Ok(vec![inverse(model, batches)?, recurring(batches)?])
            });
        Ok(door.build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// Whether the flow inverts on held-out items and in its tails.
fn inverse(model: &NormalizingFlow, batches: &InspectBatches) -> Result<Finding, Error> {
    let parts =
        batches.each("inverse", |x, condition, _| Ok(model.inverse_report(x, condition)?))?;
    let mut all: Option<InverseReport> = None;
    for (part, _) in parts {
        match &mut all {
            Some(all) => all.extend(&part),
            None => all = Some(part),
        }
    }
    let empty = || Error::Wish("the data is empty: there is nothing to look at".into());
    let all = all.ok_or_else(empty)?;
    Ok(Finding {
        name: "inverse".into(),
        title: "Inverse of the flow".into(),
        text: all.to_string(),
        warning: all.is_faulty(),
        value: json!(all),
    })
}

/// The share of items from which on a value that they share is a warning.
const RECURRING: f64 = 0.05;

/// Whether numbers recur: a density of such numbers has no upper bound.
fn recurring(batches: &InspectBatches) -> Result<Finding, Error> {
    let (x, _) = batches.all()?;
    let [rows, width] = x.dims();
    let values = x.into_data().iter::<f32>().collect::<Vec<_>>();
    let share = |j: usize| {
        let mut column: Vec<u32> = (0..rows).map(|i| values[i * width + j].to_bits()).collect();
        column.sort_unstable();
        let most = column.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or(0);
        most as f64 / rows.max(1) as f64
    };
    // Two of a few items that agree say nothing.
    let often = |share: &f64| *share >= RECURRING && *share * rows as f64 >= 8.0;
    let shares: Vec<f64> = (0..width).map(share).collect();
    let found: Vec<usize> = (0..width).filter(|&j| often(&shares[j])).collect();
    let text = match found.is_empty() {
        true => "no value is shared by a twentieth of the items".to_string(),
        false => {
            let list = |j: &usize| format!("{} ({:.0} %)", j + 1, shares[*j] * 100.0);
            format!(
                "a value is shared by a twentieth of the items and more in the numbers {}: a density of \
                 them has no upper bound, so that scores compare flows on these columns with care only",
                found.iter().map(list).collect::<Vec<_>>().join(", ")
            )
        }
    };
    Ok(Finding {
        name: "recurring".into(),
        title: "Numbers that recur".into(),
        text,
        warning: !found.is_empty(),
        value: json!(shares),
    })
}
