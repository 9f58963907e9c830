//! What commands share: devices, models, data and the parts of it, requests.

mod device;
mod requests;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use pyrogen::Model;
use pyrogen::data::{Data, DataError, Dataset, Loaded, PartitionSpec, Source};
use pyrogen::model::Registry;
use pyrogen::prelude::Device;
use serde_json::Value;

pub use self::device::device;
pub use self::requests::{
    Conditions, evidence, request, request_given, sampler_options, set_options, text_options,
};
use crate::args::{ModelData, PartName};
use crate::error::CliError;
use crate::output::note;

/// Reads data and says what there is to say of it.
pub fn read(source: &Source) -> Result<Loaded, CliError> {
    let loaded = source.read()?;
    loaded.notes.iter().for_each(|n| note(&format!("note: {source}: {n}")));
    Ok(loaded)
}

/// Opens a model. Options that models are opened by are taken out of those that are given.
pub fn open(
    registry: &Registry,
    path: &Path,
    device: &Device,
    options: &mut Vec<String>,
) -> Result<Model, CliError> {
    let opening: Vec<&str> =
        registry.families().flat_map(|f| f.opening()).map(|spec| spec.name).collect();
    let mut given = serde_json::Map::new();
    options.retain(|option| match option.split_once('=') {
        Some((name, value)) if opening.contains(&name.trim()) => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
            given.insert(name.trim().to_string(), value);
            false
        }
        _ => true,
    });
    Ok(registry.open_with(path, device, &given)?)
}

/// Opens a model and reads the items of the data that are asked for.
pub fn with_data(registry: &Registry, args: &ModelData) -> Result<(Model, Data), CliError> {
    let model = registry.open(&args.model, &device(args.device.device)?)?;
    let data = part(&model, read(&args.data)?, args.part)?;
    Ok((model, data))
}

/// Opens a model and reads the items that are asked for, each with the place it comes from, where that
/// can be said.
pub fn with_origins(
    registry: &Registry,
    args: &ModelData,
) -> Result<(Model, Data, Option<Vec<String>>), CliError> {
    let model = registry.open(&args.model, &device(args.device.device)?)?;
    let loaded = read(&args.data)?;
    let (origins, rows) = (loaded.origins.clone(), rows(&model, &loaded, args.part)?);
    let data = part(&model, loaded, args.part)?;
    let named = origins.zip(rows).filter(|(_, rows)| rows.len() == data.len());
    let names = named.map(|(origins, rows)| rows.iter().map(|&i| origins.name(i)).collect());
    Ok((model, data, names))
}

/// The numbers of the items of a part within the data, where they are known.
fn rows(model: &Model, loaded: &Loaded, part: PartName) -> Result<Option<Vec<usize>>, CliError> {
    let same = model.card().data.sha256 == loaded.data.sha256();
    match part {
        PartName::HeldOut if same => {
            let spec = spec(model)?;
            let own = loaded.test.is_none() && !split_names(model, "test_source");
            let rows = match own {
                true => loaded.data.test_rows(&spec, model.card().seed)?,
                false => None,
            };
            Ok(rows)
        }
        PartName::Train => Ok(None),
        _ => Ok(Some((0..loaded.data.len()).collect())),
    }
}

/// Whether a model's card names data of its own for a part.
fn split_names(model: &Model, part: &str) -> bool {
    model.card().split.as_ref().is_some_and(|split| split[part].is_string())
}

/// How a model's data was split, by its card.
fn spec(model: &Model) -> Result<PartitionSpec, CliError> {
    let mut fields = model.card().split.clone().unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut fields {
        fields.retain(|name, _| !name.ends_with("_source"));
    }
    match fields {
        Value::Null => Ok(PartitionSpec::default()),
        fields => Ok(pyrogen::core::config::from_value(fields)?),
    }
}

/// The parts of its data that a model's card names: seed and shares are the card's.
fn partition(
    model: &Model,
    loaded: &Loaded,
    part: PartName,
) -> Result<pyrogen::data::Partition, CliError> {
    let card = model.card();
    let split = card.split.clone().unwrap_or(Value::Null);
    let given = |name: &str| -> Result<Option<Data>, CliError> {
        let Some(text) = split.get(name).and_then(Value::as_str) else { return Ok(None) };
        Ok(Some(read(&text.parse::<Source>()?)?.data))
    };
    let mut spec = spec(model)?;
    let (test, validation) = (given("test_source")?, given("validation_source")?);
    if validation.is_some() || part == PartName::Train {
        // What decided which state is best was seen, too.
        spec.validation = 0.0;
    }
    let makers = test.as_ref().or(loaded.test.as_ref());
    if let (Some(was), Some(now)) = (&card.data.test_sha256, makers)
        && !now.has_sha256(was)
    {
        let name = split.get("test_source").and_then(Value::as_str).unwrap_or(&card.data.source);
        return Err(CliError::Failed(format!(
            "the test part of {name} is not the one that was held out when the model was trained: \
             it has changed; give --part all for all of the data"
        )));
    }
    Ok(loaded.data.partition(makers, &spec, card.seed)?)
}

/// The items of the data that are asked for. Training data is known by its hash: a file may have
/// been moved; where it has changed, that is said.
pub fn part(model: &Model, loaded: Loaded, part: PartName) -> Result<Data, CliError> {
    let card = model.card();
    if part == PartName::All {
        return Ok(loaded.data);
    }
    match (loaded.data.has_sha256(&card.data.sha256), part) {
        (true, PartName::Train) => Ok(partition(model, &loaded, part)?.train),
        (true, _) => partition(model, &loaded, part)?.test.ok_or_else(|| {
            CliError::Usage(
                "the model was trained on all of the data, nothing was held out: give --part all \
                 or other data"
                    .into(),
            )
        }),
        (false, PartName::Train) => Err(CliError::Usage(format!(
            "--part train needs the data the model was trained on ({})",
            card.data.source
        ))),
        (false, _) => {
            if !fits(model, &loaded.data)? {
                // The error of what comes next says so.
                return Ok(loaded.data);
            }
            note(&format!(
                "note: this is not the data that the model was trained on ({}), or it has changed: \
                 all {} items are used",
                card.data.source,
                loaded.data.len()
            ));
            Ok(loaded.data)
        }
    }
}

/// Whether items have the shape that a model takes.
fn fits(model: &Model, data: &Data) -> Result<bool, CliError> {
    let (Some(layout), Some(rows)) = (model.layout(), data.raw_rows()) else { return Ok(true) };
    Ok(!layout.is_picture() || rows.event_shape() == layout.event)
}

/// What training saw of the data, or all of it where it is other data.
pub fn seen(model: &Model, loaded: Loaded) -> Result<Data, CliError> {
    match part(model, loaded.clone(), PartName::Train) {
        Ok(data) => Ok(data),
        Err(_) => Ok(loaded.data),
    }
}

/// Pictures as the command line names them: a data source, or one picture file.
#[derive(Debug, Clone)]
pub enum Pictures {
    /// Data.
    Source(Source),
    /// A picture file.
    File(PathBuf),
}

/// Endings of picture files.
const ENDINGS: [&str; 4] = ["png", "jpg", "jpeg", "bmp"];

impl FromStr for Pictures {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        let ending = Path::new(text).extension().unwrap_or_default().to_ascii_lowercase();
        match text.parse() {
            Ok(source) => Ok(Self::Source(source)),
            Err(_) if ENDINGS.iter().any(|e| ending == *e) => Ok(Self::File(text.into())),
            Err(unknown) => Err(unknown),
        }
    }
}

impl Pictures {
    fn load(&self) -> Result<Loaded, CliError> {
        match self {
            Self::Source(source) => read(source),
            Self::File(path) => Ok(Source::new("images", path, &[])?.read()?),
        }
    }

    /// The items, in the grey values of the model's.
    pub fn items(&self, model: &Model) -> Result<Data, CliError> {
        part(model, in_levels(model, self.load()?)?, PartName::HeldOut)
    }
}

/// Pictures with the grey values that a model's data has; a file has 256 of them, whatever was
/// drawn.
fn in_levels(model: &Model, loaded: Loaded) -> Result<Loaded, CliError> {
    let Some(layout) = model.layout() else { return Ok(loaded) };
    let Some(rows) = loaded.data.raw_rows() else { return Ok(loaded) };
    let grey = (rows.layout().levels, rows.layout().range);
    let own = (layout.levels, layout.range);
    if !layout.is_picture()
        || own == (None, None)
        || grey == own
        || rows.event_shape() != layout.event
    {
        return Ok(loaded);
    }
    let rows = rows.to_dataset()?;
    let raw = layout.of_unit(&rows.layout().to_unit(rows.values()));
    let labels = rows.labels().map(<[u32]>::to_vec);
    let of = |raw| Dataset::from_parts(raw, layout.event.clone(), labels);
    let rows = match own {
        (Some(levels), _) => of(raw.into_iter().map(f32::round).collect())?.with_levels(levels)?,
        (None, Some([black, white])) => of(raw)?.with_range(black, white)?,
        (None, None) => of(raw)?,
    };
    Ok(Loaded::new(Data::from_dataset(rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_or_a_picture_file() {
        assert!(matches!("digits".parse(), Ok(Pictures::Source(_))));
        assert!(matches!("images:a.png".parse(), Ok(Pictures::Source(_))));
        assert!(matches!("a/b.PNG".parse(), Ok(Pictures::File(_))));
        let error = "a.gif".parse::<Pictures>().unwrap_err().to_string();
        assert!(error.contains("unknown data source `a.gif`"), "{error}");
    }
}
