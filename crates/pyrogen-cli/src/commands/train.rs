//! `pyrogen train`

use std::path::Path;

use pyrogen::core::folder::{Card, DataCard};
use pyrogen::core::{FolderError, Seed, config};
use pyrogen::data::{Dataset, Holdout, PictureContext, Source, Split};
use pyrogen::train::{Limits, TrainConfig};
use serde_json::{Value, json};

use crate::args::{DeviceName, TrainArgs};
use crate::error::CliError;
use crate::family::{self, Asked, Defaults, Family, TrainJob};
use crate::output::print_line;
use crate::report;
use crate::session::{TEST_SHARE, VALIDATION_SHARE, device};

/// Trains a model and writes its run folder with a report.
pub fn run(args: TrainArgs) -> Result<(), CliError> {
    let order = Order {
        family: args.family,
        data: args.data,
        context: args.context,
        seed: Seed(args.seed),
        device: args.device.device,
        resume: args.resume,
        dashboard: args.dashboard,
    };
    if let Some(minutes) = args.minutes.filter(|m| !(m.is_finite() && *m > 0.0)) {
        return Err(CliError::Usage(format!("--minutes must be a number above 0, got {minutes}")));
    }
    let file = args.config.as_deref().map(read_config).transpose()?;
    let limits = (args.epochs.is_some() || args.steps.is_some() || args.minutes.is_some())
        .then_some(Limits { epochs: args.epochs, steps: args.steps, minutes: args.minutes });
    order.train(&args.out, |configs| {
        if let Some(file) = &file {
            config::merge(configs, file)?;
        }
        args.set.iter().try_for_each(|assignment| set(configs, assignment))?;
        if let Some(workers) = args.workers {
            config::set(configs, &format!("train.gradient.workers={workers}"))?;
        }
        let monitor = [
            ("--on-collapse", "on_collapse", args.on_collapse.map(|o| o.to_string())),
            ("--monitor-every", "every", args.monitor_every.map(|n| n.to_string())),
        ];
        for (option, field, value) in monitor {
            let Some(value) = value else { continue };
            if configs["train"]["players"].is_null() {
                return Err(CliError::Usage(format!(
                    "{option} is for families of two players (gan), whose training can collapse"
                )));
            }
            config::set(configs, &format!("train.players.monitor.{field}={value}"))?;
        }
        if let Some(limits) = limits {
            config::set(configs, &format!("train.limits={}", config::to_value(&limits)))?;
        }
        Ok(())
    })?;
    report::write(&args.out, &order.data, device(order.device)?, !args.no_evaluate)?;
    print_line(&format!("report: {}", args.out.join("report.html").display()))?;
    Ok(())
}

/// What is to be trained on what.
pub struct Order {
    /// The family.
    pub family: String,
    /// The data.
    pub data: Source,
    /// What the model is told of each example.
    pub context: Option<PictureContext>,
    /// The seed of the run.
    pub seed: Seed,
    /// The device.
    pub device: DeviceName,
    /// Whether to go on with an existing run.
    pub resume: bool,
    /// Whether to show plots instead of a bar.
    pub dashboard: bool,
}

impl Order {
    /// Shape of the context, if there is to be one.
    fn context_shape(
        &self,
        family: &dyn Family,
        data: &Dataset,
    ) -> Result<Option<Vec<usize>>, CliError> {
        let Some(context) = self.context else { return Ok(None) };
        if !family.capabilities().context {
            let name = family.name();
            return Err(CliError::Usage(format!("models of family `{name}` take no --context")));
        }
        let shape = context.shape(data.event_shape());
        shape.map(Some).map_err(|e| CliError::Usage(e.to_string()))
    }

    /// Trains into the folder; `change` acts on the defaults as JSON, `{"model", "train"}`.
    pub fn train(
        &self,
        out: &Path,
        change: impl FnOnce(&mut Value) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let family = family::find(&self.family)?;
        let device = device(self.device)?;
        let data = self.data.load()?;
        let Split { train, test: _ } = data.split(Holdout::Fraction(TEST_SHARE), self.seed)?;
        let Split { train, test: validation } =
            train.hold_out(Holdout::Fraction(VALIDATION_SHARE), self.seed)?;
        let told = self.context_shape(family.as_ref(), &train)?;
        let asked = Asked { data: &train, context: told.as_deref() };
        let Defaults { model, train: training } = family.defaults(asked)?;
        let mut configs = json!({"model": model, "train": config::to_value(&training)});
        if let Some(shape) = told {
            configs["model"]["context"] = json!(shape);
        }
        change(&mut configs)?;
        let training: TrainConfig = config::from_value(configs["train"].take())?;
        let model = configs["model"].take();
        let preparation = family.preparation(&model, &train)?;
        let sha256 = data.sha256();
        let mut record = json!({
            "family": self.family,
            "data": {"source": self.data.to_string(), "sha256": sha256},
            "model": model,
        });
        let context = self.context.map(|c| c.to_string());
        if let Some(context) = &context {
            record["data"]["context"] = json!(context);
        }
        let mut card = Card::new(&self.family, self.seed);
        let data = train.card(&self.data.to_string(), &preparation);
        card.data = DataCard { sha256, context, ..data };
        family.train(TrainJob {
            model,
            train: training,
            data: train,
            validation,
            preparation,
            context: self.context,
            seed: self.seed,
            device,
            out,
            resume: self.resume,
            dashboard: self.dashboard,
            record,
            card,
        })
    }
}

/// A key may leave out its part: `latents=8` is `model.latents=8`, `batch_size=8` is
/// `train.batch_size=8`.
fn set(configs: &mut Value, assignment: &str) -> Result<(), CliError> {
    let first = assignment.split(['.', '=']).next().unwrap_or_default().trim();
    let part = match first {
        "model" | "train" => return Ok(config::set(configs, assignment)?),
        name if configs["model"].get(name).is_some() => "model",
        name if configs["train"].get(name).is_some() => "train",
        name => {
            let names = |part: &str| match &configs[part] {
                Value::Object(fields) => fields.keys().cloned().collect::<Vec<_>>().join(", "),
                _ => String::new(),
            };
            return Err(CliError::Usage(format!(
                "config: unknown field `{name}`; model has {}; train has {}",
                names("model"),
                names("train")
            )));
        }
    };
    Ok(config::set(configs, &format!("{part}.{assignment}"))?)
}

fn read_config(path: &Path) -> Result<Value, CliError> {
    let bytes = std::fs::read(path).map_err(FolderError::io(path, "read"))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| CliError::Usage(format!("{}: is not UTF-8 text", path.display())))?;
    let config: Value = serde_json::from_str(&text)
        .map_err(|e| CliError::Usage(format!("{}: is not JSON: {e}", path.display())))?;
    let parts = config.as_object().is_some_and(|c| c.values().all(Value::is_object));
    if !parts {
        return Err(CliError::Usage(format!(
            "{}: must hold an object of `model` and `train`, each an object",
            path.display()
        )));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_find_their_part() {
        let mut c =
            json!({"model": {"latents": 2}, "train": {"batch_size": 4, "limits": {"epochs": 1}}});
        for assignment in ["latents=3", "batch_size=8", "train.limits.epochs=7"] {
            set(&mut c, assignment).unwrap();
        }
        assert_eq!(
            c,
            json!({"model": {"latents": 3}, "train": {"batch_size": 8, "limits": {"epochs": 7}}})
        );
        let error = set(&mut c, "width=3").unwrap_err().to_string();
        assert_eq!(
            error,
            "config: unknown field `width`; model has latents; train has batch_size, limits"
        );
    }
}
