//! How flows train.

use pyrogen_core::folder::ModelConfig;
use pyrogen_core::{ConfigError, config};
use pyrogen_data::{Preparation, RawRows, Recipe, SpreadColumns};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Save, Train, Wanted, check_data, fit_gradient, fits_memory, raw_rows,
};
use pyrogen_train::{
    Decay, GradientConfig, Limits, OptimizerConfig, RunFolder, ScheduleConfig, TrainConfig,
    ValidationConfig,
};
use serde_json::Value;

use super::FlowMethod;
use crate::{
    ConditionalFlow, Dequantisation, FeatureCells, FlowKind, NormalizingFlow, NormalizingFlowConfig,
};

/// Optimiser steps where nothing else is wished.
const STEPS: u64 = 4000;

/// Examples a step.
const BATCH: usize = 256;

/// Optimiser steps between two checkpoints, and about so many between two validations.
const EVERY: usize = 500;

/// How far whole numbers in (0, 1) are kept from the ends before the logit (Dinh et al. 2017, section 4.1).
const ALPHA: f64 = 0.05;

/// Numbers with a mean of 0 and a standard deviation of 1. What has no density (categories, numbers that
/// recur, whole numbers, constants, whether a number is missing) is spread over cells first, and the
/// likelihood is then a lower bound. Columns that are a condition are not spread, and numbers on a circle
/// become angles.
fn prepare(data: &dyn RawRows, model: &NormalizingFlowConfig) -> Result<Preparation, Error> {
    let columns =
        SpreadColumns { conditions: model.conditions.clone(), periods: model.periods.clone() };
    let recipe = match (data.schema(), data.levels()) {
        (None, Some(_)) if columns == SpreadColumns::default() => {
            Recipe::Dequantised { logit: Some(ALPHA) }
        }
        _ => Recipe::SpreadWith(columns),
    };
    Ok(Preparation::fit(&recipe, data)?)
}

/// The model of rows that are prepared like this.
fn fitted_to(model: NormalizingFlowConfig, preparation: &Preparation) -> NormalizingFlowConfig {
    let model = NormalizingFlowConfig { cells: cells(&model, preparation), ..model };
    if model.conditions.is_empty() && model.periods.is_empty() {
        return model;
    }
    let (given, learnt): (Vec<_>, Vec<_>) =
        preparation.features().into_iter().partition(|feature| feature.condition);
    let angles = learnt.iter().enumerate().filter(|(_, feature)| feature.circular);
    NormalizingFlowConfig {
        circular: angles.map(|(j, _)| j).collect(),
        event: vec![learnt.len()],
        context: (!given.is_empty()).then(|| vec![given.len()]),
        ..model
    }
}

/// The cells of the learnt features, where the noise within them is learnt.
fn cells(model: &NormalizingFlowConfig, preparation: &Preparation) -> Vec<FeatureCells> {
    if model.dequantisation == Dequantisation::Uniform {
        return Vec::new();
    }
    let features = preparation.features().into_iter().zip(preparation.cells());
    let learnt = features.filter(|(feature, _)| !feature.condition);
    let cells = learnt.enumerate().filter_map(|(feature, (_, edges))| {
        // A column of one category has nothing to learn.
        edges.filter(|edges| !edges.is_empty()).map(|edges| FeatureCells { feature, edges })
    });
    cells.collect()
}

/// How flows are trained where nothing else is wished.
pub(super) fn training(examples: usize, batch_size: usize) -> TrainConfig {
    let epochs = (EVERY * batch_size).div_ceil(examples.max(1)) as u64;
    TrainConfig {
        batch_size,
        limits: Limits { epochs: None, steps: Some(STEPS), minutes: None },
        optimizer: OptimizerConfig { learning_rate: 2e-3, ..OptimizerConfig::default() },
        schedule: ScheduleConfig { decay: Decay::Cosine, last: 0.01, warmup_steps: 100 },
        gradient: GradientConfig { clip_norm: Some(5.0), ..GradientConfig::default() },
        validation: ValidationConfig { every_epochs: epochs, ..ValidationConfig::default() },
        checkpoint_every: EVERY as u64,
        ..TrainConfig::default()
    }
}

/// What is said of a training that begins with a model of other settings.
pub(super) fn another_model() -> ConfigError {
    let expected = "left as it is in the model that training begins with";
    ConfigError::value("model", expected, "another")
}

/// The most features whose divergence a continuous flow trains with exactly.
const EXACT: usize = 16;

impl FlowMethod {
    /// The model where nothing else is wished.
    fn model(&self, event: Vec<usize>) -> NormalizingFlowConfig {
        let (flow, layers) = (self.flow(), self.layers);
        let mut model = NormalizingFlowConfig { event, flow, layers, ..Default::default() };
        let many = model.features() > EXACT;
        if let FlowKind::Continuous(continuous) = &mut model.flow {
            continuous.probes = many.then_some(1);
        }
        model
    }
}

impl Train for FlowMethod {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(NormalizingFlowConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let event = prepare(data, &NormalizingFlowConfig::default())?.event_shape();
        let model = self.model(event);
        Ok(Defaults { model: config::to_value(&model), train: training(data.len(), BATCH) })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let model: NormalizingFlowConfig = config::from_value(settings.model)?;
        let data = raw_rows(wanted.data)?;
        let preparation = prepare(data, &model)?;
        let model = fitted_to(model, &preparation);
        let parameters = model.num_params()?;
        fits_memory(parameters)?;
        Ok(Plan {
            model: config::to_value(&model),
            train: settings.train,
            preparation: Some(preparation),
            parameters,
            examples: data.len(),
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let config: NormalizingFlowConfig = config::from_value(job.plan.model.clone())?;
        let model = match &job.from {
            None => config.init(job.seed, &job.device)?,
            Some(folder) if folder.config::<NormalizingFlowConfig>()? == config => {
                let family = config.flow.method();
                <NormalizingFlowConfig as ModelConfig>::load(family, folder.path(), &job.device)?
            }
            Some(_) => return Err(another_model().into()),
        };
        let marked = job.plan.preparation.as_ref().and_then(Preparation::conditions);
        let Some(marked) = marked else {
            check_data(&model, &job)?;
            let save: Save<NormalizingFlow> = |model, folder, card| model.save(folder, card);
            return fit_gradient(job, model, save);
        };
        let given = marked.into_iter().map(|(feature, _)| feature).collect();
        let model = ConditionalFlow::new(model, given)?;
        check_data(&model, &job)?;
        let save: Save<ConditionalFlow> = |model, folder, card| model.flow().save(folder, card);
        fit_gradient(job, model, save)
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_data::{Column, ColumnKind, Data, Dataset, TableSchema, Toy};
    use pyrogen_model::Family;

    use super::*;

    #[test]
    fn defaults_are_those_of_the_method() {
        let points = Toy::Moons.dataset(50, &mut Noise::new(Seed(1)));
        let data = Data::from_dataset(points);
        let wanted = Wanted { data: &data, context: None, context_shape: None };
        for method in FlowMethod::all() {
            let defaults = method.defaults(&wanted).unwrap();
            let plan = method.plan(defaults.clone(), &wanted).unwrap();
            assert_eq!(plan.preparation.unwrap().event_shape(), [2]);
            let config: NormalizingFlowConfig = config::from_value(defaults.model).unwrap();
            assert_eq!((config.flow.method(), config.event.as_slice()), (method.name(), &[2][..]));
        }
    }

    #[test]
    fn what_has_no_density_is_spread() {
        let of = |values: Vec<f32>| {
            let data = Data::from_dataset(Dataset::from_parts(values, vec![2], None).unwrap());
            let wanted = Wanted { data: &data, context: None, context_shape: None };
            let method = FlowMethod::all()[0];
            let plan = method.plan(method.defaults(&wanted).unwrap(), &wanted).unwrap();
            plan.preparation.unwrap().is_random()
        };
        let mut values: Vec<f32> =
            Noise::new(Seed(2)).normal_vec(80).into_iter().map(|v| v as f32).collect();
        assert!(!of(values.clone()));
        // A constant.
        values.iter_mut().skip(1).step_by(2).for_each(|v| *v = 2.5);
        assert!(of(values));
        // Whether a number is missing, and the number: two features.
        let kinds = [("age", ColumnKind::Continuous), ("pay", ColumnKind::Continuous)];
        let mut columns = kinds.map(|(name, kind)| Column::new(name, kind)).to_vec();
        columns[1].blanks = vec!["NA".into()];
        let (values, schema) = (vec![1.0, f32::NAN, 2.5, 0.25], TableSchema { columns });
        let prepared = prepare(
            &Dataset::table(values, schema, None).unwrap(),
            &NormalizingFlowConfig::default(),
        )
        .unwrap();
        assert!(prepared.is_random() && prepared.event_shape() == [3]);
    }
}
