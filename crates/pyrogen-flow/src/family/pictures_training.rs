//! How flows of pictures train.

use pyrogen_core::{Condition, config};
use pyrogen_data::{Preparation, RawRows, Recipe};
use pyrogen_model::Error;
use pyrogen_model::train::{
    Defaults, Job, Plan, Train, Wanted, check_data, fit_gradient, fits_memory, raw_rows,
    start_batch,
};
use pyrogen_train::{GradientConfig, OptimizerConfig, RunFolder, TrainConfig};
use serde_json::Value;

use super::pictures::{PictureFamily, PictureFlow};
use super::training::{another_model, training};
use crate::Pixels;

/// Pictures a step.
const BATCH: usize = 64;

/// Whole numbers spread over their cells.
///
/// # Errors
/// Pictures of real numbers: how exactly they are known is not said.
fn prepare(data: &dyn RawRows, pixels: Pixels) -> Result<Preparation, Error> {
    let recipe = match pixels {
        Pixels::Even => Recipe::Dequantised { logit: None },
        Pixels::Normal => Recipe::LevelQuantiles,
    };
    Ok(Preparation::fit(&recipe, data)?)
}

impl<C: PictureFlow> Train for PictureFamily<C> {
    fn schema(&self) -> Option<Value> {
        Some(C::schema())
    }

    fn defaults(&self, wanted: &Wanted) -> Result<Defaults, Error> {
        let data = raw_rows(wanted.data)?;
        let event = prepare(data, Pixels::Even)?.event_shape();
        let train = TrainConfig {
            optimizer: OptimizerConfig { learning_rate: 1e-3, ..OptimizerConfig::default() },
            gradient: GradientConfig { clip_norm: Some(100.0), ..GradientConfig::default() },
            ..training(data.len(), BATCH)
        };
        Ok(Defaults { model: config::to_value(&C::suited_to(event)?), train })
    }

    fn plan(&self, settings: Defaults, wanted: &Wanted) -> Result<Plan, Error> {
        settings.train.validate()?;
        let model: C = config::from_value(settings.model.clone())?;
        let parameters = model.num_params()?;
        fits_memory(parameters)?;
        let data = raw_rows(wanted.data)?;
        Ok(Plan {
            model: settings.model,
            train: settings.train,
            preparation: Some(prepare(data, model.pixels())?),
            parameters,
            examples: data.len(),
        })
    }

    fn run(&self, job: Job) -> Result<RunFolder, Error> {
        let config: C = config::from_value(job.plan.model.clone())?;
        let save = |model: &C::Model, folder: &_, card: &_| {
            C::of(model).save(model, C::FAMILY, folder, card)
        };
        if let Some(folder) = &job.from {
            if folder.config::<C>()? != config {
                return Err(another_model().into());
            }
            let model = C::load(C::FAMILY, folder.path(), &job.device)?;
            return fit_gradient(job, model, save);
        }
        let model = config.init(job.seed, &job.device)?;
        check_data(&model, &job)?;
        let (batch, _) = start_batch(&job, 0)?;
        let condition = Condition { labels: batch.labels.clone(), context: None };
        fit_gradient(job, C::started(model, batch.x, &condition), save)
    }
}

#[cfg(test)]
mod tests {
    use pyrogen_core::{Noise, Seed};
    use pyrogen_data::{Data, Dataset};

    use super::*;
    use crate::family::{GlowFamily, TarFlowFamily};
    use crate::{GlowConfig, TarFlowConfig};

    fn pictures(height: usize, width: usize) -> Data {
        let values = Noise::new(Seed(1)).uniform_vec(4 * height * width);
        let values = values.into_iter().map(|u| (u * 16.0).floor() as f32).collect();
        let data = Dataset::from_parts(values, vec![1, height, width], None).unwrap();
        Data::from_dataset(data.with_levels(16).unwrap())
    }

    fn planned<C: PictureFlow>(family: &PictureFamily<C>, data: &Data) -> Result<C, Error> {
        let wanted = Wanted { data, context: None, context_shape: None };
        let plan = family.plan(family.defaults(&wanted)?, &wanted)?;
        Ok(config::from_value(plan.model).unwrap())
    }

    #[test]
    fn levels_suit_the_sides_and_odd_sides_are_an_error() {
        let of = |height, width| planned(&GlowFamily::new(), &pictures(height, width));
        let levels = |config: GlowConfig| config.levels;
        assert_eq!(of(8, 12).map(levels).unwrap(), 2);
        assert_eq!(of(32, 64).map(levels).unwrap(), 3);
        let error = of(8, 9).unwrap_err().to_string();
        assert!(error.contains("even") && error.contains("8 x 9"), "{error}");
    }

    #[test]
    fn patches_suit_the_sides() {
        let of = |height, width| planned(&TarFlowFamily::new(), &pictures(height, width));
        let patch = |config: TarFlowConfig| config.patch;
        assert_eq!(of(28, 28).map(patch).unwrap(), 2);
        assert_eq!(of(9, 27).map(patch).unwrap(), 3);
        assert_eq!(of(64, 64).map(patch).unwrap(), 4);
        assert_eq!(of(1, 7).map(patch).unwrap(), 1);
        let error = of(1, 1).unwrap_err().to_string();
        assert!(error.contains("two patches at least"), "{error}");
    }

    /// The preparation follows the setting.
    #[test]
    fn pixels_choose_the_preparation() {
        let data = pictures(4, 4);
        let wanted = Wanted { data: &data, context: None, context_shape: None };
        let family = TarFlowFamily::new();
        let mut defaults = family.defaults(&wanted).unwrap();
        let step = |settings: Defaults| {
            let plan = family.plan(settings, &wanted).unwrap();
            serde_json::to_string(&plan.preparation.unwrap()).unwrap()
        };
        defaults.model["pixels"] = "even".into();
        assert!(step(defaults.clone()).contains("dequantise"));
        defaults.model["pixels"] = "normal".into();
        assert!(step(defaults).contains("level_quantiles"));
    }
}
