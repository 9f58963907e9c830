//! How flows join the one door: one family a method, which differ in their defaults.

mod calibration;
mod pictures;
#[cfg(feature = "train")]
mod pictures_training;
#[cfg(feature = "train")]
mod training;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use pyrogen_core::folder::ModelFolder;
use pyrogen_core::{Condition, ModelError, ScoreMethod};
use pyrogen_data::{Modality, Preparation};
use pyrogen_model::tensor::{InspectBatches, ScorePolicy, TensorModel};
use pyrogen_model::{Ability, Error, Family, Finding, LatentKind, Model, Registry};
use serde_json::json;

use self::calibration::calibration;
pub use self::pictures::{GlowFamily, PictureFamily, PictureFlow, TarFlowFamily};
use crate::{ConditionalFlow, FlowKind, InverseReport, NormalizingFlow};

/// A method of [`NormalizingFlow`].
#[derive(Debug, Clone, Copy)]
pub struct FlowMethod {
    about: &'static str,
    flow: fn() -> FlowKind,
    /// Layers where nothing else is wished.
    layers: usize,
}

impl FlowMethod {
    /// Every method, in the order in which they are listed.
    pub fn all() -> [Self; 10] {
        [
            Self {
                about: "masked autoregressive flow: affine maps, exact likelihood, sampling feature \
                        after feature",
                flow: FlowKind::maf,
                layers: 5,
            },
            Self {
                about: "neural spline flow: rational-quadratic splines, autoregressive or by \
                        coupling, exact likelihood",
                flow: FlowKind::nsf,
                layers: 5,
            },
            Self {
                about: "affine coupling: exact likelihood, scoring and sampling in one pass",
                flow: FlowKind::realnvp,
                layers: 5,
            },
            Self {
                about: "additive coupling, which keeps volumes: exact likelihood, the simplest flow",
                flow: FlowKind::nice,
                layers: 5,
            },
            Self {
                about: "inverse autoregressive flow: sampling in one pass, scoring feature after \
                        feature",
                flow: FlowKind::iaf,
                layers: 5,
            },
            Self {
                about: "neural autoregressive flow: sums of sigmoids, exact likelihood, sampling \
                        feature after feature by halving intervals",
                flow: FlowKind::naf,
                layers: 3,
            },
            Self {
                about: "planar flow: bends along one direction a layer, exact likelihood, few \
                        parameters",
                flow: || FlowKind::Planar,
                layers: 16,
            },
            Self {
                about: "radial flow: moves towards a centre or away from it, exact likelihood, few \
                        parameters",
                flow: || FlowKind::Radial,
                layers: 16,
            },
            Self {
                about: "Sylvester flow: planar bends along several directions at once, exact \
                        likelihood, no network",
                flow: FlowKind::sylvester,
                layers: 8,
            },
            Self {
                about: "continuous flow (FFJORD): the solution of a differential equation, exact \
                        likelihood, scoring and sampling by an adaptive solver",
                flow: FlowKind::cnf,
                layers: 1,
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
    let registry = FlowMethod::all().into_iter().fold(registry, Registry::with);
    registry.with(GlowFamily::new()).with(TarFlowFamily::new())
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
        vec![
            Ability::Generate,
            Ability::Complete,
            Ability::Score,
            Ability::Latent,
            Ability::Query,
            Ability::Inspect,
        ]
    }

    fn takes_class(&self) -> bool {
        true
    }

    fn likelihoods(&self) -> Vec<&'static str> {
        vec![
            "exact",
            "lower_bound (of categories, whole numbers, numbers that recur and missing ones)",
        ]
    }

    fn latents(&self) -> Option<LatentKind> {
        Some(LatentKind::Point)
    }

    fn open(&self, folder: &ModelFolder, device: &Device) -> Result<Model, Error> {
        let model = NormalizingFlow::load(folder.path(), device)?;
        let parameters = model.num_params();
        let given = conditions(folder)?;
        if given.is_empty() {
            let door =
                TensorModel::new(model, parameters, true, folder, device)?.generate().given();
            let door = door.density(policy()).latent(LatentKind::Point);
            return Ok(door
                .inspect(|model: &NormalizingFlow, batches| {
                    let report =
                        |x: Tensor<2>, condition: &Condition| model.inverse_report(x, condition);
                    Ok(vec![inverse(batches, report)?, recurring(batches)?])
                })
                .build());
        }
        let model = ConditionalFlow::new(model, given).map_err(|e| Error::Contradiction {
            path: folder.path().to_path_buf(),
            message: format!("config.json does not fit the conditions of card.json: {e}"),
        })?;
        let door = TensorModel::new(model, parameters, true, folder, device)?.generate().given();
        let door = door.density(policy()).latent(LatentKind::Point);
        Ok(door
            .inspect(|model: &ConditionalFlow, batches| {
                let report =
                    |x: Tensor<2>, condition: &Condition| model.inverse_report(x, condition);
                let found = [inverse(batches, report)?, recurring(batches)?];
                Ok(found.into_iter().chain(calibration(model, batches)?).collect())
            })
            .build())
    }

    #[cfg(feature = "train")]
    fn train(&self) -> Option<&dyn pyrogen_model::train::Train> {
        Some(self)
    }
}

/// The features that are a condition of the others; none where the card marks none.
fn conditions(folder: &ModelFolder) -> Result<Vec<usize>, Error> {
    let preparation = Preparation::from_card(&folder.card().data).map_err(|e| {
        let (path, message) = (folder.path().to_path_buf(), format!("card.json: {e}"));
        Error::Contradiction { path, message }
    })?;
    let marked = preparation.conditions().unwrap_or_default();
    Ok(marked.into_iter().map(|(feature, _)| feature).collect())
}

/// One reading of the exact density.
fn policy() -> ScorePolicy {
    ScorePolicy {
        draws: |_| 1,
        evaluated: |method, _| (method == ScoreMethod::Estimate).then_some(1),
    }
}

/// Whether the flow inverts on held-out items and in its tails.
fn inverse(
    batches: &InspectBatches,
    report: impl Fn(Tensor<2>, &Condition) -> Result<InverseReport, ModelError> + Sync,
) -> Result<Finding, Error> {
    let parts = batches.each("inverse", |x, condition, _| Ok(report(x, condition)?))?;
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
    // A condition needs no density.
    let conditions = batches.frame().given().map_or(&[][..], |given| given.features());
    let shares: Vec<f64> =
        (0..width).map(|j| if conditions.contains(&j) { 0.0 } else { share(j) }).collect();
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
