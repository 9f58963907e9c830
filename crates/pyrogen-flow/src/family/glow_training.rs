//! How flows of pictures train.

use pyrogen_core::folder::ModelConfig;
use pyrogen_core::{Condition, config};
use pyrogen_data::{Dataset, Preparation, Recipe};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Train, Wanted, check_data, fit_gradient, fits_memory, rows_of, start_batch,
};
use pyrogen_train::{GradientConfig, OptimizerConfig, RunFolder, TrainConfig};
use serde_json::Value;

use super::glow::GlowFamily;
use super::training::{another_model, training};
use crate::{GLOW_FAMILY, Glow, GlowConfig};

/// Pictures a step.
const BATCH: usize = 64;

/// Whole numbers spread evenly over (0, 1).
///
/// # Errors
/// Pictures of real numbers: how exactly they are known is not said.
fn prepare(data: &Dataset) -> Result<Preparation, Error> {
    Ok(Preparation::fit(&Recipe::Dequantised { logit: None }, data)?)
}

impl Train for GlowFamily {
    fn schema(&self) -> Option<Value> {
        Some(schemars::schema_for!(GlowConfig).to_value())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = rows_of(wanted.data)?;
        let event = prepare(&data)?.event_shape();
        let levels = match event.as_slice() {
            &[_, height, width] => GlowConfig::levels_for(height, width)?,
            _ => 1,
        };
        let model = GlowConfig { event, levels, ..GlowConfig::default() };
        let train = TrainConfig {
            optimizer: OptimizerConfig { learning_rate: 1e-3, ..OptimizerConfig::default() },
            gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
            ..training(data.len(), BATCH)
        };
        Ok(Defaults { model: config::to_value(&model), train })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let model: GlowConfig = config::from_value(settings.model.clone())?;
        let parameters = model.num_params()?;
        fits_memory(parameters)?;
        let data = rows_of(wanted.data)?;
        Ok(Plan {
            model: settings.model,
            train: settings.train,
            preparation: Some(prepare(&data)?),
            parameters,
            examples: data.len(),
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let config: GlowConfig = config::from_value(job.plan.model.clone())?;
        let save = |model: &Glow, folder: &_, card: &_| model.save(folder, card);
        if let Some(folder) = &job.from {
            if folder.config::<GlowConfig>()? != config {
                return Err(another_model().into());
            }
            let model = <GlowConfig as ModelConfig>::load(GLOW_FAMILY, folder.path(), &job.device)?;
            check_data(&model, &job)?;
            return fit_gradient(job, model, save);
        }
        let model = config.init(job.seed, &job.device)?;
        check_data(&model, &job)?;
        let (batch, _) = start_batch(&job, 0)?;
        let labels = batch.labels.clone().filter(|_| config.classes.is_some());
        let condition = Condition { labels, context: None };
        fit_gradient(job, model.init_from_data(batch.x, &condition), save)
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_data::Data;

    use super::*;

    fn pictures(height: usize, width: usize) -> Data {
        let values = Noise::new(Seed(1)).uniform_vec(4 * height * width);
        let values = values.into_iter().map(|u| (u * 16.0).floor() as f32).collect();
        let data = Dataset::from_parts(values, vec![1, height, width], None).unwrap();
        Data::from_dataset(data.with_levels(16).unwrap())
    }

    #[test]
    fn levels_suit_the_sides_and_odd_sides_are_an_error() {
        let of = |height, width| {
            let data = pictures(height, width);
            let wanted = Wanted { data: &data, context: None, context_shape: None };
            let defaults = GlowFamily.defaults(&wanted)?;
            let plan = GlowFamily.plan(defaults, &wanted)?;
            Ok::<GlowConfig, Error>(config::from_value(plan.model).unwrap())
        };
        assert_eq!(of(8, 12).unwrap().levels, 2);
        assert_eq!(of(32, 64).unwrap().levels, 3);
        let error = of(8, 9).unwrap_err().to_string();
        assert!(error.contains("even") && error.contains("8 x 9"), "{error}");
    }
}
