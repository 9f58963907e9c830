//! Training by name.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use pyrogen_core::config;
use pyrogen_core::folder::{Card, DataCard, ModelFolder};
use pyrogen_data::{Data, Modality, Partition, Preparation};
use pyrogen_train::RunFolder;
use serde_json::{Value, json};

use super::trial::trial;
use super::{Defaults, Job, Observer, Plan, Train, Wanted, Wish, apply};
use crate::{Control, Error, Family, Model, Registry};

/// A training that has ended. Its folder stays locked until this is dropped.
#[derive(Debug)]
pub struct Trained {
    registry: Registry,
    folder: RunFolder,
    /// What was held out for tests.
    pub test: Option<Data>,
    /// What was learnt from.
    pub train: Data,
}

impl Trained {
    /// The run folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Checks that the run folder is still there.
    ///
    /// # Errors
    /// When it was removed or replaced.
    pub fn check(&self) -> Result<(), Error> {
        Ok(self.folder.check()?)
    }

    /// Opens the trained model.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn open(&self, device: &Device) -> Result<Model, Error> {
        self.registry.open(self.folder.path(), device)
    }
}

/// A wish, checked: what would be trained.
struct Prepared<'r> {
    family: &'r dyn Family,
    train: &'r dyn Train,
    parts: Partition,
    plan: Plan,
    from: Option<ModelFolder>,
    hashes: Hashes,
}

/// What identifies the data: the hash of it, and of the parts that were given beside it.
struct Hashes {
    data: String,
    test: Option<String>,
    validation: Option<String>,
}

/// What a wish comes to, without training.
///
/// # Errors
/// An unknown family, data that it does not take, or a setting that cannot be used.
pub fn plan(
    registry: &Registry,
    family: &str,
    data: &Data,
    makers_test: Option<&Data>,
    wish: &Wish,
) -> Result<Plan, Error> {
    Ok(prepare(registry, family, data, makers_test, wish)?.plan)
}

/// Trains a model of a family on data, into the wish's run folder: from nothing, from a model
/// folder (`wish.from`), or on from where the run in the folder stopped (`wish.existing`).
///
/// `makers_test` is the test part that the data's makers defined, if there is one.
///
/// # Errors
/// As [`plan`], and as [`Train::run`]. [`Error::Cancelled`] where the control was cancelled: the
/// state is saved then, and `resume` goes on.
pub fn train(
    registry: &Registry,
    family: &str,
    data: &Data,
    makers_test: Option<&Data>,
    wish: &Wish,
    observer: &mut dyn Observer,
    control: &Control,
) -> Result<Trained, Error> {
    let Prepared { family, train, parts, plan, from, hashes } =
        prepare(registry, family, data, makers_test, wish)?;
    let Partition { train: data, validation, test, .. } = parts;
    let (record, card) = describe(family, &plan, &data, &hashes, wish);
    let tried = |folder: &Path| trial(registry, folder, &data, &wish.device, wish.seed);
    let job = Job {
        plan,
        classes: classes([Some(&data), validation.as_ref(), test.as_ref()]),
        data: data.clone(),
        validation,
        context: wish.context,
        seed: wish.seed,
        device: wish.device.clone(),
        out: &wish.out,
        existing: wish.existing,
        dashboard: wish.dashboard,
        from,
        record,
        card,
        trial: &tried,
        observer,
        control,
    };
    let folder = train.run(job)?;
    Ok(Trained { registry: registry.clone(), folder, test, train: data })
}

fn prepare<'r>(
    registry: &'r Registry,
    name: &str,
    data: &Data,
    makers_test: Option<&Data>,
    wish: &Wish,
) -> Result<Prepared<'r>, Error> {
    let family = registry.find(name)?;
    family.check_modality(data.modality())?;
    let train = family.train().ok_or_else(|| {
        Error::Wish(format!("models of family `{name}` are opened here and not trained"))
    })?;
    let hashes = Hashes {
        data: data.sha256(),
        test: wish.test.as_ref().or(makers_test).map(Data::sha256),
        validation: wish.validation.as_ref().map(Data::sha256),
    };
    let parts = partition(data, makers_test, wish)?;
    let context_shape = context_shape(train, name, &parts.train, wish)?;
    let wanted = Wanted {
        data: &parts.train,
        context: wish.context,
        context_shape: context_shape.as_deref(),
    };
    let from = wish.from.as_deref().map(ModelFolder::open).transpose()?;
    let defaults = train.defaults(&wanted)?;
    let defaults = match &from {
        None => defaults,
        // The weights have the shape that their config says.
        Some(folder) => Defaults { model: folder.config::<Value>()?, train: defaults.train },
    };
    let settings = apply(defaults, wish, context_shape.as_deref())?;
    let mut plan = train.plan(settings, &wanted)?;
    if let (Some(folder), true) = (&from, plan.preparation.is_some()) {
        // What the weights have learnt to see.
        plan.preparation = Some(Preparation::from_card(&folder.card().data)?);
    }
    Ok(Prepared { family, train, parts, plan, from, hashes })
}

/// The number of classes of several parts.
fn classes(parts: [Option<&Data>; 3]) -> usize {
    let used = |data: &Data| {
        let labels = data.labels().unwrap_or_default();
        let most = labels.into_iter().max().map_or(0, |label| label as usize + 1);
        most.max(data.class_names().len())
    };
    parts.into_iter().flatten().map(used).max().unwrap_or(0)
}

/// The parts of the data, with given test and validation data in the place of shares.
fn partition(data: &Data, makers_test: Option<&Data>, wish: &Wish) -> Result<Partition, Error> {
    for given in [&wish.test, &wish.validation].into_iter().flatten() {
        if given.modality() != data.modality() {
            return Err(Error::Wish(format!(
                "the test or validation data is {}, the training data is {}",
                given.modality(),
                data.modality()
            )));
        }
    }
    let mut spec = wish.partition.clone();
    if wish.validation.is_some() {
        spec.validation = 0.0;
    }
    let makers = wish.test.as_ref().or(makers_test);
    let mut parts = data.partition(makers, &spec, wish.seed)?;
    if let Some(validation) = &wish.validation {
        parts.validation = Some(validation.clone());
    }
    Ok(parts)
}

/// Shape of the context, if there is to be one.
fn context_shape(
    train: &dyn Train,
    name: &str,
    data: &Data,
    wish: &Wish,
) -> Result<Option<Vec<usize>>, Error> {
    let Some(context) = wish.context else { return Ok(None) };
    if !train.takes_context() {
        return Err(Error::Wish(format!("models of family `{name}` take no context")));
    }
    let rows = data.raw_rows().filter(|_| data.modality() == Modality::Pictures);
    let rows = rows.ok_or_else(|| {
        Error::Wish(format!("a context is made from pictures, not {}", data.modality()))
    })?;
    let shape = context.shape(rows.event_shape());
    shape.map(Some).map_err(|e| Error::Wish(e.to_string()))
}

/// What `config.json` records of the run, and the card of its model.
fn describe(
    family: &dyn Family,
    plan: &Plan,
    data: &Data,
    hashes: &Hashes,
    wish: &Wish,
) -> (Value, Card) {
    let mut record = json!({
        "family": family.name(),
        "data": {"source": wish.source, "sha256": hashes.data},
        "model": plan.model,
    });
    let parts = [("test_sha256", &hashes.test), ("validation_sha256", &hashes.validation)];
    for (name, sha256) in parts {
        if let Some(sha256) = sha256 {
            record["data"][name] = json!(sha256);
        }
    }
    let mut split = config::to_value(&wish.partition);
    let named =
        [("test_source", &wish.test_source), ("validation_source", &wish.validation_source)];
    for (name, source) in named {
        if let Some(source) = source {
            split[name] = json!(source);
        }
    }
    if split != config::to_value(&pyrogen_data::PartitionSpec::default()) {
        record["data"]["split"] = split.clone();
    }
    let context = wish.context.map(|c| c.to_string());
    if let Some(context) = &context {
        record["data"]["context"] = json!(context);
    }
    if let Some(from) = &wish.from {
        record["from"] = json!(from);
    }
    let mut card = Card::new(family.name(), wish.seed);
    card.modality = Some(data.modality().name().to_string());
    card.split = Some(split);
    card.data = DataCard {
        source: wish.source.clone(),
        sha256: hashes.data.clone(),
        test_sha256: hashes.test.clone(),
        examples: data.len(),
        preparation: plan.preparation.as_ref().map_or(Value::Null, config::to_value),
        context,
    };
    (record, card)
}

/// The run folder of a wish.
impl Wish {
    /// The folder of the model that is trained.
    pub fn model_folder(&self) -> PathBuf {
        self.out.join("model")
    }
}
